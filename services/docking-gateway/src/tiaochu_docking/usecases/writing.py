"""Durable calls that write our letters: what is due is known, what it says is read when it is sent."""

import json
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import structlog
from google.protobuf.message import Message

from tiaochu.docking.v1 import door_pb2 as pb
from tiaochu.intake.v1 import case_queries_pb2 as intake
from tiaochu.intake.v1 import case_service_pb2
from tiaochu.mediation.v1 import mediation_service_pb2 as mediation
from tiaochu.routing.v1 import directory_service_pb2 as routing
from tiaochu_docking.domain.agency import Agency
from tiaochu_docking.domain.case_file import CaseFile, Fact
from tiaochu_docking.domain.docking import Docking, Dockings
from tiaochu_docking.domain.exchange import LAPSED_GROUND, Exchange
from tiaochu_docking.domain.packet import Kind, Side
from tiaochu_docking.usecases.composing import Composer, Heading, Written, answer_heading, obligations, parties
from tiaochu_docking.usecases.facts import to_facts
from tiaochu_docking.usecases.issuing import IssuingCommands
from tiaochu_docking.usecases.own import OwnCommands
from tiaochu_docking.usecases.ports import Calling, Shelf
from tiaochu_domainkit.clocks import beijing
from tiaochu_domainkit.errors import DomainError, not_found
from tiaochu_domainkit.errors import Kind as ErrorKind
from tiaochu_kit.errors import unavailable
from tiaochu_kit.telemetry import consumer_span

GET_AGREEMENT = "tiaochu.mediation.v1.MediationService/GetAgreement"
GET_PARTIES = f"{case_service_pb2.DESCRIPTOR.services_by_name['CaseService'].full_name}/GetParties"
GET_ORGAN = "tiaochu.routing.v1.DirectoryService/GetOrgan"
CONFIRM_MODE = "confirm"
UNWRITABLE = frozenset({ErrorKind.INVALID_INPUT, ErrorKind.PRECONDITION_FAILED, ErrorKind.PERMISSION_DENIED})
"""Refusals that do not go away by themselves."""

log = structlog.get_logger()


class Writing:
    """Call handlers `write` (a packet inside an exchange) and `confirm` (an offer to a court)."""

    def __init__(
        self,
        *,
        dockings: Dockings,
        composer: Composer,
        shelf: Shelf,
        peers: Calling,
        own: OwnCommands,
        issuing: IssuingCommands,
        now: Callable[[], datetime],
    ) -> None:
        self._dockings = dockings
        self._composer = composer
        self._shelf = shelf
        self._peers = peers
        self._own = own
        self._issuing = issuing
        self._now = now

    async def write(self, call_id: str, key: str, _district: str) -> None:
        """`exchange|kind|occasion[|case]`. A packet that the exchange's state no longer wants is left unwritten."""
        exchange_id, kind, occasion, *rest = key.split("|")
        if not await self._shelf.packet_exists(call_id):
            case_file = await self._shelf.case_file(rest[0]) if rest else None
            with consumer_span(f"write {kind}", [case_file.traceparent] if case_file else []):
                try:
                    await self._write(call_id, exchange_id, Kind(kind), occasion, case_file)
                except DomainError as error:
                    if error.kind in UNWRITABLE:
                        note = pb.NoteUnwritableRequest(exchange_id=exchange_id, packet_id=call_id, reason=error.reason)
                        await self._tell_unwritable(call_id, error, self._issuing.note_unwritable, note)
                    raise

    async def _write(self, call_id: str, exchange_id: str, kind: Kind, occasion: str, case_file: CaseFile | None) -> None:
        exchange, agency = await self._parties_of(exchange_id)
        if not self._wanted(exchange, kind, occasion):
            return
        docking = self._dockings.version(exchange.docking, exchange.docking_from)
        if kind is Kind.RETURN and case_file is not None:
            facts = await self._returned(docking, exchange, agency, case_file)
        else:
            facts = await self._facts(kind, occasion, docking, case_file)
        heading = answer_heading(exchange, call_id, kind, exchange.next_seq(Side.OURS))
        written = self._composer.write(heading, docking, docking.mode(exchange.mode), facts, self._now())
        await self._issue(call_id, exchange.id, agency, written, docking, exchange.mode)

    async def confirm(self, call_id: str, key: str, _district: str) -> None:
        """`case|agreement|agency`: offers the joint application for confirmation to the court."""
        case_id, agreement_id, agency_id = key.split("|")
        if await self._shelf.packet_exists(call_id):
            return
        agency, case_file = await self._shelf.agency(agency_id), await self._shelf.case_file(case_id)
        if agency is None:
            raise not_found("agency", agency_id)
        if case_file is None or not case_file.category:
            raise unavailable("intake's log")
        with consumer_span("write offer", [case_file.traceparent]):
            try:
                await self._confirm(call_id, agreement_id, agency, case_file)
            except DomainError as error:
                if error.kind in UNWRITABLE:
                    note = pb.NoteUnwritableOfferRequest(agency_id=agency_id, case_id=case_id, packet_id=call_id, reason=error.reason)
                    await self._tell_unwritable(call_id, error, self._issuing.note_unwritable_offer, note)
                raise

    async def _confirm(self, call_id: str, agreement_id: str, agency: Agency, case_file: CaseFile) -> None:
        case_id = case_file.id
        docking = self._dockings.valid(agency.kind, beijing(self._now()).date())
        agreement = await self._agreement(case_id, agreement_id)
        told = await self._peers.call("intake", GET_PARTIES, intake.GetPartiesRequest(case_id=case_id, with_numbers=True))
        facts = await self._application(agreement, told, agency, case_file, docking)
        asked_at = beijing(agreement.confirmations[-1].requested_at.ToDatetime(UTC) if agreement.confirmations else self._now())
        heading = Heading(
            packet_id=call_id,
            exchange_id=str(uuid.uuid5(uuid.UUID(call_id), "exchange")),
            seq=1,
            kind=Kind.OFFER,
            case_no=told.case_number,
            external_no=told.case_number,
            consents=tuple(
                {"party_ref": p["party_ref"], "what": "共同申请司法确认", "at": asked_at.isoformat(timespec="seconds")}
                for p in facts["parties"]
                if p["role"] in ("applicant", "respondent")
            ),
        )
        written = self._composer.write(heading, docking, docking.mode(CONFIRM_MODE), facts, self._now())
        opening = pb.OpenExchange(
            case_id=case_id,
            case_number=told.case_number,
            docking=docking.name,
            docking_from=docking.valid_from.isoformat(),
            mode=CONFIRM_MODE,
            agreement_id=agreement_id,
        )
        await self._issue(call_id, heading.exchange_id, agency, written, docking, CONFIRM_MODE, opening)

    async def give_back(self, call_id: str, exchange_id: str, reason: str, note: str) -> None:
        """A return for an offer that intake refused to register."""
        packet_id = str(uuid.uuid5(uuid.UUID(call_id), reason))
        exchange, agency = await self._parties_of(exchange_id)
        if await self._shelf.packet_exists(packet_id) or not self._wanted(exchange, Kind.RETURN, reason):
            return
        docking = self._dockings.version(exchange.docking, exchange.docking_from)
        facts = {
            "ground": docking.translate("return_ground", reason, _grounds(docking, exchange)),
            "suggested_organ": agency.name,
            "note": note,
        }
        heading = answer_heading(exchange, packet_id, Kind.RETURN, exchange.next_seq(Side.OURS))
        written = self._composer.write(heading, docking, docking.mode(exchange.mode), facts, self._now())
        await self._issue(packet_id, exchange.id, agency, written, docking, exchange.mode)

    def _wanted(self, exchange: Exchange, kind: Kind, occasion: str) -> bool:
        if kind is Kind.RECALL and occasion == LAPSED_GROUND:
            return exchange.status == "lapsed" and not exchange.lapse_told
        if kind in (Kind.PROGRESS, Kind.RESULT) and exchange.status == "offered":
            raise unavailable("the packet before")
        mode = self._dockings.mode_of(exchange.docking, exchange.docking_from, exchange.mode)
        return not exchange.may(kind, Side.OURS, mode)

    async def _tell_unwritable(self, call_id: str, error: DomainError, command: Any, note: Message) -> None:
        """The refused call is kept and may be made again; the case tells that somebody must look."""
        log.warning("packet.unwritable", call=call_id, reason=error.reason, fields=",".join(v.path for v in error.violations))
        await self._own.run(command, note, pb.IssuedResponse, request_id=f"{call_id}-{error.reason}")

    async def _parties_of(self, exchange_id: str) -> tuple[Exchange, Agency]:
        exchange = await self._shelf.exchange(exchange_id)
        agency = await self._shelf.agency(exchange.agency_id) if exchange else None
        if exchange is None or agency is None:
            raise not_found("exchange", exchange_id)
        return exchange, agency

    async def _facts(self, kind: Kind, occasion: str, docking: Docking, case_file: CaseFile | None) -> Mapping[str, Any]:
        if case_file is None:
            return {"ground": occasion}
        if kind is Kind.SIGN:
            fact = case_file.accepted or case_file.agreement or case_file.terminated
            return {"accepted_on": _day(fact)} if fact else {}
        if kind is Kind.PROGRESS:
            fact = case_file.course[occasion]
            number = fact.values.get("number")
            return {"event": fact.values["event"], "on": _day(fact), "number": int(number) if number else None}
        return await self._outcome(docking, case_file)

    async def _returned(self, docking: Docking, exchange: Exchange, agency: Agency, case_file: CaseFile) -> Mapping[str, Any]:
        fact = case_file.declined or case_file.terminated
        values = fact.values if fact else {}
        return {
            "ground": docking.translate("return_ground", values.get("ground", ""), _grounds(docking, exchange)),
            "suggested_organ": await self._organ_name(values.get("suggested", "")) or agency.name,
        }

    async def _outcome(self, docking: Docking, case_file: CaseFile) -> Mapping[str, Any]:
        facts: dict[str, Any] = {"sessions": case_file.sessions, "papers_returned": True}
        ended, agreed = case_file.terminated, case_file.agreement
        if ended is not None:
            withdrawn = ended.values.get("ground") == "withdrawn"
            facts["outcome"] = "withdrawn" if withdrawn else "failed"
            facts["ground"] = docking.translate("ground", ended.values.get("ground", ""))
        if agreed is not None:
            agreement = await self._agreement(case_file.id, agreed.values["agreement_id"])
            facts |= {
                "outcome": "partial" if ended is not None else "agreed",
                "agreement_no": agreement.agreement_number,
                "effective_on": _effective_on(agreement),
                "terms": obligations(agreement),
                "agreement_text": _text(agreement),
            }
        return facts

    async def _application(self, agreement: Any, told: Any, agency: Agency, case_file: CaseFile, docking: Docking) -> dict[str, Any]:
        delegated = [await self._shelf.exchange(ident) for ident in case_file.exchanges]
        invited = any(e is not None and e.agency_id == agency.id for e in delegated)
        return {
            "mode": CONFIRM_MODE,
            "agreement_no": agreement.agreement_number,
            "agreement_id": agreement.agreement_id,
            "effective_on": _effective_on(agreement),
            "category": case_file.category,
            "court_chosen": agency.name,
            "competent_because": "invited" if invited else "organisation",
            "application": f"双方当事人就调解协议{agreement.agreement_number}共同申请司法确认,保证内容真实、没有恶意串通。",
            "agreement_text": _text(agreement),
            "terms": obligations(agreement),
            "parties": parties(told.parties, docking),
        }

    async def _agreement(self, case_id: str, agreement_id: str) -> Any:
        request = mediation.GetAgreementRequest(case_id=case_id, agreement_id=agreement_id)
        return (await self._peers.call("mediation", GET_AGREEMENT, request)).agreement

    async def _organ_name(self, organ_id: str) -> str:
        if not organ_id:
            return ""
        try:
            answer = await self._peers.call("routing", GET_ORGAN, routing.GetOrganRequest(organ_id=organ_id))
        except DomainError as error:
            if error.reason == "NOT_FOUND":
                return ""
            raise
        return str(answer.organ.name)

    async def _issue(
        self,
        call_id: str,
        exchange_id: str,
        agency: Agency,
        written: Written,
        docking: Docking,
        mode: str,
        opening: pb.OpenExchange | None = None,
    ) -> None:
        rule = docking.mode(mode).rule(written.letter.kind)
        request = pb.IssuePacketRequest(
            exchange_id=exchange_id,
            agency_id=agency.id,
            packet=to_facts(written.letter.packet(rule), written.letter.issued_at),
            body=written.body,
            disclosure=_json(written.disclosure),
        )
        if opening is not None:
            request.open.CopyFrom(opening)
        await self._own.run(self._issuing.issue_packet, request, pb.IssuedResponse, request_id=call_id)


def _grounds(docking: Docking, exchange: Exchange) -> frozenset[str]:
    return docking.mode(exchange.mode).rule(Kind.RETURN).grounds


def _text(agreement: Any) -> str:
    """The terms in words; an oral agreement (口头协议) may have them in its obligations only."""
    return str(agreement.terms) or ";".join(o.detail for o in agreement.obligations if o.detail)


def _day(fact: Fact) -> str:
    return beijing(fact.at).date().isoformat()


def _effective_on(agreement: Any) -> str:
    return beijing(agreement.effective_at.ToDatetime(UTC)).date().isoformat() if agreement.HasField("effective_at") else ""


def _json(value: Mapping[str, Any]) -> str:

    return json.dumps(value, ensure_ascii=False)
