"""A neighbour that is away, and news that cannot be applied."""

from contextlib import AsyncExitStack

import pytest

from tiaochu_kit.ids import new_id
from tiaochu_mediation.app import build
from tiaochu_testkit.services import Cell
from tiaochu_testkit.waiting import eventually

from .centre import VILLAGE, Centre, behalf, centre_in  # noqa: TID252 - tests of one package
from .neighbours import Docking, Intake, Routing  # noqa: TID252
from .table import refusal  # noqa: TID252


@pytest.mark.req("MD1")
async def test_with_intake_away_nobody_sits_down_and_everybody_may_leave(cell: Cell) -> None:
    """What looks at a fact of intake waits for it (the newest flag counts); a party's refusal waits for nobody."""
    intake, routing, docking = Intake(), Routing(), Docking()
    routing.organs[VILLAGE] = ("东门村", "village")
    for service in ("intake", "routing", "docking", "mediation"):
        cell.port(service)
    async with AsyncExitStack() as stack:
        for neighbour in (routing, docking):
            await stack.enter_async_context(cell.running(neighbour.service, "neighbour", neighbour.build))
        running = await stack.enter_async_context(cell.running("mediation", "tiaochu_mediation", build))
        centre = Centre(cell, running, intake, routing, docking)
        async with cell.running("intake", "neighbour", intake.build):
            case = await centre.prepared()
        with refusal("UNAVAILABLE"):
            await centre.schedule(case)
        await centre.do("TerminateMediation", case, centre.people.clerk, ground="party_refused", on_behalf_of=behalf(case.respondent))
        assert await centre.status(case) == "terminated"


async def test_a_ruling_nobody_asked_for_is_parked_and_stops_nothing(cell: Cell) -> None:
    async with centre_in(cell) as centre:
        case = await centre.effective()
        ruling = {"agreement_id": case.agreement, "ruling": "valid", "ruling_no": "1", "ruled_on": "2026-03-20"}
        await centre.hear(centre.docking, "CourtRulingReceived", case, exchange_id=new_id(), **ruling)

        async def parked() -> bool:
            async with centre.running.kit.database.transaction() as tx:
                rows = await tx.rows("SELECT type FROM parked_events WHERE producer = 'docking'")
            return rows == [("tiaochu.docking.events.v1.CourtRulingReceived",)]

        await eventually(parked)
        applying = {"agreement_id": case.agreement, "agency_id": "court", "applying_party_ids": case.parties}
        await centre.do("RequestConfirmation", case, centre.people.clerk, **applying)
        await centre.hear(centre.docking, "CourtRulingReceived", case, exchange_id=new_id(), **ruling)

        async def ruled() -> bool:
            return "ConfirmationDecided" in await centre.events(case)

        await eventually(ruled)
