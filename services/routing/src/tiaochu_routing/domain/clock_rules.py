"""Which clocks an event starts, stops and pauses, read from the deadline rules as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from tiaochu_domainkit.deadlines import DeadlineRule, RuleBook
from tiaochu_routing.domain.case_facts import CaseFacts
from tiaochu_routing.domain.responsibility import Responsibility

REF_FIELDS: Mapping[str, str] = {
    "SIGN_TRANSFER": "transfer_id",
    "OBJECT_TRANSFER": "transfer_id",
    "ACCEPT_ASSIGNMENT": "assignment_id",
    "ACCEPT_ASSIGNMENT_VILLAGE": "assignment_id",
    "COURT_CONFIRM_ASSIGNMENT": "assignment_id",
    "PERFORM": "obligation_id",
    "CONFIRM_WINDOW": "agreement_id",
    "COURT_ACCEPT": "agreement_id",
    "COURT_DECIDE": "agreement_id",
}
"""What a clock of this rule is about besides the case; the others are the case's own, one each."""

SUSPENDED, RESUMED = "MediationSuspended", "MediationResumed"
SURVIVES_THE_CASE = "task"
"""A clock whose end is a task (回访) runs on after the case is closed: the visit is a duty with its clock, not a gate."""

_GENERAL = ("internal", "people")
"""Dockings whose rules give way to a special one for the same duty."""


@dataclass(frozen=True)
class Touched:
    """The rules that an event type may start, stop or pause, by code."""

    starts: tuple[str, ...]
    stops: tuple[str, ...]
    pauses: tuple[str, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(dict.fromkeys((*self.starts, *self.stops, *self.pauses)))


def touched_by(book: RuleBook, event: str) -> Touched:
    """What an event of this type (its last name, such as `CaseAccepted`) may do to clocks, by any version of the rules.

    What starts and stops a clock is the same in every district; lengths and dates are what districts put.
    """
    versions = book.versions()
    return Touched(
        starts=tuple(dict.fromkeys(r.code for r in versions if r.trigger == event)),
        stops=tuple(dict.fromkeys(r.code for r in versions if event in r.stop_on)),
        pauses=tuple(dict.fromkeys(r.code for r in versions if r.pause_on)) if event in (SUSPENDED, RESUMED) else (),
    )


def known_of(facts: CaseFacts, responsibility: Responsibility | None) -> dict[str, str]:
    """What `when` of a rule may ask besides the fields of the event."""
    return {
        "docking": facts.docking,
        "docking_mode": facts.docking_mode,
        "category": facts.category,
        "difficulty": facts.difficulty,
        "tier": responsibility.holder.tier if responsibility else "",
        "mediation_kind": responsibility.mediation_kind if responsibility else "",
    }


def applies(rule: DeadlineRule, known: Mapping[str, str]) -> bool:
    """Whether everything the rule asks for is so."""
    return all(known.get(name, "") == wanted for name, wanted in rule.when.items())


def to_start(book: RuleBook, trigger: str, on: date, known: Mapping[str, str]) -> list[DeadlineRule]:
    """The rules that start now. Of rules for the same duty the special one prevails: a docking's over the general, the narrower over the wider."""
    found = [rule for rule in book.triggered_by(trigger, on) if applies(rule, known)]
    return [rule for rule in found if not any(_prevails(other, rule) for other in found)]


def _prevails(special: DeadlineRule, rule: DeadlineRule) -> bool:
    same_duty = bool(rule.stop_on) and special.code != rule.code and special.stop_on == rule.stop_on
    return same_duty and _rank(special) > _rank(rule)


def _rank(rule: DeadlineRule) -> tuple[bool, int]:
    return rule.docking not in _GENERAL, len(rule.when)
