"""What the real commands cost: two round trips to the database each, counted on the wire."""

import importlib
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest

from tiaochu.mediation.v1.mediation_service_pb2 import DraftAgreementRequest
from tiaochu_demo.directory import CITY, load_directory
from tiaochu_demo.driver import Cast, Clerk, Mediator, Unit, Wire
from tiaochu_demo.driver.mediator import Promise
from tiaochu_demo.synthetic.casebook import Casebook
from tiaochu_domainkit.clocks import beijing
from tiaochu_embedded.client import RunningStack
from tiaochu_embedded.ports import HOST, free_port
from tiaochu_embedded.stack import Stack
from tiaochu_kit.runner import Kit, Service
from tiaochu_kit.settings import Settings
from tiaochu_testkit.toy.turns import TurnCounter

SERVING = ("intake", "routing", "mediation")
COMMANDS = ("RegisterCaseRequest", "ClassifyCaseRequest", "AcceptCaseRequest", "SignAgreementRequest")
CASES = 3
"""A command that lost a race against a reaction runs again, so the cheapest of some is what it costs."""
Trips = dict[str, list[int]]


@asynccontextmanager
async def replica(stack: Stack, service: str, trips: Trips, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """One more replica of a service that only answers calls, on the stack's database through a counting proxy; its address."""
    program = next(p for p in stack.topology.programs if p.name == service)
    environ = stack.parts.environment(program)
    at = urlsplit(environ["TIAOCHU_DATABASE_URL"])
    with TurnCounter(str(at.hostname), int(at.port or 0)) as counter, monkeypatch.context() as patched:
        changes = {
            "TIAOCHU_DATABASE_URL": environ["TIAOCHU_DATABASE_URL"].replace(f":{at.port}/", f":{counter.port}/"),
            "TIAOCHU_DATABASE_POOL": "1",
            "TIAOCHU_GRPC_LISTEN": f"{HOST}:{free_port()}",
            "TIAOCHU_HTTP_LISTEN": f"{HOST}:{free_port()}",
        }
        for name, value in {**environ, **changes}.items():
            if name.startswith("TIAOCHU_"):
                patched.setenv(name, value)
        kit = Kit(Settings(), program.package)
        _count(kit, counter, trips)
        running = Service(kit, importlib.import_module(f"{program.package}.app").build)
        await running.start(work=False)
        yield changes["TIAOCHU_GRPC_LISTEN"]
        await running.stop()


def _count(kit: Kit, counter: TurnCounter, trips: Trips) -> None:
    """Note what each command spends in the executor, with all that it reads before."""
    run = kit.executor.run

    async def counted(method: Any, request: Any, *given: Any, **named: Any) -> Any:
        before = counter.turns
        answer = await run(method, request, *given, **named)
        trips[request.DESCRIPTOR.name].append(counter.turns - before)
        return answer

    kit.executor.run = counted  # type: ignore[method-assign]


async def settle(wire: Wire, cast: Cast, book: Casebook) -> None:
    """A case that is registered, classified, accepted, agreed on and signed at one table."""
    today = beijing(wire.now()).date()
    village = cast.directory.organs_by_code["v001001"]
    case = book.write("trips", "0201", "window", village, received_on=today, difficulty="simple", risk="none")
    between = replace(case, applicants=case.applicants[:1], respondents=case.respondents[:1])
    clerk = await Clerk.register(wire, cast, replace(between, scale="01", flags=(), single_legal_relation=True))
    await clerk.classify(between)
    unit = Unit(clerk.matter, clerk.organ_id)
    await unit.lead()
    await unit.accept(on_the_spot=True)
    mediator = Mediator(unit.matter, unit.actor(DraftAgreementRequest).person_id, unit.organ.id)
    await mediator.tell_rights()
    draft = await mediator.draft((Promise("pay", 100_000, today + timedelta(days=6)),))
    assert await mediator.sign(draft)


@pytest.mark.req("PF1")
async def test_a_command_of_the_main_job_takes_two_round_trips(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    trips: Trips = defaultdict(list)
    running = RunningStack(stack.folder.path)
    async with AsyncExitStack() as stay:
        for service in SERVING:
            running.addresses["grpc"][service] = await stay.enter_async_context(replica(stack, service, trips, monkeypatch))
        wire = Wire(running)
        stay.push_async_callback(wire.close)
        cast = Cast(load_directory(CITY))
        book = Casebook(cast.directory, Random(wire.now().isoformat()), beijing(wire.now()).date())
        for _ in range(CASES):
            await settle(wire, cast, book)
    assert {name: min(trips[name]) for name in COMMANDS} == dict.fromkeys(COMMANDS, 2), dict(trips)
