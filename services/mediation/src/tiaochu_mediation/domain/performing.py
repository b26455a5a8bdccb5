"""Commands after the agreement binds: confirmation by a court, performance, breach (人民调解法 31-33)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from tiaochu_domainkit.calendar import Calendar
from tiaochu_domainkit.clocks import Due, Length, Unit, beijing, due
from tiaochu_domainkit.errors import invalid, not_found, refused
from tiaochu_mediation.domain import states
from tiaochu_mediation.domain.agreement import PARTY, PAY, Agreement, Confirmation, Obligation, Performance
from tiaochu_mediation.domain.events import (
    AgreementPerformed,
    ConfirmationDecided,
    ConfirmationRequested,
    ObligationBreached,
    PerformanceRecorded,
)
from tiaochu_mediation.domain.state import MediationState

CONFIRMATION_WINDOW = Length(30, Unit.CD)
"""From the day it takes effect (人民调解法 33; 民事诉讼法 205). No pause, no extension."""


def confirmation_window(effective_at: datetime, calendar: Calendar) -> Due:
    """Until when the parties may apply jointly."""
    return due(effective_at, CONFIRMATION_WINDOW, calendar)


@dataclass(kw_only=True)
class Performing(MediationState):
    """What is promised is kept, or not."""

    def request_confirmation(
        self,
        *,
        confirmation_id: str,
        agreement_id: str,
        agency_id: str,
        applying: Collection[str],
        identity: bool,
        calendar: Calendar,
        by: str,
        at: datetime,
    ) -> Confirmation:
        """Apply jointly for judicial confirmation.

        Refusals: AGREEMENT_NOT_EFFECTIVE, CONFIRMATION_PENDING, CONFIRMATION_RULED, CONFIRMATION_LATE, CONFIRMATION_NOT_JOINT,
        CONFIRMATION_BARRED (identity, adoption, marriage), CONFIRMATION_NOTHING_PAYABLE (labour), CONFIRMATION_UNCLEAR.
        """
        self.require("request_confirmation", by=by)
        agreement = self._binding(agreement_id)
        self._may_apply(agreement, applying, calendar, at)
        scope = _confirmable(agreement, identity=identity)
        confirmation = Confirmation(confirmation_id, agency_id, at, [o.id for o in scope])
        agreement.confirmations.append(confirmation)
        self.record(ConfirmationRequested(self.id, agreement.id, agency_id, confirmation_id, tuple(confirmation.obligation_ids)), at)
        return confirmation

    def decide_confirmation(self, *, agreement_id: str, ruling: str, ruling_no: str, ruled_on: date | None, at: datetime) -> None:
        """The court's decision is noted on the agreement. Refusal: CONFIRMATION_NOT_PENDING."""
        self.require("decide_confirmation")
        agreement = self.agreement(agreement_id)
        confirmation = next((c for c in agreement.confirmations if not c.ruling), None)
        if confirmation is None:
            raise refused("CONFIRMATION_NOT_PENDING", "no application waits for the court", "没有待法院决定的司法确认申请")
        confirmation.ruling, confirmation.ruling_no, confirmation.ruled_on = ruling, ruling_no, ruled_on
        self.record(ConfirmationDecided(self.id, agreement_id, ruling, ruling_no, ruled_on), at)

    def record_performance(
        self, *, agreement_id: str, obligation_id: str, amount_fen: int, performed_on: date, complete: bool, by: str, at: datetime
    ) -> Performance:
        """Note what was performed. `complete` says so of a deed; a payment is complete when all is paid.

        Refusals: AGREEMENT_NOT_EFFECTIVE, OBLIGATION_PERFORMED, PERFORMANCE_EXCEEDS, PERFORMED_BEFORE_AGREED.
        """
        self.require("record_performance", by=by)
        agreement = self._binding(agreement_id)
        obligation = _obligation(agreement, obligation_id)
        _check_performance(agreement, obligation, amount_fen, performed_on)
        late = obligation.due_on is not None and performed_on > obligation.due_on
        obligation.performed_fen += amount_fen
        obligation.last_performed_on = max(performed_on, obligation.last_performed_on or performed_on)
        entirely = obligation.performed_fen >= obligation.amount_fen if obligation.kind == PAY else complete
        if entirely:
            obligation.state = "performed"
        self.record(PerformanceRecorded(self.id, agreement.id, obligation.id, amount_fen, performed_on, entirely, late), at)
        if entirely and agreement.is_performed:
            last = max(o.last_performed_on for o in agreement.obligations if o.last_performed_on is not None)
            self.record(AgreementPerformed(self.id, agreement.id, last), at)
        if self.status in states.SETTLED:
            self._settle()
        return Performance(late, entirely)

    def breach_obligation(self, *, obligation_id: str, at: datetime) -> None:
        """The grace of an obligation ended with it open. Refusal: OBLIGATION_NOT_OPEN."""
        self.require("breach_obligation")
        agreement = next((a for a in self.effective_agreements if a.obligation(obligation_id)), None)
        if agreement is None:
            raise not_found("obligation", obligation_id)
        obligation = _obligation(agreement, obligation_id)
        if obligation.state != "open":
            raise refused("OBLIGATION_NOT_OPEN", "the obligation is performed or noted as breached", "该义务已履行或已登记逾期")
        obligation.state = "breached"
        self.record(ObligationBreached(self.id, agreement.id, obligation.id, obligation.due_on), at)
        if self.status in states.SETTLED:
            self._settle()

    def _binding(self, agreement_id: str) -> Agreement:
        agreement = self.agreement(agreement_id)
        if agreement.state != "effective":
            raise refused("AGREEMENT_NOT_EFFECTIVE", "the agreement does not bind yet", "协议尚未生效")
        return agreement

    def _may_apply(self, agreement: Agreement, applying: Collection[str], calendar: Calendar, at: datetime) -> None:
        assert agreement.effective_at is not None  # noqa: S101 - it binds
        window = confirmation_window(agreement.effective_at, calendar)
        if not window.in_time(at):
            raise refused(
                "CONFIRMATION_LATE", "the thirty days are over", "已超过三十日,不能再申请司法确认", last_day=window.last_day.isoformat()
            )
        if any(not c.ruling for c in agreement.confirmations):
            raise refused("CONFIRMATION_PENDING", "an application waits for the court", "司法确认申请正在法院审查")
        if any(c.ruling in {"valid", "dismissed"} for c in agreement.confirmations):
            raise refused("CONFIRMATION_RULED", "the court has ruled", "法院已作出裁定")
        everybody = {m.signer_id for m in agreement.marks if m.signed_as == PARTY} or set(self.seated)
        if everybody != set(applying):
            raise refused(
                "CONFIRMATION_NOT_JOINT", "all parties apply, or none", "须由全体当事人共同申请", party_ids=",".join(sorted(everybody))
            )


def _confirmable(agreement: Agreement, *, identity: bool) -> list[Obligation]:
    """What a court may confirm. Labour: only what is to be paid (劳动争议解释一 52). Never identity, adoption, marriage (法释〔2011〕5号 4)."""
    if identity or agreement.settles_identity:
        raise refused(
            "CONFIRMATION_BARRED", "identity, adoption and marriage are never confirmed", "涉及婚姻、收养、身份关系的协议不能申请司法确认"
        )
    scope = [o for o in agreement.obligations if o.kind == PAY or not agreement.labour]
    if agreement.labour and not scope:
        raise refused(
            "CONFIRMATION_NOTHING_PAYABLE", "of a labour agreement only payments are confirmed", "劳动争议协议仅就给付内容可申请司法确认"
        )
    unclear = [o.id for o in scope if not o.is_executable]
    if unclear or not scope:
        raise refused(
            "CONFIRMATION_UNCLEAR", "nothing a ruling could enforce", "协议内容不明确,无法确认和执行", obligation_ids=",".join(unclear)
        )
    return scope


def _obligation(agreement: Agreement, obligation_id: str) -> Obligation:
    obligation = agreement.obligation(obligation_id)
    if obligation is None:
        raise not_found("obligation", obligation_id)
    return obligation


def _check_performance(agreement: Agreement, obligation: Obligation, amount_fen: int, performed_on: date) -> None:
    if obligation.state == "performed":
        raise refused("OBLIGATION_PERFORMED", "the obligation is performed already", "该义务已履行完毕")
    if performed_on < beijing(agreement.agreed_at).date():
        raise invalid("performed_on", "PERFORMED_BEFORE_AGREED", "履行日期不能早于达成协议之日")
    if obligation.kind != PAY:
        if amount_fen:
            raise invalid("amount", "AMOUNT_NOT_DUE", "该义务不是金钱给付")
        return
    if amount_fen <= 0:
        raise invalid("amount", "AMOUNT_REQUIRED", "须填写履行金额")
    left = obligation.amount_fen - obligation.performed_fen
    if amount_fen > left:
        raise refused("PERFORMANCE_EXCEEDS", "more than what is still due", "履行金额超过尚未履行的金额", left_fen=str(left))
