"""How the responsibility for a case stands, and what stands in the way of the next command."""

from dataclasses import dataclass, field
from datetime import datetime

from tiaochu_domainkit.aggregate import Aggregate
from tiaochu_domainkit.errors import DomainError, denied, refused
from tiaochu_routing.domain.case_facts import CONSENTED, CaseFacts
from tiaochu_routing.domain.organs import Unit
from tiaochu_routing.domain.transfer import DESIGNATION, ESCALATE, FIRST_RECEIPT, WAITING, Holding, Lead, Transfer


@dataclass(kw_only=True)
class Standing(Aggregate):
    """The state of a `Responsibility`, what can be read off it, and why a command is refused."""

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


def _withdrawn() -> DomainError:
    return refused("APPLICATION_WITHDRAWN", "the application was withdrawn", "申请已撤回")
