"""What routing knows of a case from the mediation: whether it is over. A copy, written only from the mediation's log."""

from dataclasses import dataclass
from datetime import datetime

from tiaochu_domainkit.aggregate import Aggregate


@dataclass(kw_only=True)
class MediationFacts(Aggregate):
    """The end of a case as the mediation told it; it may be known before the beginning is."""

    status: str = "known"
    ended_as: str = ""
    """Result of the case, empty while it goes on."""
    ended_at: datetime | None = None
