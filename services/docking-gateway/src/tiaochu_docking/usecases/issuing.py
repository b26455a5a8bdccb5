"""What we send: packets issued, offers lapsed, registrations linked."""

import json

from tiaochu.docking.v1 import docking_service_pb2 as staff
from tiaochu.docking.v1 import door_pb2 as pb
from tiaochu_docking.domain.agency import Agency
from tiaochu_docking.domain.case_file import DuePacket
from tiaochu_docking.domain.delivery import Delivery
from tiaochu_docking.domain.docking import Dockings
from tiaochu_docking.domain.exchange import LAPSED_GROUND, Exchange
from tiaochu_docking.domain.packet import Kind, Packet, Side
from tiaochu_docking.usecases.bodies import seal_body
from tiaochu_docking.usecases.documents import AGENCIES, CASE_FILES, DELIVERIES, EXCHANGES
from tiaochu_docking.usecases.facts import packet_row, to_packet
from tiaochu_domainkit.errors import DomainError
from tiaochu_domainkit.errors import Kind as ErrorKind
from tiaochu_domainkit.sealing import Keyring
from tiaochu_kit.usecase import Context, Work, command


class IssuingCommands:
    """Commands of durable calls and timers."""

    def __init__(self, dockings: Dockings, keyring: Keyring) -> None:
        self._dockings = dockings
        self._keyring = keyring

    async def _seal(self, _ctx: Context, r: pb.IssuePacketRequest) -> str:
        return seal_body(self._keyring, r.packet.packet_id, r.body)

    @command(reads=lambda r: [EXCHANGES.by_id(r.exchange_id), AGENCIES.by_id(r.agency_id)], before=_seal)
    def issue_packet(self, work: Work, r: pb.IssuePacketRequest, sealed: str) -> pb.IssuedResponse:
        """A packet of ours enters its exchange and the agency's queue; with `open` it is the offer that begins one."""
        agency = work.get(AGENCIES, r.agency_id)
        packet = to_packet(r.packet)
        if r.HasField("open"):
            exchange = self._open(work, agency, r, packet)
        else:
            exchange = work.get(EXCHANGES, r.exchange_id)
            self._take(exchange, packet, work)
        row = packet_row(
            r.packet,
            side=Side.OURS,
            district=exchange.district,
            agency_id=agency.id,
            exchange_id=exchange.id,
            case_id=exchange.case_id,
            state=exchange.status,
            work=work,
        )
        work.insert("packets", {**row, "disclosure": json.loads(r.disclosure)})
        work.insert("letters", _letter_row(r, agency, sealed, work))
        work.add(DELIVERIES, _delivery(work, exchange, agency, packet))
        if exchange.status != "offered":
            work.timer("lapse", exchange.id, exchange.district, None)
        return pb.IssuedResponse(exchange_id=exchange.id, packet_id=packet.packet_id, etag=exchange.etag)

    def _open(self, work: Work, agency: Agency, r: pb.IssuePacketRequest, packet: Packet) -> Exchange:
        mode = self._dockings.mode_of(r.open.docking, r.open.docking_from, r.open.mode)
        exchange = Exchange.open(
            offerer=Side.OURS,
            exchange_id=r.exchange_id,
            district=agency.district,
            agency_id=agency.id,
            mode=mode,
            external_no=r.open.case_number,
            case_id=r.open.case_id,
            case_number=r.open.case_number,
            agreement_id=r.open.agreement_id,
            packet=packet,
            at=work.now,
        )
        work.add(EXCHANGES, exchange)
        if exchange.lapse_at is not None:
            work.timer("lapse", exchange.id, exchange.district, exchange.lapse_at)
        return exchange

    def _take(self, exchange: Exchange, packet: Packet, work: Work) -> None:
        if packet.kind is Kind.RECALL and packet.ground == LAPSED_GROUND:
            exchange.tell_lapse(packet, work.now)
        else:
            exchange.take(packet, Side.OURS, self._dockings.mode_of(exchange.docking, exchange.docking_from, exchange.mode), work.now)

    @command(reads=lambda r: [EXCHANGES.by_id(r.exchange_id)])
    def lapse_exchange(self, work: Work, r: pb.LapseExchangeRequest) -> pb.IssuedResponse:
        """The time to sign is over. Nothing happens if somebody signed meanwhile."""
        exchange = work.get(EXCHANGES, r.exchange_id)
        if exchange.status == "offered":
            exchange.lapse(work.now)
            work.call("write", f"{exchange.id}|{Kind.RECALL.value}|{LAPSED_GROUND}", exchange.district)
        return pb.IssuedResponse(exchange_id=exchange.id, etag=exchange.etag)

    @command(reads=lambda r: [EXCHANGES.by_id(r.exchange_id)])
    def note_unwritable(self, work: Work, r: pb.NoteUnwritableRequest) -> pb.IssuedResponse:
        """What is due may not pass as it stands; somebody must look."""
        exchange = work.get(EXCHANGES, r.exchange_id)
        exchange.undeliverable(r.packet_id, r.reason, work.now)
        return pb.IssuedResponse(exchange_id=exchange.id, packet_id=r.packet_id, etag=exchange.etag)

    @command(reads=lambda r: [AGENCIES.by_id(r.agency_id)])
    def note_unwritable_offer(self, work: Work, r: pb.NoteUnwritableOfferRequest) -> pb.IssuedResponse:
        """The same for an offer, before there is an exchange."""
        work.get(AGENCIES, r.agency_id).unwritable_offer(r.case_id, r.packet_id, r.reason, work.now)
        return pb.IssuedResponse(packet_id=r.packet_id)

    @command(reads=lambda r: [EXCHANGES.by_id(r.exchange_id), CASE_FILES.by_id(r.case_id)])
    def link_exchange(self, work: Work, r: pb.LinkExchangeRequest) -> pb.IssuedResponse:
        """The offer stands in the register, usually as the case that was minted for it."""
        exchange = work.get(EXCHANGES, r.exchange_id)
        exchange.link(r.case_id, r.case_number, work.now)
        case_file = work.find(CASE_FILES, r.case_id)
        if case_file is not None:
            case_file.join(exchange.id)
            order(work, case_file.plan(), case_file.id, exchange.district)
        return pb.IssuedResponse(exchange_id=exchange.id, etag=exchange.etag)

    @command(reads=lambda r: [EXCHANGES.by_id(r.exchange_id)])
    def recall_exchange(self, work: Work, r: staff.RecallExchangeRequest) -> staff.RecallExchangeResponse:
        """Staff withdraw a matter of ours; the letter is written by a durable call, whose id is the packet's."""
        exchange = work.get(EXCHANGES, r.exchange_id)
        mode = self._dockings.mode_of(exchange.docking, exchange.docking_from, exchange.mode)
        reason = exchange.may(Kind.RECALL, Side.OURS, mode)
        if reason:
            allowed = ",".join(k.value for k in mode.kinds_from(Side.OURS) if not exchange.may(k, Side.OURS, mode))
            raise DomainError(
                ErrorKind.PRECONDITION_FAILED,
                reason,
                f"recall is not possible in {exchange.status}",
                "当前状态不能撤回",
                {"current": exchange.status, "allowed": allowed},
            )
        mode.check_ground(Kind.RECALL, r.ground)
        packet_id = work.call("write", f"{exchange.id}|{Kind.RECALL.value}|{r.ground}", exchange.district)
        return staff.RecallExchangeResponse(exchange_id=exchange.id, packet_id=packet_id, etag=work.etag(exchange))


def _letter_row(r: pb.IssuePacketRequest, agency: Agency, sealed: str, work: Work) -> dict[str, object]:
    return {
        "agency_id": agency.id,
        "ident": r.packet.packet_id,
        "district": agency.district,
        "direction": "out",
        "request": f"{r.packet.kind} {r.exchange_id}",
        "sha256": r.packet.sha256,
        "stored_at": work.now,
        "headers": {},
        "sealed": sealed,
    }


def _delivery(work: Work, exchange: Exchange, agency: Agency, packet: Packet) -> Delivery:
    endpoint = agency.endpoint(exchange.endpoint_id)
    return Delivery(
        id=work.new_id(),
        district=exchange.district,
        status="waiting",
        packet_id=packet.packet_id,
        exchange_id=exchange.id,
        agency_id=agency.id,
        endpoint_id=endpoint.endpoint_id,
        case_id=exchange.case_id,
        case_key=exchange.case_id or exchange.id,
        channel=endpoint.channel,
        kind=packet.kind.value,
        seq=packet.seq,
        sha256=packet.sha256,
        queued_at=work.now,
        next_at=work.now,
        began_at=work.now,
    )


def order(work: Work, due: list[DuePacket], case_id: str, district: str) -> None:
    """Have due packets written after the commit."""
    for packet in due:
        work.call("write", f"{packet.exchange_id}|{packet.kind}|{packet.occasion}|{case_id}", district)
