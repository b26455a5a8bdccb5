"""Cases through the public edge: transfers, acceptance, decline, merges, and who was responsible when."""

from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from tiaochu.routing.v1 import responsibility_service_pb2 as pb
from tiaochu_domainkit.errors import DomainError

SERVICE = "ResponsibilityService"

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def world(shared_world: Any) -> Any:
    return shared_world


async def refused(call: Any) -> str:
    """The frozen reason of the refusal: that of the field where one field is wrong."""
    with pytest.raises(DomainError) as refusal:
        await call
    violations = refusal.value.violations
    return violations[0].reason if violations else refusal.value.reason


@pytest.mark.req("RT3")
async def test_the_first_receiver_is_responsible_from_the_registration_on(world: Any) -> None:
    case_id = await world.register()
    answer = await world.call(f"{SERVICE}/GetResponsibleUnit", pb.GetResponsibleUnitRequest(case_id=case_id))
    assert (answer.organ_id, answer.by, answer.organ_name) == (world.organs["village"], "first_receipt", "渡口村调委会")
    assert await world.events(case_id) == ["ResponsibilityStarted", "ClockStarted"]


@pytest.mark.req("RT3")
async def test_responsibility_moves_on_signature_and_the_past_stays(world: Any) -> None:
    case_id = await world.classified()
    village, town = world.person("village"), world.person("town_b")
    transfer_id = await world.offer(case_id, village, "town_b")
    before = world.now()
    assert (await world.case(case_id)).holdings[-1].organ_id == world.organs["village"]
    world.step(hours=1)
    await world.call(f"{SERVICE}/SignTransfer", pb.SignTransferRequest(case_id=case_id, transfer_id=transfer_id), by=town)
    at = Timestamp()
    at.FromDatetime(before)
    then = await world.call(f"{SERVICE}/GetResponsibleUnit", pb.GetResponsibleUnitRequest(case_id=case_id, at=at))
    now = await world.call(f"{SERVICE}/GetResponsibleUnit", pb.GetResponsibleUnitRequest(case_id=case_id))
    assert (then.organ_id, now.organ_id) == (world.organs["village"], world.organs["town_b"])
    assert then.until_at == now.since_at
    assert now.responsibility_version == 2


async def test_nobody_is_told_of_a_future_or_of_a_time_before_the_registration(world: Any) -> None:
    case_id = await world.register()
    for seconds, reason in ((3600, "INSTANT_IN_FUTURE"), (-3600, "NOT_YET_REGISTERED")):
        at = Timestamp(seconds=int(world.now().timestamp()) + seconds)
        assert await refused(world.call(f"{SERVICE}/GetResponsibleUnit", pb.GetResponsibleUnitRequest(case_id=case_id, at=at))) == reason


@pytest.mark.req("RT2")
async def test_the_rules_name_lead_and_co_units(world: Any) -> None:
    neighbours = await world.case(await world.classified())
    assert (neighbours.lead_organ_id, list(neighbours.co_organ_ids)) == (world.organs["village"], [world.organs["town"]])
    many = await world.case(await world.classified(category="0601", single_legal_relation=False))
    assert many.lead_organ_id == world.organs["town"]
    property_case = await world.case(await world.classified(category="0402", single_legal_relation=True))
    assert (property_case.lead_organ_id, property_case.sole_competent) == (world.organs["committee"], True)


@pytest.mark.req("RT2")
async def test_the_one_competent_unit_may_not_pass_the_case_on(world: Any) -> None:
    case_id = await world.classified("committee", category="0402", single_legal_relation=True)
    request = pb.OfferTransferRequest(
        case_id=case_id, kind=pb.TRANSFER_KIND_REFER, to_organ_id=world.organs["town"], reason="not_competent"
    )
    assert await refused(world.call(f"{SERVICE}/OfferTransfer", request, by=world.person("committee"))) == "SOLE_COMPETENT_UNIT"


@pytest.mark.req("RT3", "RT4")
async def test_the_second_return_goes_to_the_upper_unit(world: Any) -> None:
    case_id = await world.classified()
    village = world.person("village")
    answers = []
    for receiver in ("town_b", "bureau"):
        transfer_id = await world.offer(case_id, village, receiver)
        request = pb.ReturnTransferRequest(case_id=case_id, transfer_id=transfer_id, ground="not_competent", note="不属我单位职责")
        answers.append(await world.call(f"{SERVICE}/ReturnTransfer", request, by=world.person(receiver)))
    assert [(a.returns, a.designating_organ_id) for a in answers] == [(1, ""), (2, world.organs["city"])]
    accept = pb.AcceptCaseRequest(case_id=case_id, both_parties_willing=True, mediation_kind="people")
    assert await refused(world.call(f"{SERVICE}/AcceptCase", accept, by=village)) == "STATE_FORBIDS"
    designate = pb.DesignateUnitRequest(case_id=case_id, organ_id=world.organs["bureau"])
    assert (
        await refused(world.call(f"{SERVICE}/DesignateUnit", designate, by=world.person("town", "centre_director")))
        == "NOT_DESIGNATING_UNIT"
    )
    await world.call(f"{SERVICE}/DesignateUnit", designate, by=world.person("city"))
    case = await world.case(case_id)
    assert (case.status, case.holdings[-1].organ_id, case.holdings[-1].by) == ("held", world.organs["bureau"], "designation")
    assert [t.status for t in case.transfers] == ["returned", "returned"]
    assert case.transfers[0].answer_note == "不属我单位职责"


@pytest.mark.req("RT4")
async def test_handing_up_carries_its_proposal_outside_the_event(world: Any) -> None:
    case_id = await world.classified(difficulty="major")
    village = world.person("village")
    bare = pb.OfferTransferRequest(case_id=case_id, kind=pb.TRANSFER_KIND_ESCALATE, to_organ_id=world.organs["town"], reason="beyond_level")
    assert await refused(world.call(f"{SERVICE}/OfferTransfer", bare, by=village)) == "PROPOSAL_REQUIRED"
    await world.offer(case_id, village, "town", pb.TRANSFER_KIND_ESCALATE, "建议由镇里会同住建局处理")
    assert (await world.case(case_id)).transfers[0].proposal == "建议由镇里会同住建局处理"
    async with world.routing.kit.database.transaction() as tx:
        rows = await tx.rows("SELECT payload FROM journal WHERE subject = %s", (case_id,))
    assert all("住建局".encode() not in bytes(row[0]) for row in rows)


@pytest.mark.req("IN5")
async def test_acceptance_by_the_responsible_unit_alone(world: Any) -> None:
    case_id = await world.classified()
    request = pb.AcceptCaseRequest(case_id=case_id, mediation_kind="people")
    assert await refused(world.call(f"{SERVICE}/AcceptCase", request, by=world.person("town"))) == "NOT_RESPONSIBLE_UNIT"
    assert await refused(world.call(f"{SERVICE}/AcceptCase", request, by=world.person("village"))) == "CONSENT_MISSING"
    await world.intake.tell("ConsentConcluded", case_id=case_id, outcome="consented")
    await world.call(f"{SERVICE}/AcceptCase", request, by=world.person("village"))
    assert (await world.case(case_id)).status == "accepted"


@pytest.mark.req("IN5")
async def test_the_command_reads_the_news_of_the_intake_before_it_decides(world: Any) -> None:
    case_id = await world.classified()
    await world.intake.tell("ApplicationWithdrawn", case_id=case_id, party_id=case_id, reason="settled")
    request = pb.AcceptCaseRequest(case_id=case_id, mediation_kind="people", both_parties_willing=True)
    assert await refused(world.call(f"{SERVICE}/AcceptCase", request, by=world.person("village"))) == "APPLICATION_WITHDRAWN"


@pytest.mark.req("IN5", "MD7")
async def test_a_decline_serves_the_notice_of_remedies(world: Any) -> None:
    case_id = await world.classified()
    village = world.person("village")
    request = pb.DeclineCaseRequest(case_id=case_id, ground="already_handled", served_by="in_person")
    answer = await world.call(f"{SERVICE}/DeclineCase", request, by=village)
    notice = await world.call(f"{SERVICE}/GetDeclineNotice", pb.GetDeclineNoticeRequest(case_id=case_id), by=village)
    assert (notice.notice_id, notice.remedies_version) == (answer.notice_id, answer.remedies_version)
    assert "人民法院" in notice.text
    assert (await world.events(case_id))[-1] == "CaseDeclined"
    await world.settle()
    case = await world.case(case_id)
    assert (case.status, case.decline_ground) == ("ended", "already_handled")


async def test_a_decline_for_another_ground_says_why(world: Any) -> None:
    case_id = await world.classified()
    request = pb.DeclineCaseRequest(case_id=case_id, ground="other", served_by="post")
    assert await refused(world.call(f"{SERVICE}/DeclineCase", request, by=world.person("village"))) == "TEXT_REQUIRED"


@pytest.mark.req("IN4")
async def test_a_merge_waits_for_the_responsible_unit(world: Any) -> None:
    case_id, master = await world.classified(), await world.classified("town_b")
    await world.intake.tell("MergeProposed", case_id=case_id, master_case_id=master)
    offer = pb.OfferTransferRequest(
        case_id=case_id, kind=pb.TRANSFER_KIND_REFER, to_organ_id=world.organs["bureau"], reason="not_competent"
    )
    assert await refused(world.call(f"{SERVICE}/OfferTransfer", offer, by=world.person("village"))) == "MERGE_PENDING"
    confirm = pb.ConfirmMergeRequest(case_id=case_id, master_case_id=master)
    assert await refused(world.call(f"{SERVICE}/ConfirmMerge", confirm, by=world.person("town_b"))) == "NOT_FOUND"
    await world.call(f"{SERVICE}/ConfirmMerge", confirm, by=world.person("village"))
    case = await world.case(case_id)
    assert (case.status, case.master_case_id) == ("merged", master)


@pytest.mark.req("IN4")
async def test_a_refused_merge_lets_the_case_go_on(world: Any) -> None:
    case_id, master = await world.classified(), await world.classified("town_b")
    await world.intake.tell("MergeProposed", case_id=case_id, master_case_id=master)
    refuse = pb.RefuseMergeRequest(case_id=case_id, master_case_id=master, ground="different_dispute")
    await world.call(f"{SERVICE}/RefuseMerge", refuse, by=world.person("town"))
    await world.offer(case_id, world.person("village"), "bureau")
    assert (await world.case(case_id)).status == "offered"


async def test_who_may_not_see_a_case_learns_nothing_of_it(world: Any) -> None:
    case_id = await world.classified()
    stranger = world.person("town_b")
    assert (
        await refused(world.call(f"{SERVICE}/GetResponsibility", pb.GetResponsibilityRequest(case_id=case_id), by=stranger)) == "NOT_FOUND"
    )
    sign = pb.SignTransferRequest(case_id=case_id, transfer_id=case_id)
    assert await refused(world.call(f"{SERVICE}/SignTransfer", sign, by=stranger)) == "NOT_FOUND"
    unknown = pb.GetResponsibilityRequest(case_id="019b76da-0000-7000-8000-00000000ffff")
    assert await refused(world.call(f"{SERVICE}/GetResponsibility", unknown, by=world.person("city"))) == "NOT_FOUND"
    malformed = pb.GetResponsibilityRequest(case_id="../etc/passwd")
    assert await refused(world.call(f"{SERVICE}/GetResponsibility", malformed, by=world.person("city"))) == "STRING_UUID"


async def test_an_organ_that_does_not_exist_is_named_by_its_field(world: Any) -> None:
    case_id = await world.classified()
    village, nobody = world.person("village"), "019b76da-0000-7000-8000-00000000ffff"
    offer = pb.OfferTransferRequest(case_id=case_id, kind=pb.TRANSFER_KIND_REFER, to_organ_id=nobody, reason="not_competent")
    decline = pb.DeclineCaseRequest(case_id=case_id, ground="already_handled", served_by="post", suggested_organ_id=nobody)
    assert await refused(world.call(f"{SERVICE}/OfferTransfer", offer, by=village)) == "ORGAN_UNKNOWN"
    assert await refused(world.call(f"{SERVICE}/DeclineCase", decline, by=village)) == "ORGAN_UNKNOWN"


async def test_text_that_no_column_can_hold_is_refused(world: Any) -> None:
    case_id = await world.classified(difficulty="major")
    offer = pb.OfferTransferRequest(
        case_id=case_id, kind=pb.TRANSFER_KIND_ESCALATE, to_organ_id=world.organs["town"], reason="beyond_level", proposal="a\0b"
    )
    assert await refused(world.call(f"{SERVICE}/OfferTransfer", offer, by=world.person("village"))) == "TEXT_NUL"
    offer.proposal = "字" * 4001
    assert await refused(world.call(f"{SERVICE}/OfferTransfer", offer, by=world.person("village"))) == "STRING_MAX_LEN"


async def test_the_same_key_answers_the_same_and_refuses_another_request(world: Any) -> None:
    case_id = await world.classified()
    village = world.person("village", ident="019b76da-0000-7000-8000-0000000000aa")
    offer = pb.OfferTransferRequest(
        request_id="019b76da-0000-7000-8000-0000000000bb",
        case_id=case_id,
        kind=pb.TRANSFER_KIND_REFER,
        to_organ_id=world.organs["bureau"],
        reason="not_competent",
    )
    first = await world.call(f"{SERVICE}/OfferTransfer", offer, by=village)
    assert await world.call(f"{SERVICE}/OfferTransfer", offer, by=village) == first
    offer.reason = "other"
    assert await refused(world.call(f"{SERVICE}/OfferTransfer", offer, by=village)) == "REQUEST_ID_REUSED"


async def test_a_role_without_the_right_is_refused(world: Any) -> None:
    case_id = await world.classified()
    request = pb.AcceptCaseRequest(case_id=case_id, both_parties_willing=True, mediation_kind="people")
    assert await refused(world.call(f"{SERVICE}/AcceptCase", request, by=world.person("village", "statistician"))) == "ROLE_MISSING"


async def test_two_people_with_one_etag(world: Any) -> None:
    case_id = await world.classified()
    etag = (await world.case(case_id)).etag
    village = world.person("village")
    first = pb.OfferTransferRequest(
        case_id=case_id, kind=pb.TRANSFER_KIND_REFER, to_organ_id=world.organs["bureau"], reason="not_competent", etag=etag
    )
    await world.call(f"{SERVICE}/OfferTransfer", first, by=village)
    second = pb.AcceptCaseRequest(case_id=case_id, both_parties_willing=True, mediation_kind="people", etag=etag)
    assert await refused(world.call(f"{SERVICE}/AcceptCase", second, by=village)) == "VERSION_CHANGED"


async def test_every_command_is_listed_with_the_reason_why_not(world: Any) -> None:
    case_id = await world.classified()

    async def actions(organ: str, *roles: str) -> dict[str, str]:
        by = world.person(organ, *roles)
        answer = await world.call(f"{SERVICE}/ListAllowedActions", pb.ListAllowedActionsRequest(case_id=case_id), by=by)
        return {a.action: a.reason for a in answer.actions if a.allowed or a.reason}

    mine = await actions("village")
    assert (mine["AcceptCase"], mine["DeclineCase"], mine["OfferTransfer"]) == ("", "", "")
    assert (mine["SignTransfer"], mine["ConfirmMerge"]) == ("STATE_FORBIDS", "NO_MERGE_PENDING")
    assert (await actions("town"))["AcceptCase"] == "NOT_RESPONSIBLE_UNIT"
    assert (await actions("village", "statistician"))["AcceptCase"] == "ROLE_MISSING"
    assert mine["ExtendClock"] == "EXTENSION_NOT_ALLOWED"
    await world.call(
        f"{SERVICE}/AcceptCase",
        pb.AcceptCaseRequest(case_id=case_id, on_the_spot=True, mediation_kind="people"),
        by=world.person("village"),
    )
    await world.settle()
    after = await actions("village")
    assert after.pop("ExtendClock") == ""
    assert set(after.values()) == {"STATE_FORBIDS"}


async def test_the_end_of_a_case_ends_the_responsibility(world: Any) -> None:
    closed, withdrawn, history = await world.classified(), await world.register(), await world.register(history=True)
    await world.call(
        f"{SERVICE}/AcceptCase",
        pb.AcceptCaseRequest(case_id=closed, on_the_spot=True, mediation_kind="people"),
        by=world.person("village"),
    )
    await world.mediation.tell("MediationTerminated", case_id=closed, ground="not_agreed", before_acceptance=False)
    await world.mediation.tell("MediationTerminated", case_id=withdrawn, ground="withdrawn", before_acceptance=True)
    await world.intake.tell("HistoryResultRecorded", case_id=history, outcome="agreed")
    await world.settle()
    assert [(await world.case(c)).status for c in (closed, withdrawn, history)] == ["accepted", "ended", "ended"]
    await world.mediation.tell("CaseClosed", case_id=closed, result="terminated")
    await world.settle()
    assert (await world.case(closed)).status == "ended"


async def test_an_end_that_is_read_before_the_beginning_ends_the_case_at_once(world: Any) -> None:
    case_id = "019b76da-0000-7000-8000-00000000abcd"
    await world.mediation.tell("MediationTerminated", case_id=case_id, ground="withdrawn", before_acceptance=True)
    await world.read("mediation")
    await world.register(case_id=case_id)
    await world.settle()
    assert (await world.case(case_id)).status == "ended"
    assert await world.events(case_id) == ["ResponsibilityStarted", "ResponsibilityEnded"]
