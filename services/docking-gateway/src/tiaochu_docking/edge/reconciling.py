"""Reconciliation (对账): a day as the agency's own log has it against ours; what it misses is brought again."""

import json
from collections.abc import Callable
from datetime import date, datetime

from tiaochu.docking.v1 import door_pb2 as pb
from tiaochu_docking.domain.letter import mismatch
from tiaochu_docking.edge import shapes
from tiaochu_docking.edge.changes import SHAPES, sound
from tiaochu_docking.edge.gate import Signed
from tiaochu_docking.usecases.deliveries import DeliveryCommands
from tiaochu_docking.usecases.own import OwnCommands
from tiaochu_docking.usecases.ports import Lists, Outbox, PacketRow
from tiaochu_kit.ids import new_id


class Reconciling:
    """Compares and repairs."""

    def __init__(
        self, *, lists: Lists, outbox: Outbox, own: OwnCommands, deliveries: DeliveryCommands, now: Callable[[], datetime]
    ) -> None:
        self._lists = lists
        self._outbox = outbox
        self._own = own
        self._deliveries = deliveries
        self._now = now

    async def compare(self, signed: Signed, day: date) -> shapes.ReconciliationAnswer:
        """The differences of a day, each with its repair. A packet still in the agency's queue is no difference: it is on its way."""
        document = sound(SHAPES["day"], signed.typed("day"))
        if document["date"] != day.isoformat():
            raise mismatch("path", "date")
        agency = signed.agency
        theirs = {seen["packet_id"]: seen["sha256"] for seen in document.get("packets") or ()}
        ours = {p.packet_id: p for p in await self._lists.packets_of_day(agency.district, agency.id, day)}
        differences = [
            *[await self._absent_here(agency.district, agency.id, ident, sha) for ident, sha in theirs.items() if ident not in ours],
            *[await self._seen(packet, theirs.get(ident)) for ident, packet in ours.items()],
        ]
        found = [d for d in differences if d is not None]
        await self._lists.save_comparison(
            agency.district,
            agency.id,
            day,
            ours=len(ours),
            theirs=len(theirs),
            differences=json.dumps([d.model_dump() for d in found]),
            at=self._now(),
        )
        return shapes.ReconciliationAnswer(date=day.isoformat(), ours=len(ours), theirs=len(theirs), differences=found)

    async def _absent_here(self, district: str, agency_id: str, ident: str, sha256: str) -> shapes.Difference | None:
        other_day = await self._lists.packet(district, ident)
        if other_day is not None and other_day.agency_id == agency_id and other_day.sha256 == sha256:
            return None  # it passed around midnight, and each side wrote its own date
        return shapes.Difference(packet_id=ident, kind="missing_here", repair="resend")

    async def _seen(self, packet: PacketRow, sha256: str | None) -> shapes.Difference | None:
        if sha256 == packet.sha256:
            return None
        if sha256 is not None:
            return shapes.Difference(packet_id=packet.packet_id, kind="differing", repair="look")
        if packet.direction == "in":
            return shapes.Difference(packet_id=packet.packet_id, kind="missing_there", repair="look")
        delivery = await self._outbox.of_packet(packet.agency_id, packet.packet_id)
        if delivery is None or delivery.status != "receipted":
            return None
        request = pb.RewindDeliveriesRequest(delivery_ids=[delivery.id])
        await self._own.run(self._deliveries.rewind_deliveries, request, pb.AttemptResponse, request_id=new_id())
        return shapes.Difference(packet_id=packet.packet_id, kind="missing_there", repair="redeliver")
