"""What routing records. Field names are those of `tiaochu.routing.events.v1`."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class ResponsibilityStarted:
    """The first receiver became responsible."""

    case_id: str
    organ_id: str
    organ_path: str
    responsibility_version: int
    since_at: datetime


@dataclass(frozen=True)
class LeadNamed:
    """A rule named the lead and the helping units."""

    case_id: str
    lead_organ_id: str
    lead_organ_path: str
    co_organ_ids: tuple[str, ...]
    co_organ_paths: tuple[str, ...]
    rule_id: str
    sole_competent: bool


@dataclass(frozen=True)
class TransferOffered:
    """The responsible unit offered the case."""

    case_id: str
    transfer_id: str
    kind: str
    from_organ_id: str
    to_organ_id: str
    to_organ_path: str
    reason: str
    note_sha256: str


@dataclass(frozen=True)
class TransferSigned:
    """The receiver signed: responsibility moved."""

    case_id: str
    transfer_id: str
    from_organ_id: str
    to_organ_id: str
    to_organ_path: str
    responsibility_version: int


@dataclass(frozen=True)
class TransferReturned:
    """The receiver returned the offer."""

    case_id: str
    transfer_id: str
    ground: str
    suggested_organ_id: str
    returns: int
    designating_organ_id: str


@dataclass(frozen=True)
class TransferExpired:
    """Nobody signed in time."""

    case_id: str
    transfer_id: str
    escalated_to_organ_id: str


@dataclass(frozen=True)
class UnitDesignated:
    """An upper unit designated the responsible unit."""

    case_id: str
    organ_id: str
    organ_path: str
    by_organ_id: str
    responsibility_version: int
    ground: str


@dataclass(frozen=True)
class CaseAccepted:
    """The responsible unit accepted the case."""

    case_id: str
    organ_id: str
    organ_path: str
    on_the_spot: bool
    mediation_kind: str
    responsibility_version: int


@dataclass(frozen=True)
class CaseDeclined:
    """The responsible unit declined the case."""

    case_id: str
    organ_id: str
    organ_path: str
    ground: str
    remedies_version: str
    remedies_sha256: str
    suggested_organ_id: str


@dataclass(frozen=True)
class MergeConfirmed:
    """The case goes on inside its master."""

    case_id: str
    master_case_id: str


@dataclass(frozen=True)
class MergeRefused:
    """The case goes on by itself."""

    case_id: str
    master_case_id: str
    ground: str


@dataclass(frozen=True)
class ResponsibilityEnded:
    """The case ended."""

    case_id: str
    reason: str


@dataclass(frozen=True)
class UnitMoved:
    """A unit of the case stands at another place."""

    case_id: str
    organ_id: str
    organ_path: str


@dataclass(frozen=True)
class ClockStarted:
    """A period began to run."""

    clock_id: str
    case_id: str
    rule_code: str
    rule_version: str
    ref_id: str
    owner_organ_id: str
    started_at: datetime
    due_at: datetime
    provisional: bool


@dataclass(frozen=True)
class ClockPaused:
    """The period stopped running for a while."""

    clock_id: str
    case_id: str
    rule_code: str
    reason: str
    paused_at: datetime


@dataclass(frozen=True)
class ClockResumed:
    """The period runs again."""

    clock_id: str
    case_id: str
    rule_code: str
    due_at: datetime
    provisional: bool
    resumed_at: datetime


@dataclass(frozen=True)
class ClockExtended:
    """The period was made longer."""

    clock_id: str
    case_id: str
    rule_code: str
    due_at: datetime
    reason: str
    length: str
    provisional: bool


@dataclass(frozen=True)
class ClockStopped:
    """What the period waited for happened, or it lost its purpose."""

    clock_id: str
    case_id: str
    rule_code: str
    overdue: bool
    stopped_at: datetime


@dataclass(frozen=True)
class ClockWarned:
    """A share of the period has passed."""

    clock_id: str
    case_id: str
    rule_code: str
    percent: int
    due_at: datetime
    owner_organ_id: str
    days_left: int


@dataclass(frozen=True)
class ClockExpired:
    """The period is over."""

    clock_id: str
    case_id: str
    rule_code: str
    ref_id: str
    due_at: datetime
    on_expiry: str
    owner_organ_id: str


@dataclass(frozen=True)
class ClockReplanned:
    """The period was planned again."""

    clock_id: str
    case_id: str
    rule_code: str
    due_at: datetime
    provisional: bool


@dataclass(frozen=True)
class OrganPlaced:
    """An organ has this place from a day on."""

    organ_id: str
    organ_path: str
    kind: str
    tier: str
    region_code: str
    parent_organ_id: str
    valid_from_on: str


@dataclass(frozen=True)
class PostFilled:
    """A person holds a role in an organ."""

    post_id: str
    person_id: str
    organ_id: str
    organ_path: str
    role: str
    valid_from_on: str


@dataclass(frozen=True)
class PostVacated:
    """A person no longer holds the role."""

    post_id: str
    person_id: str
    valid_to_on: str


@dataclass(frozen=True)
class DeputyAppointed:
    """Somebody stands in for the person of a post."""

    deputation_id: str
    post_id: str
    principal_id: str
    deputy_id: str
    valid_from_on: str
    valid_to_on: str
    ground: str


@dataclass(frozen=True)
class DeputyEnded:
    """A deputation ends before its time."""

    deputation_id: str
    valid_to_on: str
    ground: str
