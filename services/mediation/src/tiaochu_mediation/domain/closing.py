"""Commands that end it: termination, what other services decided, visits, closing."""

from dataclasses import dataclass
from datetime import datetime

from tiaochu_domainkit.errors import invalid, refused
from tiaochu_mediation.domain import states
from tiaochu_mediation.domain.ending import PARTY_ENDS, FollowUp, Notice, Termination
from tiaochu_mediation.domain.events import CaseClosed, FollowUpRecorded, MediationDropped, MediationOpened, MediationTerminated, PartyLeft
from tiaochu_mediation.domain.performing import Performing
from tiaochu_mediation.domain.session import SESSIONS_BEFORE_APPROVAL


@dataclass(kw_only=True)
class Closing(Performing):
    """Opening and ending."""

    def open_mediation(self, *, organ_id: str, organ_path: str, on_the_spot: bool, mediation_kind: str, at: datetime) -> None:
        """The responsible unit accepted the case."""
        self.require("open_mediation")
        self.organ_id, self.organ_path = organ_id, organ_path
        self.on_the_spot, self.mediation_kind = on_the_spot, mediation_kind
        self.opened_at = at
        self.status = states.OPENED
        self.record(MediationOpened(self.id, organ_id, organ_path, on_the_spot, mediation_kind), at)

    def drop(self, *, ground: str, at: datetime) -> None:
        """Declined or merged before it was accepted: there is nothing to mediate, and others tell how the case ended."""
        self.require("drop")
        self.status = states.DROPPED
        self.record(MediationDropped(self.id, ground), at)

    def terminate(self, *, ground: str, notice: Notice, by: str, at: datetime, party_id: str = "", note_text_id: str = "") -> None:
        """End it and tell the ways that stay open (人民调解法 26). A party's refusal ends it always and at once (23).

        Refusals: PARTY_REQUIRED for a party's own ground, GROUND_NOT_MET (not agreed: two failed sessions; wide gap: one).
        """
        self.require("terminate", by=by)
        if ground in PARTY_ENDS:
            if not party_id:
                raise invalid("on_behalf_of", "PARTY_REQUIRED", "须写明哪一方当事人提出")
            if self.participants:
                self._party("on_behalf_of.party_id", party_id)
        needed = {"not_agreed": SESSIONS_BEFORE_APPROVAL, "wide_gap": 1}.get(ground, 0)
        if self.failed_sessions < needed:
            raise refused(
                "GROUND_NOT_MET",
                "too few sessions have failed for this ground",
                "调解次数不足,不能以此理由终止",
                sessions=str(self.failed_sessions),
            )
        self._end(Termination(ground, at, notice, party_id, note_text_id), before_acceptance=False)

    def end_from_outside(self, *, ground: str, notice: Notice, at: datetime) -> None:
        """What intake or a clock decided: withdrawn, refused, unreachable, not supplied, expired. Before acceptance that closes the case."""
        self.require("end_from_outside")
        before_acceptance = self.status == states.WAITING
        self._end(Termination(ground, at, notice), before_acceptance=before_acceptance)
        if before_acceptance:
            self.result = "terminated"
            self.status = states.CLOSED
            self.record(CaseClosed(self.id, self.result), at)

    def expire(self, *, notice: Notice, at: datetime) -> None:
        """The time to conclude is over (若干规定 33). Terms already fixed may still be signed: the parties' marks are their consent.

        A suspension that stops the clock is never met here; one that does not stop it does not save the mediation either.
        """
        self.require("expire")
        self._end(Termination("expired", at, notice), before_acceptance=False)

    def record_follow_up(
        self,
        *,
        follow_up_id: str,
        side: str,
        satisfaction: int,
        performance: str,
        residual_risk: bool,
        by: str,
        at: datetime,
        text_id: str = "",
    ) -> None:
        """A visit or call. It is a duty with its clock and no gate."""
        self.require("record_follow_up", by=by)
        self.follow_ups.append(FollowUp(follow_up_id, side, satisfaction, performance, residual_risk, at, text_id))
        if self.status in (states.PERFORMED, states.TERMINATED):
            self.status = states.FOLLOWED_UP
        self.record(FollowUpRecorded(self.id, follow_up_id, side, satisfaction, performance, residual_risk), at)

    def close(self, *, court_route: str, by: str, at: datetime) -> str:
        """结案; answers the result. Refusal: COURT_ROUTE_REQUIRED for a breached agreement, COURT_ROUTE_UNFOUNDED for any other."""
        self.require("close", by=by)
        breached = self.status == states.BREACHED
        if breached and not court_route:
            raise refused(
                "COURT_ROUTE_REQUIRED", "a breach is closed when it went to a court", "逾期未履行的,须已转入诉讼、支付令或执行方可结案"
            )
        if court_route and not breached:
            raise invalid("court_route", "COURT_ROUTE_UNFOUNDED", "协议没有逾期未履行")
        if breached:
            self.result = "to_court"
        else:
            self.result = "performed" if self.effective_agreements else "terminated"
        self.status = states.CLOSED
        self.record(CaseClosed(self.id, self.result), at)
        return self.result

    def party_left(self, *, party_id: str, at: datetime) -> None:
        """One of several applicants withdrew; the table stands for the others. A draft that needs its mark must be drafted anew."""
        self.require("party_left")
        self._party("party_id", party_id).withdrawn = True
        self.record(PartyLeft(self.id, party_id), at)

    def _end(self, termination: Termination, *, before_acceptance: bool) -> None:
        """With a partial agreement in force only the rest ends; what was agreed goes on to be performed."""
        self.termination = termination
        if self.draft is not None:
            self.draft.state = "dropped"
        partly = bool(self.effective_agreements)
        notice = termination.notice
        if partly:
            self._settle()
        else:
            self.status = states.TERMINATED
        self.record(
            MediationTerminated(self.id, termination.ground, before_acceptance, notice.version, notice.sha256, partly), termination.at
        )
