"""How it ends (MD7, MD8)."""

from collections.abc import Callable

import pytest

from tiaochu_mediation.domain import states
from tiaochu_mediation.domain.mediation import Mediation

from .table import (  # noqa: TID252 - tests of one package
    APPLICANT,
    CLERK,
    DAY,
    NOTICE,
    NOW,
    OTHER,
    ROSTER,
    STUDY,
    accept,
    agreed_orally_at_the_table,
    assigned,
    choose,
    drafted,
    effective,
    follow_up,
    ident,
    last,
    names,
    opened,
    perform,
    prepared,
    refusal,
    session,
    sign,
    terminate,
    waiting,
)

pytestmark = pytest.mark.req("MD7", "MD8")


def _with_a_pending_recusal() -> Mediation:
    mediation = prepared()
    for mediator in (mediation.mediator_id, OTHER):
        mediation.raise_recusal(recusal_id=ident(), mediator_id=mediator, party_id=APPLICANT, roster=ROSTER, by=CLERK, at=NOW)
        if mediator != OTHER:
            choose(mediation, OTHER)
            accept(mediation, OTHER)
    assert mediation.pending_recusal is not None
    return mediation


def _suspended() -> Mediation:
    mediation = prepared()
    mediation.suspend(reason="party_ill", by=CLERK, at=NOW)
    return mediation


def _in_study() -> Mediation:
    mediation = prepared()
    session(mediation, "not_agreed")
    return mediation


@pytest.mark.parametrize(
    "table", [opened, assigned, prepared, agreed_orally_at_the_table, _in_study, _suspended, drafted, _with_a_pending_recusal]
)
@pytest.mark.req("MD1")
def test_a_partys_refusal_always_ends_it(table: Callable[[], Mediation]) -> None:
    mediation = table()
    terminate(mediation, "party_refused")
    assert mediation.status == states.TERMINATED
    event = last(mediation, "MediationTerminated")
    assert (event.ground, event.remedies_version, event.remedies_sha256) == ("party_refused", NOTICE.version, NOTICE.sha256)


def test_once_it_binds_nobody_leaves() -> None:
    with refusal("STATE_FORBIDS"):
        terminate(effective())


def test_whose_refusal_it_is_must_be_said() -> None:
    with refusal("FIELD_INVALID"):
        terminate(prepared(), party_id="")
    with refusal("FIELD_INVALID"):
        terminate(prepared(), party_id="somebody")


def test_not_agreed_needs_two_failed_sessions_and_a_wide_gap_one() -> None:
    mediation = prepared()
    for ground in ("not_agreed", "wide_gap"):
        with refusal("GROUND_NOT_MET"):
            terminate(mediation, ground)
    session(mediation, "not_agreed")
    with refusal("GROUND_NOT_MET"):
        terminate(mediation, "not_agreed")
    session(mediation, "not_agreed", at=NOW + 3 * DAY, study=STUDY)
    terminate(mediation, "not_agreed")


def test_a_draft_dies_with_the_table() -> None:
    mediation = drafted()
    sign(mediation, APPLICANT)
    terminate(mediation, "refused_to_sign")
    assert mediation.agreements[0].state == "dropped"


def test_what_ends_before_acceptance_is_closed_at_once() -> None:
    mediation = waiting()
    mediation.end_from_outside(ground="withdrawn", notice=NOTICE, at=NOW)
    assert mediation.status == states.CLOSED
    assert names(mediation) == ["MediationTerminated", "CaseClosed"]
    assert last(mediation, "MediationTerminated").before_acceptance


def test_a_clock_ends_it_but_not_while_terms_wait_for_marks() -> None:
    mediation = prepared()
    mediation.expire(notice=NOTICE, at=NOW)
    assert mediation.status == states.TERMINATED
    with refusal("STATE_FORBIDS"):
        drafted().expire(notice=NOTICE, at=NOW)
    unpaused = _suspended()
    unpaused.expire(notice=NOTICE, at=NOW)
    assert unpaused.status == states.TERMINATED


def test_follow_up_is_a_duty_and_no_gate() -> None:
    mediation = effective()
    follow_up(mediation)
    assert mediation.status == states.EFFECTIVE
    perform(mediation)
    follow_up(mediation)
    assert mediation.status == states.FOLLOWED_UP
    assert mediation.close(court_route="", by=CLERK, at=NOW) == "performed"


def test_terminated_is_closed_with_or_without_a_visit() -> None:
    for visits in (0, 1):
        mediation = prepared()
        terminate(mediation)
        for _ in range(visits):
            follow_up(mediation)
        assert mediation.close(court_route="", by=CLERK, at=NOW) == "terminated"


def test_a_breach_is_closed_only_when_it_went_to_a_court() -> None:
    mediation = effective()
    mediation.breach_obligation(obligation_id="ob-1", at=NOW)
    with refusal("COURT_ROUTE_REQUIRED"):
        mediation.close(court_route="", by=CLERK, at=NOW)
    assert mediation.close(court_route="enforcement", by=CLERK, at=NOW) == "to_court"


def test_open_promises_are_not_closed() -> None:
    with refusal("STATE_FORBIDS"):
        effective().close(court_route="", by=CLERK, at=NOW)
    mediation = effective()
    perform(mediation)
    with refusal("FIELD_INVALID"):
        mediation.close(court_route="suit", by=CLERK, at=NOW)


def test_dropped_is_the_end() -> None:
    mediation = waiting()
    mediation.drop(ground="merged", at=NOW)
    assert mediation.allowed_commands() == ()
