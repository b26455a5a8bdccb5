"""Who is responsible for a case (首接责任制): exactly one unit at every instant, moved by signature or designation alone."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from tiaochu_domainkit.aggregate import Transition, Transitions
from tiaochu_domainkit.errors import denied, invalid, refused
from tiaochu_routing.domain.case_facts import CONSENTED, CaseFacts
from tiaochu_routing.domain.events import (
    CaseAccepted,
    CaseDeclined,
    LeadNamed,
    MergeConfirmed,
    MergeRefused,
    ResponsibilityEnded,
    ResponsibilityStarted,
    TransferExpired,
    TransferOffered,
    TransferReturned,
    TransferSigned,
    UnitDesignated,
    UnitMoved,
)
from tiaochu_routing.domain.organs import Unit, designating_unit
from tiaochu_routing.domain.standing import Standing
from tiaochu_routing.domain.transfer import (
    DESIGNATION,
    ESCALATE,
    EXPIRED,
    FIRST_RECEIPT,
    LAPSED,
    RETURNED,
    SIGNATURE,
    SIGNED,
    Holding,
    Lead,
    Transfer,
    check_direction,
)

HELD = "held"
OFFERED = "offered"
DESIGNATION_DUE = "designation_due"
ACCEPTED = "accepted"
DECLINED = "declined"
MERGED = "merged"
ENDED = "ended"

RETURNS_BEFORE_DESIGNATION = 2

_OPEN = (HELD, OFFERED, DESIGNATION_DUE)


@dataclass(kw_only=True)
class Responsibility(Standing):
    """The responsibility for one case; its id is the case's."""

    TRANSITIONS: ClassVar[Transitions] = {
        "name_lead": Transition(_OPEN, _OPEN),
        "offer_transfer": Transition((HELD,), (OFFERED,)),
        "sign_transfer": Transition((OFFERED,), (HELD,)),
        "return_transfer": Transition((OFFERED,), (HELD, DESIGNATION_DUE)),
        "expire_transfer": Transition((OFFERED,), (DESIGNATION_DUE,)),
        "designate": Transition((HELD, DESIGNATION_DUE), (HELD,)),
        "accept": Transition((HELD,), (ACCEPTED,)),
        "decline": Transition((HELD,), (DECLINED,)),
        "confirm_merge": Transition((HELD, DESIGNATION_DUE), (MERGED,)),
        "refuse_merge": Transition(_OPEN, _OPEN),
        "follow": Transition((*_OPEN, ACCEPTED, DECLINED), (*_OPEN, ACCEPTED, DECLINED)),
        "end": Transition((*_OPEN, ACCEPTED, DECLINED), (ENDED,)),
    }

    @classmethod
    def start(cls, case_id: str, district: str, receiver: Unit, since: datetime, at: datetime) -> "Responsibility":
        """The first receiver (首接单位) is responsible since the registration was recorded; it was received at `at`."""
        started = cls(id=case_id, district=district, status=HELD, holdings=[Holding(receiver, since, FIRST_RECEIPT, 1)])
        started.record(ResponsibilityStarted(case_id, receiver.id, receiver.path, 1, since), at)
        return started

    # Commands

    def name_lead(self, lead: Lead, at: datetime) -> None:
        """A rule named lead and co-units. Responsibility stays where it is until it is transferred."""
        self.require("name_lead")
        self.lead = lead
        ids, paths = tuple(u.id for u in lead.co_units), tuple(u.path for u in lead.co_units)
        self.record(LeadNamed(self.id, lead.unit.id, lead.unit.path, ids, paths, lead.rule_id, lead.sole), at)

    def offer_transfer(
        self, by: Unit, to: Unit, *, transfer_id: str, kind: str, reason: str, proposal_sha256: str, facts: CaseFacts, at: datetime
    ) -> None:
        """Offer the case to another unit. Reasons besides those of `may_offer`: SAME_UNIT, TRANSFER_DIRECTION, PROPOSAL_REQUIRED."""
        self.require("offer_transfer")
        self.may_offer(by, facts, kind)
        check_direction(kind, by, to)
        if kind == ESCALATE and not proposal_sha256:
            raise invalid("proposal", "PROPOSAL_REQUIRED", "上交必须附处理方案或意见")
        self.transfers.append(Transfer(transfer_id, kind, by, to, reason, at))
        self.status = OFFERED
        self.record(TransferOffered(self.id, transfer_id, kind, by.id, to.id, to.path, reason, proposal_sha256), at)

    def sign_transfer(self, by: Unit, transfer_id: str, at: datetime) -> None:
        """The receiver signs: it is responsible from `at` on."""
        self.require("sign_transfer")
        transfer = self._answerable(by, transfer_id)
        self._answer(transfer, SIGNED, at)
        self._hold(transfer.receiver, SIGNATURE, at)
        self.status = HELD
        version = self.holding.version
        self.record(TransferSigned(self.id, transfer.id, transfer.sender.id, transfer.receiver.id, transfer.receiver.path, version), at)

    def return_transfer(self, by: Unit, transfer_id: str, ground: str, suggested_organ_id: str, at: datetime) -> None:
        """The receiver returns the offer. From the second return on the upper unit must designate (指定管辖)."""
        self.require("return_transfer")
        transfer = self._answerable(by, transfer_id)
        self._answer(transfer, RETURNED, at, ground, suggested_organ_id)
        self.returns += 1
        self.status = HELD
        if self.returns >= RETURNS_BEFORE_DESIGNATION:
            self._await_designation(transfer, "second_return")
        designating = self.designating.id if self.designating else ""
        self.record(TransferReturned(self.id, transfer.id, ground, suggested_organ_id, self.returns, designating), at)

    def expire_transfer(self, transfer_id: str, at: datetime) -> None:
        """Nobody signed in time: the upper unit must designate. The sender stays responsible."""
        self.require("expire_transfer")
        transfer = self._offered(transfer_id)
        self._answer(transfer, EXPIRED, at)
        upper = self._await_designation(transfer, "transfer_expired")
        self.record(TransferExpired(self.id, transfer.id, upper.id), at)

    def designate(self, by: Unit, to: Unit, ground: str, facts: CaseFacts, at: datetime) -> None:
        """An upper unit designates the responsible unit; binding at once. `ground` counts where no designation is due."""
        self.require("designate")
        self.may_designate(by, facts)
        if not (by.is_above(to) or by.id == to.id):
            raise denied("NOT_UPPER_UNIT", "only a unit above can designate this unit", "只能由其上级单位指定", organ_id=to.id)
        ground = self.designation_ground or ground
        if not ground:
            raise invalid("ground", "GROUND_REQUIRED", "请选择指定管辖的理由")
        self.designating, self.designation_ground = None, ""
        self._hold(to, DESIGNATION, at)
        self.status = HELD
        self.record(UnitDesignated(self.id, to.id, to.path, by.id, self.holding.version, ground), at)

    def accept(self, by: Unit, *, facts: CaseFacts, on_the_spot: bool, both_willing: bool, mediation_kind: str, at: datetime) -> None:
        """The responsible unit accepts (受理). Besides those of `may_accept`: CONSENT_MISSING, ON_THE_SPOT_ONLY_SIMPLE, NOT_LEAD_UNIT."""
        self.require("accept")
        self.may_accept(by, facts)
        if on_the_spot and facts.difficulty != "simple":
            raise refused(
                "ON_THE_SPOT_ONLY_SIMPLE",
                "only a simple case is mediated on the spot",
                "只有简易纠纷可以当场调解",
                difficulty=facts.difficulty,
            )
        if not on_the_spot:
            self._require_competence()
        # 人民调解法 17: not if one party clearly refuses.
        if not (on_the_spot or both_willing or facts.consent == CONSENTED):
            raise refused("CONSENT_MISSING", "the other party has not consented", "尚未取得对方当事人同意", consent=facts.consent or "open")
        self.status = ACCEPTED
        self.accepted_at = at
        self.mediation_kind = mediation_kind
        self.record(CaseAccepted(self.id, by.id, by.path, on_the_spot, mediation_kind, self.holding.version), at)

    def decline(
        self, by: Unit, *, facts: CaseFacts, ground: str, suggested_organ_id: str, remedies_version: str, remedies_sha256: str, at: datetime
    ) -> None:
        """The responsible unit declines (不予受理, 若干规定 22) and has served the notice of remedies."""
        self.require("decline")
        self.may_decline(by, facts)
        self.status = DECLINED
        self.decline_ground = ground
        self.record(CaseDeclined(self.id, by.id, by.path, ground, remedies_version, remedies_sha256, suggested_organ_id), at)

    def confirm_merge(self, by: Unit, master: "Responsibility", master_facts: CaseFacts, facts: CaseFacts, at: datetime) -> None:
        """The case goes on inside `master`. Reasons besides those of `may_answer_merge`: MASTER_ENDED, MASTER_MERGING."""
        self.require("confirm_merge")
        self.may_answer_merge(by, facts)
        self._require_proposal(master.id, facts)
        if master.status in {DECLINED, MERGED, ENDED} or master_facts.withdrawn:
            raise refused("MASTER_ENDED", "the master has ended", "主案已经结束,不能并入", status=master.status)
        if master.pending_merge(master_facts):
            raise refused("MASTER_MERGING", "the master itself waits to be merged", "主案本身正在等待合并", master_case_id=master.id)
        self._answer_proposal(facts)
        self.status = MERGED
        self.master_case_id = master.id
        self.ended_at = at
        self.record(MergeConfirmed(self.id, master.id), at)

    def refuse_merge(self, by: Unit, master_case_id: str, ground: str, facts: CaseFacts, at: datetime) -> None:
        """The case goes on by itself."""
        self.require("refuse_merge")
        self.may_answer_merge(by, facts)
        self._require_proposal(master_case_id, facts)
        self._answer_proposal(facts)
        self.record(MergeRefused(self.id, master_case_id, ground), at)

    def follow(self, moved: Unit, at: datetime) -> None:
        """A unit that holds the case, is asked for it or must designate stands at another place in the tree; the past keeps the old one."""
        self.require("follow")
        self.holdings[-1] = replace(self.holding, unit=_moved(self.holder, moved))
        if self.pending is not None:
            self.transfers[-1] = replace(
                self.pending, sender=_moved(self.pending.sender, moved), receiver=_moved(self.pending.receiver, moved)
            )
        if self.designating is not None:
            self.designating = _moved(self.designating, moved)
        self.record(UnitMoved(self.id, moved.id, moved.path), at)

    def end(self, reason: str, at: datetime) -> None:
        """The case ended. An offer that waits lapses; the last holder keeps answering for the case."""
        self.require("end")
        if self.pending is not None:
            self._answer(self.pending, LAPSED, at)
        self.designating, self.designation_ground = None, ""
        self.status = ENDED
        self.ended_at = at
        self.record(ResponsibilityEnded(self.id, reason), at)

    # Inside

    def _offered(self, transfer_id: str) -> Transfer:
        if self.pending is None or self.pending.id != transfer_id:
            raise refused("TRANSFER_ANSWERED", "this transfer waits for no answer", "该移送已处理或已失效", transfer_id=transfer_id)
        return self.pending

    def _answerable(self, by: Unit, transfer_id: str) -> Transfer:
        transfer = self._offered(transfer_id)
        self.may_answer_transfer(by)
        return transfer

    def _answer(self, transfer: Transfer, status: str, at: datetime, ground: str = "", suggested_organ_id: str = "") -> None:
        self.transfers[-1] = replace(transfer, status=status, answered_at=at, ground=ground, suggested_organ_id=suggested_organ_id)

    def _hold(self, unit: Unit, by: str, at: datetime) -> None:
        """Begin an interval; never before the last one began, whatever the clocks of two machines say."""
        self.holdings.append(Holding(unit, max(at, self.holding.since), by, self.holding.version + 1))

    def _await_designation(self, transfer: Transfer, ground: str) -> Unit:
        self.designating = designating_unit(transfer.sender, transfer.receiver)
        self.designation_ground = ground
        self.status = DESIGNATION_DUE
        return self.designating

    def _require_proposal(self, master_case_id: str, facts: CaseFacts) -> None:
        if self.pending_merge(facts) != master_case_id:
            raise refused(
                "NO_MERGE_PENDING",
                "no merge into this master waits for an answer",
                "没有并入该主案的待确认合并",
                master_case_id=master_case_id,
            )

    def _answer_proposal(self, facts: CaseFacts) -> None:
        self.answered_proposal = facts.merge.proposal_id if facts.merge else ""


def _moved(known: Unit, moved: Unit) -> Unit:
    return moved if known.id == moved.id else known
