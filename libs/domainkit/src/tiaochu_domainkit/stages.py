"""The stage of a case (domain guide §5.4), computed from what intake, routing and mediation said; it is stored nowhere.

Each service keeps one slice per owner and folds that owner's events into it in their order; how the owners' events interleave does not
matter. `case_stage` is the only reading of the three together.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, ClassVar


class Stage(IntEnum):
    """The states of the main line, numbered as the field numbers them."""

    DRAFT = 10
    REGISTERED = 20
    SUPPLEMENT = 25
    CLASSIFIED = 30
    TRANSFER_PENDING = 35
    CONSENT_PENDING = 40
    NOT_ACCEPTED = 45
    ACCEPTED = 50
    ASSIGNED = 55
    PREPARING = 60
    IN_SESSION = 65
    STUDY = 67
    SUSPENDED = 68
    AGREED_UNSIGNED = 70
    EFFECTIVE = 75
    PERFORMING = 80
    BREACHED = 85
    PERFORMED = 88
    TERMINATED = 90
    FOLLOW_UP = 92
    CLOSED = 95
    ARCHIVED = 98
    VOID = 99


NAMES: dict[Stage, str] = {
    Stage.DRAFT: "草稿",
    Stage.REGISTERED: "已登记",
    Stage.SUPPLEMENT: "待补正",
    Stage.CLASSIFIED: "已分类",
    Stage.TRANSFER_PENDING: "待接收",
    Stage.CONSENT_PENDING: "征询意愿",
    Stage.NOT_ACCEPTED: "不予受理",
    Stage.ACCEPTED: "已受理",
    Stage.ASSIGNED: "已指派",
    Stage.PREPARING: "调解准备",
    Stage.IN_SESSION: "调解中",
    Stage.STUDY: "研究中",
    Stage.SUSPENDED: "中止",
    Stage.AGREED_UNSIGNED: "待签署",
    Stage.EFFECTIVE: "协议生效",
    Stage.PERFORMING: "履行中",
    Stage.BREACHED: "逾期未履行",
    Stage.PERFORMED: "已履行",
    Stage.TERMINATED: "终止",
    Stage.FOLLOW_UP: "回访",
    Stage.CLOSED: "结案",
    Stage.ARCHIVED: "归档",
    Stage.VOID: "作废",
}
"""What people call a stage."""


def _name(event_type: str) -> str:
    """`tiaochu.intake.events.v1.CaseRegistered` → `CaseRegistered`."""
    return event_type.rpartition(".")[2]


@dataclass(frozen=True)
class IntakeSlice:
    """What intake said. `correction`: "", open, supplied, lapsed. `consent`: "", asked, consented, refused, unreachable."""

    registered: bool = False
    classified: bool = False
    correction: str = ""
    consent: str = ""
    withdrawn: bool = False
    merged: bool = False
    history: bool = False
    """A finished case of an old register."""

    _CHANGES: ClassVar[dict[str, dict[str, Any]]] = {
        "CaseRegistered": {"registered": True},
        "CaseClassified": {"classified": True},
        "CorrectionRequested": {"correction": "open"},
        "CorrectionSupplied": {"correction": "supplied"},
        "CorrectionLapsed": {"correction": "lapsed"},
        "ConsentAttempted": {"consent": "asked"},
        "ApplicationWithdrawn": {"withdrawn": True},
        "CaseMerged": {"merged": True},
        "HistoryResultRecorded": {"history": True},
    }

    def after(self, event_type: str, body: Any) -> "IntakeSlice":
        """The slice once this event of intake is known; itself for an event that does not touch the stage."""
        name = _name(event_type)
        if name == "ConsentConcluded":
            return replace(self, consent=body.outcome)
        return replace(self, **self._CHANGES[name]) if name in self._CHANGES else self

    @property
    def stopped(self) -> bool:
        """There is nothing to mediate: withdrawn, papers not supplied, a party unwilling or out of reach."""
        return self.withdrawn or self.correction == "lapsed" or self.consent in ("refused", "unreachable")


@dataclass(frozen=True)
class RoutingSlice:
    """What routing said. `transfer_pending`: offered to another unit and not yet answered."""

    transfer_pending: bool = False
    accepted: bool = False
    declined: bool = False
    ended: bool = False

    _CHANGES: ClassVar[dict[str, dict[str, bool]]] = {
        "TransferOffered": {"transfer_pending": True},
        "TransferSigned": {"transfer_pending": False},
        "TransferReturned": {"transfer_pending": False},
        "TransferExpired": {"transfer_pending": False},
        "UnitDesignated": {"transfer_pending": False},
        "CaseAccepted": {"accepted": True},
        "CaseDeclined": {"declined": True},
        "ResponsibilityEnded": {"ended": True},
    }

    def after(self, event_type: str, _body: Any) -> "RoutingSlice":
        """The slice once this event of routing is known."""
        name = _name(event_type)
        return replace(self, **self._CHANGES[name]) if name in self._CHANGES else self


@dataclass(frozen=True)
class MediationSlice:
    """What mediation said.

    `stage` is its own part of the number, 0 before it opened; `resumes` is where a suspended case goes back to. `owed` are obligations of
    agreements in effect that are not performed, `breached` those of them past their grace; `begun` says that anything was performed.
    """

    stage: int = 0
    resumes: int = 0
    owed: tuple[str, ...] = ()
    breached: tuple[str, ...] = ()
    begun: bool = False

    _STAGES: ClassVar[dict[str, Stage]] = {
        "MediationOpened": Stage.ACCEPTED,
        "MediatorChosen": Stage.ASSIGNED,
        "AssignmentDeclined": Stage.ACCEPTED,
        "AssignmentAccepted": Stage.PREPARING,
        "AgreementDrafted": Stage.AGREED_UNSIGNED,
        "CaseClosed": Stage.CLOSED,
        "CaseArchived": Stage.ARCHIVED,
    }

    def after(self, event_type: str, body: Any) -> "MediationSlice":
        """The slice once this event of mediation is known."""
        name = _name(event_type)
        if name in self._STAGES:
            return self.at(self._STAGES[name])
        return _STEPS[name](self, body) if name in _STEPS else self

    def at(self, stage: Stage) -> "MediationSlice":
        """A stage is never left backwards once an agreement took effect or the mediation ended."""
        if self.stage >= Stage.EFFECTIVE and stage < Stage.EFFECTIVE:
            return self
        return replace(self, stage=int(stage))

    def settled(self) -> "MediationSlice":
        """How it stands with everything promised."""
        if self.stage >= Stage.TERMINATED:
            return self
        if not self.owed:
            return self.at(Stage.PERFORMED)
        if self.breached:
            return self.at(Stage.BREACHED)
        return self.at(Stage.PERFORMING if self.begun else Stage.EFFECTIVE)

    def settled_if_left(self) -> "MediationSlice":
        """The same, unless the table is still open beside a partial agreement (部分协议)."""
        return self.settled() if self.stage >= Stage.EFFECTIVE else self


def _recusal_decided(slice_: MediationSlice, body: Any) -> MediationSlice:
    """A replaced mediator's case waits for another; a suspended one does so when it is resumed."""
    if not body.replaced:
        return slice_
    return replace(slice_, resumes=int(Stage.ACCEPTED)) if slice_.stage == Stage.SUSPENDED else slice_.at(Stage.ACCEPTED)


def _session_scheduled(slice_: MediationSlice, body: Any) -> MediationSlice:
    """The notice of a second session ends the study; the first one is still being prepared."""
    return slice_.at(Stage.IN_SESSION) if body.number > 1 else slice_


def _session_held(slice_: MediationSlice, body: Any) -> MediationSlice:
    """Two-session rule: after a first session without agreement the centre studies the case."""
    studies = body.number == 1 and body.result == "not_agreed"
    return slice_.at(Stage.STUDY if studies else Stage.IN_SESSION)


def _suspended(slice_: MediationSlice, _body: Any) -> MediationSlice:
    return replace(slice_.at(Stage.SUSPENDED), resumes=slice_.stage)


def _resumed(slice_: MediationSlice, _body: Any) -> MediationSlice:
    return replace(slice_, stage=slice_.resumes, resumes=0) if slice_.stage == Stage.SUSPENDED else slice_


def _effective(slice_: MediationSlice, body: Any) -> MediationSlice:
    """A partial agreement binds while the rest stays on the table."""
    bound = replace(slice_, owed=(*slice_.owed, *(o.obligation_id for o in body.obligations)))
    return bound.at(Stage.IN_SESSION) if body.partial else bound.settled()


def _obligation_breached(slice_: MediationSlice, body: Any) -> MediationSlice:
    return replace(slice_, breached=(*slice_.breached, body.obligation_id)).settled_if_left()


def _performance_recorded(slice_: MediationSlice, body: Any) -> MediationSlice:
    begun = replace(slice_, begun=True)
    if body.complete:
        done = body.obligation_id
        begun = replace(begun, owed=tuple(o for o in begun.owed if o != done), breached=tuple(o for o in begun.breached if o != done))
    return begun.settled_if_left()


def _agreement_performed(slice_: MediationSlice, _body: Any) -> MediationSlice:
    return slice_.settled_if_left()


def _terminated(slice_: MediationSlice, body: Any) -> MediationSlice:
    """With a partial agreement in force only the rest ends; what was agreed goes on to be performed."""
    return slice_.settled() if body.partly_agreed else slice_.at(Stage.TERMINATED)


def _followed_up(slice_: MediationSlice, _body: Any) -> MediationSlice:
    return slice_.at(Stage.FOLLOW_UP) if slice_.stage in (Stage.PERFORMED, Stage.TERMINATED) else slice_


_STEPS: dict[str, Callable[[MediationSlice, Any], MediationSlice]] = {
    "RecusalDecided": _recusal_decided,
    "SessionScheduled": _session_scheduled,
    "SessionHeld": _session_held,
    "MediationSuspended": _suspended,
    "MediationResumed": _resumed,
    "AgreementEffective": _effective,
    "ObligationBreached": _obligation_breached,
    "PerformanceRecorded": _performance_recorded,
    "AgreementPerformed": _agreement_performed,
    "MediationTerminated": _terminated,
    "FollowUpRecorded": _followed_up,
}


def case_stage(intake: IntakeSlice, routing: RoutingSlice, mediation: MediationSlice) -> Stage:
    """The stage of a case. A fact that can no longer change wins over one that can, whoever's news came first."""
    if intake.merged:
        return Stage.VOID
    if intake.history:
        return Stage.CLOSED
    if routing.declined:
        return Stage.CLOSED if routing.ended or mediation.stage >= Stage.CLOSED else Stage.NOT_ACCEPTED
    if mediation.stage >= Stage.EFFECTIVE:
        return Stage(mediation.stage)
    if intake.stopped:
        return Stage.TERMINATED
    if mediation.stage:
        return Stage(mediation.stage)
    return Stage.ACCEPTED if routing.accepted else _before_acceptance(intake, routing)


def _before_acceptance(intake: IntakeSlice, routing: RoutingSlice) -> Stage:
    if intake.correction == "open":
        return Stage.SUPPLEMENT
    if routing.transfer_pending:
        return Stage.TRANSFER_PENDING
    if intake.consent:
        return Stage.CONSENT_PENDING
    if intake.classified:
        return Stage.CLASSIFIED
    return Stage.REGISTERED if intake.registered else Stage.DRAFT
