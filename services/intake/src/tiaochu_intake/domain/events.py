"""What happened to a case, field by field as `tiaochu.intake.events.v1` says it (`test_events` proves them equal)."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True)
class CaseRegistered:
    case_id: str
    case_number: str
    channel: str
    source: str
    first_receiver_organ_id: str
    first_receiver_organ_path: str
    first_received_at: datetime
    region_code: str
    occurred_on: date | None
    applicant_count: int
    respondent_count: int
    person_count: int
    organisation_count: int
    amount_fen: int
    category_hint: str
    history: bool
    exchange_id: str
    agency_id: str
    docking_mode: str


@dataclass(frozen=True)
class PartyCorrected:
    case_id: str
    party_id: str
    fields: tuple[str, ...]


@dataclass(frozen=True)
class ApplicantWithdrew:
    case_id: str
    party_id: str
    reason: str
    remaining: int


@dataclass(frozen=True)
class ApplicationWithdrawn:
    case_id: str
    party_id: str
    reason: str


@dataclass(frozen=True)
class CaseClassified:
    case_id: str
    category: str
    category_detail: str
    moj_type: str
    mediable: str
    difficulty: str
    scale: str
    flags: tuple[str, ...]
    risk: str
    single_legal_relation: bool
    region_code: str


@dataclass(frozen=True)
class MergeProposed:
    case_id: str
    master_case_id: str


@dataclass(frozen=True)
class CaseMerged:
    case_id: str
    master_case_id: str


@dataclass(frozen=True)
class MergeDropped:
    case_id: str
    master_case_id: str
    ground: str


@dataclass(frozen=True)
class CorrectionRequested:
    case_id: str
    items: tuple[str, ...]


@dataclass(frozen=True)
class CorrectionSupplied:
    case_id: str


@dataclass(frozen=True)
class CorrectionLapsed:
    case_id: str


@dataclass(frozen=True)
class ConsentAttempted:
    case_id: str
    party_id: str
    attempt: int
    channel: str
    outcome: str


@dataclass(frozen=True)
class ConsentConcluded:
    case_id: str
    outcome: str


@dataclass(frozen=True)
class FileAttached:
    case_id: str
    file_id: str
    kind: str
    confidentiality: str
    party_id: str
    size: int
    content_sha256: str


@dataclass(frozen=True)
class HistoryResultRecorded:
    case_id: str
    organ_id: str
    organ_path: str
    outcome: str
    form: str
    closed_on: date
    performed: bool
    confirmed: bool
    category: str
    moj_type: str


@dataclass(frozen=True)
class ParticularsUnmasked:
    case_id: str
    unmasking_id: str
    party_ids: tuple[str, ...]
    purpose: str
    expires_at: datetime


@dataclass(frozen=True)
class KeywordTableChanged:
    put_count: int
    removed_count: int
    keyword_count: int


@dataclass(frozen=True)
class PolicyPut:
    name: str
    value: int
    valid_from_on: date
