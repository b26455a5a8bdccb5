"""What the figures need of everybody's events. A fact is one event cut down to the fields named here; it is kept with the moment it was recorded."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

FACTS: Mapping[str, tuple[str, ...]] = {
    "tiaochu.intake.events.v1.CaseRegistered": (
        "case_number",
        "source",
        "first_receiver_organ_id",
        "first_receiver_organ_path",
        "first_received_at",
        "applicant_count",
        "respondent_count",
        "amount_fen",
        "history",
    ),
    "tiaochu.intake.events.v1.CaseClassified": ("moj_type", "difficulty"),
    "tiaochu.intake.events.v1.CaseMerged": ("master_case_id",),
    "tiaochu.intake.events.v1.HistoryResultRecorded": (
        "organ_id",
        "organ_path",
        "outcome",
        "form",
        "closed_on",
        "performed",
        "confirmed",
        "moj_type",
    ),
    "tiaochu.routing.events.v1.ResponsibilityStarted": ("organ_path", "responsibility_version"),
    "tiaochu.routing.events.v1.TransferSigned": ("to_organ_path", "responsibility_version"),
    "tiaochu.routing.events.v1.UnitDesignated": ("organ_path", "responsibility_version"),
    "tiaochu.routing.events.v1.CaseAccepted": ("organ_id", "organ_path"),
    "tiaochu.routing.events.v1.CaseDeclined": ("organ_id", "organ_path"),
    "tiaochu.mediation.events.v1.MediationOpened": ("organ_id", "organ_path", "mediation_kind"),
    "tiaochu.mediation.events.v1.AgreementEffective": ("form", "effective_at", "amount_fen"),
    "tiaochu.mediation.events.v1.MediationTerminated": ("before_acceptance",),
    "tiaochu.mediation.events.v1.ConfirmationRequested": (),
    "tiaochu.mediation.events.v1.ConfirmationDecided": ("ruling", "ruled_on"),
    "tiaochu.mediation.events.v1.AgreementPerformed": ("performed_on",),
}
"""Event type → the fields kept. Instants are kept as ISO text."""


@dataclass(frozen=True)
class Fact:
    """One event of one case. `kind` is the last part of its type; `position` its place in the producer's log."""

    case_id: str
    district: str
    producer: str
    position: int
    kind: str
    occurred_at: datetime
    recorded_at: datetime
    data: Mapping[str, Any]

    def moment(self, name: str) -> datetime:
        """An instant of the body, or that of the act where the body has none."""
        text = self.data.get(name)
        return datetime.fromisoformat(text) if text else self.occurred_at
