"""Who mediates: named, accepting with disclosure, declining, replaced (MD2)."""

import pytest

from tiaochu_mediation.domain import states
from tiaochu_mediation.domain.assignment import Relation
from tiaochu_mediation.domain.mediation import Mediation

from .table import (  # noqa: TID252 - tests of one package
    APPLICANT,
    CLERK,
    HEAD,
    MEDIATOR,
    NOW,
    OTHER,
    RESPONDENT,
    ROSTER,
    accept,
    agreed_orally_at_the_table,
    assigned,
    choose,
    draft,
    drafted,
    ident,
    names,
    opened,
    prepared,
    refusal,
    schedule,
    sign,
)

pytestmark = pytest.mark.req("MD2")


def recuse(mediation: Mediation, party: str = APPLICANT, mediator: str = MEDIATOR) -> bool:
    return mediation.raise_recusal(recusal_id=ident(), mediator_id=mediator, party_id=party, roster=ROSTER, by=CLERK, at=NOW)


def test_a_clean_disclosure_is_enough() -> None:
    mediation = assigned()
    accept(mediation)
    assert mediation.status == states.PREPARING
    assert mediation.mediator_id == MEDIATOR


def test_only_the_mediator_named_accepts() -> None:
    with refusal("NOT_THE_MEDIATOR"):
        accept(assigned(), OTHER)


@pytest.mark.parametrize("consenting", [(), (APPLICANT,)])
def test_a_relation_needs_the_consent_of_every_party(consenting: tuple[str, ...]) -> None:
    mediation = assigned()
    relations = (Relation("same_employer", RESPONDENT),)
    with refusal("RELATION_NEEDS_CONSENT"):
        mediation.accept_assignment(relations=relations, consenting=consenting, roster=ROSTER, by=MEDIATOR, at=NOW)
    assert mediation.status == states.ASSIGNED
    mediation.accept_assignment(relations=relations, consenting=(APPLICANT, RESPONDENT), roster=ROSTER, by=MEDIATOR, at=NOW)
    assert mediation.assignments[-1].relations == ["same_employer"]


def test_somebody_else_is_named_when_nobody_answers() -> None:
    mediation = assigned()
    choose(mediation, OTHER)
    assert [a.state for a in mediation.assignments] == ["superseded", "offered"]
    assert names(mediation)[-2:] == ["AssignmentDeclined", "MediatorChosen"]
    with refusal("NOT_THE_MEDIATOR"):
        accept(mediation, MEDIATOR)


def test_a_mediator_who_does_not_answer_in_time_is_out_of_it() -> None:
    mediation = assigned()
    with refusal("NOT_ASSIGNED"):
        mediation.lapse_assignment(assignment_id="another", at=NOW)
    mediation.lapse_assignment(assignment_id=mediation.assignments[0].id, at=NOW)
    assert (mediation.status, mediation.assignments[0].state) == (states.OPENED, "lapsed")
    choose(mediation, MEDIATOR)


def test_the_same_mediator_is_not_named_twice() -> None:
    with refusal("ALREADY_ASSIGNED"):
        choose(assigned(), MEDIATOR)


def test_declining_opens_the_choice_again() -> None:
    mediation = assigned()
    mediation.decline_assignment(reason="load", by=MEDIATOR, at=NOW)
    assert mediation.status == states.OPENED
    choose(mediation, OTHER)


def test_the_first_request_of_a_party_replaces_without_proof() -> None:
    mediation = prepared()
    assert recuse(mediation)
    assert mediation.status == states.OPENED
    assert mediation.recused == {MEDIATOR}
    assert names(mediation)[-2:] == ["RecusalRaised", "RecusalDecided"]
    with refusal("MEDIATOR_RECUSED_BEFORE"):
        choose(mediation, MEDIATOR)


def test_each_party_has_a_first_request() -> None:
    mediation = prepared()
    recuse(mediation, APPLICANT)
    choose(mediation, OTHER)
    accept(mediation, OTHER)
    assert recuse(mediation, RESPONDENT, OTHER)


@pytest.mark.parametrize("replaced", [True, False])
def test_a_later_request_is_decided_by_the_head(replaced: bool) -> None:
    mediation = prepared()
    recuse(mediation)
    choose(mediation, OTHER)
    accept(mediation, OTHER)
    assert not recuse(mediation, APPLICANT, OTHER)
    pending = mediation.pending_recusal
    assert pending is not None
    with refusal("OWN_RECUSAL"):
        mediation.decide_recusal(recusal_id=pending.id, replaced=False, by=OTHER, at=NOW)
    mediation.decide_recusal(recusal_id=pending.id, replaced=replaced, by=HEAD, at=NOW)
    assert (mediation.mediator_id == "") == replaced
    assert mediation.pending_recusal is None


def test_while_a_request_waits_nothing_is_held_drafted_or_signed() -> None:
    mediation = drafted()
    recuse(mediation)
    choose(mediation, OTHER)
    accept(mediation, OTHER)
    draft(mediation)
    recuse(mediation, APPLICANT, OTHER)
    with refusal("RECUSAL_PENDING"):
        sign(mediation, "mediator")
    with refusal("RECUSAL_PENDING"):
        draft(mediation)


def test_a_request_about_a_mediator_who_steps_back_is_settled() -> None:
    mediation = prepared()
    recuse(mediation)
    choose(mediation, OTHER)
    accept(mediation, OTHER)
    recuse(mediation, APPLICANT, OTHER)
    mediation.decline_assignment(reason="relation", by=OTHER, at=NOW)
    assert mediation.pending_recusal is None
    assert OTHER in mediation.recused


def test_a_request_needs_a_party_and_the_present_mediator() -> None:
    mediation = prepared()
    with refusal("FIELD_INVALID"):
        recuse(mediation, "somebody")
    with refusal("NOT_ASSIGNED"):
        recuse(mediation, APPLICANT, OTHER)


def test_a_recused_mediator_does_nothing_any_more() -> None:
    mediation = agreed_orally_at_the_table()
    recuse(mediation)
    choose(mediation, OTHER)
    accept(mediation, OTHER)
    with refusal("MEDIATOR_RECUSED"):
        schedule(mediation, by=MEDIATOR)
    with refusal("MEDIATOR_RECUSED"):
        draft(mediation, by=MEDIATOR)


def test_a_recused_mediators_mark_is_void_and_his_draft_is_written_anew() -> None:
    mediation = drafted()
    for who in (APPLICANT, RESPONDENT, "mediator"):
        sign(mediation, who)
    recuse(mediation)
    assert mediation.draft is not None
    assert [m.signed_as for m in mediation.draft.missing_marks] == ["mediator", "seal"]
    choose(mediation, OTHER)
    accept(mediation, OTHER)
    draft(mediation)
    assert mediation.draft is not None
    assert mediation.draft.edition == 2
    with refusal("MEDIATOR_RECUSED"):
        sign(mediation, "mediator", by=MEDIATOR)
    sign(mediation, "mediator")


def test_a_replacement_during_a_suspension_waits_for_its_end() -> None:
    mediation = prepared()
    mediation.suspend(reason="recusal", by=CLERK, at=NOW)
    recuse(mediation)
    assert mediation.status == states.SUSPENDED
    mediation.resume(reason="replaced_mediator", by=CLERK, at=NOW)
    assert mediation.status == states.OPENED


def test_nobody_decides_where_nothing_waits() -> None:
    with refusal("NO_RECUSAL_PENDING"):
        prepared().decide_recusal(recusal_id="none", replaced=True, by=HEAD, at=NOW)
    with refusal("STATE_FORBIDS"):
        recuse(opened())
