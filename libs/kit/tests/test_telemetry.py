"""One trace from the caller over the database and the broker to the other service, and figures that tell what is behind."""

from dataclasses import replace

import httpx2
import orjson
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from tiaochu_domainkit.errors import DomainError
from tiaochu_kit import figures
from tiaochu_kit.runner import App, Kit
from tiaochu_testkit.services import Cell, Running
from tiaochu_testkit.toy import alpha, beta
from tiaochu_testkit.toy.protos import AddToThingRequest, GetThingRequest, OpenThingRequest, PlanThingRequest
from tiaochu_testkit.waiting import eventually

THINGS = "tiaochu.alpha.v1.ThingService"
TRACE_ID, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
MARK = "欧阳测试13800138000"


@pytest.fixture(scope="module")
def exporter() -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    figures.setup()
    return exporter


@pytest.fixture
def spans(exporter: InMemorySpanExporter) -> InMemorySpanExporter:
    exporter.clear()
    return exporter


def of_trace(spans: InMemorySpanExporter) -> list[ReadableSpan]:
    return [s for s in spans.get_finished_spans() if s.context and f"{s.context.trace_id:032x}" == TRACE_ID]


def edges(spans: InMemorySpanExporter) -> set[tuple[str, str]]:
    """(name of the parent, name) of every span of the trace."""
    members = of_trace(spans)
    names = {s.context.span_id: s.name for s in members if s.context}
    return {(names.get(s.parent.span_id, "caller") if s.parent else "none", s.name) for s in members}


def telling(kit: Kit) -> App:
    async def tell(ident: str, key: str, _district: str) -> None:
        await kit.peers.call("alpha", f"{THINGS}/GetThing", GetThingRequest(case_id=key), request_id=ident)

    return replace(alpha.build(kit), calls={"tell": tell})


async def traced(a: Running, rpc: str, request: object) -> str:
    answer = await a.call(f"{THINGS}/{rpc}", request, traceparent=f"00-{TRACE_ID}-{CALLER}-01")  # type: ignore[arg-type]
    return str(answer.case_id)


@pytest.mark.req("PF1")
async def test_one_trace_goes_over_call_database_event_consumer_and_durable_call(cell: Cell, spans: InMemorySpanExporter) -> None:
    cell.port("alpha")
    async with cell.running("alpha", "toy", telling) as a, cell.running("beta", "toy", beta.build):
        case_id = await traced(a, "OpenThing", OpenThingRequest(district="329901"))
        await traced(a, "PlanThing", PlanThingRequest(case_id=case_id, tell=True))
        wanted = {
            ("caller", f"{THINGS}/OpenThing"),
            (f"{THINGS}/OpenThing", "postgresql"),
            (f"{THINGS}/OpenThing", "publish tiaochu.alpha.events.v1.ThingOpened"),
            (f"{THINGS}/OpenThing", "beta reads alpha"),
            ("beta reads alpha", "postgresql"),
            (f"{THINGS}/PlanThing", "call tell"),
            ("call tell", f"{THINGS}/GetThing"),
            (f"{THINGS}/GetThing", f"{THINGS}/GetThing"),
        }
        await eventually(lambda: not wanted - edges(spans))
    kinds = {s.name: s.kind for s in of_trace(spans) if not s.name.endswith("GetThing")}
    assert kinds["postgresql"] is SpanKind.CLIENT
    assert kinds["publish tiaochu.alpha.events.v1.ThingOpened"] is SpanKind.PRODUCER
    assert kinds["beta reads alpha"] is SpanKind.CONSUMER
    [database, *_] = [s for s in of_trace(spans) if s.name == "postgresql"]
    assert dict(database.attributes or {})["db.system.name"] == "postgresql"


async def test_what_is_stored_with_an_event_is_the_span_of_its_command_and_a_reaction_goes_on_with_it(
    cell: Cell, spans: InMemorySpanExporter
) -> None:
    async with cell.running("alpha", "toy", alpha.build) as a, cell.running("beta", "toy", beta.build) as b:
        case_id = await traced(a, "OpenThing", OpenThingRequest(district="329901"))
        await traced(a, "AddToThing", AddToThingRequest(case_id=case_id, amount=1))

        async def reacted() -> bool:
            return bool(await stored(b, "EchoHeard"))

        await eventually(reacted)
        [command] = [s for s in of_trace(spans) if s.name == f"{THINGS}/AddToThing"]
        assert command.context
        assert await stored(a, "AmountAdded") == f"00-{TRACE_ID}-{command.context.span_id:016x}-01"
        assert (await stored(b, "EchoHeard")).startswith(f"00-{TRACE_ID}-")


async def stored(running: Running, event: str) -> str:
    async with running.kit.database.transaction() as tx:
        rows = await tx.rows("SELECT headers FROM journal WHERE type LIKE '%%.' || %s", (event,))
    return str(orjson.loads(rows[0][0])["traceparent"]) if rows else ""


async def test_a_batch_of_several_traces_is_linked_to_each(cell: Cell, spans: InMemorySpanExporter) -> None:
    async with cell.running("alpha", "toy", alpha.build) as a:
        for _ in range(3):
            await a.call(f"{THINGS}/OpenThing", OpenThingRequest(district="329901"))
        async with cell.running("beta", "toy", beta.build, work=False) as b:
            await b.kit.consumers["alpha"].catch_up_all()
    [batch] = [s for s in spans.get_finished_spans() if s.name == "beta reads alpha"]
    assert batch.parent is None
    assert len({link.context.trace_id for link in batch.links}) == 3


async def test_polling_makes_no_spans(cell: Cell, spans: InMemorySpanExporter) -> None:
    async with cell.running("alpha", "toy", alpha.build) as a:
        await a.kit.relay.sequence_all()
        await a.service.kit.database.ready()
    assert not [s for s in spans.get_finished_spans() if s.name == "postgresql"]


async def figure(a: Running, name: str, **labels: str) -> float | None:
    async with httpx2.AsyncClient() as client:
        text = (await client.get(f"http://{a.http_address}/metrics")).text
    for line in text.splitlines():
        if line.startswith(name + "{") and all(f'{k}="{v}"' in line for k, v in labels.items()):
            return float(line.rsplit(" ", 1)[1])
    return None


@pytest.mark.req("PF8")
async def test_figures_tell_of_calls_and_of_what_is_behind(cell: Cell, spans: InMemorySpanExporter) -> None:
    async with cell.running("alpha", "toy", alpha.build, work=False) as a:
        case_id = (await a.call(f"{THINGS}/OpenThing", OpenThingRequest(district="329905"))).case_id
        await a.call(f"{THINGS}/PlanThing", PlanThingRequest(case_id=case_id, remind_after_seconds=60, tell=True))
        with pytest.raises(DomainError, match="NOT_FOUND"):
            await a.call(f"{THINGS}/GetThing", GetThingRequest(case_id="01a20c85-596d-708d-8ba5-6afbe1baa675"))

        async def listening() -> bool:
            return await figure(a, "tiaochu_relay_unpositioned", district="329905") == 1

        await eventually(listening, retry=(httpx2.HTTPError,))
        assert await figure(a, "tiaochu_rpc_answered_total", rpc="ThingService/OpenThing", result="OK")
        assert await figure(a, "tiaochu_rpc_answered_total", rpc="ThingService/GetThing", result="NOT_FOUND")
        assert await figure(a, "tiaochu_rpc_seconds_bucket", rpc="ThingService/OpenThing", le="+Inf")
        assert await figure(a, "tiaochu_calls_open", kind="tell", district="329905") == 1
        assert await figure(a, "tiaochu_timers_overdue", kind="remind") is None
        cell.step_clock(180)
        assert await figure(a, "tiaochu_timers_overdue", kind="remind", district="329905") == 1
        await a.kit.relay.sequence_all()
        assert await figure(a, "tiaochu_relay_unpositioned", district="329905") == 0
        assert await figure(a, "tiaochu_relay_unpublished", district="329905") == 1


async def test_figures_tell_of_consumers(cell: Cell, spans: InMemorySpanExporter) -> None:
    async with cell.running("alpha", "toy", alpha.build) as a, cell.running("beta", "toy", beta.build, work=False) as b:
        case_id = (await a.call(f"{THINGS}/OpenThing", OpenThingRequest(district="329905"))).case_id
        await a.call(f"{THINGS}/AddToThing", AddToThingRequest(case_id=case_id, amount=beta.POISON))
        await b.kit.consumers["alpha"].catch_up_all()

        async def listening() -> bool:
            return await figure(b, "tiaochu_parked", producer="alpha", district="329905") == 1

        await eventually(listening, retry=(httpx2.HTTPError,))
        assert await figure(b, "tiaochu_consumer_lag", producer="alpha", district="329905") == 0
        assert await figure(b, "tiaochu_consumer_healed", producer="alpha") == 2


async def test_what_a_person_wrote_is_in_no_span_log_figure_or_event(
    cell: Cell, spans: InMemorySpanExporter, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with cell.running("alpha", "toy", alpha.build) as a, cell.running("beta", "toy", beta.build):
        case_id = (await a.call(f"{THINGS}/OpenThing", OpenThingRequest(district="329901", external=MARK))).case_id
        monkeypatch.setattr(alpha.Thing, "add", _fails)
        with pytest.raises(DomainError) as failure:
            await a.call(f"{THINGS}/AddToThing", AddToThingRequest(case_id=case_id, amount=1, note=MARK))
        async with a.kit.database.transaction() as tx:
            journal = str(await tx.rows("SELECT j::text, convert_from(payload, 'UTF8') FROM journal AS j"))
        async with httpx2.AsyncClient() as client:
            told = (await client.get(f"http://{a.http_address}/metrics")).text
    seen = [str(orjson.loads(s.to_json())) for s in spans.get_finished_spans()]  # unescaped
    everything = "".join([*seen, journal, told, str(failure.value), *capfd.readouterr()])
    assert case_id in everything
    assert MARK not in everything
    assert MARK[2:] not in everything


def _fails(*_: object) -> None:
    raise ValueError(MARK)
