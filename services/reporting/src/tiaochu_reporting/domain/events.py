"""What reporting itself says."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class MonthLocked:
    """The figures of a month and of all before it are final."""

    district: str
    month: str
    cut_at: datetime
