"""Correction, consent, withdrawal: what comes between classification and acceptance."""

import pytest

from e2e.office import Office
from tiaochu.intake.v1 import case_commands_pb2 as pb
from tiaochu_demo.driver import Refused
from tiaochu_demo.driver.clerk import party_input
from tiaochu_demo.story.before import ATTEMPTS, closed


@pytest.mark.req("IN5")
async def test_papers_are_asked_for_once_and_the_case_goes_on_when_they_come(office: Office) -> None:
    _, clerk, unit = await office.classified()
    await clerk.ask_for_papers("evidence", "claim_amount")
    with pytest.raises(Refused) as refused:
        await unit.accept(both_willing=True)
    assert refused.value.reason == "CORRECTION_OPEN"
    await clerk.take_papers()
    with pytest.raises(Refused) as refused:
        await clerk.ask_for_papers("evidence")
    assert refused.value.reason == "CORRECTION_ASKED_BEFORE"
    await unit.accept(both_willing=True)


@pytest.mark.req("IN5", "RT5")
async def test_papers_that_do_not_come_end_the_case_as_if_withdrawn(office: Office) -> None:
    _, clerk, _ = await office.classified()
    await clerk.ask_for_papers("evidence")
    office.step(days=11)
    await closed(clerk.matter, clerk.organ_id)
    assert (await clerk.case()).status == "stopped"


@pytest.mark.req("IN5")
async def test_a_refusal_ends_the_case_at_once(office: Office) -> None:
    _, clerk, unit = await office.classified()
    assert await clerk.attempt(clerk.matter.respondents[0], "refused") == "refused"
    await closed(clerk.matter, clerk.organ_id)
    with pytest.raises(Refused):
        await unit.accept(both_willing=True)


@pytest.mark.req("IN5")
async def test_three_attempts_in_two_ways_make_a_party_out_of_reach(office: Office) -> None:
    _, clerk, _ = await office.classified()
    concluded = [await clerk.attempt(clerk.matter.respondents[0], outcome, channel=channel) for channel, outcome in ATTEMPTS]
    assert concluded == ["", "", "unreachable"]
    await closed(clerk.matter, clerk.organ_id)


@pytest.mark.req("IN5")
async def test_three_attempts_in_one_way_are_not_enough(office: Office) -> None:
    _, clerk, _ = await office.classified()
    concluded = [await clerk.attempt(clerk.matter.respondents[0], "no_answer", channel="phone") for _ in range(3)]
    assert concluded == ["", "", ""]
    assert await clerk.attempt(clerk.matter.respondents[0], "consented") == "consented"


@pytest.mark.req("IN2")
async def test_the_last_applicant_who_withdraws_ends_the_case(office: Office) -> None:
    _, clerk, _ = await office.classified()
    await clerk.withdraw()
    await closed(clerk.matter, clerk.organ_id)
    assert (await clerk.case()).status == "withdrawn"


@pytest.mark.req("IN2")
async def test_a_party_is_corrected_and_numbers_left_empty_stay(office: Office) -> None:
    case, clerk = await office.registered()
    party = party_input(case.respondents[0])
    party.party_id, party.occupation, party.id_number, party.phone = clerk.matter.respondents[0], "木工", "", ""
    before = (await clerk.case()).parties[-1]
    answer = await clerk.ask(pb.CorrectPartyRequest(case_id=clerk.matter.case_id, party=party))
    assert list(answer.fields) == ["occupation"]
    after = (await clerk.case()).parties[-1]
    assert (after.occupation, after.id_number, after.phone) == ("木工", before.id_number, before.phone)
