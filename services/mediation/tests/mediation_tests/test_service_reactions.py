"""What mediation does about what its neighbours said, in whatever order it hears it."""

from datetime import timedelta
from itertools import permutations

import pytest

from tiaochu_kit.ids import new_id
from tiaochu_testkit.waiting import eventually

from .centre import DISTRICT, VILLAGE, VILLAGE_PATH, Case, Centre  # noqa: TID252 - tests of one package
from .table import refusal  # noqa: TID252

pytestmark = pytest.mark.asyncio(loop_scope="module")

ACCEPTED = {"organ_id": VILLAGE, "organ_path": VILLAGE_PATH, "on_the_spot": False, "mediation_kind": "people"}


async def expired(centre: Centre, case: Case, rule_code: str, on_expiry: str, ref_id: str = "") -> None:
    await centre.hear(
        centre.routing,
        "ClockExpired",
        case,
        clock_id=new_id(),
        rule_code=rule_code,
        ref_id=ref_id,
        on_expiry=on_expiry,
        owner_organ_id=VILLAGE,
    )


async def test_a_registered_case_waits(centre: Centre) -> None:
    case = await centre.register()
    await centre.reached(case, "waiting")
    assert await centre.events(case) == []


async def test_an_acceptance_heard_before_the_registration(centre: Centre) -> None:
    case = Case(new_id(), new_id(), new_id(), centre.now())
    centre.intake.parties[case.id] = [(case.applicant, "applicant"), (case.respondent, "respondent")]
    await centre.hear(centre.routing, "CaseAccepted", case, **ACCEPTED)
    await centre.reached(case, "opened")
    await centre.hear(centre.intake, "CaseRegistered", case, first_receiver_organ_id=VILLAGE, first_receiver_organ_path=VILLAGE_PATH)
    await centre.hear(centre.intake, "CaseClassified", case, category="0101", difficulty="ordinary", flags=["domestic_violence"])
    await centre.assign(case)
    await centre.tell(case)
    with refusal("SAFETY_CHECK_NEEDED"):
        await centre.schedule(case)


async def test_a_finished_case_of_an_old_register_is_none_of_ours(centre: Centre) -> None:
    old = Case(new_id(), new_id(), new_id(), centre.now())
    await centre.hear(
        centre.intake, "CaseRegistered", old, first_receiver_organ_id=VILLAGE, first_receiver_organ_path=VILLAGE_PATH, history=True
    )
    await centre.reached(await centre.register(), "waiting")
    assert await centre.status(old) == ""


@pytest.mark.parametrize(
    ("name", "fields", "ground"),
    [
        ("ApplicationWithdrawn", {"party_id": "p", "reason": "settled"}, "withdrawn"),
        ("CorrectionLapsed", {}, "correction_lapsed"),
        ("ConsentConcluded", {"outcome": "refused"}, "party_refused"),
        ("ConsentConcluded", {"outcome": "unreachable"}, "unreachable"),
    ],
)
@pytest.mark.req("MD7")
async def test_what_falls_away_before_acceptance_is_terminated_and_closed(
    centre: Centre, name: str, fields: dict[str, str], ground: str
) -> None:
    case = await centre.register()
    await centre.hear(centre.intake, name, case, **fields)
    await centre.reached(case, "closed")
    assert await centre.events(case) == ["MediationTerminated", "CaseClosed"]
    event = await centre.event(case, "MediationTerminated")
    assert (event.ground, event.before_acceptance) == (ground, True)
    notice = await centre.do("GetTerminationNotice", case, centre.people.clerk)
    assert notice.sha256 == event.remedies_sha256
    await centre.hear(centre.routing, "CaseAccepted", case, **ACCEPTED)
    await centre.reached(await centre.register(), "waiting")
    assert await centre.status(case) == "closed"


async def test_consent_is_no_reason_to_do_anything(centre: Centre) -> None:
    case = await centre.register()
    await centre.hear(centre.intake, "ConsentConcluded", case, outcome="consented")
    await centre.accept(case)


async def test_a_withdrawal_at_the_table_ends_it_and_one_after_the_agreement_does_not(centre: Centre) -> None:
    early, late = await centre.prepared(), await centre.effective()
    for case in (early, late):
        await centre.hear(centre.intake, "ApplicationWithdrawn", case, party_id=case.applicant, reason="settled")
    await centre.reached(early, "terminated")
    assert await centre.status(late) == "effective"


@pytest.mark.parametrize(("name", "fields"), [("CaseDeclined", {"organ_id": VILLAGE, "ground": "not_mediable"}), ("MergeConfirmed", {})])
async def test_declined_or_merged_there_is_nothing_to_mediate(centre: Centre, name: str, fields: dict[str, str]) -> None:
    case = await centre.register()
    await centre.hear(centre.routing, name, case, **fields)
    await centre.reached(case, "dropped")
    assert await centre.events(case) == ["MediationDropped"]


@pytest.mark.parametrize("order", list(permutations(["CaseRegistered", "CaseDeclined", "ApplicationWithdrawn"])))
async def test_whatever_is_heard_first_it_ends(centre: Centre, order: tuple[str, ...]) -> None:
    """Of one producer the order stands; between producers any may come first."""
    case = Case(new_id(), new_id(), new_id(), centre.now())
    heard = [n for n in order if n != "CaseDeclined"]
    heard.sort(key=["CaseRegistered", "ApplicationWithdrawn"].index)
    said = iter(heard)
    for name in order:
        if name == "CaseDeclined":
            await centre.hear(centre.routing, name, case, organ_id=VILLAGE, ground="other")
        else:
            fields = {"first_receiver_organ_path": VILLAGE_PATH} if (mine := next(said)) == "CaseRegistered" else {"reason": "other"}
            await centre.hear(centre.intake, mine, case, **fields)
    await centre.reached(case, "dropped", "closed")


async def test_an_applicant_who_leaves_is_not_waited_for(centre: Centre) -> None:
    case = await centre.register()
    second = new_id()
    centre.intake.parties[case.id].append((second, "applicant"))
    await centre.accept(case)
    await centre.assign(case)
    await centre.tell(case, case.applicant)
    centre.intake.parties[case.id].pop()
    await centre.hear(centre.intake, "ApplicantWithdrew", case, party_id=second, reason="settled", remaining=1)

    async def left() -> bool:
        return "PartyLeft" in await centre.events(case)

    await eventually(left)
    await centre.tell(case, case.respondent)
    await centre.schedule(case)
    await centre.hold(case, "agreed")


@pytest.mark.req("MD2")
async def test_a_mediator_who_does_not_answer_is_replaced_by_the_clock_and_one_who_did_is_not(centre: Centre) -> None:
    silent, answered = await centre.register(), await centre.register()
    for case in (silent, answered):
        await centre.accept(case)
        await centre.choose(case, centre.people.mediator)
    await centre.do("AcceptAssignment", answered, centre.people.mediator)
    for case in (answered, silent):
        chosen = await centre.event(case, "MediatorChosen")
        await expired(centre, case, "ACCEPT_ASSIGNMENT", "reassign", chosen.assignment_id)
    await centre.reached(silent, "opened")
    assert await centre.status(answered) == "preparing"
    assert (await centre.event(silent, "AssignmentDeclined")).reason == "no_answer"


@pytest.mark.req("MD3")
async def test_a_second_session_too_late_needs_the_head(centre: Centre) -> None:
    case = await centre.prepared()
    await centre.schedule(case)
    await centre.hold(case, "not_agreed", signing_party_ids=[case.applicant])
    record = (await centre.do("GetSessionRecord", case, centre.people.clerk, session_id=case.session)).record
    assert list(record.signing_party_ids) == [case.applicant]
    await expired(centre, case, "SECOND_SESSION", "approval_needed")

    async def overdue() -> bool:
        return "SessionOverdue" in await centre.events(case)

    await eventually(overdue)
    with refusal("SESSION_APPROVAL_NEEDED"):
        await centre.schedule(case, study_note="研究意见")
    await centre.do("ApproveSession", case, centre.people.head, reason="当事人申请延后")
    await centre.schedule(case, study_note="研究意见")


@pytest.mark.parametrize("on_expiry", ["terminate", "return_papers"])
async def test_the_time_to_conclude_ends_the_table(centre: Centre, on_expiry: str) -> None:
    case = await centre.prepared()
    await expired(centre, case, "ACCEPT_ASSIGNMENT", "reassign")
    await expired(centre, case, "CONCLUDE_PM", on_expiry)
    await centre.reached(case, "terminated")
    assert (await centre.event(case, "MediationTerminated")).ground == "expired"


async def test_an_agreement_that_waits_for_marks_is_not_ended_by_the_clock(centre: Centre) -> None:
    case = await centre.agreed()
    await centre.draft(case)
    await expired(centre, case, "CONCLUDE_PM", "terminate")
    await centre.reached(await centre.register(), "waiting")
    for who in (*case.parties, "mediator", "seal"):
        await centre.sign(case, who)
    assert await centre.status(case) == "effective"


@pytest.mark.req("MD6")
async def test_the_end_of_the_grace_is_a_breach_unless_it_was_performed(centre: Centre) -> None:
    case = await centre.effective()
    [obligation] = case.obligations
    await expired(centre, case, "PERFORM", "breached", obligation)
    await centre.reached(case, "breached")
    assert (await centre.event(case, "ObligationBreached")).obligation_id == obligation
    with refusal("COURT_ROUTE_REQUIRED"):
        await centre.do("CloseCase", case, centre.people.clerk)
    today = (centre.now() + timedelta(hours=8)).date().isoformat()
    paid = {"agreement_id": case.agreement, "obligation_id": obligation, "amount": "3000", "performed_on": today}
    await centre.do("RecordPerformance", case, centre.people.clerk, **paid)
    await expired(centre, case, "PERFORM", "breached", obligation)
    await centre.reached(await centre.register(), "waiting")
    assert await centre.status(case) == "performed"


@pytest.mark.req("MD5")
async def test_the_court_confirms(centre: Centre) -> None:
    case = await centre.effective()
    await centre.do(
        "RequestConfirmation",
        case,
        centre.people.clerk,
        agreement_id=case.agreement,
        agency_id="court-329901",
        applying_party_ids=case.parties,
    )
    asked = await centre.event(case, "ConfirmationRequested")
    assert (asked.agreement_id, asked.agency_id, list(asked.obligation_ids)) == (case.agreement, "court-329901", case.obligations)
    ruling = {"ruling": "valid", "ruling_no": "(2026)苏1282民特1号", "ruled_on": "2026-03-20"}
    await centre.hear(centre.docking, "CourtRulingReceived", case, exchange_id=new_id(), agreement_id=case.agreement, **ruling)

    async def ruled() -> bool:
        shown = (await centre.do("GetAgreement", case, centre.people.clerk)).agreement
        return [c.ruling for c in shown.confirmations] == ["valid"]

    await eventually(ruled)
    assert (await centre.event(case, "ConfirmationDecided")).ruling_no == ruling["ruling_no"]
    assert DISTRICT in centre.people.clerk.districts
