"""What becomes of deliveries: receipts, failures, replay, skipping."""

from datetime import timedelta

from tiaochu.docking.v1 import docking_service_pb2 as staff
from tiaochu.docking.v1 import door_pb2 as pb
from tiaochu_docking.domain.delivery import Delivery
from tiaochu_docking.domain.docking import Dockings
from tiaochu_docking.usecases.documents import DELIVERIES, EXCHANGES
from tiaochu_docking.usecases.ledger import confirmed_row
from tiaochu_kit.usecase import Work, command

Attempt = pb.RecordReceiptRequest | pb.RecordFailureRequest


class DeliveryCommands:
    """Commands of the dispatcher, of an agency that acknowledges its outbox, and of staff."""

    def __init__(self, dockings: Dockings) -> None:
        self._dockings = dockings

    @command(reads=lambda r: [DELIVERIES.by_id(r.delivery_id), EXCHANGES.by_id(r.exchange_id)])
    def record_receipt(self, work: Work, r: pb.RecordReceiptRequest) -> pb.AttemptResponse:
        """The agency stored it: the receipt, the confirmed disclosure and perhaps the end of the exchange, in one commit."""
        delivery = work.get(DELIVERIES, r.delivery_id)
        if delivery.status != "receipted":
            self._receipt(work, delivery, r.receipt_id, r.channel)
        return _answer(delivery)

    def _receipt(self, work: Work, delivery: Delivery, receipt_id: str, channel: str) -> None:
        first = not delivery.receipt_id
        delivery.receipt(receipt_id, channel, work.now)
        if not first:
            return  # a replay of something receipted before: the first receipt stands
        work.insert(
            "receipts",
            {
                "packet_id": delivery.packet_id,
                "district": delivery.district,
                "receipt_id": receipt_id,
                "sha256": delivery.sha256,
                "channel": channel,
                "at": work.now,
            },
        )
        work.insert("sharing", confirmed_row(delivery, receipt_id, channel, work.now))
        exchange = work.find(EXCHANGES, delivery.exchange_id)
        if exchange is not None:
            mode = self._dockings.mode_of(exchange.docking, exchange.docking_from, exchange.mode)
            exchange.receipted(delivery.packet_id, receipt_id, channel, mode, work.now)

    @command(reads=lambda r: [DELIVERIES.by_id(r.delivery_id), EXCHANGES.by_id(r.exchange_id)])
    def record_failure(self, work: Work, r: pb.RecordFailureRequest) -> pb.AttemptResponse:
        """An attempt without a receipt; a receipt that came another way meanwhile stands."""
        delivery = work.get(DELIVERIES, r.delivery_id)
        if delivery.status == "waiting":
            wait = timedelta(seconds=r.wait_seconds) if r.wait_seconds else None
            delivery.fail(status=r.status, fault=r.fault, at=work.now, chance=r.chance / 1000, wait=wait)
            exchange = work.find(EXCHANGES, delivery.exchange_id)
            if delivery.status == "dead" and exchange is not None:
                exchange.undeliverable(delivery.packet_id, delivery.last_fault, work.now)
        return _answer(delivery)

    @command(reads=lambda r: [DELIVERIES.by_id(ident) for ident in r.delivery_ids])
    def rewind_deliveries(self, work: Work, r: pb.RewindDeliveriesRequest) -> pb.AttemptResponse:
        """The agency lost what it had receipted (restored from a backup): everything it misses is brought once more, in order."""
        for ident in r.delivery_ids:
            delivery = work.get(DELIVERIES, ident)
            if delivery.status == "receipted":
                delivery.replay(work.now)
        return pb.AttemptResponse(delivery_id=r.delivery_ids[0] if r.delivery_ids else "", state="waiting")

    @command(reads=lambda r: [DELIVERIES.by_id(r.delivery_id)])
    def replay_delivery(self, work: Work, r: staff.ReplayDeliveryRequest) -> staff.ReplayDeliveryResponse:
        """Once more, on a person's word."""
        delivery = work.get(DELIVERIES, r.delivery_id)
        delivery.replay(work.now)
        return staff.ReplayDeliveryResponse(delivery_id=delivery.id, etag=str(delivery.version + 1))

    @command(reads=lambda r: [DELIVERIES.by_id(r.delivery_id)])
    def skip_delivery(self, work: Work, r: staff.SkipDeliveryRequest) -> staff.SkipDeliveryResponse:
        """Let those behind go on, on a person's word; handed over on paper counts as received."""
        delivery = work.get(DELIVERIES, r.delivery_id)
        delivery.skip(r.note, work.now, on_paper=r.on_paper)
        return staff.SkipDeliveryResponse(delivery_id=delivery.id, etag=str(delivery.version + 1))


def _answer(delivery: Delivery) -> pb.AttemptResponse:
    return pb.AttemptResponse(delivery_id=delivery.id, state=delivery.status)
