"""The life of one dispute through all services."""

from datetime import timedelta

import pytest

from e2e.office import TOWN, Office
from tiaochu.intake.v1 import case_queries_pb2 as intake
from tiaochu.reporting.v1 import report_service_pb2 as reporting
from tiaochu_demo.driver import Clerk, Unit
from tiaochu_demo.driver.matter import SERVICES
from tiaochu_domainkit.clocks import beijing


@pytest.mark.req("IN2", "RT1", "MD1", "RP1")
async def test_a_dispute_goes_from_the_window_to_the_month_table(office: Office) -> None:
    case = office.write(TOWN)
    clerk = await Clerk.register(office.wire, office.cast, case)
    matter = clerk.matter
    await clerk.classify(case)
    receiver = Unit(matter, office.organ(TOWN))
    lead = Unit(matter, await receiver.lead())
    assert lead.organ.tier == "village"
    before = office.now()
    transfer = await receiver.offer(lead.organ.id)
    await lead.sign(transfer)
    assert (await lead.responsible_at()).organ_id == lead.organ.id
    assert (await lead.responsible_at(before)).organ_id == receiver.organ.id

    await clerk.win_consent()
    await lead.accept()
    mediator = await office.seat(lead)
    await mediator.tell_rights()
    await office.sit(mediator, "agreed")
    draft = await mediator.draft((office.payment(),))
    assert await mediator.sign(draft)
    assert await mediator.perform(draft, 0)
    assert await mediator.status() == "performed"
    await mediator.visit("performed")
    assert await mediator.close() == "performed"

    progress = await office.wire.ask(None, intake.GetProgressRequest(receipt_code=matter.receipt_code), after=("mediation", "routing"))
    assert progress.stage >= 95
    assert await _counted(office, matter.case_id, lead.organ.id)


@pytest.mark.req("RP1")
async def test_the_timeline_tells_every_act_with_who_when_and_trace(office: Office) -> None:
    unit, _, _ = await office.agreed()
    request = reporting.GetCaseTimelineRequest(case_id=unit.matter.case_id)
    answer = await unit.matter.ask(office.cast.role("dispatcher"), request)
    told = [e.type.rpartition(".")[2] for e in answer.entries]
    for act in ("CaseRegistered", "ResponsibilityStarted", "CaseClassified", "CaseAccepted", "SessionHeld", "AgreementEffective"):
        assert act in told
    assert all(e.actor and e.HasField("occurred_at") for e in answer.entries)
    acts = [e for e in answer.entries if e.type.endswith((".CaseRegistered", ".AgreementEffective"))]
    assert all(e.traceparent for e in acts)


@pytest.mark.req("RT3")
async def test_exactly_one_unit_is_responsible_at_every_instant(office: Office) -> None:
    _, clerk, holder = await office.classified(TOWN)
    lead = Unit(clerk.matter, await holder.lead())
    begun = (await holder.responsibility()).holdings[0].since_at.ToDatetime(tzinfo=office.now().tzinfo)
    transfer = await holder.offer(lead.organ.id)
    assert (await holder.responsible_at()).organ_id == holder.organ.id
    office.step(hours=1)
    await lead.sign(transfer)
    moved = (await lead.responsibility()).holdings[-1].since_at.ToDatetime(tzinfo=begun.tzinfo)
    for at, organ in (
        (begun, holder.organ.id),
        (moved - timedelta(microseconds=1), holder.organ.id),
        (moved, lead.organ.id),
        (office.now(), lead.organ.id),
    ):
        assert (await lead.responsible_at(at)).organ_id == organ


async def _counted(office: Office, case_id: str, organ_id: str) -> bool:
    """Whether the case stands behind the total of its unit in this month's table."""
    actor = office.cast.role("statistician")
    request = reporting.ListFigureCasesRequest(organ_id=organ_id, period=f"{beijing(office.now()):%Y-%m}", figure="total", page_size=200)
    answer = await office.wire.ask(actor, request, after=[s for s in SERVICES if s != "reporting"])
    return any(c.case_id == case_id for c in answer.cases)
