"""The agreement: written down, marked, binding (MD4)."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from tiaochu_kit.ids import new_id
from tiaochu_mediation.domain import states
from tiaochu_mediation.domain.participants import Seat
from tiaochu_mediation.usecases.tables import MEDIATIONS

from .table import (  # noqa: TID252 - tests of one package
    APPLICANT,
    DAY,
    MEDIATOR,
    NOW,
    OTHER,
    PAYMENT,
    RESPONDENT,
    accept,
    acknowledge,
    agreed_orally_at_the_table,
    assigned,
    draft,
    drafted,
    effective,
    facts,
    hold,
    last,
    names,
    opened,
    perform,
    prepared,
    refusal,
    schedule,
    session,
    sign,
    sign_all,
    terminate,
    violation,
)

pytestmark = pytest.mark.req("MD4")


def test_it_binds_when_every_party_the_mediator_and_the_seal_have_signed_and_from_the_last_mark_on() -> None:
    mediation = drafted()
    times = {APPLICANT: 4, "seal": 5, "mediator": 7, RESPONDENT: 6}
    bound = [sign(mediation, who, at=NOW + days * DAY) for who, days in times.items()]
    assert bound == [False, False, False, True]
    event = last(mediation, "AgreementEffective")
    assert event.effective_at == NOW + 7 * DAY
    assert event.amount_fen == 300_000
    assert mediation.status == states.EFFECTIVE


@pytest.mark.parametrize("missing", [APPLICANT, RESPONDENT, "mediator", "seal"])
def test_one_missing_mark_and_it_does_not_bind(missing: str) -> None:
    mediation = drafted()
    for who in {APPLICANT, RESPONDENT, "mediator", "seal"} - {missing}:
        assert not sign(mediation, who)
    assert mediation.status == states.AGREED
    assert not mediation.effective_agreements


def test_a_mark_is_made_once_by_whom_it_belongs_to() -> None:
    mediation = drafted()
    sign(mediation, APPLICANT)
    with refusal("MARK_MADE"):
        sign(mediation, APPLICANT)
    with refusal("SEAL_OF_ANOTHER"):
        sign(mediation, "seal", organ_id="organ-2")
    with refusal("NOT_THE_MEDIATOR"):
        sign(mediation, "mediator", by=OTHER)
    with violation("PARTY_UNKNOWN"):
        sign(mediation, "somebody")
    with violation("SIGNED_BEFORE_DRAFT"):
        sign(mediation, RESPONDENT, at=NOW + 2 * DAY)


def test_a_new_edition_voids_the_marks_and_keeps_number_and_id() -> None:
    mediation = drafted()
    sign(mediation, APPLICANT)
    before = mediation.draft
    assert before is not None
    assert draft(mediation) == before.id
    assert mediation.draft is not None
    assert (mediation.draft.edition, mediation.draft.number) == (2, before.number)
    assert len(mediation.draft.missing_marks) == 4
    with refusal("EDITION_CHANGED"):
        sign(mediation, APPLICANT, edition=1)


@pytest.mark.parametrize("category", ["0101", "0102", "0103", "0199"])
def test_family_matters_are_signed_on_paper_only(category: str) -> None:
    mediation = agreed_orally_at_the_table()
    draft(mediation, known=facts(category=category))
    with refusal("E_SIGNATURE_BARRED"):
        sign(mediation, APPLICANT, method="electronic")
    sign(mediation, APPLICANT, method="paper")


def test_other_matters_may_be_signed_electronically() -> None:
    sign(drafted(), APPLICANT, method="electronic")


def test_nothing_is_written_before_a_session_agreed() -> None:
    with refusal("NOTHING_AGREED"):
        draft(prepared())
    mediation = prepared()
    session(mediation, "not_agreed")
    with refusal("STATE_FORBIDS"):
        draft(mediation)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"amount_fen": 0}, "PAYMENT_INCOMPLETE"),
        ({"due_on": None}, "PAYMENT_INCOMPLETE"),
        ({"due_on": date(2026, 3, 4)}, "DUE_DAY_RANGE"),
        ({"due_on": date(2057, 1, 1)}, "DUE_DAY_RANGE"),
        ({"obligee": RESPONDENT}, "OBLIGEE_IS_OBLIGOR"),
        ({"obligor": "somebody"}, "PARTY_UNKNOWN"),
        ({"kind": "repair", "detailed": False}, "TEXT_REQUIRED"),
    ],
)
def test_a_promise_says_who_what_and_when(changes: dict[str, object], reason: str) -> None:
    with violation(reason):
        draft(agreed_orally_at_the_table(), replace(PAYMENT, **changes))  # type: ignore[arg-type]


def test_an_agreement_without_obligations_is_performed_at_once() -> None:
    mediation = effective(promises=())
    assert mediation.status == states.PERFORMED
    assert names(mediation)[-2:] == ["AgreementEffective", "AgreementPerformed"]


class TestOnTheSpot:
    """当场调解: accepted and settled at once, in a short form with the same gates."""

    def test_whoever_writes_it_down_is_the_mediator(self) -> None:
        mediation = opened(on_the_spot=True)
        acknowledge(mediation)
        draft(mediation, by=MEDIATOR, agreed_at=NOW)
        assert mediation.mediator_id == MEDIATOR
        assert names(mediation)[-3:] == ["MediatorChosen", "AssignmentAccepted", "AgreementDrafted"]

    def test_the_notice_is_needed_all_the_same(self) -> None:
        with refusal("NOTICE_MISSING"):
            draft(opened(on_the_spot=True), by=MEDIATOR, agreed_at=NOW)

    def test_an_oral_agreement_binds_from_when_it_was_reached_with_the_mediators_entry(self) -> None:
        mediation = opened(on_the_spot=True)
        acknowledge(mediation)
        draft(mediation, by=MEDIATOR, form="oral", agreed_at=NOW + timedelta(minutes=20))
        assert sign(mediation, "mediator", at=NOW + timedelta(hours=5))
        assert last(mediation, "AgreementEffective").effective_at == NOW + timedelta(minutes=20)

    @pytest.mark.parametrize(("tier", "difficulty"), [("town", "simple"), ("city", "simple"), ("village", "ordinary"), ("village", "")])
    def test_oral_is_for_a_villages_simple_cases(self, tier: str, difficulty: str) -> None:
        mediation = opened(on_the_spot=True)
        acknowledge(mediation)
        with refusal("ORAL_NOT_ALLOWED"):
            draft(mediation, by=MEDIATOR, form="oral", agreed_at=NOW, tier=tier, known=facts(difficulty=difficulty))

    def test_oral_is_not_for_the_table(self) -> None:
        with refusal("ORAL_NOT_ALLOWED"):
            draft(agreed_orally_at_the_table(), form="oral")

    def test_it_is_settled_whole_and_may_be_recorded_days_later(self) -> None:
        mediation = opened(on_the_spot=True)
        acknowledge(mediation)
        with refusal("PARTIAL_ON_THE_SPOT"):
            draft(mediation, by=MEDIATOR, partial=True, agreed_at=NOW)
        draft(mediation, by=MEDIATOR, agreed_at=NOW - DAY)
        with violation("AGREED_BEFORE_OPENING"):
            draft(agreed_orally_at_the_table(), agreed_at=NOW - DAY)


class TestPartialAgreement:
    """A part is agreed, the rest stays at the table or ends."""

    def test_the_rest_goes_on_while_the_part_is_performed(self) -> None:
        mediation = effective(partial=True)
        assert mediation.status == states.IN_SESSION
        perform(mediation)
        assert mediation.status == states.IN_SESSION
        assert "AgreementPerformed" in names(mediation)
        schedule(mediation, NOW + 6 * DAY)
        hold(mediation, "agreed")
        draft(mediation, replace(PAYMENT, obligation_id="ob-2"))
        sign_all(mediation)
        assert mediation.status == states.PERFORMING
        assert len(mediation.effective_agreements) == 2

    def test_ending_the_rest_leaves_the_part_in_force(self) -> None:
        mediation = effective(partial=True)
        terminate(mediation, "party_refused")
        assert mediation.status == states.EFFECTIVE
        assert last(mediation, "MediationTerminated").partly_agreed
        perform(mediation)
        assert mediation.status == states.PERFORMED


def test_the_largest_agreement_of_the_largest_table_fits_its_document() -> None:
    """A hundred parties, sixty obligations, every mark with a scan. `encode` refuses what does not fit."""
    seats = [Seat(new_id(), "applicant" if n < 50 else "respondent") for n in range(100)]
    mediation = assigned()
    accept(mediation)
    for seat in seats:
        values = {"party_id": seat.party_id, "identity_check": "original_seen", "roster": seats, "by": "c", "at": NOW}
        mediation.acknowledge_notice(**values)  # type: ignore[arg-type]
    schedule(mediation, roster=seats)
    hold(mediation, "agreed", speakers=[s.party_id for s in seats])
    payer, payee = seats[0].party_id, seats[50].party_id
    draft(mediation, *(replace(PAYMENT, obligation_id=new_id(), obligor=payer, obligee=payee) for _ in range(60)))
    for seat in seats:
        sign(mediation, seat.party_id, scan_file_id=new_id())
    for who in ("mediator", "seal"):
        sign(mediation, who)
    assert mediation.status == states.EFFECTIVE
    assert MEDIATIONS.decode(MEDIATIONS.encode(mediation)).effective_agreements == mediation.effective_agreements


def test_a_party_that_leaves_while_signing_makes_a_new_edition_necessary() -> None:
    mediation = drafted()
    for who in (APPLICANT, "mediator", "seal"):
        sign(mediation, who)
    mediation.party_left(party_id=RESPONDENT, at=NOW)
    with violation("PARTY_UNKNOWN"):
        sign(mediation, RESPONDENT)
    assert mediation.status == states.AGREED
    with violation("PARTY_UNKNOWN"):
        draft(mediation)
