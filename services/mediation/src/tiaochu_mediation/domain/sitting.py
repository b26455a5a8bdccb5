"""Commands on sessions: notices, appointments, the record, the two-session rule, suspension."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tiaochu_domainkit.errors import DomainError, denied, invalid, refused
from tiaochu_mediation.domain import states
from tiaochu_mediation.domain.events import (
    MediationResumed,
    MediationSuspended,
    NoticeAcknowledged,
    SafetyChecked,
    SessionApproved,
    SessionHeld,
    SessionOverdue,
    SessionScheduled,
)
from tiaochu_mediation.domain.facts import CaseFacts
from tiaochu_mediation.domain.participants import Seat
from tiaochu_mediation.domain.session import SESSIONS_BEFORE_APPROVAL, Approval, SafetyCheck, Session
from tiaochu_mediation.domain.state import MediationState
from tiaochu_mediation.domain.texts import TextRef


@dataclass(kw_only=True)
class Sitting(MediationState):
    """From the notice to the last session."""

    def acknowledge_notice(self, *, party_id: str, identity_check: str, roster: Iterable[Seat], by: str, at: datetime) -> None:
        """A party was told its rights and duties (F3) and its identity was checked. Refusal: NOTICE_ACKNOWLEDGED."""
        self.require("acknowledge_notice", by=by)
        self._seat(roster)
        participant = self._party("on_behalf_of.party_id", party_id)
        if participant.notice_at is not None:
            raise refused("NOTICE_ACKNOWLEDGED", "this party acknowledged the notice before", "该当事人已签收权利义务告知书")
        participant.notice_at, participant.identity_check = at, identity_check
        self.record(NoticeAcknowledged(self.id, party_id, identity_check), at)

    def record_safety_check(self, *, check_id: str, joint_allowed: bool, text_id: str, by: str, at: datetime) -> None:
        """What a look at the danger found; a later check takes the place of an earlier one."""
        self.require("record_safety_check", by=by)
        self.safety = SafetyCheck(check_id, joint_allowed, by, at, text_id)
        self.record(SafetyChecked(self.id, check_id, joint_allowed), at)

    def schedule_session(
        self,
        *,
        session_id: str,
        starts_at: datetime,
        mode: str,
        separate: bool,
        waiving: Collection[str],
        study: TextRef | None,
        facts: CaseFacts,
        roster: Iterable[Seat],
        notice: timedelta,
        by: str,
        at: datetime,
        place_text_id: str = "",
    ) -> Session:
        """Appoint the next session, or move the one appointed. `notice`: how long before the parties are told, by local custom.

        Refusals: SAFETY_CHECK_NEEDED, NOTICE_TOO_SHORT, STUDY_MISSING, SESSION_APPROVAL_NEEDED.
        """
        self.require("schedule_session", by=by)
        self._seat(roster)
        self._keep_safe(facts, separate=separate)
        self._keep_notice(starts_at, waiving, notice, at)
        if study is None and self._needs_study():
            raise refused("STUDY_MISSING", "the second session needs a study of the case before", "第二次调解前须先研究案情")
        if self.appointed is not None:
            self.appointed.state = "replaced"
        session = Session(session_id, self.next_session_number, starts_at, mode, separate, place_text_id, study.id if study else "")
        self.sessions.append(session)
        if session.number > 1:
            self.status = states.IN_SESSION
        study_sha256 = study.sha256 if study else ""
        self.record(SessionScheduled(self.id, session_id, session.number, starts_at, mode, separate, study_sha256), at)
        return session

    def require_approval(self, *, at: datetime) -> None:
        """The second session did not come in time: it needs approval now. Refusal: SESSION_APPROVAL_NOT_NEEDED where it took place."""
        self.require("require_approval")
        if not self.awaits_second_session:
            raise refused("SESSION_APPROVAL_NOT_NEEDED", "the second session is not awaited", "第二次调解已进行,无需批准")
        self.overdue_sessions.append(SESSIONS_BEFORE_APPROVAL)
        self.record(SessionOverdue(self.id, SESSIONS_BEFORE_APPROVAL), at)

    def approve_session(self, *, text_id: str, by: str, at: datetime) -> int:
        """Allow a session beyond the second, or a second one that comes too late; answers its number."""
        self.require("approve_session", by=by)
        number = self.next_session_number
        self.approvals.append(Approval(number, by, at, text_id))
        self.record(SessionApproved(self.id, number), at)
        return number

    def hold_session(
        self,
        *,
        session_id: str,
        result: str,
        speakers: Collection[str],
        apart: Collection[str] = (),
        signing: Collection[str] = (),
        record: TextRef,
        facts: CaseFacts,
        by: str,
        held_at: datetime,
    ) -> Session:
        """Record the appointed session; the record is made and summed up whether or not they agreed (调解小结).

        `speakers` are the parties whose statements stand in the record, `apart` those who spoke to the mediator alone,
        `signing` those who signed record and summary.

        Refusals: NOT_THE_APPOINTED, SAFETY_CHECK_NEEDED, SESSION_TOO_EARLY, STATEMENT_MISSING.
        """
        self.require("hold_session", by=by)
        session = self.appointed
        if session is None or session.id != session_id:
            raise refused("NOT_THE_APPOINTED", "this session is not the appointed one", "该场次不是当前约定的调解")
        self._keep_safe(facts, separate=session.separate)
        if held_at < session.starts_at:
            raise refused("SESSION_TOO_EARLY", "a session cannot end before it begins", "调解尚未到约定的开始时间")
        for party_id in speakers:
            self._party("statements", party_id)
        for party_id in apart:
            self._party("caucus_notes", party_id)
        for party_id in signing:
            self._party("signing_party_ids", party_id)
        if result != "aborted" and not session.separate:
            self._all_heard(speakers)
        session.state, session.result, session.held_at = "held", result, held_at
        session.mediator_id, session.record_text_id, session.record_sha256 = by, record.id, record.sha256
        if result == "not_agreed" and session.number == 1:
            self.status = states.STUDY
        else:
            self.status = states.IN_SESSION
        self.record(SessionHeld(self.id, session_id, session.number, held_at, result, record.sha256), held_at)
        return session

    def suspend(self, *, reason: str, by: str, at: datetime) -> None:
        """中止: nothing happens at the table until it is resumed, except that whoever wants may leave it."""
        self.require("suspend", by=by)
        self.suspended_from, self.suspension_reason = self.status, reason
        self.status = states.SUSPENDED
        self.record(MediationSuspended(self.id, reason), at)

    def resume(self, *, reason: str, by: str, at: datetime) -> None:
        """Go on where it was left; with a new mediator if the old one was replaced meanwhile."""
        self.require("resume", by=by)
        self.status = self.suspended_from
        self.suspended_from = self.suspension_reason = ""
        self.record(MediationResumed(self.id, reason), at)

    def _keep_safe(self, facts: CaseFacts, *, separate: bool) -> None:
        """With domestic violence flagged: no session before a check, no joint one unless the check allows it."""
        if not facts.domestic_violence:
            return
        if self.safety is None or not (separate or self.safety.joint_allowed):
            raise refused(
                "SAFETY_CHECK_NEEDED",
                "domestic violence is flagged and no safety check allows this session",
                "涉家庭暴力,须先作安全核查;未经核查同意不得面对面调解",
                joint="false" if separate else "true",
            )

    def _keep_notice(self, starts_at: datetime, waiving: Collection[str], notice: timedelta, at: datetime) -> None:
        """Notice in time, unless every party waives it; then a session that took place already may be recorded late."""
        for party_id in waiving:
            self._party("waiving_party_ids", party_id)
        if self.seated and set(self.seated) <= set(waiving):
            if self.opened_at is not None and starts_at < self.opened_at:
                raise invalid("starts_at", "STARTS_BEFORE_OPENING", "调解时间不能早于受理时间")
            return
        if starts_at < at:
            raise invalid("starts_at", "STARTS_IN_PAST", "开始时间不能早于现在")
        if starts_at - at < notice:
            raise refused(
                "NOTICE_TOO_SHORT",
                "the notice is too short, and not every party waives it",
                "通知时间不足,除非全体当事人放弃",
                hours=str(int(notice.total_seconds() // 3600)),
            )

    def _needs_study(self) -> bool:
        """Between a first session without agreement and the second the centre studies the case (调解中心研究)."""
        return (
            self.next_session_number == SESSIONS_BEFORE_APPROVAL
            and self.failed_sessions > 0
            and not any(s.study_text_id for s in self.sessions)
        )

    def _all_heard(self, speakers: Collection[str]) -> None:
        silent = [p for p in self.seated if p not in speakers]
        if silent:
            raise refused(
                "STATEMENT_MISSING", "a party's statement is missing from the record", "调解记录缺少当事人陈述", party_ids=",".join(silent)
            )


def session_appointed(mediation: MediationState, _by: str) -> DomainError | None:
    """There is something to hold."""
    if mediation.appointed is not None:
        return None
    return refused("NO_SESSION_APPOINTED", "no session is appointed", "尚未约定调解时间")


def approved_beyond_two(mediation: MediationState, _by: str) -> DomainError | None:
    """After two sessions, or when the second comes too late, the next one needs approval (两次调解规则)."""
    number = mediation.next_session_number
    if not mediation.needs_approval(number) or any(a.number == number for a in mediation.approvals):
        return None
    return refused(
        "SESSION_APPROVAL_NEEDED",
        "a session beyond the second, or an overdue second one, needs approval",
        "已调解两次或逾期未再次调解,须经批准",
        number=str(number),
    )


def approval_is_due(mediation: MediationState, by: str) -> DomainError | None:
    """The next session needs it, nobody has approved yet, and whoever approves is not the mediator."""
    if not mediation.needs_approval(mediation.next_session_number):
        return refused("SESSION_APPROVAL_NOT_NEEDED", "the next session needs no approval", "下一次调解无需批准")
    if any(a.number == mediation.next_session_number for a in mediation.approvals):
        return refused("SESSION_APPROVED", "the next session is approved already", "下一次调解已获批准")
    if by and by == mediation.mediator_id:
        return denied("APPROVER_IS_MEDIATOR", "the mediator does not approve his own session", "调解员不能批准自己的调解")
    return None
