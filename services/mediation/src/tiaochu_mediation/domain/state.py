"""What a mediation is, and what every part of it may ask. The commands stand in the modules of the nouns they are about."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from tiaochu_domainkit.aggregate import Aggregate
from tiaochu_domainkit.errors import DomainError, InvalidTransition, denied, invalid, not_found, refused
from tiaochu_mediation.domain import states
from tiaochu_mediation.domain.agreement import Agreement
from tiaochu_mediation.domain.assignment import Assignment, Recusal
from tiaochu_mediation.domain.ending import FollowUp, Termination
from tiaochu_mediation.domain.participants import Participant, Seat, unready
from tiaochu_mediation.domain.session import SESSIONS_BEFORE_APPROVAL, Approval, SafetyCheck, Session

Check = Callable[[Any, str], DomainError | None]
"""A precondition of a command that needs nothing but the mediation and who acts: the refusal, or nothing."""


@dataclass(kw_only=True)
class MediationState(Aggregate):
    """One mediation a case; its id is the case's."""

    CHECKS: ClassVar[Mapping[str, tuple[Check, ...]]] = {}
    NEEDS_AGREEMENT: ClassVar[frozenset[str]] = frozenset()
    """Commands on what binds. A partial agreement may bind in any state of the table, so the state alone does not tell."""

    status: str = states.WAITING
    organ_id: str = ""
    organ_path: str = ""
    on_the_spot: bool = False
    mediation_kind: str = ""
    opened_at: datetime | None = None
    participants: list[Participant] = field(default_factory=list)
    assignments: list[Assignment] = field(default_factory=list)
    recusals: list[Recusal] = field(default_factory=list)
    safety: SafetyCheck | None = None
    sessions: list[Session] = field(default_factory=list)
    approvals: list[Approval] = field(default_factory=list)
    overdue_sessions: list[int] = field(default_factory=list)
    suspended_from: str = ""
    suspension_reason: str = ""
    agreements: list[Agreement] = field(default_factory=list)
    termination: Termination | None = None
    follow_ups: list[FollowUp] = field(default_factory=list)
    result: str = ""

    # Preconditions

    def require(self, command: str, *, by: str = "") -> None:
        """Refuse `command` in a state that forbids it, to somebody recused, or while a precondition is not met."""
        if command not in self.allowed_commands():
            raise InvalidTransition(command, self.status, self.allowed_commands())
        refusal = self.refusal(command, by)
        if refusal is not None:
            raise refusal

    def allowed_commands(self) -> tuple[str, ...]:
        """The commands the state allows, those on an agreement only where one binds."""
        allowed = super().allowed_commands()
        return allowed if self.effective_agreements else tuple(c for c in allowed if c not in self.NEEDS_AGREEMENT)

    def refusal(self, command: str, by: str) -> DomainError | None:
        """Why `by` may not give a command that the state allows, as far as that can be told without its arguments."""
        if by in self.recused:
            return denied("MEDIATOR_RECUSED", "a recused mediator has no part in the case", "您已回避,不能再办理本案")
        return next((r for check in self.CHECKS.get(command, ()) if (r := check(self, by)) is not None), None)

    # Questions

    @property
    def recused(self) -> frozenset[str]:
        """Everybody who was replaced on a party's request. None of them comes back."""
        return frozenset(r.mediator_id for r in self.recusals if r.state == "replaced")

    @property
    def mediator_id(self) -> str:
        """The mediator who accepted and is still there, or empty."""
        current = self.current_assignment
        return current.mediator_id if current is not None and current.state == "accepted" else ""

    @property
    def current_assignment(self) -> Assignment | None:
        """The assignment that is offered or accepted."""
        return next((a for a in reversed(self.assignments) if a.state in {"offered", "accepted"}), None)

    @property
    def pending_recusal(self) -> Recusal | None:
        """The oldest request that waits for the head of the committee."""
        return next((r for r in self.recusals if r.state == "raised"), None)

    @property
    def appointed(self) -> Session | None:
        """The session that is appointed and not held yet."""
        return next((s for s in self.sessions if s.state == "scheduled"), None)

    @property
    def held(self) -> list[Session]:
        """Sessions held, oldest first."""
        return [s for s in self.sessions if s.state == "held"]

    @property
    def failed_sessions(self) -> int:
        """Sessions held to their end without agreement; broken-off ones do not count."""
        return sum(1 for s in self.held if s.result == "not_agreed")

    @property
    def next_session_number(self) -> int:
        """Number of the next session to be held; one that was broken off is held again under its number."""
        return 1 + sum(1 for s in self.held if s.result != "aborted")

    @property
    def awaits_second_session(self) -> bool:
        """One session failed, the second was not held and is not noted as overdue."""
        return self.next_session_number == SESSIONS_BEFORE_APPROVAL and SESSIONS_BEFORE_APPROVAL not in self.overdue_sessions

    def awaits_answer_to(self, assignment_id: str) -> bool:
        """Whether this assignment is offered and not answered."""
        return any(a.id == assignment_id and a.state == "offered" for a in self.assignments)

    def needs_approval(self, number: int) -> bool:
        """Whether a session of this number is held only with approval."""
        return number > SESSIONS_BEFORE_APPROVAL or number in self.overdue_sessions

    @property
    def draft(self) -> Agreement | None:
        """The agreement whose marks are being made."""
        return next((a for a in self.agreements if a.state == "signing"), None)

    @property
    def effective_agreements(self) -> list[Agreement]:
        """Agreements that bind."""
        return [a for a in self.agreements if a.state == "effective"]

    def is_owed(self, obligation_id: str) -> bool:
        """Whether an obligation that binds is open and not noted as breached."""
        found = (a.obligation(obligation_id) for a in self.effective_agreements)
        return any(o is not None and o.state == "open" for o in found)

    @property
    def seated(self) -> list[str]:
        """Ids of the parties still taking part."""
        return [p.party_id for p in self.participants if not p.withdrawn]

    def agreement(self, agreement_id: str) -> Agreement:
        """The agreement; `NOT_FOUND` when this mediation has none of that id."""
        found = next((a for a in self.agreements if a.id == agreement_id), None)
        if found is None:
            raise not_found("agreement", agreement_id)
        return found

    # Steps several commands share

    def _seat(self, roster: Iterable[Seat]) -> None:
        """Take over who the parties are. Whoever left the roster took back his part; whoever is new has not been told anything yet."""
        seats = {seat.party_id: seat for seat in roster}
        known = {p.party_id: p for p in self.participants}
        for participant in self.participants:
            participant.withdrawn = participant.party_id not in seats
        self.participants += [Participant(s.party_id, s.side) for s in seats.values() if s.party_id not in known]

    def _party(self, path: str, party_id: str) -> Participant:
        """A party still taking part; FIELD_INVALID (PARTY_UNKNOWN) otherwise."""
        found = next((p for p in self.participants if p.party_id == party_id and not p.withdrawn), None)
        if found is None:
            raise invalid(path, "PARTY_UNKNOWN", "不是本案当事人,或已退出")
        return found

    def _settle(self) -> None:
        """How it stands with everything promised."""
        obligations = [o for a in self.effective_agreements for o in a.obligations]
        if all(o.state == "performed" for o in obligations):
            self.status = states.PERFORMED
        elif any(o.state == "breached" for o in obligations):
            self.status = states.BREACHED
        elif any(o.last_performed_on is not None for o in obligations):
            self.status = states.PERFORMING
        else:
            self.status = states.EFFECTIVE


def must_be_mediator(mediation: MediationState, by: str) -> DomainError | None:
    """Only the mediator who accepted."""
    if mediation.mediator_id and mediation.mediator_id == by:
        return None
    return denied("NOT_THE_MEDIATOR", "only the mediator of this case may do this", "只有本案调解员可以办理")


def no_recusal_pending(mediation: MediationState, _by: str) -> DomainError | None:
    """Whoever is asked to withdraw does nothing until it is decided."""
    if mediation.pending_recusal is None:
        return None
    return refused(
        "RECUSAL_PENDING", "a request for recusal waits for a decision", "有回避申请尚未决定", recusal_id=mediation.pending_recusal.id
    )


def notices_acknowledged(mediation: MediationState, _by: str) -> DomainError | None:
    """Every party was told its rights and duties and its identity was checked, before anything is negotiated."""
    missing = unready(mediation.participants)
    if mediation.participants and not missing:
        return None
    return refused(
        "NOTICE_MISSING",
        "a party was not told its rights and duties, or its identity was not checked",
        "尚有当事人未签收权利义务告知书或未核对身份",
        party_ids=",".join(missing),
    )
