"""Missing papers (补正): asked for once, all together (一次性告知)."""

from dataclasses import dataclass
from datetime import datetime

CORRECTION_ITEMS = (
    "identity_paper",
    "power_of_attorney",
    "guardian_proof",
    "application_form",
    "evidence",
    "respondent_contact",
    "claim_amount",
    "other",
)


@dataclass(frozen=True)
class Correction:
    """The one request for missing papers (补正). `state`: open, supplied, lapsed; `before` is the state it interrupted."""

    items: tuple[str, ...]
    requested_at: datetime
    requested_by: str
    state: str
    before: str
