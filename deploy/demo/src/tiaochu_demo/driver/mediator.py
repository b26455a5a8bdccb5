"""The mediator of a case: from the assignment to the last visit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from google.protobuf.message import Message

from tiaochu.mediation.v1 import mediation_pb2 as model
from tiaochu.mediation.v1 import mediation_service_pb2 as pb
from tiaochu_demo.driver.clerk import IDENTITY_CHECK, yuan
from tiaochu_demo.driver.matter import Matter, stamp
from tiaochu_domainkit.clocks import beijing


@dataclass(frozen=True)
class Promise:
    """An obligation in terms of a demonstration: the first respondent owes the first applicant."""

    kind: str
    amount_fen: int = 0
    due_on: date | None = None
    detail: str = ""
    instalment: int = 0


@dataclass
class Draft:
    """The agreement as drafted: what those who sign it need."""

    agreement_id: str
    edition: int
    form: str
    obligation_ids: list[str]
    promises: tuple[Promise, ...]
    number: str = ""


class Mediator:
    """A mediator acting on one case. `organ_id` is the unit that mediates, whose seal the agreement bears."""

    def __init__(self, matter: Matter, person_id: str, organ_id: str) -> None:
        self.matter = matter
        self.person_id = person_id
        self.organ_id = organ_id

    async def ask(self, request: Message) -> Any:
        """Call an RPC in the post that may."""
        return await self.matter.ask(self.matter.cast.person(self.person_id, type(request), self.organ_id), request)

    async def mediation(self) -> model.Mediation:
        """The mediation without its texts."""
        answer = await self.ask(pb.GetMediationRequest(case_id=self.matter.case_id))
        found: model.Mediation = answer.mediation
        return found

    async def status(self) -> str:
        """Where the mediation stands."""
        return (await self.mediation()).status

    # --- who mediates

    async def accept(self, *, relations: Sequence[pb.Relation] = (), consenting: Sequence[str] = ()) -> None:
        """Accept the assignment, with disclosure."""
        await self.ask(pb.AcceptAssignmentRequest(case_id=self.matter.case_id, relations=relations, consenting_party_ids=consenting))

    async def decline(self, reason: str = "load") -> None:
        """Decline the assignment."""
        await self.ask(pb.DeclineAssignmentRequest(case_id=self.matter.case_id, reason=reason))

    # --- sessions

    async def tell_rights(self, party_ids: Sequence[str] = ()) -> None:
        """Tell every party its rights and duties (F3) and check its identity."""
        for party_id in party_ids or self.matter.parties:
            await self.ask(pb.AcknowledgeNoticeRequest(case_id=self.matter.case_id, on_behalf_of=_behalf(party_id)))

    async def check_safety(self, *, joint: bool = False) -> None:
        """The look at the danger that domestic violence asks for."""
        request = pb.RecordSafetyCheckRequest(
            case_id=self.matter.case_id, joint_sessions_allowed=joint, note="已与妇联、派出所核实,分别会见当事人,暂不宜当面调解。"
        )
        await self.ask(request)

    async def appoint(self, starts_at: datetime, *, separate: bool = False, waived: bool = False, study: str = "") -> str:
        """Appoint the next session; answers it."""
        request = pb.ScheduleSessionRequest(
            case_id=self.matter.case_id,
            starts_at=stamp(starts_at),
            mode="in_person",
            separate=separate,
            waiving_party_ids=self.matter.parties if waived else (),
            study_note=study,
            place="调解室",
        )
        answer = await self.ask(request)
        return str(answer.session_id)

    async def hold(self, session_id: str, result: str, *, separate: bool = False) -> None:
        """Record the session: facts, a statement of each party, what was said apart, the summary."""
        parties = self.matter.parties
        statements = [] if separate else [model.PartyText(party_id=p, text=_STATEMENTS[p in self.matter.respondents]) for p in parties]
        apart = [model.PartyText(party_id=p, text="单独沟通时表示愿意在合理范围内让步。") for p in parties[:1]]
        request = pb.HoldSessionRequest(
            case_id=self.matter.case_id,
            session_id=session_id,
            result=result,
            facts="经双方陈述和现场查看,纠纷事实基本清楚。",
            summary=_SUMMARIES[result],
            statements=statements,
            caucus_notes=apart,
        )
        await self.ask(request)

    async def suspend(self, reason: str = "appraisal") -> None:
        """Suspend it (中止)."""
        await self.ask(pb.SuspendMediationRequest(case_id=self.matter.case_id, reason=reason))

    async def resume(self) -> None:
        """Take it up where it was left."""
        await self.ask(pb.ResumeMediationRequest(case_id=self.matter.case_id, reason="ended"))

    # --- agreement

    async def draft(self, promises: Sequence[Promise], *, form: str = "written", partial: bool = False) -> Draft:
        """Write the terms down."""
        obligor, obligee = self.matter.respondents[0], (self.matter.applicants or self.matter.respondents[1:])[0]
        request = pb.DraftAgreementRequest(
            case_id=self.matter.case_id,
            form=form,
            partial=partial,
            facts="双方确认纠纷事实,对责任没有异议。",
            terms=";".join(p.detail or f"被申请人于{p.due_on}前支付{yuan(p.amount_fen)}元" for p in promises) or "双方和解,互不追究。",
            obligations=[
                pb.ObligationInput(
                    kind=p.kind,
                    obligor_party_id=obligor,
                    obligee_party_id=obligee,
                    amount=yuan(p.amount_fen) if p.amount_fen else "",
                    due_on=p.due_on.isoformat() if p.due_on else "",
                    detail=p.detail,
                    instalment=p.instalment,
                )
                for p in promises
            ],
        )
        answer = await self.ask(request)
        return Draft(answer.agreement_id, answer.edition, form, list(answer.obligation_ids), tuple(promises), answer.agreement_number)

    async def sign(self, draft: Draft) -> bool:
        """Everybody signs: the parties on paper, the mediator, the seal. Answers whether the agreement binds."""
        binds = False
        if draft.form == "written":
            for party_id in self.matter.parties:
                await self.mark(draft, "party", party_id=party_id)
        binds = await self.mark(draft, "mediator")
        if draft.form == "written":
            binds = await self.mark(draft, "seal")
        return binds

    async def mark(self, draft: Draft, signed_as: str, *, party_id: str = "", method: str = "paper") -> bool:
        """Make one mark; answers whether the agreement binds now."""
        request = pb.SignAgreementRequest(
            case_id=self.matter.case_id,
            agreement_id=draft.agreement_id,
            edition=draft.edition,
            signed_as=signed_as,
            method=method,
            kind="seal" if signed_as == "seal" else "signature",
        )
        if party_id:
            request.on_behalf_of.CopyFrom(_behalf(party_id))
        if signed_as == "seal":
            answer = await self.matter.ask(self.matter.cast.at(type(request), self.organ_id, besides=self.matter.barred), request)
        else:
            answer = await self.ask(request)
        return bool(answer.effective)

    async def agreement(self, agreement_id: str = "") -> model.Agreement:
        """The agreement with its texts, the newest where none is named."""
        answer = await self.ask(pb.GetAgreementRequest(case_id=self.matter.case_id, agreement_id=agreement_id))
        found: model.Agreement = answer.agreement
        return found

    # --- after it

    async def terminate(self, ground: str, *, party_id: str = "") -> None:
        """End it without agreement."""
        request = pb.TerminateMediationRequest(case_id=self.matter.case_id, ground=ground, note="经调解未能达成一致。")
        if party_id:
            request.on_behalf_of.CopyFrom(_behalf(party_id))
        await self.ask(request)

    async def apply_for_confirmation(self, draft: Draft, agency_id: str) -> None:
        """The parties apply jointly to the court (司法确认)."""
        request = pb.RequestConfirmationRequest(
            case_id=self.matter.case_id, agreement_id=draft.agreement_id, agency_id=agency_id, applying_party_ids=self.matter.parties
        )
        await self.ask(request)

    async def perform(self, draft: Draft, index: int, *, amount_fen: int = 0) -> bool:
        """Record that an obligation was performed, entirely or, with `amount_fen`, in part; answers whether entirely."""
        promise = draft.promises[index]
        money = promise.kind == "pay"
        request = pb.RecordPerformanceRequest(
            case_id=self.matter.case_id,
            agreement_id=draft.agreement_id,
            obligation_id=draft.obligation_ids[index],
            amount=yuan(amount_fen or promise.amount_fen) if money else "",
            performed_on=beijing(self.matter.now()).date().isoformat(),
            complete=not money,
            confirmed_by_obligee=True,
        )
        answer = await self.ask(request)
        return bool(answer.complete)

    async def visit(self, performance: str, *, satisfaction: int = 5, side: str = "applicant") -> None:
        """Record a visit or call after the end (回访)."""
        request = pb.RecordFollowUpRequest(
            case_id=self.matter.case_id, side=side, satisfaction=satisfaction, performance=performance, note="电话回访,当事人表示情况稳定。"
        )
        await self.ask(request)

    async def close(self, *, court_route: str = "") -> str:
        """Close the case (结案); answers the result."""
        answer = await self.ask(pb.CloseCaseRequest(case_id=self.matter.case_id, court_route=court_route))
        return str(answer.result)


_STATEMENTS = ("申请人陈述诉求及理由,愿意协商。", "被申请人陈述经过,表示愿意依法承担相应责任。")
_SUMMARIES = {
    "agreed": "双方经调解达成一致,同意签订调解协议。",
    "not_agreed": "双方分歧较大,本次未达成一致,择期再次调解。",
    "aborted": "一方中途离场,本次调解中止。",
}


def _behalf(party_id: str) -> pb.OnBehalfOf:
    return pb.OnBehalfOf(party_id=party_id, identity_check=IDENTITY_CHECK)
