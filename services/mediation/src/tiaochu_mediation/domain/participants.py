"""Who sits at the table, and what each was told."""

from dataclasses import dataclass
from datetime import datetime

APPLICANT, RESPONDENT = "applicant", "respondent"


@dataclass(frozen=True)
class Seat:
    """A party of the case as intake knows it now."""

    party_id: str
    side: str


@dataclass
class Participant:
    """A party in this mediation. Its name is intake's to tell."""

    party_id: str
    side: str
    notice_at: datetime | None = None
    identity_check: str = ""
    withdrawn: bool = False

    @property
    def is_ready(self) -> bool:
        """Told its rights and duties, and known to be who it says."""
        return self.withdrawn or self.notice_at is not None


def unready(participants: list[Participant]) -> list[str]:
    """Parties who were not told their rights yet."""
    return [p.party_id for p in participants if not p.is_ready]
