"""The durable call that registers an agency's offer with intake, its papers first."""

import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Any

import structlog

from tiaochu.docking.v1 import door_pb2 as pb
from tiaochu.intake.v1 import case_commands_pb2 as intake
from tiaochu.intake.v1 import case_pb2, case_service_pb2
from tiaochu.intake.v1 import file_service_pb2 as file_messages
from tiaochu.intake.v1 import file_service_pb2_grpc as file_stubs
from tiaochu_docking.domain.docking import Dockings
from tiaochu_docking.domain.exchange import Exchange
from tiaochu_docking.domain.packet import Kind as PacketKind
from tiaochu_docking.usecases.issuing import IssuingCommands
from tiaochu_docking.usecases.own import OwnCommands
from tiaochu_docking.usecases.ports import Calling, Shelf, StoredFile
from tiaochu_docking.usecases.writing import Writing
from tiaochu_domainkit.errors import DomainError, Kind, not_found
from tiaochu_kit import telemetry
from tiaochu_kit.errors import unavailable

_CASES = case_service_pb2.DESCRIPTOR.services_by_name["CaseService"].full_name
REGISTER = f"{_CASES}/RegisterCase"
OURS = frozenset({"first_receiver_organ_id", "channel", "received_at"})
"""Fields of the request that no agency wrote."""
NOTE_LIMIT = 500
CHUNK = 512 * 1024
UPLOAD_SECONDS = 60.0
log = structlog.get_logger()
_FINAL = frozenset({Kind.INVALID_INPUT, Kind.PRECONDITION_FAILED, Kind.PERMISSION_DENIED})


class Registering:
    """Call handler `register`."""

    def __init__(
        self, *, dockings: Dockings, shelf: Shelf, peers: Calling, own: OwnCommands, issuing: IssuingCommands, writing: Writing, read: Any
    ) -> None:
        self._dockings = dockings
        self._shelf = shelf
        self._peers = peers
        self._own = own
        self._issuing = issuing
        self._writing = writing
        self._read = read

    async def register(self, call_id: str, exchange_id: str, _district: str) -> None:
        """Registers the offer of an exchange and links the two; what intake refuses for good goes back to the agency."""
        exchange = await self._shelf.exchange(exchange_id)
        if exchange is None:
            raise not_found("exchange", exchange_id)
        if exchange.linked or exchange.status != "offered":
            return
        offer_id = exchange.packets[0].packet_id
        with telemetry.consumer_span("register offer", [await self._shelf.trace_of(offer_id)]):
            await self._register(call_id, exchange, offer_id)

    async def _register(self, call_id: str, exchange: Exchange, offer_id: str) -> None:
        data = self._read(await self._shelf.letter(exchange.agency_id, offer_id))["data"]
        try:
            answer = await self._peers.call("intake", REGISTER, await self._request(exchange, data), request_id=call_id)
        except DomainError as error:
            if error.kind not in _FINAL:
                raise
            places = ",".join(v.path for v in error.violations)
            log.warning("register.refused", exchange_id=exchange.id, reason=error.reason, fields=places)
            if places in OURS or error.kind is Kind.PERMISSION_DENIED:
                # Not the agency's fault: the directory is late, or the agency's row names a wrong organ. A person mends it, the call goes on.
                raise unavailable("the directory") from error
            note = f"登记未通过:{error.reason} {places}".strip()
            await self._writing.give_back(call_id, exchange.id, "papers_missing", note[:NOTE_LIMIT])
            return
        linked = pb.LinkExchangeRequest(exchange_id=exchange.id, case_id=answer.case_id, case_number=answer.case_number)
        await self._own.run(self._issuing.link_exchange, linked, pb.IssuedResponse, request_id=call_id)

    async def _request(self, exchange: Exchange, data: Mapping[str, Any]) -> intake.RegisterCaseRequest:
        agency = await self._shelf.agency(exchange.agency_id)
        if agency is None:
            raise not_found("agency", exchange.agency_id)
        mode = self._dockings.mode_of(exchange.docking, exchange.docking_from, exchange.mode)
        content = data["content"]
        parties: list[Mapping[str, Any]] = content["parties"]
        applicants = [p for p in parties if p["role"] == "applicant"]
        request = intake.RegisterCaseRequest(
            case_id=exchange.case_id,
            channel=mode.channel,
            first_receiver_organ_id=agency.receiving_organ_id,
            region_code=content.get("region", ""),
            place=content.get("place", ""),
            occurred_on=content.get("occurred_on", ""),
            facts=content["facts"],
            category_hint=content.get("category", ""),
            applicants=[_party(p, parties, exchange.id) for p in applicants],
            respondents=[_party(p, parties, exchange.id) for p in parties if p["role"] == "respondent"],
            claims=[case_pb2.ClaimInput(kind=c["kind"], text=c["text"], amount=c.get("amount", "")) for c in content.get("claims", ())],
            file_ids=await self._upload(exchange, data),
            on_behalf_of=case_pb2.OnBehalfOf(party_id=_id(exchange.id, applicants[0]["party_ref"]), identity_check="agency"),
            exchange_id=exchange.id,
            agency_id=exchange.agency_id,
            docking_mode=exchange.mode,
            external_no=exchange.external_no,
        )
        request.received_at.FromDatetime(exchange.offered_at)
        return request

    async def _upload(self, exchange: Exchange, data: Mapping[str, Any]) -> list[str]:
        mode = self._dockings.mode_of(exchange.docking, exchange.docking_from, exchange.mode)
        listed = (ref["file_id"] for ref in data.get("files", ()))
        named = list(dict.fromkeys((*listed, *mode.rule(PacketKind.OFFER).content.files(data["content"]))))
        stub: Any = file_stubs.FileServiceStub(self._peers.channel("intake"))
        uploaded = []
        for file in await self._shelf.files(named, exchange.agency_id):
            metadata = [("tiaochu-service", "docking"), *telemetry.outgoing().items()]
            answer = await stub.Upload(self._parts(exchange, file), timeout=UPLOAD_SECONDS, metadata=metadata)
            uploaded.append(answer.file_id)
        return uploaded

    async def _parts(self, exchange: Exchange, file: StoredFile) -> AsyncIterator[file_messages.UploadRequest]:
        header = file_messages.UploadHeader(
            case_id=exchange.case_id, district=exchange.district, name=file.name, size=file.size, sha256=file.sha256
        )
        yield file_messages.UploadRequest(header=header)
        async for chunk in self._shelf.content(file):
            for start in range(0, len(chunk), CHUNK):
                yield file_messages.UploadRequest(chunk=chunk[start : start + CHUNK])


def _id(exchange_id: str, ref: str) -> str:
    """A party's id: the same whenever the call is repeated."""
    return str(uuid.uuid5(uuid.UUID(exchange_id), ref))


def _party(p: Mapping[str, Any], everybody: list[Mapping[str, Any]], exchange_id: str) -> case_pb2.PartyInput:
    organisation = p["kind"] == "organisation"
    code = p.get("credit_code", "")
    number = code if organisation else p.get("id_no", "")
    paper = ("credit_code" if code else "none") if organisation else (p.get("id_type", "resident_id") if number else "none")
    return case_pb2.PartyInput(
        party_id=_id(exchange_id, p["party_ref"]),
        kind=p["kind"],
        name=p["name"],
        id_type=paper,
        id_number=number,
        identity_note="" if number or organisation else "移送机构未提供证件号码",
        sex=p.get("sex", ""),
        born_on=p.get("birth_date", ""),
        phone=p.get("phone", ""),
        region_code=p.get("region", ""),
        address=p.get("address", ""),
        electronic_address=p.get("e_address", ""),
        care=p.get("flags", ()),
        representatives=[_representative(r) for r in everybody if r.get("acts_for") == p["party_ref"]],
    )


def _representative(r: Mapping[str, Any]) -> case_pb2.RepresentativeInput:
    number = r.get("id_no", "")
    return case_pb2.RepresentativeInput(
        kind="guardian" if r["role"] == "guardian" else "agent",
        name=r["name"],
        id_type=r.get("id_type", "resident_id") if number else "none",
        id_number=number,
        phone=r.get("phone", ""),
        authority="" if r["role"] == "guardian" else "general",
    )
