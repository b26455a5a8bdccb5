"""Bad input and wrong moments: a clear refusal, and nothing stored."""

from datetime import timedelta
from typing import Any

import pytest

from tiaochu.mediation.v1 import mediation_service_pb2 as pb
from tiaochu_domainkit.errors import DomainError
from tiaochu_kit.ids import new_id

from .centre import Case, Centre, behalf, pays, said, stamp  # noqa: TID252 - tests of one package
from .table import refusal  # noqa: TID252

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNKNOWN = "019b76da-a800-7000-8000-00000000dead"


async def refused(centre: Centre, rpc: str, case: Case, by: Any, **fields: Any) -> DomainError:
    """The refusal, after which events and texts are what they were."""
    before = await stored(centre, case)
    with pytest.raises(DomainError) as caught:
        await centre.do(rpc, case, by, **fields)
    assert await stored(centre, case) == before
    return caught.value


async def stored(centre: Centre, case: Case) -> tuple[list[str], int]:
    async with centre.running.kit.database.transaction() as tx:
        rows = await tx.rows("SELECT count(*) FROM texts WHERE case_id::text = %s", (case.id,))
    return await centre.events(case), rows[0][0]


async def test_unknown_and_malformed_ids(centre: Centre) -> None:
    case = await centre.prepared()
    clerk = centre.people.clerk
    for bad in (UNKNOWN, new_id()):
        nobody = Case(bad, bad, bad, centre.now())
        assert (await refused(centre, "CloseCase", nobody, clerk)).reason == "NOT_FOUND"
        assert (await refused(centre, "AcknowledgeNotice", nobody, clerk, on_behalf_of=behalf(bad))).reason == "NOT_FOUND"
    malformed = Case("no-uuid", "", "", centre.now())
    error = await refused(centre, "CloseCase", malformed, clerk)
    assert (error.reason, error.violations[0].path) == ("FIELD_INVALID", "case_id")
    error = await refused(centre, "GetSessionRecord", case, clerk, session_id=UNKNOWN)
    assert error.reason == "NOT_FOUND"
    error = await refused(centre, "RecordPerformance", case, clerk, agreement_id=UNKNOWN, obligation_id=UNKNOWN, performed_on="2026-03-01")
    assert error.reason == "STATE_FORBIDS"


@pytest.mark.req("MD2")
async def test_only_somebody_in_a_mediators_post_is_named(centre: Centre) -> None:
    case = await centre.register()
    await centre.accept(case)
    await centre.running.give_posts(centre.people.clerk)
    for nobody in (new_id(), centre.people.clerk.id):
        error = await refused(centre, "ChooseMediator", case, centre.people.clerk, mediator_id=nobody, chosen_by="parties")
        assert error.violations[0].reason == "MEDIATOR_UNKNOWN"


@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        ("-1", "MONEY_NEGATIVE"),
        ("1.234", "MONEY_DECIMALS"),
        ("100000000000000", "MONEY_TOO_LARGE"),
        ("一千", "MONEY_FORMAT"),
        ("0", "PAYMENT_INCOMPLETE"),
        ("", "PAYMENT_INCOMPLETE"),
    ],
)
@pytest.mark.req("MD4")
async def test_amounts(agreed: tuple[Centre, Case], amount: str, reason: str) -> None:
    centre, case = agreed
    due_on = (centre.now() + timedelta(days=9)).date().isoformat()
    error = await refused(centre, "DraftAgreement", case, centre.people.mediator, **terms(pays(case, amount, due_on)))
    assert error.violations[0].reason == reason
    assert error.violations[0].path.startswith("obligations[0]")


@pytest.mark.parametrize(
    ("due_on", "reason"),
    [
        ("2027-02-29", "DATE_UNREAL"),
        ("1948-12-31", "DUE_DAY_RANGE"),
        ("2999-01-01", "DUE_DAY_RANGE"),
        ("明天", "DATE_FORMAT"),
        ("", "PAYMENT_INCOMPLETE"),
    ],
)
async def test_due_days(agreed: tuple[Centre, Case], due_on: str, reason: str) -> None:
    centre, case = agreed
    error = await refused(centre, "DraftAgreement", case, centre.people.mediator, **terms(pays(case, "1", due_on)))
    assert error.violations[0].reason == reason


@pytest.mark.parametrize(
    ("text", "reason"), [("\0", "TEXT_NUL"), ("\x07", "TEXT_CONTROL"), (" \n ", "TEXT_REQUIRED"), ("长" * 8001, "STRING_MAX_LEN")]
)
async def test_texts(agreed: tuple[Centre, Case], text: str, reason: str) -> None:
    centre, case = agreed
    error = await refused(centre, "DraftAgreement", case, centre.people.mediator, **{**terms(), "facts": text})
    assert (error.violations[0].path, error.violations[0].reason) == ("facts", reason)


def terms(*obligations: pb.ObligationInput) -> dict[str, Any]:
    return {"form": "written", "facts": "事实。", "terms": "条款。", "obligations": obligations}


async def test_moments(centre: Centre) -> None:
    case = await centre.prepared()
    clerk = centre.people.clerk
    error = await refused(centre, "ScheduleSession", case, clerk, starts_at=stamp(centre.now() - timedelta(hours=1)), mode="online")
    assert error.violations[0].reason == "STARTS_IN_PAST"
    fields = {"ground": "other", "acted_at": stamp(centre.now() + timedelta(days=1))}
    assert (await refused(centre, "TerminateMediation", case, clerk, **fields)).violations[0].reason == "DATE_FUTURE"
    fields = {"ground": "other", "acted_at": stamp(centre.now() - timedelta(days=90))}
    assert (await refused(centre, "TerminateMediation", case, clerk, **fields)).reason == "OCCURRED_TOO_LONG_AGO"


async def test_a_command_in_the_wrong_state_tells_which_are_allowed(centre: Centre) -> None:
    case = await centre.prepared()
    error = await refused(centre, "ResumeMediation", case, centre.people.clerk, reason="ended")
    assert (error.reason, error.metadata["current"]) == ("STATE_FORBIDS", "preparing")
    assert "hold_session" in error.metadata["allowed"].split(",")
    assert error.zh


async def test_somebody_who_is_no_party(centre: Centre) -> None:
    case = await centre.prepared()
    for rpc, fields in (
        ("AcknowledgeNotice", {}),
        ("RaiseRecusal", {"mediator_id": centre.people.mediator.id}),
        ("TerminateMediation", {"ground": "party_refused"}),
    ):
        error = await refused(centre, rpc, case, centre.people.clerk, on_behalf_of=behalf(new_id()), **fields)
        assert error.violations[0].reason == "PARTY_UNKNOWN"
    await centre.schedule(case)
    centre.later(days=2)
    held: dict[str, Any] = {"session_id": case.session, "result": "agreed", "summary": "小结"}
    error = await refused(centre, "HoldSession", case, centre.people.mediator, **held, statements=said(*case.parties, new_id()))
    assert error.violations[0].reason == "PARTY_UNKNOWN"


async def test_two_saving_at_once_and_the_second_learns_the_new_version(centre: Centre) -> None:
    case = await centre.prepared()
    seen = (await centre.do("GetMediation", case, centre.people.clerk)).mediation.etag
    await centre.do("SuspendMediation", case, centre.people.clerk, reason="appraisal", etag=seen)
    error = await refused(centre, "ResumeMediation", case, centre.people.clerk, reason="ended", etag=seen)
    assert error.reason == "VERSION_CHANGED"
    await centre.do("ResumeMediation", case, centre.people.clerk, reason="ended", etag=error.metadata["etag"])


async def test_the_same_key_answers_the_same_and_takes_no_other_request(centre: Centre) -> None:
    case = await centre.register()
    await centre.accept(case)
    key, rpc = new_id(), "tiaochu.mediation.v1.MediationService/ChooseMediator"
    for mediator in (centre.people.mediator, centre.people.other):
        await centre.running.give_posts(mediator)
    request = pb.ChooseMediatorRequest(case_id=case.id, mediator_id=centre.people.mediator.id, chosen_by="parties")
    answers = [await centre.running.call(rpc, request, by=centre.people.clerk, request_id=key) for _ in range(2)]
    assert answers[0] == answers[1]
    assert (await centre.events(case)).count("MediatorChosen") == 1
    request.mediator_id = centre.people.other.id
    with refusal("REQUEST_ID_REUSED"):
        await centre.running.call(rpc, request, by=centre.people.clerk, request_id=key)


@pytest.mark.req("MD4")
async def test_family_papers_are_signed_on_paper(centre: Centre) -> None:
    case = await centre.agreed(category="0103")
    await centre.draft(case)
    assert (await centre.do("GetAgreement", case, centre.people.clerk)).agreement.paper_only
    with refusal("E_SIGNATURE_BARRED"):
        await centre.sign(case, case.applicant, method="electronic")


@pytest.mark.req("MD4")
async def test_oral_only_on_the_spot_in_a_village_for_simple_matters(centre: Centre) -> None:
    case = await centre.register(difficulty="ordinary")
    await centre.accept(case, on_the_spot=True)
    await centre.tell(case)
    with refusal("ORAL_NOT_ALLOWED"):
        await centre.draft(case, form="oral")


@pytest.mark.req("MD5")
async def test_confirmation_after_the_window(centre: Centre) -> None:
    case = await centre.effective()
    shown = (await centre.do("GetAgreement", case, centre.people.clerk)).agreement
    assert shown.confirmable_until_on
    centre.later(days=45)
    fields = {"agreement_id": case.agreement, "agency_id": "court", "applying_party_ids": case.parties}
    error = await refused(centre, "RequestConfirmation", case, centre.people.clerk, **fields)
    assert (error.reason, error.metadata["last_day"]) == ("CONFIRMATION_LATE", shown.confirmable_until_on)


@pytest.mark.req("MD1")
async def test_domestic_violence_flagged_after_the_appointment_is_heard_before_the_session(centre: Centre) -> None:
    """The command reads intake's log to its head first, so the newest flag counts."""
    case = await centre.prepared()
    await centre.schedule(case)
    await centre.hear(centre.intake, "CaseClassified", case, category="0101", difficulty="ordinary", flags=["domestic_violence"])
    with refusal("SAFETY_CHECK_NEEDED"):
        await centre.hold(case, "agreed")
    checked = {"joint_sessions_allowed": True, "note": "双方自愿,已评估"}
    await centre.do("RecordSafetyCheck", case, centre.people.clerk, **checked)
    await centre.hold(case, "agreed")
