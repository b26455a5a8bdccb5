"""After it binds: confirmation, performance, breach (MD5, MD6)."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from tiaochu_domainkit.calendar import published
from tiaochu_domainkit.clocks import midnight
from tiaochu_domainkit.errors import DomainError
from tiaochu_mediation.domain import states
from tiaochu_mediation.domain.mediation import Mediation

from .table import (  # noqa: TID252 - tests of one package
    APPLICANT,
    CLERK,
    DAY,
    DUE,
    NOW,
    PAYMENT,
    RESPONDENT,
    agreed_orally_at_the_table,
    draft,
    effective,
    facts,
    last,
    names,
    perform,
    prepared,
    refusal,
    sign_all,
)

REPAIR = replace(PAYMENT, obligation_id="ob-2", kind="repair", amount_fen=0)
BOTH = (APPLICANT, RESPONDENT)


def apply(mediation: Mediation, *, at: datetime = NOW + 5 * DAY, identity: bool = False, applying: tuple[str, ...] = BOTH) -> list[str]:
    confirmation = mediation.request_confirmation(
        confirmation_id="c",
        agreement_id=mediation.effective_agreements[0].id,
        agency_id="court",
        applying=applying,
        identity=identity,
        calendar=published(),
        by=CLERK,
        at=at,
    )
    return confirmation.obligation_ids


def rule(mediation: Mediation, ruling: str) -> None:
    agreement = mediation.effective_agreements[0].id
    mediation.decide_confirmation(agreement_id=agreement, ruling=ruling, ruling_no="(2026)1", ruled_on=date(2026, 3, 20), at=NOW + 18 * DAY)


@pytest.mark.req("MD5")
class TestConfirmation:
    """司法确认."""

    def test_both_apply_and_the_court_rules(self) -> None:
        mediation = effective()
        assert apply(mediation) == ["ob-1"]
        rule(mediation, "valid")
        assert mediation.effective_agreements[0].confirmations[0].ruling == "valid"
        with refusal("CONFIRMATION_RULED"):
            apply(mediation)

    @pytest.mark.parametrize("applying", [(APPLICANT,), (RESPONDENT,), (*BOTH, "somebody")])
    def test_one_party_alone_cannot(self, applying: tuple[str, ...]) -> None:
        with refusal("CONFIRMATION_NOT_JOINT"):
            apply(effective(), applying=applying)

    def test_the_window_ends_with_the_thirtieth_day(self) -> None:
        """Effective 6 March 2026; the thirtieth day, 5 April, is Qingming's Sunday, 6 April a rest day: the last day is the 7th."""
        assert effective().effective_agreements[0].effective_at == datetime(2026, 3, 6, 1, 0, tzinfo=UTC)
        over = midnight(date(2026, 4, 8))
        apply(effective(), at=over - timedelta(seconds=1))
        with refusal("CONFIRMATION_LATE"):
            apply(effective(), at=over)

    def test_one_application_at_a_time_and_another_when_it_was_not_taken_up(self) -> None:
        mediation = effective()
        apply(mediation)
        with refusal("CONFIRMATION_PENDING"):
            apply(mediation)
        rule(mediation, "not_accepted")
        apply(mediation)

    def test_identity_is_never_confirmed(self) -> None:
        with refusal("CONFIRMATION_BARRED"):
            apply(effective(), identity=True)
        with refusal("CONFIRMATION_BARRED"):
            apply(effective(settles_identity=True))

    @pytest.mark.parametrize(("category", "barred"), [("0101", True), ("0102", True), ("0103", False), ("0201", False), ("", False)])
    def test_what_touches_identity(self, category: str, barred: bool) -> None:
        assert facts(category=category).touches_identity == barred

    def test_of_a_labour_agreement_only_what_is_to_be_paid(self) -> None:
        mediation = agreed_orally_at_the_table()
        draft(mediation, PAYMENT, REPAIR, known=facts(category="0701"))
        sign_all(mediation)
        assert apply(mediation) == ["ob-1"]
        unpayable = agreed_orally_at_the_table()
        draft(unpayable, REPAIR, known=facts(category="0701"))
        sign_all(unpayable)
        with refusal("CONFIRMATION_NOTHING_PAYABLE"):
            apply(unpayable)

    def test_what_no_ruling_could_enforce(self) -> None:
        vague = replace(REPAIR, kind="refrain", due_on=None)
        with pytest.raises(DomainError) as caught:
            apply(effective(PAYMENT, vague))
        assert caught.value.reason == "CONFIRMATION_UNCLEAR"
        assert caught.value.metadata["obligation_ids"] == "ob-2"

    def test_a_ruling_nobody_asked_for(self) -> None:
        with refusal("CONFIRMATION_NOT_PENDING"):
            rule(effective(), "valid")


@pytest.mark.req("MD6")
class TestPerformance:
    """履行."""

    def test_in_parts_then_entirely(self) -> None:
        mediation = effective()
        assert not perform(mediation, fen=100_000)
        assert mediation.status == states.PERFORMING
        with refusal("PERFORMANCE_EXCEEDS"):
            perform(mediation, fen=200_001)
        assert perform(mediation, fen=200_000)
        assert mediation.status == states.PERFORMED
        assert names(mediation)[-1] == "AgreementPerformed"
        with refusal("STATE_FORBIDS"):
            perform(mediation, fen=1)

    @pytest.mark.parametrize(("on", "late"), [(DUE, False), (DUE + DAY, True)])
    def test_on_time_or_late(self, on: date, late: bool) -> None:
        mediation = effective()
        perform(mediation, on=on)
        assert last(mediation, "PerformanceRecorded").late == late

    def test_each_instalment_by_itself(self) -> None:
        mediation = effective(PAYMENT, replace(PAYMENT, obligation_id="ob-2", instalment=2))
        perform(mediation)
        with refusal("OBLIGATION_PERFORMED"):
            perform(mediation)
        assert mediation.status == states.PERFORMING
        perform(mediation, "ob-2")
        assert mediation.status == states.PERFORMED

    def test_a_deed_is_done_when_it_is_said_to_be(self) -> None:
        mediation = effective(REPAIR)
        with refusal("FIELD_INVALID"):
            perform(mediation, "ob-2", fen=1)
        assert not perform(mediation, "ob-2", fen=0, complete=False)
        assert perform(mediation, "ob-2", fen=0)

    def test_breach_and_cure(self) -> None:
        mediation = effective(PAYMENT, REPAIR)
        perform(mediation, "ob-2", fen=0)
        mediation.breach_obligation(obligation_id="ob-1", at=NOW + 45 * DAY)
        assert mediation.status == states.BREACHED
        with refusal("OBLIGATION_NOT_OPEN"):
            mediation.breach_obligation(obligation_id="ob-1", at=NOW + 46 * DAY)
        perform(mediation, fen=100_000)
        assert mediation.status == states.BREACHED
        perform(mediation, fen=200_000)
        assert mediation.status == states.PERFORMED

    def test_one_cured_breach_beside_an_open_promise(self) -> None:
        mediation = effective(PAYMENT, REPAIR)
        mediation.breach_obligation(obligation_id="ob-1", at=NOW + 45 * DAY)
        perform(mediation)
        assert mediation.status == states.PERFORMING

    def test_not_before_it_was_agreed_and_not_before_it_binds(self) -> None:
        with refusal("FIELD_INVALID"):
            perform(effective(), on=date(2026, 3, 4))
        with refusal("STATE_FORBIDS"):
            prepared().record_performance(
                agreement_id="a",
                obligation_id="o",
                amount_fen=1,
                performed_on=DUE,
                complete=True,
                by=CLERK,
                at=NOW,
            )
