"""Seeing masked numbers: the reason stands in the journal before the first of them is shown."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from tiaochu_domainkit.aggregate import Aggregate, Transitions
from tiaochu_domainkit.errors import invalid
from tiaochu_intake.domain import events

PURPOSES = ("identity_check", "contact", "service_of_papers", "court_papers", "supervision")
GIVEN = "given"


@dataclass(kw_only=True)
class Unmasking(Aggregate):
    """A permission given to one person for one case, for a short while; it is never changed."""

    TRANSITIONS: ClassVar[Transitions] = {}

    case_id: str
    person_id: str
    party_ids: tuple[str, ...]
    expires_at: datetime

    @classmethod
    def give(
        cls,
        *,
        id: str,  # noqa: A002 - the field of every aggregate
        district: str,
        case_id: str,
        person_id: str,
        party_ids: tuple[str, ...],
        purpose: str,
        at: datetime,
        expires_at: datetime,
    ) -> "Unmasking":
        """Reason: PURPOSE_UNKNOWN."""
        if purpose not in PURPOSES:
            raise invalid("purpose", "PURPOSE_UNKNOWN", "查看用途不在代码表中")
        given = cls(
            id=id, district=district, status=GIVEN, case_id=case_id, person_id=person_id, party_ids=party_ids, expires_at=expires_at
        )
        given.record(events.ParticularsUnmasked(case_id, id, party_ids, purpose, expires_at), at)
        return given

    def opens(self, *, case_id: str, person_id: str, now: datetime) -> bool:
        """Whether this person may see the numbers of this case now."""
        return self.case_id == case_id and self.person_id == person_id and now < self.expires_at
