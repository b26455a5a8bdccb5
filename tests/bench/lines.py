"""The measurements: each drives the public edges as signed-in staff and answers figures beside its ceiling."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import psycopg
from e2e.office import Office

from bench import ceilings
from bench.clients import Told, closed_loop, open_loop
from bench.machine import Usage, memory
from bench.people import PLANTED
from tiaochu.intake.v1 import case_commands_pb2 as commands
from tiaochu.intake.v1 import case_queries_pb2 as queries
from tiaochu.mediation.v1 import mediation_service_pb2 as agreeing
from tiaochu.reporting.v1 import projection_service_pb2, report_service_pb2
from tiaochu.routing.v1 import responsibility_service_pb2 as routing
from tiaochu_demo import feed
from tiaochu_demo.directory import CITY
from tiaochu_demo.driver import Cast, Mediator
from tiaochu_demo.driver.clerk import registration
from tiaochu_demo.settling import Settling
from tiaochu_demo.synthetic.register import build_register

_PAGE = 100
"""Hits on the largest page of a search."""


@dataclass
class Result:
    """One line of the table."""

    line: str
    figures: dict[str, str]
    target: str
    met: bool | None
    ceiling: str = ""
    note: str = ""
    cpu: dict[str, float] = field(default_factory=dict)
    jobs: int = 0


@dataclass
class Bench:
    """What a measurement has at hand."""

    office: Office
    seconds: float
    runs: int
    villages: list[str]
    said: Callable[[str], None]

    @property
    def wire(self) -> Any:
        """The client."""
        return self.office.wire

    def connect(self, service: str) -> psycopg.Connection[Any]:
        """A connection as the service's role, for all districts."""
        database = self.wire.stack.addresses["databases"][service]
        connection = psycopg.connect(database["url"], password=Path(database["password_file"]).read_text(), autocommit=True)
        connection.execute("SELECT set_config('tiaochu.districts', '*', false)")
        return connection

    async def settle(self) -> float:
        """Wait until everybody has read everything; answers the seconds it took."""
        begun = time.perf_counter()
        await Settling(self.wire, self.office.cast).settle()
        return time.perf_counter() - begun

    def receiver(self, number: int) -> str:
        """Villages in turn."""
        return self.villages[number % len(self.villages)]

    def cpu(self, usage: Usage, jobs: int) -> dict[str, float]:
        """Processor milliseconds a job, by part."""
        return {name: seconds * 1000 / jobs for name, seconds in usage.since().items()} if jobs else {}


async def short_lifecycle(bench: Bench) -> Result:
    """Register, classify, lead by rule, accept on the spot, rights, oral agreement, mediator's mark, search; then all effects in reporting."""

    async def life(number: int) -> None:
        _, clerk, unit = await bench.office.classified(bench.receiver(number), leaf="0201")
        await unit.accept(on_the_spot=True)
        mediator = Mediator(clerk.matter, unit.actor(agreeing.DraftAgreementRequest).person_id, unit.organ.id)
        await mediator.tell_rights()
        draft = await mediator.draft((), form="oral")
        await mediator.sign(draft)
        await clerk.ask(queries.SearchCasesRequest(text=clerk.matter.case_number, page_size=5))

    return await _lives(bench, "short lifecycle", life, 80.0, 500.0, clients=24)


async def full_lifecycle(bench: Bench) -> Result:
    """A mediated case with a session, a written agreement, performance, visit and closing."""

    async def life(number: int) -> None:
        office = bench.office
        _, _, mediator = await office.seated(bench.receiver(number), leaf="0201")
        session = await mediator.appoint(office.now() + timedelta(seconds=1), waived=True, study="")
        await asyncio.sleep(1.2)
        await mediator.hold(session, "agreed")
        draft = await mediator.draft((office.payment(),))
        await mediator.sign(draft)
        await mediator.perform(draft, 0)
        await mediator.visit("performed")
        await mediator.close()

    return await _lives(bench, "full lifecycle", life, 30.0, None, clients=48)


async def _lives(
    bench: Bench, line: str, life: Callable[[int], Awaitable[None]], target: float, p95: float | None, *, clients: int
) -> Result:
    await closed_loop(life, 4, 2)
    rates, told, usage = [], Told(), Usage(bench.wire.stack)
    calls = bench.wire.calls
    for _ in range(bench.runs):
        once = await closed_loop(life, clients, bench.seconds)
        drained = await bench.settle()
        rates.append(len(once.times) / (once.seconds + drained))
        told.times += once.times
        told.errors += once.errors
        bench.said(f"  {line}: {rates[-1]:.1f}/s, drained after {drained:.1f} s, {dict(once.errors)}")
    rate = statistics.median(rates)
    echo = await ceilings.grpc_echo(clients, 2)
    per_life = (bench.wire.calls - calls) / max(1, len(told.times))
    return Result(
        line,
        {
            "/s": f"{rate:.1f}",
            "p50 ms": f"{told.percentile(0.5):.0f}",
            "p95 ms": f"{told.percentile(0.95):.0f}",
            "errors": str(dict(told.errors)),
        },
        f"≥ {target:g}/s" + (f", p95 < {p95:g} ms" if p95 else ""),
        rate >= target and (p95 is None or told.percentile(0.95) < p95),
        f"bare gRPC echo {echo:.0f} calls/s; {per_life:.1f} calls a life: ratio {rate * per_life / echo:.2f}",
        cpu=bench.cpu(usage, len(told.times)),
        jobs=len(told.times),
    )


async def register(bench: Bench) -> Result:
    """Durable registration with two parties and one file, 8 clients, beside pgbench writing the same rows."""
    office = bench.office
    cases = [office.write(bench.receiver(n)) for n in range(50)]
    actor = {n: office.cast.at(commands.RegisterCaseRequest, cases[n].first_receiver_organ_id) for n in range(50)}

    async def job(number: int) -> None:
        request = registration(cases[number % 50], office.now())
        await bench.wire.ask(actor[number % 50], request)

    first = await office.registered(bench.receiver(0))
    await closed_loop(job, 8, 2)
    rates, told, usage = [], Told(), Usage(bench.wire.stack)
    for _ in range(bench.runs):
        once = await closed_loop(job, 8, bench.seconds)
        rates.append(once.rate)
        told.times += once.times
        told.errors += once.errors
    cpu = bench.cpu(usage, len(told.times))
    await bench.settle()
    ceiling = [await asyncio.to_thread(ceilings.pgbench, bench.wire.stack, first[1].matter.case_id, 4) for _ in range(bench.runs)]
    _sweep(bench)
    rate, best = statistics.median(rates), statistics.median(ceiling)
    return Result(
        "durable register, 8 clients",
        {
            "/s": f"{rate:.0f}",
            "p50 ms": f"{told.percentile(0.5):.1f}",
            "p95 ms": f"{told.percentile(0.95):.1f}",
            "errors": str(dict(told.errors)),
        },
        "≥ 0.25 of pgbench",
        rate / best >= 0.25,
        f"pgbench, same rows: {best:.0f}/s; ratio {rate / best:.2f}",
        "the file is uploaded beforehand and not part of the command",
        cpu,
        len(told.times),
    )


def _sweep(bench: Bench) -> None:
    """Take away what pgbench wrote."""
    with bench.connect("intake") as connection:
        for condition in (
            *("cases WHERE case_number LIKE 'bench-%'", "case_texts WHERE written_by = 'bench'", "staff_acts WHERE staff_id = 'bench'"),
            *("case_access WHERE producer = 'bench'", "journal WHERE district = 'bench'", "request_keys WHERE caller = 'bench'"),
        ):
            connection.execute(f"DELETE FROM {condition}")


async def worklist(bench: Bench) -> Result:
    """A unit's worklist by clock, page after page; villages, towns and the centre."""
    office = bench.office
    units = [*bench.villages[:6], "t001", "centre"]
    actors = [office.cast.above(routing.ListWorklistRequest, office.organ(code)) for code in units]
    pages = 0
    token = ""
    leader = office.cast.role("dispatcher")
    while pages < 1000:
        answer = await bench.wire.ask(leader, routing.ListWorklistRequest(with_subordinates=True, page_size=50, page_token=token))
        if not answer.next_page_token:
            break
        token, pages = answer.next_page_token, pages + 1

    async def first(number: int) -> None:
        await bench.wire.ask(actors[number % len(actors)], routing.ListWorklistRequest(with_subordinates=number % 2 == 0, page_size=50))

    async def last(_: int) -> None:
        await bench.wire.ask(leader, routing.ListWorklistRequest(with_subordinates=True, page_size=50, page_token=token))

    usage = Usage(bench.wire.stack)
    runs = [await closed_loop(first, 8, bench.seconds) for _ in range(bench.runs)]
    cpu = bench.cpu(usage, sum(len(r.times) for r in runs))
    far = await closed_loop(last, 8, bench.seconds)
    rate = statistics.median(r.rate for r in runs)
    p95 = statistics.median(r.percentile(0.95) for r in runs)
    echo = await ceilings.grpc_echo(8, 2)
    return Result(
        "worklist, 8 clients",
        {
            "/s": f"{rate:.0f}",
            "p95 ms": f"{p95:.0f}",
            f"page {pages} /s": f"{far.rate:.0f}",
            f"page {pages} p95 ms": f"{far.percentile(0.95):.0f}",
        },
        "≥ 500/s, p95 < 20 ms, same at page 1,000",
        rate >= 500 and p95 < 20 and far.percentile(0.95) < 20,
        f"bare gRPC echo {echo:.0f} calls/s; ratio {rate / echo:.2f}",
        f"errors {dict(runs[0].errors + far.errors)}",
        cpu,
        sum(len(r.times) for r in runs),
    )


async def search(bench: Bench) -> Result:
    """Phrases from 30 % of all texts down to one case, by the centre and by a village; recall against a scan of the texts."""
    office = bench.office
    leader = office.cast.role("dispatcher")
    village = office.cast.above(queries.SearchCasesRequest, office.organ(bench.villages[0]))
    terms = [*(phrase for phrase, _ in PLANTED), "赔偿", "界址", "补充说明:此事前后已花费", "经询问,申请人未就同一事项起诉或申请仲裁"]
    wrong = checked = 0
    times: dict[str, Told] = {}
    with bench.connect("intake") as connection:
        for term in terms:
            answer = await bench.wire.ask(leader, queries.SearchCasesRequest(text=term, include_history=True, page_size=_PAGE))
            found = [c.case_id for c in answer.cases]
            wanted = await asyncio.to_thread(_scanned, connection, term, found)
            checked += len(wanted)
            wrong += len(wanted - set(found))
    usage = Usage(bench.wire.stack)
    for actor, who in ((leader, "centre"), (village, "village")):
        for term in terms:

            async def job(_: int, actor: Any = actor, term: str = term) -> None:
                await bench.wire.ask(actor, queries.SearchCasesRequest(text=term, include_history=True, page_size=20))

            told = await closed_loop(job, 1, max(1.0, bench.seconds / 6))
            times[f"{who} {term[:8]}"] = told
    every = Told(seconds=1.0, times=[t for told in times.values() for t in told.times])
    slowest = max(times, key=lambda k: times[k].percentile(0.95))
    return Result(
        "search",
        {
            "p50 ms": f"{every.percentile(0.5):.0f}",
            "p95 ms": f"{every.percentile(0.95):.0f}",
            "slowest term": f"{slowest} p95 {times[slowest].percentile(0.95):.0f} ms",
            "recall": f"{checked - wrong}/{checked}",
        },
        "recall 100 %, p95 < 100 ms",
        wrong == 0 and every.percentile(0.95) < 100,
        "a scan of the texts",
        f"{len(terms)} terms of 2 to 20 characters, 2 scopes, one client",
        bench.cpu(usage, len(every.times)),
        len(every.times),
    )


def _scanned(connection: psycopg.Connection[Any], term: str, found: list[str]) -> set[str]:
    """Cases whose facts hold the term, as far back as the page reaches (all of them where it is not full), by reading every text."""
    since = connection.execute("SELECT min(received_at) FROM cases WHERE id = ANY(%s::uuid[])", (found,)).fetchone()
    oldest = since[0] if since and len(found) == _PAGE else None
    rows = connection.execute(
        "SELECT c.id::text FROM cases c JOIN case_texts t ON t.case_id = c.id WHERE t.kind = 'facts' AND c.district = %s "
        "AND strpos(t.body, %s) > 0 AND (%s::timestamptz IS NULL OR c.received_at > %s)",
        (CITY, term, oldest, oldest),
    )
    return {case_id for (case_id,) in rows}


async def freshness(bench: Bench) -> Result:
    """From the answer of a command to its fact in reporting, at 50 commands a second."""
    office = bench.office
    cases = [office.write(bench.receiver(n)) for n in range(50)]
    written: dict[str, float] = {}
    delays: list[float] = []
    done = asyncio.Event()

    async def job(number: int) -> None:
        case = cases[number % 50]
        request = registration(case, office.now())
        await bench.wire.ask(office.cast.at(commands.RegisterCaseRequest, case.first_receiver_organ_id), request)
        written[request.case_id] = time.perf_counter()

    async def watch() -> None:
        with bench.connect("reporting") as connection:
            while not done.is_set() or written:
                arrived = await asyncio.to_thread(_arrived, connection, list(written))
                delays.extend(time.perf_counter() - written.pop(case_id) for case_id in arrived)
                await asyncio.sleep(0.01)

    watcher = asyncio.create_task(watch())
    usage = Usage(bench.wire.stack)
    told = await open_loop(job, 50, bench.seconds * 2)
    done.set()
    await asyncio.wait_for(watcher, 60)
    seen = Told(times=delays)
    return Result(
        "commit → visible in reporting, 50 commands/s",
        {"p50 ms": f"{seen.percentile(0.5):.0f}", "p99 ms": f"{seen.percentile(0.99):.0f}", "commands": str(len(told.times))},
        "p99 < 250 ms",
        seen.percentile(0.99) < 250,
        f"bare JetStream publish {await ceilings.jetstream(bench.wire.stack, 2):.0f}/s",
        f"seen by asking every 10 ms; errors {dict(told.errors)}",
        bench.cpu(usage, len(told.times)),
        len(told.times),
    )


def _arrived(connection: psycopg.Connection[Any], cases: list[str]) -> list[str]:
    """Those of the cases that reporting counts."""
    sql = "SELECT DISTINCT case_id::text FROM facts WHERE lineage = (SELECT lineage FROM lineages WHERE state = 'live') AND case_id = ANY(%s::uuid[])"
    return [case_id for (case_id,) in connection.execute(sql, (cases,))]


async def spike(bench: Bench) -> Result:
    """Registrations at 2/s, then 35 times that, then how long until everybody has read everything."""
    office = bench.office
    cases = [office.write(bench.receiver(n)) for n in range(50)]

    async def job(number: int) -> None:
        case = cases[number % 50]
        await bench.wire.ask(office.cast.at(commands.RegisterCaseRequest, case.first_receiver_organ_id), registration(case, office.now()))

    calm = await open_loop(job, 2, 5)
    high = await open_loop(job, 70, 60)
    drained = await bench.settle()
    return Result(
        "spike 2/s → 70/s for 60 s",
        {
            "calm p95 ms": f"{calm.percentile(0.95):.0f}",
            "spike p95 ms": f"{high.percentile(0.95):.0f}",
            "answered": str(len(high.times)),
            "errors after retries": str(dict(high.errors)),
            "drained after s": f"{drained:.1f}",
        },
        "no error a retry does not satisfy; drained ≤ 30 s after",
        not high.errors and drained <= 30,
    )


async def month(bench: Bench) -> Result:
    """The month table of the whole county."""
    office = bench.office
    leader = office.cast.role("dispatcher")
    periods = ["2025-03", "2025-09", "2026-01", "2026-06", "2026-10", "2026-12"]

    async def job(number: int) -> None:
        await bench.wire.ask(leader, report_service_pb2.GetMonthTableRequest(period=periods[number % len(periods)]))

    await job(0)
    usage = Usage(bench.wire.stack)
    told = await closed_loop(job, 1, bench.seconds)
    return Result(
        "month table",
        {"p50 ms": f"{told.percentile(0.5):.0f}", "p95 ms": f"{told.percentile(0.95):.0f}"},
        "< 100 ms",
        told.percentile(0.5) < 100,
        note=f"errors {dict(told.errors)}",
        cpu=bench.cpu(usage, len(told.times)),
        jobs=len(told.times),
    )


async def rebuild(bench: Bench) -> Result:
    """All of reporting from zero, beside the live tables."""
    office = bench.office
    with bench.connect("reporting") as connection:
        events = sum(p for (p,) in connection.execute("SELECT position FROM cursors WHERE producer NOT LIKE '%#%'"))
        begun = time.perf_counter()
        before = connection.execute("SELECT max(lineage) FROM lineages").fetchone()
        await bench.wire.ask(office.cast.role("system_admin"), projection_service_pb2.StartRebuildRequest())
        while True:
            row = connection.execute("SELECT max(lineage) FROM lineages WHERE state = 'live'").fetchone()
            if row != before:
                break
            if time.perf_counter() - begun > 900:
                break
            await asyncio.sleep(0.5)
        seconds = time.perf_counter() - begun
    return Result(
        "rebuild of reporting",
        {"events/s": f"{events / seconds:.0f}", "events": str(events), "s": f"{seconds:.0f}"},
        "≥ 5,000 events/s",
        events / seconds >= 5000,
    )


async def imports(bench: Bench) -> Result:
    """Rows of registers (200 rows each) that become cases."""
    office = bench.office
    actor = office.cast.role("dispatcher")
    rows, begun, used = 0, time.perf_counter(), memory(bench.wire.stack)["intake"]
    usage = Usage(bench.wire.stack)
    rng = Random(time.time_ns())
    spent = 0.0
    with tempfile.TemporaryDirectory() as folder:
        while spent < bench.seconds:
            workbook = build_register(office.cast.directory, rng.getrandbits(40), office.now().date()).save(Path(folder) / "register.xlsx")
            begun = time.perf_counter()
            imported = await feed.import_register(bench.wire, actor, workbook)
            spent += time.perf_counter() - begun
            rows += len(imported.cases) + len(imported.refused)
    more = (memory(bench.wire.stack)["intake"] - used) / 2**20
    return Result(
        "register import",
        {"rows/s": f"{rows / spent:.0f}", "rows": str(rows), "more memory MB": f"{more:.0f}"},
        "≥ 500 rows/s, constant memory",
        rows / spent >= 500,
        cpu=bench.cpu(usage, rows),
        jobs=rows,
    )


async def fairness(bench: Bench) -> Result:
    """The neighbour at 0.5 registrations a second, alone and beside the city at 50 times that; alternating."""
    office = bench.office
    cast: Cast = office.others
    code = next(o.code for o in cast.directory.organs if o.tier == "city" or o.code == "centre")
    organ = cast.directory.organs_by_code[code]
    book = type(office.book)(cast.directory, Random(time.time_ns()), office.now().date())
    theirs = [
        book.write(f"fair:{n}", "0201", "window", organ, received_on=office.now().date(), difficulty="simple", risk="none")
        for n in range(20)
    ]
    ours = [office.write(bench.receiver(n)) for n in range(50)]

    async def small(number: int) -> None:
        await bench.wire.ask(cast.above(commands.RegisterCaseRequest, organ.id), registration(theirs[number % 20], office.now()))

    async def big(number: int) -> None:
        case = ours[number % 50]
        await bench.wire.ask(office.cast.at(commands.RegisterCaseRequest, case.first_receiver_organ_id), registration(case, office.now()))

    alone, beside = [], []
    errors: dict[str, int] = {}
    for _ in range(bench.runs):
        alone.append((await open_loop(small, 0.5, 16)).percentile(0.95))
        told, loud = await asyncio.gather(open_loop(small, 0.5, 16), open_loop(big, 25, 16))
        beside.append(told.percentile(0.95))
        errors = dict(told.errors + loud.errors)
    a, b = statistics.median(alone), statistics.median(beside)
    return Result(
        "two districts, one at 50 × the other",
        {"alone p95 ms": f"{a:.0f}", "beside p95 ms": f"{b:.0f}"},
        "≤ max(1.2 ×, + 20 ms)",
        b <= max(1.2 * a, a + 20),
        note=f"the demonstration's directory has two districts, not five; errors {errors}",
    )


async def pss(bench: Bench) -> Result:
    """Proportional set size of every process of the stack."""
    found = memory(bench.wire.stack)
    total = sum(found.values()) / 2**20
    return Result(
        "memory of the stack (PSS)",
        {"MB": f"{total:.0f}", **{name: f"{value / 2**20:.0f}" for name, value in sorted(found.items())}},
        "< 900 MB",
        total < 900,
    )


LINES: dict[str, Callable[[Bench], Awaitable[Result]]] = {
    "month": month,
    "search": search,
    "worklist": worklist,
    "register": register,
    "short": short_lifecycle,
    "full": full_lifecycle,
    "freshness": freshness,
    "import": imports,
    "fairness": fairness,
    "spike": spike,
    "memory": pss,
    "rebuild": rebuild,
}
