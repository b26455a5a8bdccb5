"""A table to test at: a mediation, two parties, a mediator, and the steps that lead somewhere."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from tiaochu_domainkit.errors import DomainError
from tiaochu_mediation.domain import states
from tiaochu_mediation.domain.agreeing import Terms
from tiaochu_mediation.domain.agreement import Promise
from tiaochu_mediation.domain.ending import Notice
from tiaochu_mediation.domain.facts import CaseFacts
from tiaochu_mediation.domain.mediation import Mediation
from tiaochu_mediation.domain.participants import Seat
from tiaochu_mediation.domain.texts import TextRef

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
DAY = timedelta(days=1)
CASE, DISTRICT = "0190a000-0000-7000-8000-000000000001", "329901"
ORGAN, PATH = "organ-1", "/city/town/village/"
APPLICANT, RESPONDENT = "party-a", "party-b"
ROSTER = (Seat(APPLICANT, "applicant"), Seat(RESPONDENT, "respondent"))
MEDIATOR, OTHER, HEAD, CLERK = "mediator-1", "mediator-2", "head-1", "clerk-1"
NOTICE = Notice("2026-01", "text-notice", "ab" * 32)
RECORD = TextRef("text-record", "cd" * 32)
STUDY = TextRef("text-study", "ef" * 32)
TERMS = TextRef("text-terms", "01" * 32)
DUE = date(2026, 4, 1)
PAYMENT = Promise("ob-1", "pay", RESPONDENT, APPLICANT, amount_fen=300_000, due_on=DUE, detailed=True)
FACTS = CaseFacts(id=CASE, district=DISTRICT, category="0201", difficulty="simple")

_ids = count(1)


def ident() -> str:
    return f"id-{next(_ids)}"


def facts(**changes: Any) -> CaseFacts:
    return replace(FACTS, **changes)


def waiting() -> Mediation:
    return Mediation(id=CASE, district=DISTRICT)


def opened(*, on_the_spot: bool = False) -> Mediation:
    mediation = waiting()
    mediation.open_mediation(organ_id=ORGAN, organ_path=PATH, on_the_spot=on_the_spot, mediation_kind="people", at=NOW)
    return mediation


def assigned() -> Mediation:
    mediation = opened()
    choose(mediation)
    return mediation


def choose(mediation: Mediation, mediator: str = MEDIATOR) -> None:
    mediation.choose_mediator(assignment_id=ident(), mediator_id=mediator, chosen_by="parties", by=CLERK, at=NOW)


def accept(mediation: Mediation, mediator: str = MEDIATOR) -> None:
    mediation.accept_assignment(relations=(), consenting=(), by=mediator, at=NOW)


def acknowledge(mediation: Mediation, *parties: str) -> None:
    for party in parties or (APPLICANT, RESPONDENT):
        mediation.acknowledge_notice(party_id=party, identity_check="original_seen", roster=ROSTER, by=CLERK, at=NOW)


def prepared() -> Mediation:
    mediation = assigned()
    accept(mediation)
    acknowledge(mediation)
    return mediation


def schedule(mediation: Mediation, at: datetime = NOW, **changes: Any) -> str:
    values: dict[str, Any] = {
        "session_id": ident(),
        "starts_at": at + 2 * DAY,
        "mode": "in_person",
        "separate": False,
        "waiving": (),
        "study": None,
        "facts": FACTS,
        "roster": ROSTER,
        "notice": DAY,
        "by": CLERK,
        "at": at,
    }
    return mediation.schedule_session(**{**values, **changes}).id


def hold(mediation: Mediation, result: str, **changes: Any) -> None:
    session = mediation.appointed
    assert session is not None
    values: dict[str, Any] = {
        "session_id": session.id,
        "result": result,
        "speakers": (APPLICANT, RESPONDENT),
        "record": RECORD,
        "facts": FACTS,
        "by": mediation.mediator_id,
        "held_at": session.starts_at + timedelta(hours=2),
    }
    mediation.hold_session(**{**values, **changes})


def session(mediation: Mediation, result: str, **changes: Any) -> None:
    schedule(mediation, **changes)
    hold(mediation, result)


def agreed_orally_at_the_table() -> Mediation:
    """A session ended in agreement; nothing is written yet."""
    mediation = prepared()
    session(mediation, "agreed")
    return mediation


def draft(mediation: Mediation, *promises: Promise, by: str = "", tier: str = "village", known: CaseFacts = FACTS, **changes: Any) -> str:
    terms = Terms("written", False, False, promises or (PAYMENT,), TERMS, NOW + 3 * DAY)
    terms = replace(terms, **changes)
    by = by or mediation.mediator_id
    made = mediation.draft_agreement(agreement_id=ident(), number="1", assignment_id=ident(), terms=terms, facts=known, tier=tier, by=by)
    return made.id


def drafted(*promises: Promise, **changes: Any) -> Mediation:
    mediation = agreed_orally_at_the_table()
    draft(mediation, *promises, **changes)
    return mediation


def sign(mediation: Mediation, who: str, **changes: Any) -> bool:
    agreement = mediation.draft
    assert agreement is not None
    values: dict[str, Any] = {
        "agreement_id": agreement.id,
        "edition": agreement.edition,
        "signed_as": who if who in {"mediator", "seal"} else "party",
        "party_id": "" if who in {"mediator", "seal"} else who,
        "method": "paper",
        "kind": "seal" if who == "seal" else "signature",
        "by": mediation.mediator_id if who == "mediator" else CLERK,
        "organ_id": ORGAN,
        "at": NOW + 4 * DAY,
    }
    return mediation.sign_agreement(**{**values, **changes})


def sign_all(mediation: Mediation) -> None:
    for who in (APPLICANT, RESPONDENT, "mediator", "seal"):
        sign(mediation, who)


def effective(*promises: Promise, **changes: Any) -> Mediation:
    mediation = drafted(*promises, **changes)
    sign_all(mediation)
    assert mediation.status in {states.EFFECTIVE, states.PERFORMED, states.IN_SESSION}
    return mediation


def perform(mediation: Mediation, obligation: str = "ob-1", fen: int = 300_000, on: date = DUE, *, complete: bool = True) -> bool:
    return mediation.record_performance(
        agreement_id=mediation.effective_agreements[0].id,
        obligation_id=obligation,
        amount_fen=fen,
        performed_on=on,
        complete=complete,
        by=CLERK,
        at=NOW + 40 * DAY,
    ).entirely


def terminate(mediation: Mediation, ground: str = "party_refused", **changes: Any) -> None:
    values: dict[str, Any] = {"ground": ground, "notice": NOTICE, "by": CLERK, "at": NOW + 5 * DAY, "party_id": APPLICANT}
    mediation.terminate(**{**values, **changes})


def follow_up(mediation: Mediation) -> None:
    mediation.record_follow_up(
        follow_up_id=ident(), side="applicant", satisfaction=5, performance="performed", residual_risk=False, by=CLERK, at=NOW + 50 * DAY
    )


def refusal(reason: str) -> "pytest.RaisesExc[DomainError]":
    """Expect a refusal with this reason."""
    return pytest.raises(DomainError, check=lambda e: e.reason == reason)


def violation(reason: str) -> "pytest.RaisesExc[DomainError]":
    """Expect a field refused with this reason."""
    return pytest.raises(DomainError, check=lambda e: e.reason == "FIELD_INVALID" and e.violations[0].reason == reason)


def names(mediation: Mediation) -> list[str]:
    """What was recorded, by name."""
    return [type(r.event).__name__ for r in mediation.recorded]


def last(mediation: Mediation, name: str) -> Any:
    """The newest event of that name."""
    return next(r.event for r in reversed(mediation.recorded) if type(r.event).__name__ == name)
