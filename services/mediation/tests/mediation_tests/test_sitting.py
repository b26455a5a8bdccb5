"""Sessions: gates before, the two-session rule, safety, suspension (MD1, MD3)."""

from datetime import timedelta

import pytest

from tiaochu_domainkit.errors import DomainError
from tiaochu_mediation.domain import states

from .table import (  # noqa: TID252 - tests of one package
    APPLICANT,
    CLERK,
    DAY,
    HEAD,
    MEDIATOR,
    NOW,
    RESPONDENT,
    ROSTER,
    STUDY,
    accept,
    acknowledge,
    assigned,
    facts,
    hold,
    last,
    names,
    prepared,
    refusal,
    schedule,
    session,
    terminate,
    violation,
)

pytestmark = pytest.mark.req("MD1", "MD3")
VIOLENCE = facts(flags=["domestic_violence"])


def test_no_session_opens_before_every_party_was_told_and_identified() -> None:
    mediation = assigned()
    accept(mediation)
    schedule(mediation)
    with refusal("NOTICE_MISSING"):
        hold(mediation, "agreed")
    acknowledge(mediation, APPLICANT)
    with pytest.raises(DomainError) as caught:
        hold(mediation, "agreed")
    assert caught.value.metadata["party_ids"] == RESPONDENT
    acknowledge(mediation, RESPONDENT)
    hold(mediation, "agreed")


def test_a_party_is_told_once() -> None:
    with refusal("NOTICE_ACKNOWLEDGED"):
        acknowledge(prepared(), APPLICANT)


def test_somebody_who_is_no_party_acknowledges_nothing() -> None:
    with refusal("FIELD_INVALID"):
        acknowledge(prepared(), "somebody")


def test_a_party_that_left_is_not_waited_for() -> None:
    mediation = assigned()
    accept(mediation)
    acknowledge(mediation, APPLICANT)
    mediation.party_left(party_id=RESPONDENT, at=NOW)
    schedule(mediation, roster=ROSTER[:1])
    hold(mediation, "not_agreed", speakers=(APPLICANT,))


@pytest.mark.parametrize("notice", [timedelta(), timedelta(hours=23, minutes=59)])
def test_less_than_a_days_notice_needs_everybodys_waiver(notice: timedelta) -> None:
    mediation = prepared()
    with refusal("NOTICE_TOO_SHORT"):
        schedule(mediation, starts_at=NOW + notice)
    with refusal("NOTICE_TOO_SHORT"):
        schedule(mediation, starts_at=NOW + notice, waiving=(APPLICANT,))
    schedule(mediation, starts_at=NOW + notice, waiving=(APPLICANT, RESPONDENT))


def test_a_district_may_want_more() -> None:
    with refusal("NOTICE_TOO_SHORT"):
        schedule(prepared(), starts_at=NOW + 2 * DAY, notice=3 * DAY)


def test_a_days_notice_is_enough_and_the_past_is_not() -> None:
    mediation = prepared()
    with violation("STARTS_IN_PAST"):
        schedule(mediation, starts_at=NOW - timedelta(seconds=1))
    schedule(mediation, starts_at=NOW + DAY)


def test_a_session_that_took_place_is_recorded_late_when_nobody_minds_the_notice() -> None:
    mediation = prepared()
    everybody = {"waiving": (APPLICANT, RESPONDENT)}
    with violation("STARTS_BEFORE_OPENING"):
        schedule(mediation, NOW + 3 * DAY, starts_at=NOW - timedelta(seconds=1), **everybody)
    schedule(mediation, NOW + 3 * DAY, starts_at=NOW + DAY, **everybody)
    hold(mediation, "agreed")


def test_an_appointment_is_moved_by_appointing_again() -> None:
    mediation = prepared()
    first = schedule(mediation)
    second = schedule(mediation, starts_at=NOW + 5 * DAY)
    assert [s.number for s in mediation.sessions] == [1, 1]
    with refusal("NOT_THE_APPOINTED"):
        hold(mediation, "agreed", session_id=first)
    hold(mediation, "agreed", session_id=second)


def test_only_the_mediator_holds_and_not_before_it_begins() -> None:
    mediation = prepared()
    with refusal("NO_SESSION_APPOINTED"):
        mediation.require("hold_session", by=MEDIATOR)
    schedule(mediation)
    with refusal("NOT_THE_MEDIATOR"):
        hold(mediation, "agreed", by=CLERK)
    with refusal("SESSION_TOO_EARLY"):
        hold(mediation, "agreed", held_at=NOW + DAY)


def test_the_record_has_a_statement_of_each_party_unless_they_were_apart() -> None:
    mediation = prepared()
    schedule(mediation)
    with refusal("STATEMENT_MISSING"):
        hold(mediation, "agreed", speakers=(APPLICANT,))
    schedule(mediation, separate=True)
    hold(mediation, "agreed", speakers=())


def test_two_sessions_with_a_study_between_then_approval() -> None:
    mediation = prepared()
    session(mediation, "not_agreed")
    assert mediation.status == states.STUDY
    with refusal("STUDY_MISSING"):
        schedule(mediation, NOW + 3 * DAY)
    session(mediation, "not_agreed", at=NOW + 3 * DAY, study=STUDY)
    assert mediation.status == states.IN_SESSION
    assert last(mediation, "SessionScheduled").study_sha256 == STUDY.sha256
    with refusal("SESSION_APPROVAL_NEEDED"):
        schedule(mediation, NOW + 6 * DAY)
    with refusal("APPROVER_IS_MEDIATOR"):
        mediation.approve_session(text_id="why", by=MEDIATOR, at=NOW)
    assert mediation.approve_session(text_id="why", by=HEAD, at=NOW) == 3
    with refusal("SESSION_APPROVED"):
        mediation.approve_session(text_id="why", by=HEAD, at=NOW)
    session(mediation, "not_agreed", at=NOW + 6 * DAY)
    with refusal("SESSION_APPROVAL_NEEDED"):
        schedule(mediation, NOW + 9 * DAY)


def test_a_second_session_that_comes_too_late_needs_approval() -> None:
    mediation = prepared()
    session(mediation, "not_agreed")
    mediation.require_approval(at=NOW + 12 * DAY)
    with refusal("SESSION_APPROVAL_NOT_NEEDED"):
        mediation.require_approval(at=NOW + 12 * DAY)
    with refusal("SESSION_APPROVAL_NEEDED"):
        schedule(mediation, NOW + 13 * DAY, study=STUDY)
    assert mediation.approve_session(text_id="why", by=HEAD, at=NOW) == 2
    schedule(mediation, NOW + 13 * DAY, study=STUDY)


def test_approval_is_not_given_ahead() -> None:
    with refusal("SESSION_APPROVAL_NOT_NEEDED"):
        prepared().approve_session(text_id="why", by=HEAD, at=NOW)


def test_a_session_broken_off_is_held_again_under_its_number() -> None:
    mediation = prepared()
    session(mediation, "aborted")
    session(mediation, "not_agreed", at=NOW + 3 * DAY)
    assert [s.number for s in mediation.held] == [1, 1]
    assert mediation.status == states.STUDY


def test_domestic_violence_blocks_every_session_until_a_check_and_a_joint_one_until_it_allows() -> None:
    mediation = prepared()
    for separate in (True, False):
        with refusal("SAFETY_CHECK_NEEDED"):
            schedule(mediation, facts=VIOLENCE, separate=separate)
    mediation.record_safety_check(check_id="1", joint_allowed=False, text_id="t", by=CLERK, at=NOW)
    with refusal("SAFETY_CHECK_NEEDED"):
        schedule(mediation, facts=VIOLENCE)
    schedule(mediation, facts=VIOLENCE, separate=True)
    mediation.record_safety_check(check_id="2", joint_allowed=True, text_id="t", by=CLERK, at=NOW)
    schedule(mediation, facts=VIOLENCE)


def test_a_flag_that_comes_after_the_appointment_still_blocks() -> None:
    mediation = prepared()
    schedule(mediation)
    with refusal("SAFETY_CHECK_NEEDED"):
        hold(mediation, "agreed", facts=VIOLENCE)


@pytest.mark.parametrize("ended", [False, True])
def test_a_suspension_stops_everything_but_leaving(ended: bool) -> None:
    mediation = prepared()
    schedule(mediation)
    mediation.suspend(reason="appraisal", by=CLERK, at=NOW)
    with refusal("STATE_FORBIDS"):
        hold(mediation, "agreed")
    if ended:
        terminate(mediation)
        assert mediation.status == states.TERMINATED
        return
    mediation.resume(reason="ended", by=CLERK, at=NOW)
    hold(mediation, "agreed")
    assert names(mediation)[-2:] == ["MediationResumed", "SessionHeld"]
