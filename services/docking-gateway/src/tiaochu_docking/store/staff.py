"""Queries of `DockingService`."""

from datetime import datetime
from typing import Any

from tiaochu.docking.v1 import docking_service_pb2 as pb
from tiaochu_docking.domain.agency import Agency
from tiaochu_docking.domain.docking import Dockings
from tiaochu_docking.domain.exchange import Exchange
from tiaochu_docking.domain.packet import SENDER, Side
from tiaochu_docking.store.reads import Reads
from tiaochu_docking.store.shelf import Shelf
from tiaochu_docking.usecases.ports import ExchangeFilter, PacketRow, Queued
from tiaochu_domainkit.errors import not_found
from tiaochu_domainkit.quantities import real_date
from tiaochu_kit.paging import PageTokens, page_size
from tiaochu_kit.usecase import Context, query


class StaffQueries:
    """What staff and operators read. Exchanges belong to a district's liaison work, so the district is the scope, not the case's holder."""

    def __init__(self, reads: Reads, shelf: Shelf, dockings: Dockings, tokens: PageTokens) -> None:
        self._reads = reads
        self._shelf = shelf
        self._dockings = dockings
        self._tokens = tokens

    @query
    async def list_exchanges(self, ctx: Context, r: pb.ListExchangesRequest) -> pb.ListExchangesResponse:
        """Exchanges by id."""
        keys = self._tokens.read(ctx.principal.id, r)
        size = page_size(r.page_size)
        wanted = ExchangeFilter(
            agency_id=r.agency_id,
            docking=r.docking,
            state=r.state,
            case_id=r.case_id,
            external_no=r.external_no,
            after=keys[0] if keys else "",
            limit=size + 1,
        )
        found = await self._reads.exchanges(ctx.principal.scope, wanted)
        more = self._tokens.write(ctx.principal.id, r, [found[size - 1].id]) if len(found) > size else ""
        return pb.ListExchangesResponse(exchanges=[_exchange(e) for e in found[:size]], next_page_token=more)

    @query
    async def get_exchange(self, ctx: Context, r: pb.GetExchangeRequest) -> pb.GetExchangeResponse:
        """One exchange with its packets."""
        exchange = await self._visible(ctx, r.exchange_id)
        packets = await self._reads.packets(ctx.principal.scope, exchange.id)
        return pb.GetExchangeResponse(exchange=_exchange(exchange), packets=[_packet(p) for p in packets])

    @query
    async def get_packet(self, ctx: Context, r: pb.GetPacketRequest) -> pb.GetPacketResponse:
        """A packet with its bytes."""
        scope = ctx.principal.scope
        packet = await self._reads.packet(scope, r.packet_id)
        if packet is None:
            raise not_found("packet", r.packet_id)
        body = await self._shelf.letter(packet.agency_id, packet.packet_id)
        headers = await self._reads.letter_headers(scope, packet.agency_id, packet.packet_id)
        return pb.GetPacketResponse(packet=_packet(packet), body=body, headers=headers)

    @query
    async def list_allowed_actions(self, ctx: Context, r: pb.ListAllowedActionsRequest) -> pb.ListAllowedActionsResponse:
        """Every kind of packet that we could send, by the table of transitions."""
        exchange = await self._visible(ctx, r.exchange_id)
        mode = self._dockings.mode_of(exchange.docking, exchange.docking_from, exchange.mode)
        reasons = {kind: exchange.may(kind, Side.OURS, mode) for kind in SENDER if kind.value in exchange.TRANSITIONS}
        actions = [pb.AllowedAction(command=k.value, allowed=not why, reason=why) for k, why in reasons.items()]
        return pb.ListAllowedActionsResponse(actions=actions)

    @query
    async def list_deliveries(self, ctx: Context, r: pb.ListDeliveriesRequest) -> pb.ListDeliveriesResponse:
        """Deliveries by agency and place."""
        wanted = {"agency_id": r.agency_id, "exchange_id": r.exchange_id, "status": r.state, "case_id": r.case_id}
        found, more = await self._deliveries(ctx, r, wanted)
        return pb.ListDeliveriesResponse(deliveries=found, next_page_token=more)

    @query
    async def list_dead_letters(self, ctx: Context, r: pb.ListDeadLettersRequest) -> pb.ListDeadLettersResponse:
        """Deliveries that somebody must look after."""
        found, more = await self._deliveries(ctx, r, {"agency_id": r.agency_id, "status": "dead"})
        return pb.ListDeadLettersResponse(deliveries=found, next_page_token=more)

    async def _deliveries(self, ctx: Context, r: Any, wanted: dict[str, str]) -> tuple[list[pb.Delivery], str]:
        keys = self._tokens.read(ctx.principal.id, r)
        size = page_size(r.page_size)
        found = await self._reads.deliveries(ctx.principal.scope, wanted, after=(keys[0], keys[1]) if keys else None, limit=size + 1)
        last = found[size - 1] if len(found) > size else None
        more = self._tokens.write(ctx.principal.id, r, [last.delivery.agency_id, last.position]) if last else ""
        return [_delivery(q) for q in found[:size]], more

    @query
    async def get_reconciliation(self, ctx: Context, r: pb.GetReconciliationRequest) -> pb.GetReconciliationResponse:
        """The last comparison of a day; without one, what passed here."""
        scope, day = ctx.principal.scope, real_date("on", r.on)
        done = await self._reads.comparison(scope, r.agency_id, day)
        if done is None:
            ours = len(await self._reads.packets_of_day(scope, r.agency_id, day))
            return pb.GetReconciliationResponse(ours=ours, theirs=-1)
        differences = [pb.Difference(packet_id=d["packet_id"], kind=d["kind"], repair=d["repair"]) for d in done.differences]
        answer = pb.GetReconciliationResponse(ours=done.ours, theirs=done.theirs, differences=differences)
        answer.receive_time.FromDatetime(done.received_at)
        return answer

    @query
    async def list_sharing(self, ctx: Context, r: pb.ListSharingRequest) -> pb.ListSharingResponse:
        """The ledger."""
        keys = self._tokens.read(ctx.principal.id, r)
        size = page_size(r.page_size)
        after = (keys[0], keys[1]) if keys else None
        found = await self._reads.sharing(ctx.principal.scope, agency_id=r.agency_id, case_id=r.case_id, after=after, limit=size + 1)
        last = found[size - 1] if len(found) > size else None
        more = self._tokens.write(ctx.principal.id, r, [last.agency_id, last.seq]) if last else ""
        return pb.ListSharingResponse(
            entries=[pb.SharingEntry(seq=s.seq, entry=s.entry, hash=s.hash) for s in found[:size]], next_page_token=more
        )

    @query
    async def list_agencies(self, ctx: Context, r: pb.ListAgenciesRequest) -> pb.ListAgenciesResponse:
        """Agencies by code."""
        keys = self._tokens.read(ctx.principal.id, r)
        size = page_size(r.page_size)
        found = await self._reads.agencies(ctx.principal.scope, r.kind, keys[0] if keys else "", size + 1)
        more = self._tokens.write(ctx.principal.id, r, [found[size - 1].code]) if len(found) > size else ""
        return pb.ListAgenciesResponse(agencies=[_agency(a) for a in found[:size]], next_page_token=more)

    @query
    async def get_agency_names(self, ctx: Context, r: pb.GetAgencyNamesRequest) -> pb.GetAgencyNamesResponse:
        """What agencies are called."""
        return pb.GetAgencyNamesResponse(names=await self._reads.agency_names(ctx.principal.scope, r.agency_ids))

    async def _visible(self, ctx: Context, exchange_id: str) -> Exchange:
        exchange = await self._shelf.exchange(exchange_id)
        if exchange is None or not ctx.principal.works_in(exchange.district):
            raise not_found("exchange", exchange_id)
        return exchange


def _stamp(target: Any, moment: datetime | None) -> None:
    if moment is not None:
        target.FromDatetime(moment)


def _exchange(e: Exchange) -> pb.Exchange:
    told = pb.Exchange(
        exchange_id=e.id,
        agency_id=e.agency_id,
        docking=e.docking,
        mode=e.mode,
        offerer=e.offerer.value,
        state=e.status,
        case_id=e.case_id if e.linked else "",
        case_number=e.case_number,
        external_no=e.external_no,
        etag=str(e.version),
        agreement_id=e.agreement_id,
    )
    _stamp(told.offer_time, e.offered_at)
    _stamp(told.update_time, e.updated_at)
    return told


def _packet(p: PacketRow) -> pb.Packet:
    told = pb.Packet(
        packet_id=p.packet_id,
        exchange_id=p.exchange_id,
        direction=p.direction,
        kind=p.kind,
        seq=p.seq,
        in_reply_to=p.in_reply_to,
        sha256=p.sha256,
        receipt_id=p.receipt_id or (f"r-{p.packet_id}" if p.direction == "in" else ""),
    )
    _stamp(told.issue_time, p.issued_at)
    _stamp(told.record_time, p.recorded_at)
    return told


def _delivery(q: Queued) -> pb.Delivery:
    d = q.delivery
    told = pb.Delivery(
        delivery_id=d.id,
        position=q.position,
        packet_id=d.packet_id,
        exchange_id=d.exchange_id,
        agency_id=d.agency_id,
        endpoint_id=d.endpoint_id,
        channel=d.channel,
        kind=d.kind,
        state=d.status,
        attempts=d.attempts,
        last_status=d.last_status,
        last_fault=d.last_fault,
        note=d.note,
        etag=str(d.version),
        case_id=d.case_id,
    )
    _stamp(told.queue_time, d.queued_at)
    _stamp(told.receipt_time, d.receipted_at)
    _stamp(told.next_time, d.next_at if d.status == "waiting" else None)
    return told


def _agency(a: Agency) -> pb.Agency:
    credentials = []
    for c in a.credentials:
        told = pb.Credential(credential_id=c.credential_id, issued_by=c.issued_by)
        _stamp(told.valid_from, c.valid_from)
        _stamp(told.valid_to, c.valid_to)
        credentials.append(told)
    return pb.Agency(
        agency_id=a.id,
        code=a.code,
        name=a.name,
        kind=a.kind,
        tier=a.tier,
        dockings=a.dockings,
        endpoints=[
            pb.Endpoint(endpoint_id=e.endpoint_id, channel=e.channel, url=e.url, preferred=e.preferred, state=e.state, network=e.network)
            for e in a.endpoints
        ],
        credentials=credentials,
        liaisons=[
            pb.Liaison(side=p.side, rank=p.rank, post=p.post, valid_from_on=p.valid_from_on, valid_to_on=p.valid_to_on) for p in a.liaisons
        ],
        etag=str(a.version),
        receiving_organ_id=a.receiving_organ_id,
    )
