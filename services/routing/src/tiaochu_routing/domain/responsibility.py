"""Who is responsible for a case (首接责任制): exactly one unit at every instant, moved by signature or designation alone."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ClassVar

from tiaochu_domainkit.aggregate import Aggregate, Transition, Transitions
from tiaochu_domainkit.errors import DomainError, denied, invalid, refused
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
from tiaochu_routing.domain.transfer import (
    DESIGNATION,
    ESCALATE,
    EXPIRED,
    FIRST_RECEIPT,
    LAPSED,
    RETURNED,
    SIGNATURE,
    SIGNED,
    WAITING,
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
class Responsibility(Aggregate):
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

    holdings: list[Holding]
    transfers: list[Transfer] = field(default_factory=list)
    lead: Lead | None = None
    returns: int = 0
    designating: Unit | None = None
    """The upper unit that must designate; set in `designation_due` only."""
    designation_ground: str = ""
    answered_proposal: str = ""
    """The merge proposal that was answered last."""
    master_case_id: str = ""
    decline_ground: str = ""
    ended_at: datetime | None = None
    accepted_at: datetime | None = None
    mediation_kind: str = ""

    @classmethod
    def start(cls, case_id: str, district: str, receiver: Unit, since: datetime, at: datetime) -> "Responsibility":
        """The first receiver (首接单位) is responsible since the registration was recorded; it was received at `at`."""
        started = cls(id=case_id, district=district, status=HELD, holdings=[Holding(receiver, since, FIRST_RECEIPT, 1)])
        started.record(ResponsibilityStarted(case_id, receiver.id, receiver.path, 1, since), at)
        return started

    # Facts

    @property
    def holding(self) -> Holding:
        """The present interval."""
        return self.holdings[-1]

    @property
    def holder(self) -> Unit:
        """The unit responsible now, or last when the case has ended."""
        return self.holding.unit

    @property
    def organ_path(self) -> str:
        """Place of the holder: what access is decided by."""
        return self.holder.path

    @property
    def pending(self) -> Transfer | None:
        """The offer that waits for a signature."""
        return self.transfers[-1] if self.transfers and self.transfers[-1].status == WAITING else None

    def held_at(self, at: datetime) -> tuple[Holding, datetime | None]:
        """The one interval that covers `at`, and when it ended (None while it lasts). NOT_YET_REGISTERED before the first."""
        for index, holding in reversed(list(enumerate(self.holdings))):
            if holding.since <= at:
                following = self.holdings[index + 1 :]
                return holding, following[0].since if following else None
        raise refused(
            "NOT_YET_REGISTERED", "the case was not registered at that time", "该时刻案件尚未登记", since=self.holdings[0].since.isoformat()
        )

    def pending_merge(self, facts: CaseFacts) -> str:
        """The proposed master of a merge that waits for an answer, empty for none."""
        proposal = facts.merge
        return proposal.master_case_id if proposal and proposal.proposal_id != self.answered_proposal else ""

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

    def stands_elsewhere(self, unit: Unit) -> bool:
        """Whether the case knows this unit at another place."""
        known = [self.holder, self.designating, *((self.pending.sender, self.pending.receiver) if self.pending else ())]
        return any(one is not None and one.id == unit.id and one.path != unit.path for one in known)

    # Why not: each raises what the command would raise, before it looks at the details of the request

    def may_offer(self, by: Unit, facts: CaseFacts, kind: str) -> None:
        """DESIGNATION_BINDING, SOLE_COMPETENT_UNIT, and as `may_decline`."""
        self._require_holder(by)
        self._require_live(facts)
        if self.holding.by == DESIGNATION:
            raise refused("DESIGNATION_BINDING", "a designated unit cannot pass the case on", "指定管辖的案件不得再移送")
        # 谁主管谁负责: a single legal relation is the competent department's own; it may neither push it out nor up. What is graded beyond
        # one level goes up all the same, with a proposal (于本级及时妥善处理 holds for what the level can handle).
        if self.lead and self.lead.sole and self.lead.unit.id == by.id and not (kind == ESCALATE and facts.is_beyond_one_level):
            raise refused(
                "SOLE_COMPETENT_UNIT", "the one competent unit may not pass the case on", "单一法律关系由主管单位负责,不得上交或外移"
            )

    def may_answer_transfer(self, by: Unit) -> None:
        """NOT_RECEIVING_UNIT."""
        if self.pending is None or self.pending.receiver.id != by.id:
            raise denied("NOT_RECEIVING_UNIT", "the case is offered to another unit", "案件不是移送给您单位的")

    def may_designate(self, by: Unit, facts: CaseFacts) -> None:
        """NOT_DESIGNATING_UNIT, APPLICATION_WITHDRAWN, MERGE_PENDING, CORRECTION_OPEN, NOT_CLASSIFIED."""
        entitled = self.designating or self.holder.parent() or self.holder
        if not (by.id == entitled.id or by.is_above(entitled)):
            raise denied("NOT_DESIGNATING_UNIT", "another upper unit designates", "应由上级单位指定", organ_id=entitled.id)
        self._require_live(facts)

    def may_accept(self, by: Unit, facts: CaseFacts) -> None:
        """NOT_RESPONSIBLE_UNIT, APPLICATION_WITHDRAWN, MERGE_PENDING, CORRECTION_OPEN, NOT_CLASSIFIED, NOT_MEDIABLE, CONSENT_REFUSED."""
        self._require_holder(by)
        self._require_live(facts)
        if facts.mediable == "N":
            raise refused("NOT_MEDIABLE", "disputes of this category are not mediated", "该类纠纷不属于调解范围", category=facts.category)
        if facts.consent not in {"", CONSENTED}:
            raise refused(
                "CONSENT_REFUSED",
                "the other party refused or could not be reached",
                "对方当事人不同意调解或无法联系",
                consent=facts.consent,
            )

    def may_decline(self, by: Unit, facts: CaseFacts) -> None:
        """NOT_RESPONSIBLE_UNIT, APPLICATION_WITHDRAWN, MERGE_PENDING, CORRECTION_OPEN, NOT_CLASSIFIED."""
        self._require_holder(by)
        self._require_live(facts)

    def may_answer_merge(self, by: Unit, facts: CaseFacts) -> None:
        """NOT_RESPONSIBLE_UNIT, NO_MERGE_PENDING, APPLICATION_WITHDRAWN."""
        if not (by.id == self.holder.id or by.is_above(self.holder)):
            raise denied("NOT_RESPONSIBLE_UNIT", "another unit is responsible", "您单位不是该案的责任单位")
        if not self.pending_merge(facts):
            raise refused("NO_MERGE_PENDING", "no merge waits for an answer", "没有待确认的合并")
        if facts.withdrawn:
            raise _withdrawn()

    # Inside

    def _require_holder(self, by: Unit) -> None:
        if by.id != self.holder.id:
            raise denied("NOT_RESPONSIBLE_UNIT", "another unit is responsible", "您单位不是该案的责任单位", organ_id=self.holder.id)

    def _require_live(self, facts: CaseFacts) -> None:
        """The case stands in state TRIAGED or later and nothing at the intake holds it up."""
        if facts.withdrawn:
            raise _withdrawn()
        if self.pending_merge(facts):
            raise refused("MERGE_PENDING", "a merge waits for an answer", "合并尚待确认", master_case_id=self.pending_merge(facts))
        if facts.correction_open:
            raise refused("CORRECTION_OPEN", "papers were asked for", "正在等待补正材料")
        if not facts.is_classified:
            raise refused("NOT_CLASSIFIED", "the case is not classified", "案件尚未分类")

    def _require_competence(self) -> None:
        """The lead, or a unit that took the case over by signature or designation; others hand it over (首接责任)."""
        if self.lead and self.holding.by == FIRST_RECEIPT and self.lead.unit.id != self.holder.id:
            raise refused(
                "NOT_LEAD_UNIT", "another unit leads; hand the case over", "该案应由牵头单位受理,请先移送", lead_organ_id=self.lead.unit.id
            )

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


def _withdrawn() -> DomainError:
    return refused("APPLICATION_WITHDRAWN", "the application was withdrawn", "申请已撤回")
