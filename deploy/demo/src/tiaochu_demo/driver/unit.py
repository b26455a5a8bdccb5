"""A unit that is, or is asked to be, responsible: transfers, acceptance, decline, merges, and who mediates."""

from datetime import datetime
from typing import Any

from google.protobuf.message import Message

from tiaochu.mediation.v1 import mediation_service_pb2 as mediation
from tiaochu.routing.v1 import clock_service_pb2 as clocks
from tiaochu.routing.v1 import responsibility_service_pb2 as pb
from tiaochu_demo.driver.cast import Actor
from tiaochu_demo.driver.matter import Matter, stamp

# The kind of mediation an organ of a kind gives, people's mediation where nothing else is said.
MEDIATION_KINDS = {
    "court_workroom": "judicial",
    "labour_committee": "labour",
    "consumer_committee": "industry",
    "traffic_committee": "industry",
    "property_committee": "industry",
    "medical_committee": "industry",
}


class Unit:
    """An organ acting on one case, each time by somebody there who may."""

    def __init__(self, matter: Matter, organ_id: str) -> None:
        self.matter = matter
        self.organ = matter.cast.organ(organ_id)

    @property
    def mediation_kind(self) -> str:
        """people, judicial, labour, industry or administrative."""
        return MEDIATION_KINDS.get(self.organ.kind, "administrative" if self.organ.kind.endswith("_bureau") else "people")

    async def responsibility(self) -> pb.Responsibility:
        """Who is and was responsible."""
        answer = await self._above(pb.GetResponsibilityRequest(case_id=self.matter.case_id))
        found: pb.Responsibility = answer.responsibility
        return found

    async def responsible_at(self, at: datetime | None = None) -> pb.GetResponsibleUnitResponse:
        """The one unit at an instant, now when none is given."""
        request = pb.GetResponsibleUnitRequest(case_id=self.matter.case_id)
        if at is not None:
            request.at.CopyFrom(stamp(at))
        answer: pb.GetResponsibleUnitResponse = await self._above(request)
        return answer

    async def lead(self) -> str:
        """The unit that the rules name, once they have."""
        found = await self.matter.until(self.responsibility, lambda r: bool(r.lead_organ_id), "the rules' lead unit")
        return str(found.lead_organ_id)

    def direction(self, to_organ_id: str) -> pb.TransferKind.ValueType:
        """Up, down or sideways, as the two organs stand."""
        cast = self.matter.cast
        if cast.is_above(to_organ_id, self.organ.id):
            return pb.TRANSFER_KIND_ESCALATE
        return pb.TRANSFER_KIND_DELEGATE if cast.is_above(self.organ.id, to_organ_id) else pb.TRANSFER_KIND_REFER

    async def offer(self, to_organ_id: str, *, reason: str = "lead_named") -> str:
        """Offer the case to another unit; answers the transfer."""
        kind = self.direction(to_organ_id)
        proposal = "经初步了解,双方分歧较大,建议由上级单位牵头调处,本单位协助核实情况。" if kind == pb.TRANSFER_KIND_ESCALATE else ""
        request = pb.OfferTransferRequest(case_id=self.matter.case_id, kind=kind, to_organ_id=to_organ_id, reason=reason, proposal=proposal)
        answer = await self._here(request)
        return str(answer.transfer_id)

    async def sign(self, transfer_id: str) -> None:
        """Sign for the case: this unit is responsible."""
        await self._here(pb.SignTransferRequest(case_id=self.matter.case_id, transfer_id=transfer_id))

    async def give_back(
        self, transfer_id: str, *, ground: str = "papers_missing", suggested_organ_id: str = ""
    ) -> pb.ReturnTransferResponse:
        """Return an offer."""
        request = pb.ReturnTransferRequest(
            case_id=self.matter.case_id, transfer_id=transfer_id, ground=ground, suggested_organ_id=suggested_organ_id
        )
        answer: pb.ReturnTransferResponse = await self._here(request)
        return answer

    async def designate(self, organ_id: str, *, ground: str = "") -> None:
        """Designate the responsible unit, as the unit above."""
        await self._here(pb.DesignateUnitRequest(case_id=self.matter.case_id, organ_id=organ_id, ground=ground))

    async def accept(self, *, on_the_spot: bool = False, both_willing: bool = False, kind: str = "") -> None:
        """Accept the case (受理)."""
        request = pb.AcceptCaseRequest(
            case_id=self.matter.case_id,
            on_the_spot=on_the_spot,
            both_parties_willing=both_willing or on_the_spot,
            mediation_kind=kind or self.mediation_kind,
        )
        await self._here(request)

    async def decline(self, ground: str) -> None:
        """Decline the case (不予受理) and serve the notice of remedies."""
        note = "依据调查情况说明。" if ground == "other" else ""
        await self._here(pb.DeclineCaseRequest(case_id=self.matter.case_id, ground=ground, note=note, served_by="in_person"))

    async def confirm_merge(self, master_case_id: str) -> None:
        """Confirm that the case goes on inside its master."""
        await self._above(pb.ConfirmMergeRequest(case_id=self.matter.case_id, master_case_id=master_case_id))

    async def refuse_merge(self, master_case_id: str, ground: str = "different_dispute") -> None:
        """Let the case go on by itself."""
        await self._above(pb.RefuseMergeRequest(case_id=self.matter.case_id, master_case_id=master_case_id, ground=ground))

    async def clocks(self, *, with_ended: bool = False) -> list[clocks.Clock]:
        """The clocks of the case."""
        answer = await self._above(clocks.ListClocksRequest(case_id=self.matter.case_id, with_ended=with_ended))
        return list(answer.clocks)

    async def ranked(self) -> list[pb.RankedMediator]:
        """Mediators who can be chosen, best first."""
        answer = await self._above(pb.RankMediatorsRequest(case_id=self.matter.case_id, limit=20))
        return [m for m in answer.mediators if not m.excluded]

    def has(self, person_id: str) -> bool:
        """Whether a person holds a post here."""
        return any(post.organ_id == self.organ.id for post in self.matter.cast.member(person_id).posts)

    async def choose_mediator(self, person_id: str, *, chosen_by: str = "ranking") -> str:
        """Name a mediator; answers the assignment."""
        request = mediation.ChooseMediatorRequest(case_id=self.matter.case_id, mediator_id=person_id, chosen_by=chosen_by)
        answer = await self._above(request)
        return str(answer.assignment_id)

    async def approve_session(self, reason: str, *, besides: str) -> None:
        """Allow a session beyond the second, by somebody other than the mediator."""
        request = mediation.ApproveSessionRequest(case_id=self.matter.case_id, reason=reason)
        await self.matter.ask(self.matter.cast.above(type(request), self.organ.id, besides={besides, *self.matter.barred}), request)

    async def decide_recusal(self, recusal_id: str, *, replaced: bool, besides: str) -> None:
        """Decide a request that waits, as the head of the committee."""
        request = mediation.DecideRecusalRequest(
            case_id=self.matter.case_id, recusal_id=recusal_id, replaced=replaced, reason="经核实利害关系情况后决定"
        )
        await self.matter.ask(self.matter.cast.above(type(request), self.organ.id, besides={besides, *self.matter.barred}), request)

    def actor(self, request: type[Message]) -> Actor:
        """Somebody here who may give the command."""
        return self.matter.cast.at(request, self.organ.id, besides=self.matter.barred)

    async def _here(self, request: Message) -> Any:
        return await self.matter.ask(self.actor(type(request)), request)

    async def _above(self, request: Message) -> Any:
        return await self.matter.ask(self.matter.cast.above(type(request), self.organ.id, besides=self.matter.barred), request)
