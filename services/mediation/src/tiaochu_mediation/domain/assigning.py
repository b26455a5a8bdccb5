"""Commands on the mediator's assignment.

The people's mediation law has no article on recusal; the rule is: disclosure at acceptance (在线调解规则 13), with a relation only if
every party agrees (特邀调解规定 15), a party's first request replaces without proof, later ones are decided by the head of the committee.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from tiaochu_domainkit.errors import DomainError, denied, not_found, refused
from tiaochu_mediation.domain import states
from tiaochu_mediation.domain.assignment import Assignment, Recusal, Relation
from tiaochu_mediation.domain.events import AssignmentAccepted, AssignmentDeclined, MediatorChosen, RecusalDecided, RecusalRaised
from tiaochu_mediation.domain.participants import Seat
from tiaochu_mediation.domain.state import MediationState


@dataclass(kw_only=True)
class Assigning(MediationState):
    """Who mediates."""

    def choose_mediator(self, *, assignment_id: str, mediator_id: str, chosen_by: str, by: str, at: datetime) -> None:
        """Name a mediator in place of one who has not answered. Refusals: MEDIATOR_RECUSED_BEFORE, ALREADY_ASSIGNED."""
        self.require("choose_mediator", by=by)
        self._may_come(mediator_id)
        current = self.current_assignment
        if current is not None:
            self._leave(current, "superseded", by, at)
            self.record(AssignmentDeclined(self.id, current.id, current.mediator_id, "superseded"), at)
        self.assignments.append(Assignment(assignment_id, mediator_id, chosen_by, at))
        self.status = states.ASSIGNED
        self.record(MediatorChosen(self.id, assignment_id, mediator_id, chosen_by), at)

    def accept_assignment(
        self,
        *,
        relations: Collection[Relation],
        consenting: Collection[str],
        disclosure_text_id: str = "",
        roster: Iterable[Seat] = (),
        by: str,
        at: datetime,
    ) -> None:
        """Accept with disclosure. Refusal: RELATION_NEEDS_CONSENT, unless every party agrees in spite of the relations."""
        self.require("accept_assignment", by=by)
        if relations:
            self._seat(roster)
            for relation in relations:
                self._party("relations", relation.party_id)
            unwilling = [p for p in self.seated if p not in consenting]
            if unwilling:
                raise refused(
                    "RELATION_NEEDS_CONSENT",
                    "a mediator with a relation to a party needs the consent of every party",
                    "调解员与当事人有利害关系,须经全体当事人同意",
                    party_ids=",".join(unwilling),
                )
        assignment = self._offered()
        assignment.state, assignment.answered_at = "accepted", at
        assignment.relations = sorted({r.kind for r in relations})
        assignment.disclosure_text_id = disclosure_text_id
        self.status = states.PREPARING
        self.record(AssignmentAccepted(self.id, assignment.id, assignment.mediator_id, tuple(assignment.relations)), at)

    def decline_assignment(self, *, reason: str, by: str, at: datetime) -> None:
        """Decline, or step back after having accepted (主动回避): another is named then."""
        self.require("decline_assignment", by=by)
        assignment = self._current()
        self._leave(assignment, "declined", by, at)
        self.status = states.OPENED
        self.record(AssignmentDeclined(self.id, assignment.id, assignment.mediator_id, reason), at)

    def lapse_assignment(self, *, assignment_id: str, at: datetime) -> None:
        """The mediator named did not answer in time (在线调解规则: three working days); another is named. Refusal: NOT_ASSIGNED."""
        self.require("lapse_assignment")
        assignment = self._current()
        if assignment.id != assignment_id:
            raise refused("NOT_ASSIGNED", "another assignment waits now", "该指派已变更")
        self._leave(assignment, "lapsed", "", at)
        self.status = states.OPENED
        self.record(AssignmentDeclined(self.id, assignment.id, assignment.mediator_id, "no_answer"), at)

    def raise_recusal(self, *, recusal_id: str, mediator_id: str, party_id: str, roster: Iterable[Seat], by: str, at: datetime) -> bool:
        """A party asks that the mediator withdraw; answers whether that decided it. Refusals: NOT_ASSIGNED, RECUSAL_RAISED."""
        self.require("raise_recusal", by=by)
        self._seat(roster)
        self._party("on_behalf_of.party_id", party_id)
        current = self.current_assignment
        if current is None or current.mediator_id != mediator_id:
            raise refused("NOT_ASSIGNED", "this person is not the mediator of the case", "该人员不是本案现任调解员")
        if any(r.state == "raised" and r.party_id == party_id and r.mediator_id == mediator_id for r in self.recusals):
            raise refused("RECUSAL_RAISED", "this party's request is waiting already", "该当事人的回避申请正在等待决定")
        first = not any(r.party_id == party_id for r in self.recusals)
        recusal = Recusal(recusal_id, mediator_id, party_id, at)
        self.recusals.append(recusal)
        self.record(RecusalRaised(self.id, recusal_id, mediator_id, party_id), at)
        if first:
            self._replace("", at)
        return first

    def decide_recusal(self, *, recusal_id: str, replaced: bool, by: str, at: datetime) -> None:
        """The head of the committee decides a waiting request, though never one about himself (OWN_RECUSAL)."""
        self.require("decide_recusal", by=by)
        recusal = next((r for r in self.recusals if r.id == recusal_id and r.state == "raised"), None)
        if recusal is None:
            raise not_found("recusal", recusal_id)
        if replaced:
            self._replace(by, at)
            return
        recusal.state, recusal.decided_by = "kept", by
        self.record(RecusalDecided(self.id, recusal.id, recusal.mediator_id, replaced=False), at)

    def _replace(self, by: str, at: datetime) -> None:
        """The mediator is out, and with him his part; another is named then."""
        self._leave(self._current(), "replaced", by, at)
        if self.status == states.SUSPENDED:
            self.suspended_from = states.OPENED
        else:
            self.status = states.OPENED

    def _leave(self, assignment: Assignment, state: str, by: str, at: datetime) -> None:
        """His mark on an agreement that does not bind yet is void; requests about him are settled: he is out."""
        assignment.state, assignment.answered_at = state, at
        for waiting in [r for r in self.recusals if r.state == "raised" and r.mediator_id == assignment.mediator_id]:
            waiting.state, waiting.decided_by = "replaced", by
            self.record(RecusalDecided(self.id, waiting.id, waiting.mediator_id, replaced=True), at)
        if self.draft is not None:
            self.draft.void_mark("mediator")

    def _may_come(self, mediator_id: str) -> None:
        current = self.current_assignment
        if mediator_id in self.recused:
            raise refused("MEDIATOR_RECUSED_BEFORE", "this mediator was recused from the case", "该调解员已回避本案,不能再次指派")
        if current is not None and current.mediator_id == mediator_id:
            raise refused("ALREADY_ASSIGNED", "this mediator is named already", "该调解员已被指派")

    def _offered(self) -> Assignment:
        return next(a for a in self.assignments if a.state == "offered")

    def _current(self) -> Assignment:
        current = self.current_assignment
        assert current is not None, self.status  # noqa: S101 - the states that allow the command have one
        return current


def must_be_named(mediation: MediationState, by: str) -> DomainError | None:
    """Only the mediator who is named or has accepted."""
    current = mediation.current_assignment
    if current is not None and current.mediator_id == by:
        return None
    return denied("NOT_THE_MEDIATOR", "only the mediator named may do this", "只有被指派的调解员可以办理")


def decides_on_another(mediation: MediationState, by: str) -> DomainError | None:
    """There is something to decide, and not about oneself."""
    pending = mediation.pending_recusal
    if pending is None:
        return refused("NO_RECUSAL_PENDING", "no request for recusal waits", "没有待决定的回避申请")
    if pending.mediator_id == by:
        return denied("OWN_RECUSAL", "nobody decides on his own recusal", "不能决定本人的回避")
    return None
