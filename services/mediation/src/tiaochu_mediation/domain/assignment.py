"""The mediator: named, accepting with disclosure, declining, replaced on a party's request (回避)."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class Assignment:
    """One mediator's part. State: offered → accepted | declined | superseded (another was named) | lapsed (no answer); accepted → declined | replaced."""

    id: str
    mediator_id: str
    chosen_by: str
    chosen_at: datetime
    state: str = "offered"
    relations: list[str] = field(default_factory=list)
    disclosure_text_id: str = ""
    answered_at: datetime | None = None


@dataclass
class Recusal:
    """A party's request that the mediator withdraw. State: raised → replaced | kept."""

    id: str
    mediator_id: str
    party_id: str
    raised_at: datetime
    state: str = "raised"
    decided_by: str = ""


@dataclass(frozen=True)
class Relation:
    """A relation between the mediator and a party, found by the automatic check or disclosed."""

    kind: str
    party_id: str
