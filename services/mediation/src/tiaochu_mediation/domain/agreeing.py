"""Commands on the agreement: drafted, signed, effective (人民调解法 28-31)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tiaochu_domainkit.clocks import beijing
from tiaochu_domainkit.errors import DomainError, denied, invalid, not_found, refused
from tiaochu_mediation.domain import states
from tiaochu_mediation.domain.agreement import MEDIATOR, ORAL, PARTY, PAY, SEAL, Agreement, Mark, Promise, obligations_of
from tiaochu_mediation.domain.assignment import Assignment
from tiaochu_mediation.domain.events import (
    AgreementDrafted,
    AgreementEffective,
    AgreementPerformed,
    AgreementSigned,
    AssignmentAccepted,
    MediatorChosen,
)
from tiaochu_mediation.domain.facts import SIMPLE, CaseFacts
from tiaochu_mediation.domain.state import MediationState
from tiaochu_mediation.domain.texts import TextRef

LONGEST_TERM = timedelta(days=366 * 30)
"""A due day farther off is a slip of the pen."""


@dataclass(frozen=True)
class Terms:
    """What is written down: ids and codes here, the words in the row `text` points to."""

    form: str
    partial: bool
    settles_identity: bool
    promises: Sequence[Promise]
    text: TextRef
    agreed_at: datetime


@dataclass(kw_only=True)
class Agreeing(MediationState):
    """From terms to a binding agreement."""

    def draft_agreement(
        self, *, agreement_id: str, number: str, assignment_id: str, terms: Terms, facts: CaseFacts, tier: str, by: str
    ) -> Agreement:
        """Write the terms down, or a new edition of them, which voids the marks made before.

        What was settled on the spot may have been agreed days before the village wrote it into the register, acceptance and all.

        `tier` is the tier of the organ that mediates. Refusals: ORAL_NOT_ALLOWED, PARTIAL_ON_THE_SPOT, AGREED_BEFORE_OPENING.
        """
        self.require("draft_agreement", by=by)
        self._check_form(terms, facts, tier)
        self._check_promises(terms)
        if self.mediator_id == "":
            self._mediated_on_the_spot(assignment_id, by, terms.agreed_at)
        before = self.draft
        agreement = Agreement(
            id=before.id if before else agreement_id,
            number=before.number if before else number,
            form=terms.form,
            edition=before.edition + 1 if before else 1,
            partial=terms.partial,
            settles_identity=terms.settles_identity,
            paper_only=facts.is_family,
            labour=facts.is_labour,
            agreed_at=terms.agreed_at,
            text_id=terms.text.id,
            text_sha256=terms.text.sha256,
            obligations=obligations_of(terms.promises),
            marks=self._required_marks(terms.form),
        )
        self.agreements = [a for a in self.agreements if a.state != "signing"] + [agreement]
        self.status = states.AGREED
        self.record(
            AgreementDrafted(
                self.id, agreement.id, agreement.form, agreement.edition, agreement.partial, agreement.text_sha256, agreement.number
            ),
            terms.agreed_at,
        )
        return agreement

    def sign_agreement(
        self,
        *,
        agreement_id: str,
        edition: int,
        signed_as: str,
        party_id: str,
        method: str,
        kind: str,
        by: str,
        organ_id: str,
        at: datetime,
        scan_file_id: str = "",
    ) -> bool:
        """Make one mark; answers whether the agreement binds now. With the last mark it takes effect, at the time of that mark.

        Refusals: EDITION_CHANGED, NOT_THE_MEDIATOR, RECUSAL_PENDING, SEAL_OF_ANOTHER, MARK_NOT_REQUIRED, MARK_MADE, E_SIGNATURE_BARRED,
        SIGNED_BEFORE_DRAFT.
        """
        self.require("sign_agreement", by=by)
        agreement = self._being_signed(agreement_id, edition)
        signer_id = self._signer(signed_as, party_id, by, organ_id)
        if method == "electronic" and agreement.paper_only:
            raise refused(
                "E_SIGNATURE_BARRED",
                "the law bars electronic signatures in this class",
                "婚姻、收养、继承等文书不得使用电子签名,请签署纸质文本",
            )
        if at < agreement.agreed_at:
            raise invalid("acted_at", "SIGNED_BEFORE_DRAFT", "签署时间不能早于达成协议的时间")
        mark = agreement.mark(signed_as, signer_id)
        if mark is None:
            raise refused("MARK_NOT_REQUIRED", "the agreement needs no such mark", "该协议不需要此项签署")
        if mark.signed_at is not None:
            raise refused("MARK_MADE", "this mark is made already", "已经签署,不能重复")
        mark.signer_id, mark.signed_at, mark.method, mark.kind, mark.scan_file_id = signer_id, at, method, kind, scan_file_id
        self.record(AgreementSigned(self.id, agreement.id, signed_as, signer_id, agreement.edition, method), at)
        if agreement.missing_marks:
            return False
        self._take_effect(agreement)
        return True

    def _take_effect(self, agreement: Agreement) -> None:
        """Written: the last mark binds (29). Oral: the day it was reached (30)."""
        last = max(m.signed_at for m in agreement.marks if m.signed_at is not None)
        agreement.state = "effective"
        agreement.effective_at = agreement.agreed_at if agreement.form == ORAL else last
        if agreement.partial:
            self.status = states.IN_SESSION
        else:
            self._settle()
        self.record(
            AgreementEffective(
                case_id=self.id,
                agreement_id=agreement.id,
                agreement_number=agreement.number,
                form=agreement.form,
                effective_at=agreement.effective_at,
                on_the_spot=self.on_the_spot,
                amount_fen=agreement.amount_fen,
                obligations=agreement.promised(),
                partial=agreement.partial,
            ),
            last,
        )
        if not agreement.obligations:
            self.record(AgreementPerformed(self.id, agreement.id, beijing(agreement.effective_at).date()), last)

    def _being_signed(self, agreement_id: str, edition: int) -> Agreement:
        agreement = self.agreement(agreement_id)
        if agreement.state != "signing":
            raise not_found("agreement", agreement_id)
        if agreement.edition != edition:
            raise refused(
                "EDITION_CHANGED", "a newer edition was drafted", "协议文本已修改,请重新阅读后签署", edition=str(agreement.edition)
            )
        return agreement

    def _signer(self, signed_as: str, party_id: str, by: str, organ_id: str) -> str:
        """Whose mark it is; only the mediator signs as mediator, only his committee's organ seals."""
        if signed_as == PARTY:
            return self._party("on_behalf_of.party_id", party_id).party_id
        if signed_as == SEAL:
            if organ_id != self.organ_id:
                raise denied("SEAL_OF_ANOTHER", "only the organ that mediates seals", "只能由本案调解组织加盖印章")
            return self.organ_id
        if by != self.mediator_id:
            raise denied("NOT_THE_MEDIATOR", "only the mediator of this case may do this", "只有本案调解员可以办理")
        if self.pending_recusal is not None:
            raise refused("RECUSAL_PENDING", "a request for recusal waits for a decision", "有回避申请尚未决定")
        return by

    def _check_form(self, terms: Terms, facts: CaseFacts, tier: str) -> None:
        if terms.form == ORAL and not (self.on_the_spot and tier == "village" and facts.difficulty == SIMPLE):
            raise refused(
                "ORAL_NOT_ALLOWED",
                "oral agreements are for a village's simple cases on the spot",
                "口头协议仅限村(居)当场调解的简易纠纷",
                tier=tier,
                difficulty=facts.difficulty,
                on_the_spot=str(self.on_the_spot).lower(),
            )
        if terms.partial and self.on_the_spot and not self.held:
            raise refused("PARTIAL_ON_THE_SPOT", "what is settled on the spot is settled whole", "当场调解不能只达成部分协议")
        if not self.on_the_spot and self.opened_at is not None and terms.agreed_at < self.opened_at:
            raise invalid("acted_at", "AGREED_BEFORE_OPENING", "达成协议的时间不能早于受理时间")

    def _check_promises(self, terms: Terms) -> None:
        agreed_on = beijing(terms.agreed_at).date()
        for i, promise in enumerate(terms.promises):
            path = f"obligations[{i}]"
            self._party(f"{path}.obligor_party_id", promise.obligor)
            self._party(f"{path}.obligee_party_id", promise.obligee)
            if promise.obligor == promise.obligee:
                raise invalid(f"{path}.obligee_party_id", "OBLIGEE_IS_OBLIGOR", "义务人和权利人不能相同")
            if promise.kind == PAY and (promise.amount_fen <= 0 or promise.due_on is None):
                raise invalid(path, "PAYMENT_INCOMPLETE", "给付义务须写明金额和期限")
            if promise.kind != PAY and not promise.detailed:
                raise invalid(f"{path}.detail", "TEXT_REQUIRED", "须写明义务的具体内容")
            if promise.due_on is not None and not agreed_on <= promise.due_on <= agreed_on + LONGEST_TERM:
                raise invalid(f"{path}.due_on", "DUE_DAY_RANGE", "履行期限不能早于达成协议之日,也不能超过三十年")

    def _required_marks(self, form: str) -> list[Mark]:
        """Written: every party, the mediator, the seal. Oral: the mediator's entry in the register (F8)."""
        mediator = Mark(MEDIATOR, self.mediator_id)
        if form == ORAL:
            return [mediator]
        return [*(Mark(PARTY, p) for p in self.seated), mediator, Mark(SEAL, self.organ_id)]

    def _mediated_on_the_spot(self, assignment_id: str, by: str, at: datetime) -> None:
        """Whoever writes down what was settled on the spot mediated it."""
        self.assignments.append(Assignment(assignment_id, by, "on_the_spot", at, "accepted", answered_at=at))
        self.record(MediatorChosen(self.id, assignment_id, by, "on_the_spot"), at)
        self.record(AssignmentAccepted(self.id, assignment_id, by), at)


def may_draft(mediation: MediationState, by: str) -> DomainError | None:
    """The mediator; on the spot, whoever mediates, as long as nobody is named."""
    if mediation.mediator_id == by and by:
        return None
    if mediation.on_the_spot and mediation.current_assignment is None:
        return None
    return denied("NOT_THE_MEDIATOR", "only the mediator of this case may do this", "只有本案调解员可以办理")


def something_agreed(mediation: MediationState, _by: str) -> DomainError | None:
    """The last session held ended in agreement; on the spot no session is needed."""
    if mediation.on_the_spot or (mediation.held and mediation.held[-1].result == "agreed"):
        return None
    return refused("NOTHING_AGREED", "no session ended in agreement yet", "尚未调解达成一致")
