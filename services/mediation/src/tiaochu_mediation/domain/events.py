"""What a mediation records. Names and fields are those of `tiaochu.mediation.events.v1`, where each is explained."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True)
class MediationOpened:
    case_id: str
    organ_id: str
    organ_path: str
    on_the_spot: bool
    mediation_kind: str


@dataclass(frozen=True)
class MediationDropped:
    case_id: str
    ground: str


@dataclass(frozen=True)
class PartyLeft:
    case_id: str
    party_id: str


@dataclass(frozen=True)
class MediatorChosen:
    case_id: str
    assignment_id: str
    mediator_id: str
    chosen_by: str


@dataclass(frozen=True)
class AssignmentAccepted:
    case_id: str
    assignment_id: str
    mediator_id: str
    relations: tuple[str, ...] = ()


@dataclass(frozen=True)
class AssignmentDeclined:
    case_id: str
    assignment_id: str
    mediator_id: str
    reason: str


@dataclass(frozen=True)
class RecusalRaised:
    case_id: str
    recusal_id: str
    mediator_id: str
    party_id: str


@dataclass(frozen=True)
class RecusalDecided:
    case_id: str
    recusal_id: str
    mediator_id: str
    replaced: bool


@dataclass(frozen=True)
class NoticeAcknowledged:
    case_id: str
    party_id: str
    identity_check: str


@dataclass(frozen=True)
class SafetyChecked:
    case_id: str
    safety_check_id: str
    joint_sessions_allowed: bool


@dataclass(frozen=True)
class SessionScheduled:
    case_id: str
    session_id: str
    number: int
    starts_at: datetime
    mode: str
    separate: bool
    study_sha256: str


@dataclass(frozen=True)
class SessionOverdue:
    case_id: str
    number: int


@dataclass(frozen=True)
class SessionApproved:
    case_id: str
    number: int


@dataclass(frozen=True)
class SessionHeld:
    case_id: str
    session_id: str
    number: int
    held_at: datetime
    result: str
    record_sha256: str


@dataclass(frozen=True)
class MediationSuspended:
    case_id: str
    reason: str


@dataclass(frozen=True)
class MediationResumed:
    case_id: str
    reason: str


@dataclass(frozen=True)
class AgreementDrafted:
    case_id: str
    agreement_id: str
    form: str
    edition: int
    partial: bool
    text_sha256: str
    agreement_number: str


@dataclass(frozen=True)
class AgreementSigned:
    case_id: str
    agreement_id: str
    signed_as: str
    signer_id: str
    edition: int
    method: str


@dataclass(frozen=True)
class Obligation:
    """Part of `AgreementEffective`, not an event of its own."""

    obligation_id: str
    kind: str
    amount_fen: int
    due_on: date | None


@dataclass(frozen=True)
class AgreementEffective:
    case_id: str
    agreement_id: str
    agreement_number: str
    form: str
    effective_at: datetime
    on_the_spot: bool
    amount_fen: int
    obligations: tuple[Obligation, ...]
    partial: bool


@dataclass(frozen=True)
class ConfirmationRequested:
    case_id: str
    agreement_id: str
    agency_id: str
    confirmation_id: str
    obligation_ids: tuple[str, ...]


@dataclass(frozen=True)
class ConfirmationDecided:
    case_id: str
    agreement_id: str
    ruling: str
    ruling_no: str
    ruled_on: date | None


@dataclass(frozen=True)
class PerformanceRecorded:
    case_id: str
    agreement_id: str
    obligation_id: str
    amount_fen: int
    performed_on: date
    complete: bool
    late: bool


@dataclass(frozen=True)
class ObligationBreached:
    case_id: str
    agreement_id: str
    obligation_id: str
    due_on: date | None


@dataclass(frozen=True)
class AgreementPerformed:
    case_id: str
    agreement_id: str
    performed_on: date


@dataclass(frozen=True)
class MediationTerminated:
    case_id: str
    ground: str
    before_acceptance: bool
    remedies_version: str
    remedies_sha256: str
    partly_agreed: bool


@dataclass(frozen=True)
class FollowUpRecorded:
    case_id: str
    follow_up_id: str
    side: str
    satisfaction: int
    performance: str
    residual_risk: bool


@dataclass(frozen=True)
class CaseClosed:
    case_id: str
    result: str
