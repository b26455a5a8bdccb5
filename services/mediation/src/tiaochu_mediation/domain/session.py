"""Sessions: appointed, held, approved beyond the second; the safety check before any of them."""

from dataclasses import dataclass
from datetime import datetime

SESSIONS_BEFORE_APPROVAL = 2
"""两次调解: without agreement in two sessions the mediation in principle ends; a further one needs approval."""


@dataclass
class Session:
    """State: scheduled → held | replaced (moved to another time)."""

    id: str
    number: int
    starts_at: datetime
    mode: str
    separate: bool
    place_text_id: str = ""
    study_text_id: str = ""
    state: str = "scheduled"
    result: str = ""
    held_at: datetime | None = None
    mediator_id: str = ""
    record_text_id: str = ""
    record_sha256: str = ""


@dataclass(frozen=True)
class Approval:
    """Leave for one session beyond the second."""

    number: int
    by: str
    at: datetime
    text_id: str


@dataclass(frozen=True)
class SafetyCheck:
    """The answer to a flag of domestic violence."""

    id: str
    joint_allowed: bool
    by: str
    at: datetime
    text_id: str
