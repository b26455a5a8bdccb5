"""Whoever takes a case in and prepares it: registers, classifies, asks for papers, asks the parties."""

from collections.abc import Iterable
from datetime import datetime, time
from hashlib import sha256
from typing import Any

from google.protobuf.message import Message

from tiaochu.intake.v1 import case_commands_pb2 as pb
from tiaochu.intake.v1 import case_pb2, case_queries_pb2, file_service_pb2
from tiaochu.mediation.v1 import mediation_service_pb2 as mediation
from tiaochu_demo.driver.cast import Cast
from tiaochu_demo.driver.matter import Matter, stamp
from tiaochu_demo.driver.wire import Wire
from tiaochu_demo.synthetic.model import Claim, Party, Representative, SyntheticCase, SyntheticFile
from tiaochu_domainkit.clocks import BEIJING, beijing
from tiaochu_kit.ids import new_id

IDENTITY_CHECK = "original_seen"
_CHUNK = 512 * 1024


def behalf(party_id: str, check: str = IDENTITY_CHECK) -> case_pb2.OnBehalfOf:
    """A party acts through staff (intake)."""
    return case_pb2.OnBehalfOf(party_id=party_id, identity_check=check)


class Clerk:
    """Staff of the organ that received the case; where nobody there may do something, of the nearest one above."""

    def __init__(self, matter: Matter, organ_id: str) -> None:
        self.matter = matter
        self.organ_id = organ_id

    # --- taking it in

    @classmethod
    async def register(cls, wire: Wire, cast: Cast, case: SyntheticCase) -> "Clerk":
        """Register a case at its first receiver, with its papers, on behalf of the applicant."""
        request = registration(case, wire.now())
        actor = cast.at(pb.RegisterCaseRequest, case.first_receiver_organ_id)
        for file in case.files:
            sent = await wire.send(actor, list(_upload(request.case_id, file)))
            request.file_ids.append(sent.file_id)
        answer = await wire.ask(actor, request)
        matter = Matter(wire, cast, answer.case_id)
        matter.case_number, matter.receipt_code = answer.case_number, answer.receipt_code
        matter.applicants, matter.respondents = list(answer.applicant_ids), list(answer.respondent_ids)
        matter.wrote("intake")
        return cls(matter, case.first_receiver_organ_id)

    @classmethod
    async def take_up(cls, wire: Wire, cast: Cast, case_id: str, organ_id: str) -> "Clerk":
        """Take up a case that came by a register or from an agency."""
        matter = Matter(wire, cast, case_id)
        matter.wrote("intake")
        clerk = cls(matter, organ_id)
        known = await clerk.ask(case_queries_pb2.GetPartiesRequest(case_id=case_id))
        matter.case_number = known.case_number
        matter.applicants = [p.party_id for p in known.parties if p.side == "applicant"]
        matter.respondents = [p.party_id for p in known.parties if p.side == "respondent"]
        return clerk

    async def ask(self, request: Message) -> Any:
        """Call an RPC as somebody here or above who may."""
        return await self.matter.ask(self.matter.cast.above(type(request), self.organ_id, besides=self.matter.barred), request)

    async def case(self) -> case_pb2.Case:
        """The case as the clerk sees it."""
        answer = await self.ask(case_queries_pb2.GetCaseRequest(case_id=self.matter.case_id))
        found: case_pb2.Case = answer.case
        return found

    # --- what it is

    async def classify(self, case: SyntheticCase) -> None:
        """Say what the dispute is."""
        await self.ask(
            pb.ClassifyCaseRequest(
                case_id=self.matter.case_id,
                category=case.category,
                difficulty=case.difficulty,
                scale=case.scale,
                risk=case.risk,
                flags=case.flags,
                single_legal_relation=case.single_legal_relation,
            )
        )

    async def duplicates(self) -> list[str]:
        """Cases that may be the same dispute."""
        answer = await self.ask(case_queries_pb2.FindDuplicatesRequest(case_id=self.matter.case_id))
        return [c.case.case_id for c in answer.candidates]

    async def propose_merge(self, master_case_id: str) -> None:
        """Propose that the case is the same dispute as another."""
        await self.ask(pb.ProposeMergeRequest(case_id=self.matter.case_id, master_case_id=master_case_id))

    async def ask_for_papers(self, *items: str) -> None:
        """Ask for missing papers (补正)."""
        request = pb.RequestCorrectionRequest(case_id=self.matter.case_id, items=items or ("evidence",), note="请在五个工作日内补齐")
        await self.ask(request)

    async def take_papers(self) -> None:
        """The papers came."""
        request = pb.SupplyCorrectionRequest(case_id=self.matter.case_id, note="材料已补齐")
        request.on_behalf_of.CopyFrom(behalf(self.matter.applicants[0]))
        await self.ask(request)

    async def withdraw(self, party_id: str = "", *, reason: str = "settled") -> None:
        """One applicant withdraws, or every one of them where none is named."""
        for applicant in [party_id] if party_id else self.matter.applicants:
            request = pb.WithdrawApplicationRequest(
                case_id=self.matter.case_id, party_id=applicant, reason=reason, on_behalf_of=behalf(applicant)
            )
            await self.ask(request)

    # --- are the parties willing

    async def must_be_asked(self) -> list[str]:
        """Parties whose consent is open."""
        return [p.party_id for p in (await self.case()).parties if p.consent == "open"]

    async def attempt(self, party_id: str, outcome: str, *, channel: str = "phone") -> str:
        """Note an attempt to ask a party; answers what was concluded by it, if anything."""
        request = pb.RecordConsentAttemptRequest(case_id=self.matter.case_id, party_id=party_id, channel=channel, outcome=outcome)
        if outcome in ("consented", "refused"):
            request.on_behalf_of.CopyFrom(behalf(party_id, IDENTITY_CHECK if channel == "in_person" else "call_back"))
        answer = await self.ask(request)
        return str(answer.concluded)

    async def win_consent(self) -> None:
        """Everybody who must be asked agrees."""
        for party_id in await self.must_be_asked():
            await self.attempt(party_id, "consented")

    # --- at the table, for the parties

    async def raise_recusal(
        self, mediator_id: str, party_id: str, reason: str = "与对方当事人有亲属关系"
    ) -> mediation.RaiseRecusalResponse:
        """A party asks that the mediator withdraw."""
        request = mediation.RaiseRecusalRequest(
            case_id=self.matter.case_id,
            mediator_id=mediator_id,
            on_behalf_of=mediation.OnBehalfOf(party_id=party_id, identity_check=IDENTITY_CHECK),
            reason=reason,
        )
        answer: mediation.RaiseRecusalResponse = await self.ask(request)
        return answer


def registration(case: SyntheticCase, now: datetime) -> pb.RegisterCaseRequest:
    """The command that registers a synthetic case. Case and parties get ids here, as a village's phone without network would give them."""
    request = pb.RegisterCaseRequest(
        case_id=new_id(),
        channel=case.channel,
        source=case.source,
        first_receiver_organ_id=case.first_receiver_organ_id,
        region_code=case.region_code,
        place=case.place,
        occurred_on=case.occurred_on.isoformat(),
        facts=case.facts,
        category_hint=case.category,
        applicants=[party_input(p) for p in case.applicants],
        respondents=[party_input(p) for p in case.respondents],
        claims=[_claim(c) for c in case.claims],
    )
    if case.received_on < beijing(now).date():
        request.received_at.CopyFrom(stamp(datetime.combine(case.received_on, time(15, 30), BEIJING)))
    if case.applicants:
        request.on_behalf_of.CopyFrom(behalf(request.applicants[0].party_id))
    return request


def party_input(party: Party) -> case_pb2.PartyInput:
    """A synthetic party as the registration takes it."""
    return case_pb2.PartyInput(
        party_id=new_id(),
        kind=party.kind,
        name=party.name,
        id_type=party.id_type,
        id_number=party.id_number,
        identity_note=party.identity_note,
        sex=party.sex,
        born_on=party.born_on.isoformat() if party.born_on else "",
        occupation=party.occupation,
        phone=party.phone,
        region_code=party.region_code,
        address=party.address,
        electronic_address=party.electronic_address,
        care=party.care,
        representatives=[_representative(r) for r in party.representatives],
    )


def _representative(r: Representative) -> case_pb2.RepresentativeInput:
    return case_pb2.RepresentativeInput(
        representative_id=new_id(),
        kind=r.kind,
        name=r.name,
        id_type=r.id_type,
        id_number=r.id_number,
        phone=r.phone,
        relation=r.relation,
        authority=r.authority,
    )


def _claim(claim: Claim) -> case_pb2.ClaimInput:
    return case_pb2.ClaimInput(kind=claim.kind, text=claim.text, amount=yuan(claim.amount_fen) if claim.amount_fen else "")


def yuan(fen: int) -> str:
    """Decimal text of an amount."""
    return f"{fen // 100}.{fen % 100:02d}"


def _upload(case_id: str, file: SyntheticFile) -> Iterable[file_service_pb2.UploadRequest]:
    header = file_service_pb2.UploadHeader(case_id=case_id, name=file.name, size=len(file.content), sha256=sha256(file.content).hexdigest())
    yield file_service_pb2.UploadRequest(header=header)
    for start in range(0, len(file.content), _CHUNK):
        yield file_service_pb2.UploadRequest(chunk=file.content[start : start + _CHUNK])
