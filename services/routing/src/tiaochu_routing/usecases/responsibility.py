"""Commands on the responsibility for a case."""

from tiaochu.routing.v1 import duties_pb2 as duties
from tiaochu.routing.v1 import responsibility_service_pb2 as pb
from tiaochu_domainkit.clocks import beijing
from tiaochu_domainkit.codes import code_list
from tiaochu_domainkit.errors import invalid, not_found
from tiaochu_domainkit.remedies import EndedAs, defaults
from tiaochu_domainkit.text import clean
from tiaochu_kit.principal import Principal
from tiaochu_kit.usecase import Context, Work, command
from tiaochu_routing.domain.case_facts import CaseFacts
from tiaochu_routing.domain.organs import Unit
from tiaochu_routing.domain.responsibility import Responsibility
from tiaochu_routing.domain.transfer import DELEGATE, ESCALATE, REFER, Lead
from tiaochu_routing.usecases.ports import Directory
from tiaochu_routing.usecases.tables import CASE_FACTS, ORGANS, RESPONSIBILITIES
from tiaochu_routing.usecases.texts import ANSWER, PROPOSAL, keep_note, keep_notice

KINDS = {pb.TRANSFER_KIND_REFER: REFER, pb.TRANSFER_KIND_ESCALATE: ESCALATE, pb.TRANSFER_KIND_DELEGATE: DELEGATE}

PLACES_TO_TURN_TO = {
    "court": "有管辖权的人民法院",
    "legal_aid_phone": "法律援助机构(12348)",
    "arbitration_commission": "劳动人事争议仲裁委员会",
    "law_organ": "有权处理的政法机关",
}
"""What a notice names when the district has put nothing more exact."""


def acting_unit(actor: Principal) -> Unit:
    """The unit of the post the caller acts in."""
    return Unit(actor.organ_id, actor.organ_path)


def facts_of(work: Work, case: Responsibility) -> CaseFacts:
    """The intake's facts; nothing is known where its log has not told anything yet."""
    return work.find(CASE_FACTS, case.id) or CaseFacts(id=case.id, district=case.district)


class ResponsibilityCommands:
    """Transfers, designation, acceptance, decline, merges."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def _receiver(self, ctx: Context, r: pb.OfferTransferRequest) -> Unit:
        return await self._unit(ctx, "to_organ_id", r.to_organ_id)

    async def _designated(self, ctx: Context, r: pb.DesignateUnitRequest) -> Unit:
        return await self._unit(ctx, "organ_id", r.organ_id)

    async def _suggested(self, ctx: Context, r: pb.ReturnTransferRequest | pb.DeclineCaseRequest) -> Unit | None:
        return await self._unit(ctx, "suggested_organ_id", r.suggested_organ_id) if r.suggested_organ_id else None

    async def _unit(self, ctx: Context, path: str, organ_id: str) -> Unit:
        unit = await self._directory.unit(ctx, organ_id, beijing(ctx.now).date())
        if unit is None:
            raise invalid(path, "ORGAN_UNKNOWN", "该单位不存在")
        return unit

    @command(reads=lambda r: [RESPONSIBILITIES.by_id(r.case_id), CASE_FACTS.by_id(r.case_id)], before=_receiver)
    def offer_transfer(self, work: Work, r: pb.OfferTransferRequest, to: Unit) -> pb.OfferTransferResponse:
        """Offer the case to another unit."""
        case = work.get(RESPONSIBILITIES, r.case_id)
        transfer_id = work.new_id()
        sha256 = keep_note(work, case.id, case.district, transfer_id, PROPOSAL, "proposal", r.proposal)
        case.offer_transfer(
            acting_unit(work.actor),
            to,
            transfer_id=transfer_id,
            kind=KINDS[r.kind],
            reason=r.reason,
            proposal_sha256=sha256,
            facts=facts_of(work, case),
            at=work.now,
        )
        return pb.OfferTransferResponse(transfer_id=transfer_id, etag=work.etag(case))

    @command(reads=lambda r: [RESPONSIBILITIES.by_id(r.case_id)])
    def sign_transfer(self, work: Work, r: pb.SignTransferRequest) -> pb.SignTransferResponse:
        """Sign for the case."""
        case = work.get(RESPONSIBILITIES, r.case_id)
        case.sign_transfer(acting_unit(work.actor), r.transfer_id, work.now)
        return pb.SignTransferResponse(responsibility_version=case.holding.version, etag=work.etag(case))

    @command(reads=lambda r: [RESPONSIBILITIES.by_id(r.case_id)], before=_suggested)
    def return_transfer(self, work: Work, r: pb.ReturnTransferRequest, suggested: Unit | None) -> pb.ReturnTransferResponse:
        """Return the offer."""
        case = work.get(RESPONSIBILITIES, r.case_id)
        if r.ground == "other" and not r.note.strip():
            raise invalid("note", "TEXT_REQUIRED", "请说明退回的理由")
        case.return_transfer(acting_unit(work.actor), r.transfer_id, r.ground, suggested.id if suggested else "", work.now)
        keep_note(work, case.id, case.district, r.transfer_id, ANSWER, "note", r.note)
        designating = case.designating.id if case.designating else ""
        return pb.ReturnTransferResponse(returns=case.returns, designating_organ_id=designating, etag=work.etag(case))

    @command(reads=lambda r: [RESPONSIBILITIES.by_id(r.case_id), CASE_FACTS.by_id(r.case_id)], before=_designated)
    def designate_unit(self, work: Work, r: pb.DesignateUnitRequest, to: Unit) -> pb.DesignateUnitResponse:
        """Designate the responsible unit."""
        case = work.get(RESPONSIBILITIES, r.case_id)
        case.designate(acting_unit(work.actor), to, r.ground, facts_of(work, case), work.now)
        keep_note(work, case.id, case.district, work.new_id(), ANSWER, "note", r.note)
        return pb.DesignateUnitResponse(responsibility_version=case.holding.version, etag=work.etag(case))

    @command(reads=lambda r: [RESPONSIBILITIES.by_id(r.case_id), CASE_FACTS.by_id(r.case_id)])
    def accept_case(self, work: Work, r: pb.AcceptCaseRequest) -> pb.AcceptCaseResponse:
        """Accept the case."""
        case = work.get(RESPONSIBILITIES, r.case_id)
        case.accept(
            acting_unit(work.actor),
            facts=facts_of(work, case),
            on_the_spot=r.on_the_spot,
            both_willing=r.both_parties_willing,
            mediation_kind=r.mediation_kind,
            at=work.now,
        )
        return pb.AcceptCaseResponse(etag=work.etag(case))

    @command(reads=lambda r: [RESPONSIBILITIES.by_id(r.case_id), CASE_FACTS.by_id(r.case_id)], before=_suggested)
    def decline_case(self, work: Work, r: pb.DeclineCaseRequest, suggested: Unit | None) -> pb.DeclineCaseResponse:
        """Decline the case and serve the notice of remedies."""
        case = work.get(RESPONSIBILITIES, r.case_id)
        facts = facts_of(work, case)
        by = acting_unit(work.actor)
        case.require("decline")
        case.may_decline(by, facts)
        note = clean("note", r.note, 2000, min_chars=1 if r.ground == "other" else 0)
        ground = code_list("decline_ground").zh(r.ground) + (f"({note})" if note else "")
        ended_on = beijing(work.now).date()
        notice = defaults().notice(
            facts.category,
            EndedAs.DECLINED,
            {**PLACES_TO_TURN_TO, "ground": ground, "ended_on": ended_on},
            flags=facts.flags,
            channel=facts.channel,
        )
        notice_id, sha256 = keep_notice(work, case.id, case.district, r.ground, notice.version, notice.text, r.served_by, work.now)
        case.decline(
            by,
            facts=facts,
            ground=r.ground,
            suggested_organ_id=suggested.id if suggested else "",
            remedies_version=notice.version,
            remedies_sha256=sha256,
            at=work.now,
        )
        return pb.DeclineCaseResponse(notice_id=notice_id, remedies_version=notice.version, etag=work.etag(case))

    @command(
        reads=lambda r: [
            RESPONSIBILITIES.by_id(r.case_id),
            RESPONSIBILITIES.by_id(r.master_case_id),
            CASE_FACTS.by_id(r.case_id),
            CASE_FACTS.by_id(r.master_case_id),
        ]
    )
    def confirm_merge(self, work: Work, r: pb.ConfirmMergeRequest) -> pb.ConfirmMergeResponse:
        """Confirm that the case goes on inside its master.

        Merges in a circle cannot all be confirmed, however they race: each needs its own proposal read and its master's not, both in one statement, and
        proposals come in the one order of intake's log, so that whoever reads last also reads the proposal of its master. No lock is needed.
        """
        case = work.get(RESPONSIBILITIES, r.case_id)
        master = work.get(RESPONSIBILITIES, r.master_case_id)
        case.confirm_merge(acting_unit(work.actor), master, facts_of(work, master), facts_of(work, case), work.now)
        return pb.ConfirmMergeResponse(etag=work.etag(case))

    @command(reads=lambda r: [RESPONSIBILITIES.by_id(r.case_id), CASE_FACTS.by_id(r.case_id)])
    def refuse_merge(self, work: Work, r: pb.RefuseMergeRequest) -> pb.RefuseMergeResponse:
        """Refuse the merge."""
        case = work.get(RESPONSIBILITIES, r.case_id)
        case.refuse_merge(acting_unit(work.actor), r.master_case_id, r.ground, facts_of(work, case), work.now)
        return pb.RefuseMergeResponse(etag=work.etag(case))

    async def _lead(self, _ctx: Context, r: duties.NameLeadDuty) -> Lead:
        lead = await self._directory.lead_of(r.case_id)
        if lead is None:
            raise not_found("classified case", r.case_id)
        return lead

    @command(reads=lambda r: [RESPONSIBILITIES.by_id(r.case_id)], before=_lead)
    def name_lead(self, work: Work, r: duties.NameLeadDuty, lead: Lead) -> duties.DutyDone:
        """Duty: name lead and co-units unless the same are named already or the case has gone on."""
        case = work.get(RESPONSIBILITIES, r.case_id)
        if case.lead == lead or "name_lead" not in case.allowed_commands():
            return duties.DutyDone(changed=0)
        case.name_lead(lead, work.now)
        return duties.DutyDone(changed=1)

    @command(reads=lambda r: [*map(RESPONSIBILITIES.by_id, r.case_ids), *map(ORGANS.by_id, r.organ_ids)])
    def follow_units(self, work: Work, r: duties.FollowUnitsDuty) -> duties.DutyDone:
        """Duty: let cases follow the units that moved, so that these keep seeing them."""
        units = [work.get(ORGANS, ident).unit(beijing(work.now).date()) for ident in r.organ_ids]
        changed = 0
        for case in filter(None, (work.find(RESPONSIBILITIES, ident) for ident in r.case_ids)):
            for unit in units:
                if "follow" in case.allowed_commands() and case.stands_elsewhere(unit):
                    case.follow(unit, work.now)
                    changed += 1
        return duties.DutyDone(changed=changed)
