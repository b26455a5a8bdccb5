"""What agencies send: offers, further packets, notices."""

from datetime import datetime

from tiaochu.docking.v1 import door_pb2 as pb
from tiaochu_docking.domain.agency import Agency
from tiaochu_docking.domain.case_file import CaseFile
from tiaochu_docking.domain.docking import Dockings
from tiaochu_docking.domain.exchange import Exchange
from tiaochu_docking.domain.packet import CHANGES_STATE, Kind, Side
from tiaochu_docking.usecases.documents import AGENCIES, CASE_FILES, EXCHANGES
from tiaochu_docking.usecases.facts import packet_row, to_packet
from tiaochu_domainkit.errors import DomainError, invalid, not_found
from tiaochu_domainkit.errors import Kind as ErrorKind
from tiaochu_kit.usecase import NaturalKey, Work, command

OFFER_KEY = "docking.offer"
"""Natural key of an agency's offers: agency, docking, mode, the agency's own number. It outlives every idempotency key."""


def offer_key(r: pb.ReceiveOfferRequest) -> str:
    """The natural key of an offer."""
    return "|".join((r.agency_id, r.docking, r.mode, r.external_no))


class ReceivingCommands:
    """Commands of the agencies' door. The letter was verified, stored and checked before; here the exchange decides."""

    def __init__(self, dockings: Dockings) -> None:
        self._dockings = dockings

    @command(reads=lambda r: [EXCHANGES.by_id(r.exchange_id), AGENCIES.by_id(r.agency_id), NaturalKey(OFFER_KEY, offer_key(r))])
    def receive_offer(self, work: Work, r: pb.ReceiveOfferRequest) -> pb.ReceivedResponse:
        """Opens an exchange; its registration follows by a durable call. Refused with DUPLICATE_EXTERNAL_NO, whatever the packet's id."""
        agency = work.get(AGENCIES, r.agency_id)
        known = work.find(EXCHANGES, r.exchange_id)
        if known is not None:
            return self._offered_before(known, r)
        if not r.external_no:
            raise invalid("/data/external_no", "REQUIRED", "移送须写明本机构的编号")
        if holder := work.holder(OFFER_KEY, offer_key(r)):
            raise duplicate(holder)
        mode = self._dockings.mode_of(r.docking, r.docking_from, r.mode)
        agency.endpoint(r.answer_to)
        exchange = Exchange.open(
            offerer=Side.THEIRS,
            exchange_id=r.exchange_id,
            district=agency.district,
            agency_id=agency.id,
            mode=mode,
            external_no=r.external_no,
            case_id=work.new_id() if mode.channel else "",
            packet=to_packet(r.packet),
            at=work.now,
            endpoint_id=r.answer_to,
            follows=r.follows,
        )
        work.add(EXCHANGES, exchange)
        work.claim(OFFER_KEY, offer_key(r), exchange.id)
        if exchange.lapse_at is not None:
            work.timer("lapse", exchange.id, exchange.district, exchange.lapse_at)
        if mode.channel:
            case_file = CaseFile.of(exchange.case_id, exchange.district)
            case_file.join(exchange.id)
            work.add(CASE_FILES, case_file)
            work.call("register", exchange.id, exchange.district)
        return self._taken(work, exchange, agency, r.packet)

    @command(reads=lambda r: [EXCHANGES.by_id(r.exchange_id), AGENCIES.by_id(r.agency_id)])
    def receive_packet(self, work: Work, r: pb.ReceivePacketRequest) -> pb.ReceivedResponse:
        """Any packet after the offer. An exchange of another agency is as unknown as one that does not exist."""
        agency = work.get(AGENCIES, r.agency_id)
        exchange = work.find(EXCHANGES, r.exchange_id)
        if exchange is None or exchange.agency_id != agency.id:
            raise not_found("exchange", r.exchange_id)
        before = exchange.packet(r.packet.packet_id)
        if before is not None:
            return received(exchange, r.packet, before.at)
        packet = to_packet(r.packet)
        if packet.kind in CHANGES_STATE and r.if_match != exchange.etag:
            raise DomainError(
                ErrorKind.CONFLICT,
                "VERSION_CHANGED",
                f"the exchange is at {exchange.etag}",
                "该往来已有变化,请先读取最新状态",
                {"etag": exchange.etag, "current": exchange.status},
            )
        mode = self._dockings.mode_of(exchange.docking, exchange.docking_from, exchange.mode)
        exchange.take(packet, Side.THEIRS, mode, work.now)
        if exchange.status != "offered":
            work.timer("lapse", exchange.id, exchange.district, None)
        return self._taken(work, exchange, agency, r.packet)

    @command(reads=lambda r: [AGENCIES.by_id(r.agency_id)])
    def receive_notice(self, work: Work, r: pb.ReceiveNoticeRequest) -> pb.ReceivedResponse:
        """A one-way duty: stored, and the receipt is the answer."""
        agency = work.get(AGENCIES, r.agency_id)
        row = packet_row(
            r.packet, side=Side.THEIRS, district=agency.district, agency_id=agency.id, exchange_id="", case_id="", state="", work=work
        )
        work.insert("packets", row)
        response = pb.ReceivedResponse(packet_id=r.packet.packet_id, receipt_id=receipt_of(r.packet.packet_id))
        response.receive_time.FromDatetime(work.now)
        return response

    def _offered_before(self, known: Exchange, r: pb.ReceiveOfferRequest) -> pb.ReceivedResponse:
        if known.agency_id != r.agency_id:
            raise invalid("/data/exchange_id", "TAKEN", "该编号已被使用,请另行生成")
        before = known.packet(r.packet.packet_id)
        if before is None or before.kind is not Kind.OFFER:
            raise duplicate(known.id)
        return received(known, r.packet, before.at)

    def _taken(self, work: Work, exchange: Exchange, agency: Agency, facts: pb.PacketFacts) -> pb.ReceivedResponse:
        row = packet_row(
            facts,
            side=Side.THEIRS,
            district=exchange.district,
            agency_id=agency.id,
            exchange_id=exchange.id,
            case_id=exchange.case_id,
            state=exchange.status,
            work=work,
        )
        work.insert("packets", row)
        return received(exchange, facts, work.now)


def received(exchange: Exchange, facts: pb.PacketFacts, at: datetime) -> pb.ReceivedResponse:
    """The answer to a packet that was taken in at `at`."""
    response = pb.ReceivedResponse(
        exchange_id=exchange.id,
        packet_id=facts.packet_id,
        state=exchange.status,
        etag=exchange.etag,
        receipt_id=receipt_of(facts.packet_id),
    )
    response.receive_time.FromDatetime(at)
    return response


def receipt_of(packet_id: str) -> str:
    """Our receipt for a packet: the same whenever it is asked for."""
    return f"r-{packet_id}"


def duplicate(exchange_id: str) -> DomainError:
    """The agency's number was offered before, by whatever packet."""
    return DomainError(
        ErrorKind.CONFLICT,
        "DUPLICATE_EXTERNAL_NO",
        "this number was offered before",
        "该编号已移送过,不能重复移送",
        {"exchange_id": exchange_id},
    )
