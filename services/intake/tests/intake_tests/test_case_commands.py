"""Commands on a registered case, and what the other services say of it, through gRPC, on real PostgreSQL."""

import asyncio
from typing import Any

import pytest

from tiaochu.intake.v1 import case_commands_pb2 as pb
from tiaochu.intake.v1 import case_pb2
from tiaochu.intake.v1.case_queries_pb2 import GetPartiesRequest, GetProgressRequest, ListAllowedActionsRequest
from tiaochu.mediation.events.v1 import agreement_events_pb2, ending_events_pb2, table_events_pb2
from tiaochu.routing.events.v1 import clock_events_pb2, responsibility_events_pb2
from tiaochu_domainkit.errors import DomainError
from tiaochu_kit.ids import new_id
from tiaochu_testkit import mothers

from .desk import CITY, CLERK, DISPATCHER, OTHER_CLERK, PATHS, STATISTICIAN, TOWN, Desk, classification, person  # noqa: TID252 - tests of one package


async def refused(call: Any) -> DomainError:
    with pytest.raises(DomainError) as caught:
        await call
    return caught.value


async def reason(call: Any) -> str:
    error = await refused(call)
    return error.violations[0].reason if error.violations else error.reason


def attempt(case_id: str, party_id: str, channel: str, outcome: str) -> pb.RecordConsentAttemptRequest:
    return pb.RecordConsentAttemptRequest(case_id=case_id, party_id=party_id, channel=channel, outcome=outcome, note="电话无人接听")


async def events(desk: Desk, case_id: str) -> list[str]:
    return [name for name, _ in await desk.journal(case_id)]


@pytest.mark.req("IN4")
async def test_classifying_tells_what_follows_and_may_be_said_anew(desk: Desk) -> None:
    case_id = (await desk.registered()).case_id
    answer = await desk.call("ClassifyCase", classification(case_id, category="0701", flags=["migrant_worker_wages"]))
    assert (answer.mediable, answer.moj_type) == ("Y", "migrant_wages")
    await desk.call("ClassifyCase", classification(case_id, category="1401", difficulty="ordinary"))
    shown = await desk.get(case_id)
    assert (shown.stage, shown.classification.category, shown.classification.mediable) == (30, "1401", "N")
    assert await events(desk, case_id) == ["CaseRegistered", "CaseClassified", "CaseClassified"]


async def test_two_saving_at_once_the_second_learns_the_new_version_and_nothing_is_overwritten(desk: Desk) -> None:
    answer = await desk.registered()
    wanted = [classification(answer.case_id, category=c, etag=answer.etag) for c in ("0201", "0202")]
    results = await asyncio.gather(*(desk.call("ClassifyCase", w) for w in wanted), return_exceptions=True)
    [lost] = [r for r in results if isinstance(r, DomainError)]
    [won] = [r for r in results if not isinstance(r, BaseException)]
    assert (lost.reason, lost.metadata["etag"]) == ("VERSION_CHANGED", won.etag)


@pytest.mark.req("IN5")
async def test_papers_are_asked_for_once_and_lapse_by_the_clock(desk: Desk) -> None:
    case_id = (await desk.registered()).case_id
    ask = pb.RequestCorrectionRequest(case_id=case_id, items=["evidence", "power_of_attorney"], note="请补充欠条原件")
    await desk.call("RequestCorrection", ask)
    shown = await desk.get(case_id)
    assert (shown.stage, shown.correction.state, shown.correction.note) == (25, "open", "请补充欠条原件")
    error = await refused(desk.call("ClassifyCase", classification(case_id)))
    assert (error.reason, error.metadata["current"]) == ("STATE_FORBIDS", "supplementing")
    assert "supply_correction" in error.metadata["allowed"].split(",")
    await desk.call("SupplyCorrection", pb.SupplyCorrectionRequest(case_id=case_id))
    assert (await desk.get(case_id)).stage == 20
    assert await reason(desk.call("RequestCorrection", ask)) == "CORRECTION_ASKED_BEFORE"
    await desk.hear(clock_events_pb2.ClockExpired(case_id=case_id, rule_code="CORRECTION"))
    assert (await desk.get(case_id)).stage == 20

    late = (await desk.registered(2)).case_id
    await desk.call("RequestCorrection", pb.RequestCorrectionRequest(case_id=late, items=["evidence"]))
    await desk.hear(clock_events_pb2.ClockExpired(case_id=late, rule_code="TRIAGE"))
    assert (await desk.get(late)).stage == 25
    await desk.hear(clock_events_pb2.ClockExpired(case_id=late, rule_code="CORRECTION"))
    assert ((await desk.get(late)).stage, (await events(desk, late))[-1]) == (90, "CorrectionLapsed")


@pytest.mark.req("IN5")
async def test_three_tries_by_two_channels_make_a_party_unreachable(desk: Desk) -> None:
    answer = await desk.classified()
    [respondent] = answer.respondent_ids
    for channel in ("phone", "phone"):
        told = await desk.call("RecordConsentAttempt", attempt(answer.case_id, respondent, channel, "no_answer"))
        assert told.concluded == ""
    told = await desk.call("RecordConsentAttempt", attempt(answer.case_id, respondent, "visit", "no_answer"))
    assert (told.attempt, told.concluded) == (3, "unreachable")
    shown = await desk.get(answer.case_id)
    assert (shown.stage, shown.consent_attempts[0].note, shown.parties[1].consent) == (90, "电话无人接听", "unreachable")
    assert (await events(desk, answer.case_id))[-1] == "ConsentConcluded"


@pytest.mark.req("IN5")
async def test_consent_and_refusal(desk: Desk) -> None:
    willing, unwilling = await desk.classified(1), await desk.classified(2)
    for answer, outcome, stage in ((willing, "consented", 40), (unwilling, "refused", 90)):
        told = await desk.call("RecordConsentAttempt", attempt(answer.case_id, answer.respondent_ids[0], "phone", outcome))
        assert (told.concluded, (await desk.get(answer.case_id)).stage) == (outcome, stage)


@pytest.mark.req("IN4")
async def test_a_merge_is_proposed_here_and_decided_by_routing_and_both_receipts_go_on_answering(desk: Desk) -> None:
    one, master = await desk.registered(1), await desk.registered(1, channel="hotline")
    await desk.call("ProposeMerge", pb.ProposeMergeRequest(case_id=one.case_id, master_case_id=master.case_id))
    await desk.hear(responsibility_events_pb2.MergeConfirmed(case_id=one.case_id, master_case_id=master.case_id))
    shown = await desk.get(one.case_id)
    assert (shown.stage, shown.case_number, shown.master_case_id) == (99, one.case_number, master.case_id)
    assert list((await desk.get(master.case_id)).merged_case_ids) == [one.case_id]
    await desk.call("ClassifyCase", classification(master.case_id))
    told = [await desk.call("GetProgress", GetProgressRequest(receipt_code=c.receipt_code), "service:portal") for c in (one, master)]
    assert [(t.case_number, t.stage) for t in told] == [(one.case_number, 30), (master.case_number, 30)]
    assert told[0].merged_into_case_number == master.case_number


@pytest.mark.req("IN4")
async def test_a_refused_merge_leaves_both_as_they_were(desk: Desk) -> None:
    one, master = await desk.registered(1), await desk.registered(2)
    propose = pb.ProposeMergeRequest(case_id=one.case_id, master_case_id=master.case_id)
    await desk.call("ProposeMerge", propose)
    assert await reason(desk.call("ProposeMerge", propose)) == "MERGE_PENDING"
    await desk.hear(responsibility_events_pb2.MergeRefused(case_id=one.case_id, master_case_id=master.case_id, ground="different_dispute"))
    assert ((await desk.get(one.case_id)).stage, (await events(desk, one.case_id))[-1]) == (20, "MergeDropped")
    assert (
        await reason(desk.call("ProposeMerge", pb.ProposeMergeRequest(case_id=one.case_id, master_case_id=one.case_id)))
        == "MERGE_SAME_CASE"
    )


@pytest.mark.req("IN2")
async def test_correcting_a_party_names_the_fields_keeps_the_numbers_and_leaves_no_value_in_the_event(desk: Desk) -> None:
    answer = await desk.registered()
    [applicant] = answer.applicant_ids
    before = (await desk.get(answer.case_id)).parties[0]
    corrected = case_pb2.PartyInput(party_id=applicant, kind="person", name="王小䶮", address="江苏省靖江市测试镇和谐村1号")
    told = await desk.call("CorrectParty", pb.CorrectPartyRequest(case_id=answer.case_id, etag=answer.etag, party=corrected))
    assert list(told.fields) == ["name", "address"]
    after = (await desk.get(answer.case_id)).parties[0]
    assert (after.name, after.id_number, after.phone) == ("王小䶮", before.id_number, before.phone)
    name, payload = (await desk.journal(answer.case_id))[-1]
    assert (name, "王小䶮".encode() in payload) == ("PartyCorrected", False)
    wrong = case_pb2.PartyInput(party_id=applicant, kind="person", name="王小䶮", id_type="resident_id", id_number="110105194912310021")
    assert await reason(desk.call("CorrectParty", pb.CorrectPartyRequest(case_id=answer.case_id, party=wrong))) == "ID_CHECKSUM"


@pytest.mark.req("IN1")
async def test_withdrawing_ends_with_the_last_applicant(desk: Desk) -> None:
    answer = await desk.registered(applicants=[person(2), person(20)])
    first, last = answer.applicant_ids
    told = await desk.call("WithdrawApplication", pb.WithdrawApplicationRequest(case_id=answer.case_id, party_id=first, reason="settled"))
    assert (told.remaining, (await desk.get(answer.case_id)).stage) == (1, 20)
    await desk.call("WithdrawApplication", pb.WithdrawApplicationRequest(case_id=answer.case_id, party_id=last, reason="settled"))
    assert (await desk.get(answer.case_id)).stage == 90
    assert (await events(desk, answer.case_id))[-2:] == ["ApplicantWithdrew", "ApplicationWithdrawn"]


async def test_an_agreement_in_effect_and_an_end_forbid_what_they_must(desk: Desk) -> None:
    answer = await desk.classified()
    case_id, [applicant] = answer.case_id, answer.applicant_ids
    await desk.hear(responsibility_events_pb2.CaseAccepted(case_id=case_id, organ_id=TOWN, organ_path=PATHS[TOWN]))
    assert (await desk.get(case_id)).stage == 50
    error = await refused(desk.call("ClassifyCase", classification(case_id)))
    assert (error.reason, error.metadata["current"]) == ("STATE_FORBIDS", "accepted")
    await desk.hear(table_events_pb2.MediationOpened(case_id=case_id, organ_id=TOWN, organ_path=PATHS[TOWN]))
    await desk.hear(
        agreement_events_pb2.AgreementEffective(case_id=case_id, obligations=[agreement_events_pb2.Obligation(obligation_id="o")])
    )
    assert (await desk.get(case_id)).stage == 75
    withdraw = pb.WithdrawApplicationRequest(case_id=case_id, party_id=applicant, reason="settled")
    assert (await refused(desk.call("WithdrawApplication", withdraw))).metadata["current"] == "effective"
    correct = pb.CorrectPartyRequest(case_id=case_id, party=case_pb2.PartyInput(party_id=applicant, kind="person", name="新名"))
    await desk.call("CorrectParty", correct)
    await desk.hear(ending_events_pb2.CaseClosed(case_id=case_id, result="performed"))
    assert (await refused(desk.call("CorrectParty", correct))).metadata["current"] == "ended"


async def test_an_event_of_a_case_not_known_yet_is_kept_for_its_stage(desk: Desk) -> None:
    minted = new_id()
    await desk.hear(
        responsibility_events_pb2.ResponsibilityStarted(case_id=minted, organ_id=TOWN, organ_path=PATHS[TOWN], responsibility_version=1)
    )
    await desk.hear(responsibility_events_pb2.TransferOffered(case_id=minted, transfer_id="t", from_organ_id=TOWN, to_organ_id=CITY))
    await desk.classified(case_id=minted)
    shown = await desk.get(minted)
    assert (shown.stage, shown.responsible_organ_id, await desk.parked()) == (35, TOWN, 0)


@pytest.mark.req("PF5")
async def test_numbers_are_masked_until_somebody_says_why(desk: Desk) -> None:
    answer = await desk.registered()
    someone = mothers.person(2)
    shown = (await desk.get(answer.case_id)).parties[0]
    assert shown.id_number.endswith(someone.id_number[-4:])
    assert "*" in shown.id_number
    assert "*" in shown.phone
    assert shown.address.endswith("***")
    ask = pb.UnmaskParticularsRequest(case_id=answer.case_id, party_ids=[answer.applicant_ids[0]], purpose="court_papers")
    given = await desk.call("UnmaskParticulars", ask)
    whole = await desk.get(answer.case_id, unmasking_id=given.unmasking_id)
    assert (whole.parties[0].id_number, whole.parties[0].phone) == (someone.id_number, someone.phone)
    assert "*" in whole.parties[1].id_number
    assert (await events(desk, answer.case_id))[-1] == "ParticularsUnmasked"
    assert await reason(desk.get(answer.case_id, DISPATCHER, unmasking_id=given.unmasking_id)) == "UNMASKING_INVALID"
    assert await reason(desk.call("UnmaskParticulars", ask, STATISTICIAN)) == "ROLE_MISSING"


@pytest.mark.req("PF5")
async def test_services_get_whole_numbers_for_what_they_freeze_and_people_do_not(desk: Desk) -> None:
    answer = await desk.registered()
    told = await desk.call("GetParties", GetPartiesRequest(case_id=answer.case_id, with_numbers=True), "service:mediation")
    assert told.parties[0].id_number == mothers.person(2).id_number
    assert await reason(desk.call("GetParties", GetPartiesRequest(case_id=answer.case_id, with_numbers=True))) == "UNMASKING_REQUIRED"
    assert "*" in (await desk.call("GetParties", GetPartiesRequest(case_id=answer.case_id))).parties[0].id_number


async def test_what_a_person_may_do_next_and_why_not(desk: Desk) -> None:
    case_id = (await desk.registered()).case_id

    async def told(by: Any) -> dict[str, str]:
        answer = await desk.call("ListAllowedActions", ListAllowedActionsRequest(case_id=case_id), by)
        return {a.action: "yes" if a.allowed else a.reason for a in answer.actions}

    mine = await told(CLERK)
    assert (mine["ClassifyCase"], mine["SupplyCorrection"], mine["RecordConsentAttempt"]) == ("yes", "STATE_FORBIDS", "STATE_FORBIDS")
    assert set((await told(STATISTICIAN)).values()) == {"ROLE_MISSING"}
    assert await reason(told(OTHER_CLERK)) == "NOT_FOUND"
    # Whatever is allowed succeeds or is refused for another reason than state and role; whatever is not is refused for the reason told.
    assert await reason(desk.call("SupplyCorrection", pb.SupplyCorrectionRequest(case_id=case_id))) == mine["SupplyCorrection"]


async def test_malformed_and_unknown_ids(desk: Desk) -> None:
    assert await reason(desk.call("ClassifyCase", classification("7"))) == "STRING_UUID"
    assert await reason(desk.call("ClassifyCase", classification(new_id()))) == "NOT_FOUND"
    case_id = (await desk.registered()).case_id
    assert await reason(desk.call("ClassifyCase", classification(case_id), OTHER_CLERK)) == "NOT_FOUND"
    withdraw = pb.WithdrawApplicationRequest(case_id=case_id, party_id="nobody", reason="settled")
    assert await reason(desk.call("WithdrawApplication", withdraw)) == "PARTY_UNKNOWN"


async def test_a_recused_mediator_no_longer_reads_the_case(desk: Desk) -> None:
    case_id = (await desk.registered()).case_id
    await desk.get(case_id)
    await desk.hear(table_events_pb2.RecusalDecided(case_id=case_id, recusal_id="r", mediator_id=CLERK.id, replaced=True))
    assert await reason(desk.get(case_id)) == "NOT_FOUND"
    assert await reason(desk.call("ClassifyCase", classification(case_id))) == "NOT_FOUND"
