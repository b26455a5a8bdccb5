"""First receipt, transfers, returns, designation, decline and merge."""

from dataclasses import replace

import pytest

from e2e.office import CENTRE, TOWN, Office
from tiaochu.intake.v1 import case_queries_pb2 as queries
from tiaochu.routing.v1 import responsibility_service_pb2 as routing
from tiaochu_demo.driver import Clerk, Refused, Unit


@pytest.mark.req("RT2")
async def test_a_transfer_returned_once_is_offered_again(office: Office) -> None:
    _, clerk, holder = await office.classified(TOWN)
    lead = Unit(clerk.matter, await holder.lead())
    answer = await lead.give_back(await holder.offer(lead.organ.id), ground="papers_missing")
    assert (answer.returns, answer.designating_organ_id) == (1, "")
    assert (await holder.responsible_at()).organ_id == holder.organ.id
    await lead.sign(await holder.offer(lead.organ.id))
    assert (await lead.responsible_at()).by == "signature"


@pytest.mark.req("RT2")
async def test_a_second_return_calls_for_designation_which_binds(office: Office) -> None:
    _, clerk, holder = await office.classified(CENTRE)
    lead = Unit(clerk.matter, await holder.lead())
    await lead.give_back(await holder.offer(lead.organ.id))
    answer = await lead.give_back(await holder.offer(lead.organ.id), ground="not_competent")
    assert answer.designating_organ_id
    with pytest.raises(Refused) as refused:
        await holder.offer(lead.organ.id)
    assert refused.value.reason == "STATE_FORBIDS"
    await Unit(clerk.matter, answer.designating_organ_id).designate(lead.organ.id)
    assert (await lead.responsible_at()).by == "designation"
    with pytest.raises(Refused) as refused:
        await lead.offer(holder.organ.id)
    assert refused.value.reason == "DESIGNATION_BINDING"


@pytest.mark.req("RT2", "RT5")
async def test_an_offer_nobody_signs_is_escalated_to_the_upper_tier(office: Office) -> None:
    _, clerk, holder = await office.classified(TOWN)
    lead = Unit(clerk.matter, await holder.lead())
    transfer = await holder.offer(lead.organ.id)
    office.step(days=6)
    found = await clerk.matter.until(holder.responsibility, lambda r: r.status == "designation_due", "the escalation")
    assert found.transfers[-1].status == "expired"
    assert (await holder.responsible_at()).organ_id == holder.organ.id
    with pytest.raises(Refused):
        await lead.sign(transfer)
    await Unit(clerk.matter, found.designating_organ_id).designate(lead.organ.id)
    assert (await lead.responsible_at()).organ_id == lead.organ.id


@pytest.mark.req("RT3")
async def test_only_the_unit_asked_signs_and_only_the_responsible_unit_accepts(office: Office) -> None:
    _, clerk, holder = await office.classified(TOWN)
    lead = Unit(clerk.matter, await holder.lead())
    transfer = await holder.offer(lead.organ.id)
    with pytest.raises(Refused) as refused:
        await holder.sign(transfer)
    assert refused.value.reason == "NOT_RECEIVING_UNIT"
    await lead.sign(transfer)
    with pytest.raises(Refused) as refused:
        await holder.accept(both_willing=True)
    assert refused.value.reason == "NOT_RESPONSIBLE_UNIT"


@pytest.mark.req("IN5", "RT4")
async def test_a_declined_case_has_its_notice_of_remedies(office: Office) -> None:
    _, clerk, holder = await office.classified()
    await holder.decline("no_definite_respondent")
    notice = await clerk.ask(routing.GetDeclineNoticeRequest(case_id=clerk.matter.case_id))
    assert notice.ground == "no_definite_respondent"
    assert notice.text
    assert notice.remedies_version
    with pytest.raises(Refused) as refused:
        await holder.accept(both_willing=True)
    assert refused.value.reason == "STATE_FORBIDS"


@pytest.mark.req("IN4", "RT3")
async def test_the_second_door_of_a_dispute_is_found_and_merged_and_both_receipts_answer(office: Office) -> None:
    case, master, _ = await office.classified()
    town = office.cast.directory.organs_by_code[TOWN]
    told_again = replace(case, key="e2e:twin", channel="hotline", source="application", first_receiver_organ_id=town.id)
    second = await Clerk.register(office.wire, office.cast, told_again)
    await second.classify(case)
    assert master.matter.case_id in await second.duplicates()
    await second.propose_merge(master.matter.case_id)
    await Unit(second.matter, second.organ_id).confirm_merge(master.matter.case_id)
    first, later = [
        await office.wire.ask(None, queries.GetProgressRequest(receipt_code=clerk.matter.receipt_code), after=("routing",))
        for clerk in (master, second)
    ]
    assert (first.case_number, later.case_number) == (master.matter.case_number, second.matter.case_number)
    assert later.merged_into_case_number == master.matter.case_number


@pytest.mark.req("RT3")
async def test_a_merge_that_is_refused_lets_the_case_go_on(office: Office) -> None:
    _, master, _ = await office.classified()
    _, clerk, unit = await office.classified()
    await clerk.propose_merge(master.matter.case_id)
    with pytest.raises(Refused) as refused:
        await unit.accept(both_willing=True)
    assert refused.value.reason == "MERGE_PENDING"
    await unit.refuse_merge(master.matter.case_id)
    await unit.accept(both_willing=True)
    assert (await unit.responsibility()).status == "accepted"
