"""What the intake does about what routing and mediation said."""

from collections.abc import Sequence
from typing import Any

from tiaochu_domainkit.stages import Stage
from tiaochu_intake.domain.case import MERGED, SUPPLEMENTING
from tiaochu_intake.usecases.documents import CASES, COPIED, MEDIATION_COPIES, ROUTING_COPIES, MediationCopy, Reached, RoutingCopy
from tiaochu_kit.documents import Read
from tiaochu_kit.usecase import Event, Work, reaction

ROUTING, MEDIATION = "tiaochu.routing.events.v1.", "tiaochu.mediation.events.v1."
HOLDERS = {
    "ResponsibilityStarted": "organ_id",
    "TransferSigned": "to_organ_id",
    "UnitDesignated": "organ_id",
}
"""Events that say who is responsible from now on, and their field that names the unit."""
DECISIONS = {"CaseAccepted": Stage.ACCEPTED, "CaseDeclined": Stage.NOT_ACCEPTED}
_ROUTING_TYPES = tuple(
    ROUTING + name
    for name in (*HOLDERS, "TransferOffered", "TransferReturned", "TransferExpired", "CaseAccepted", "CaseDeclined", "ResponsibilityEnded")
)
_MEDIATION_TYPES = tuple(
    MEDIATION + name
    for name in (
        "MediationOpened",
        "MediatorChosen",
        "AssignmentAccepted",
        "AssignmentDeclined",
        "RecusalDecided",
        "SessionScheduled",
        "SessionHeld",
        "MediationSuspended",
        "MediationResumed",
        "AgreementDrafted",
        "AgreementEffective",
        "PerformanceRecorded",
        "ObligationBreached",
        "AgreementPerformed",
        "MediationTerminated",
        "FollowUpRecorded",
        "CaseClosed",
        "CaseArchived",
    )
)


def _case(event: Event[Any]) -> Sequence[Read]:
    return [CASES.by_id(event.body.case_id)]


class RoutingReactions:
    """Routing decides about merges and fires the clock of missing papers; what it says of a case is copied for the stage."""

    @reaction(*_ROUTING_TYPES, reads=lambda e: [ROUTING_COPIES.by_id(e.body.case_id)], copies=ROUTING_COPIES)
    def copy(self, work: Work, e: Event[Any]) -> None:
        """Keep routing's slice; a case not known yet gets its copy all the same."""
        found = work.find(ROUTING_COPIES, e.body.case_id)
        copy = found or work.add(ROUTING_COPIES, RoutingCopy(id=e.body.case_id, district=e.district, status=COPIED))
        copy.slice = copy.slice.after(e.type, e.body)
        name = e.type.rpartition(".")[2]
        if name in HOLDERS:
            copy.holder_organ_id = getattr(e.body, HOLDERS[name])
            copy.responsibility_version = e.body.responsibility_version
        if name in DECISIONS:
            copy.reached = [*copy.reached, Reached(int(DECISIONS[name]), e.occurred_at)]

    @reaction(ROUTING + "MergeConfirmed", reads=_case)
    def merge(self, work: Work, e: Event[Any]) -> None:
        """The case goes on under its master."""
        case = work.get(CASES, e.body.case_id)
        if case.status != MERGED:
            case.merge(e.body.master_case_id, e.occurred_at)

    @reaction(ROUTING + "MergeRefused", reads=_case)
    def drop_merge(self, work: Work, e: Event[Any]) -> None:
        """The proposal falls away."""
        case = work.get(CASES, e.body.case_id)
        if case.merge_state is not None and case.merge_state.state == "proposed":
            case.drop_merge(e.body.master_case_id, e.body.ground, e.occurred_at)

    @reaction(ROUTING + "ClockExpired", reads=_case)
    def lapse_correction(self, work: Work, e: Event[Any]) -> None:
        """The papers did not come in time. Papers supplied before this was known are in time: the case decides, not the clock."""
        if e.body.rule_code != "CORRECTION":
            return
        case = work.get(CASES, e.body.case_id)
        if case.status == SUPPLEMENTING:
            case.lapse_correction(e.occurred_at)


class MediationReactions:
    """What mediation says of a case is copied for the stage."""

    @reaction(*_MEDIATION_TYPES, reads=lambda e: [MEDIATION_COPIES.by_id(e.body.case_id)], copies=MEDIATION_COPIES)
    def copy(self, work: Work, e: Event[Any]) -> None:
        """Keep mediation's slice, and when each stage was reached."""
        found = work.find(MEDIATION_COPIES, e.body.case_id)
        copy = found or work.add(MEDIATION_COPIES, MediationCopy(id=e.body.case_id, district=e.district, status=COPIED))
        before = copy.slice.stage
        copy.slice = copy.slice.after(e.type, e.body)
        if copy.slice.stage != before:
            copy.reached = [*copy.reached, Reached(copy.slice.stage, e.occurred_at)]
