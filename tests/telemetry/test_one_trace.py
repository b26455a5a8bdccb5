"""A matter of the court is one trace: from its HTTP call over gRPC, SQL, events and consumers back to the webhook that answers it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from random import Random

import orjson
import pytest

from telemetry.tracing import OUTSIDE, Edge, GoingOn, Viewer
from tiaochu.log.v1 import log_service_pb2 as log_pb
from tiaochu_demo.directory import CITY, load_directory
from tiaochu_demo.driver import Cast, Clerk, Court, Unit
from tiaochu_demo.driver.matter import until
from tiaochu_demo.synthetic.court import CourtOffer, court_offers
from tiaochu_domainkit.clocks import beijing
from tiaochu_embedded.client import RunningStack
from tiaochu_embedded.stack import Stack
from tiaochu_testkit.waiting import eventually

COMING_IN: set[Edge] = {
    (OUTSIDE, "docking: HTTP POST exchanges"),
    ("docking: HTTP POST exchanges", "docking: postgresql"),
    ("docking: HTTP POST exchanges", "docking: publish OfferReceived"),
    ("docking: HTTP POST exchanges", "docking: register offer"),
    ("docking: register offer", "docking: RegisterCase"),
    ("docking: RegisterCase", "intake: RegisterCase"),
    ("intake: RegisterCase", "intake: postgresql"),
    ("intake: RegisterCase", "intake: publish CaseRegistered"),
}
"""HTTP → SQL, event and durable call → gRPC client → gRPC server → SQL and event."""
READ: set[Edge] = {
    ("intake: RegisterCase", f"{service}: {service} reads intake") for service in ("routing", "mediation", "docking", "reporting")
}
"""Event → consumers."""
FOLDED: set[Edge] = {(consumer, f"{consumer.split(':')[0]}: postgresql") for _, consumer in READ}
"""Consumer → SQL."""
GOING_BACK: set[Edge] = {
    ("routing: DeclineCase", "routing: postgresql"),
    ("routing: DeclineCase", "routing: publish CaseDeclined"),
    ("routing: DeclineCase", "docking: docking reads routing"),
    ("docking: docking reads routing", "docking: postgresql"),
    ("docking: write return", "docking: postgresql"),
    ("docking: write return", "docking: publish PacketIssued"),
    ("docking: write return", "docking: deliver"),
    ("docking: deliver", "docking: POST main"),
}
"""gRPC → SQL and event → consumer → the letter and its webhook."""


@dataclass
class Desk:
    """Staff who go on with the trace of what they work on, and the court."""

    wire: GoingOn
    cast: Cast
    court: Court
    viewer: Viewer

    async def offered(self) -> tuple[CourtOffer, str, str]:
        """A matter of the court: the offer, its exchange, its case."""
        rng = Random(self.wire.now().isoformat())
        offers = court_offers(
            self.cast.directory, rng.randrange(10**9), beijing(self.wire.now()).date(), round_number=rng.randrange(10, 10**6)
        )
        offer = next(o for o in offers if o.channel == "push" and len(o.case.parties) == 2)
        exchange_id = await self.court.offer(offer)
        return offer, exchange_id, await self.court.case_of(exchange_id)

    async def traceparent(self, case_id: str) -> str:
        """The trace that stands with the registration of a case."""
        request = log_pb.ReadSubjectRequest(case_id=case_id)
        answer = await self.wire.ask(self.cast.role("dispatcher"), request, service="intake", after=("intake", "routing"))
        return str(orjson.loads(answer.events[0].headers)["traceparent"])


@pytest.fixture
async def desk(stack: Stack) -> AsyncIterator[Desk]:
    wire = GoingOn(RunningStack(stack.folder.path))
    cast = Cast(load_directory(CITY))
    court = Court(wire, cast)
    await court.dock()
    yield Desk(wire, cast, court, Viewer(stack.addresses["traces"]))
    await court.close()
    await wire.close()


@pytest.mark.req("PF8")
async def test_an_offer_of_the_court_is_one_trace_from_its_call_to_the_answering_webhook(desk: Desk) -> None:
    offer, exchange_id, case_id = await desk.offered()
    desk.wire.traceparent = await desk.traceparent(case_id)
    trace_id = desk.wire.traceparent.split("-")[1]

    clerk = await Clerk.take_up(desk.wire, desk.cast, case_id, offer.case.first_receiver_organ_id)
    await clerk.classify(replace(offer.case, flags=()))
    unit = Unit(clerk.matter, clerk.organ_id)
    await unit.lead()
    await unit.decline("already_handled")

    async def heard() -> list[str]:
        return [p["kind"] for p in await desk.court.packets(exchange_id)]

    await until(heard, lambda kinds: "return" in kinds, "the answer at the court")

    def told() -> bool:
        edges, linked = desk.viewer.edges(trace_id), desk.viewer.linked(trace_id)
        missing = (COMING_IN | READ | FOLDED | GOING_BACK) - edges
        assert not {(above, step) for above, step in missing if step not in linked}
        return True

    await eventually(told, 30)
    assert ("routing: DeclineCase", "docking: POST main") in desk.viewer.descents(trace_id)
    assert ("docking: HTTP POST exchanges", "docking: POST main") in desk.viewer.descents(trace_id)


async def test_an_edge_that_nobody_made_is_not_told(desk: Desk) -> None:
    _, _, case_id = await desk.offered()
    trace_id = (await desk.traceparent(case_id)).split("-")[1]
    await eventually(lambda: ("docking: RegisterCase", "intake: RegisterCase") in desk.viewer.edges(trace_id), 30)
    nobody_declined = {edge for edge in GOING_BACK if "routing: DeclineCase" in edge or "docking: write return" in edge}
    assert nobody_declined
    assert not nobody_declined & desk.viewer.edges(trace_id)
