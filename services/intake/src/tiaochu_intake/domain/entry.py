"""How a dispute came in, and what is asked."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True)
class Entry:
    """How the dispute came in. Immutable: nobody corrects the door, the source or the first receiver (domain guide §5.3)."""

    number: str
    channel: str
    source: str
    organ_id: str
    organ_path: str
    received_at: datetime
    registered_at: datetime
    registered_by: str
    region_code: str
    occurred_on: date | None = None
    category_hint: str = ""
    exchange_id: str = ""
    agency_id: str = ""
    docking_mode: str = ""
    external_no: str = ""
    receipt_index: str = ""


@dataclass(frozen=True)
class Claim:
    """What is asked; the words stand apart from the document. `amount_fen` 0 where no money is asked."""

    id: str
    kind: str
    amount_fen: int
