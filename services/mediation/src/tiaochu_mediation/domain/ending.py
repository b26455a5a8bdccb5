"""How a mediation ended: the termination and its notice, visits after the end."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Notice:
    """The notice of remedies as served (救济途径告知, F11)."""

    version: str
    text_id: str
    sha256: str


@dataclass(frozen=True)
class Termination:
    """Why and when it ended, and what the parties were told."""

    ground: str
    at: datetime
    notice: Notice
    party_id: str = ""
    note_text_id: str = ""


@dataclass(frozen=True)
class FollowUp:
    """A visit or call after the end (F9)."""

    id: str
    side: str
    satisfaction: int
    performance: str
    residual_risk: bool
    visited_at: datetime
    text_id: str = ""


PARTY_ENDS = frozenset({"party_refused", "withdrawn", "refused_to_sign"})
"""Grounds by which a party leaves the table. Nothing holds it back (人民调解法 23)."""
