"""What routing knows of a case from the intake: a copy, written only from the intake's log."""

from dataclasses import dataclass, field
from datetime import datetime

from tiaochu_domainkit.aggregate import Aggregate

CONSENTED = "consented"


@dataclass(frozen=True)
class MergeProposal:
    """A proposal to merge this case into `master_case_id`; `proposal_id` tells it from a later one with the same master."""

    proposal_id: str
    master_case_id: str


@dataclass(kw_only=True)
class CaseFacts(Aggregate):
    """The intake's facts about one case, as far as its log was read."""

    status: str = "known"
    case_number: str = ""
    channel: str = ""
    docking: str = ""
    """Kind of the agency's docking the case came by (court, police …), empty for none."""
    docking_mode: str = ""
    history: bool = False
    registered_at: datetime | None = None
    first_receiver_id: str = ""
    category: str = ""
    mediable: str = ""
    """Y, C (conditional) or N (route only); empty before classification."""
    difficulty: str = ""
    risk: str = ""
    flags: list[str] = field(default_factory=list)
    single_legal_relation: bool = False
    region_code: str = ""
    classified_at: datetime | None = None
    consent: str = ""
    """Outcome of asking the other party: empty while open, consented, refused or unreachable."""
    correction_open: bool = False
    withdrawn: bool = False
    merge: MergeProposal | None = None

    @property
    def is_classified(self) -> bool:
        """Whether the case has a category."""
        return self.category != ""

    @property
    def is_beyond_one_level(self) -> bool:
        """Whether the case is graded 疑难复杂 or 重大, which a lower tier may hand up with a proposal."""
        return self.difficulty in {"complex", "major"}
