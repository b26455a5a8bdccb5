"""Asking the parties whether they take part (征询意愿). Mediation is voluntary: it does not start against a clear refusal (人民调解法 17)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

CONSENTED, REFUSED, UNREACHABLE, OPEN = "consented", "refused", "unreachable", "open"
NOT_REACHED = ("no_answer", "wrong_contact")
OUTCOMES = (*NOT_REACHED, "undecided", CONSENTED, REFUSED)
CHANNELS = ("phone", "sms", "message", "visit", "letter", "video", "in_person")
MAX_ATTEMPTS = 20
"""At one party: more is pressing, not asking."""


@dataclass(frozen=True)
class Persistence:
    """How often and in how many ways a party is tried before it counts as out of reach; dated configuration."""

    attempts: int
    channels: int


@dataclass(frozen=True)
class Attempt:
    """One attempt at one party. What was said is kept apart from the document."""

    party_id: str
    number: int
    channel: str
    outcome: str
    at: datetime
    by: str


def standing(attempts: Sequence[Attempt], party_id: str, persistence: Persistence) -> str:
    """Where a party stands: its last clear answer, else out of reach when it was tried hard enough and never reached, else open."""
    own = [a for a in attempts if a.party_id == party_id]
    for attempt in reversed(own):
        if attempt.outcome in (CONSENTED, REFUSED):
            return attempt.outcome
    failed = [a for a in own if a.outcome in NOT_REACHED]
    tried_enough = len(failed) >= persistence.attempts and len({a.channel for a in failed}) >= persistence.channels
    return UNREACHABLE if tried_enough and len(failed) == len(own) else OPEN


def conclusion(standings: Iterable[str]) -> str:
    """What the standings of all who must be asked come to: one refusal ends it, those reached may go on without those who are not; else empty."""
    found = set(standings)
    if REFUSED in found:
        return REFUSED
    if OPEN in found or not found:
        return ""
    return CONSENTED if CONSENTED in found else UNREACHABLE
