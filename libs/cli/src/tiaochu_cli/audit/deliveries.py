"""What passed between us and the agencies: packets numbered without a gap, receipts only for what was sent, each once."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from tiaochu.docking.v1.docking_service_pb2 import Delivery
from tiaochu_cli.audit.finding import Check, Finding, collect
from tiaochu_cli.audit.journals import Fact, Journals

_PACKETS = ("PacketIssued", "PacketReceived")
_AFTER_CLOSING = ("ExchangeSigned", "ExchangeAnswered", "ExchangeReopened")
_UNDELIVERED = ("HORIZON", "REFUSED", "BAD_RECEIPT")
"""Why a packet that was written could not be brought over."""


def check_deliveries(journals: Journals) -> Check:
    """Packets of each exchange and direction count 1, 2, 3 …; a receipt or a dead letter names a packet that was issued before.

    Every issued packet stands once in the gateway's queue, and a receipt stands there if and only if it was recorded.
    """
    packets = list(journals.facts(*_PACKETS))
    return collect("deliveries", "函件与投递", len(packets), _findings(journals, packets))


def _findings(journals: Journals, packets: list[Fact]) -> Iterator[Finding]:
    numbers: dict[tuple[str, str], list[Fact]] = defaultdict(list)
    for packet in packets:
        if packet.body.exchange_id:  # a notice belongs to no exchange and has no number
            numbers[packet.body.exchange_id, packet.name].append(packet)
    for (exchange_id, name), facts in sorted(numbers.items()):
        told = [fact.body.seq for fact in facts]
        if told != list(range(1, len(told) + 1)):
            yield Finding("SEQ_GAP", facts[0].district, facts[0].case_id, f"{name} of {exchange_id}: {told}")
    yield from _receipts(journals)
    yield from _closed(journals)
    if journals.queue is not None:
        yield from _queued(journals, journals.queue)


def _queued(journals: Journals, queue: Sequence[Delivery]) -> Iterator[Finding]:
    receipts = {fact.body.packet_id: fact for fact in journals.facts("PacketReceipted")}
    dead = {fact.body.packet_id for fact in journals.facts("DeliveryDead")}
    found: dict[str, list[Delivery]] = defaultdict(list)
    for delivery in queue:
        found[delivery.packet_id].append(delivery)
    for fact in filter(journals.is_settled, journals.facts("PacketIssued")):
        deliveries, receipt = found[fact.body.packet_id], receipts.get(fact.body.packet_id)
        if len(deliveries) != 1:
            yield Finding(
                "NOT_QUEUED_ONCE", fact.district, fact.case_id, f"{fact.place}: {len(deliveries)} deliveries of {fact.body.packet_id}"
            )
        for delivery in deliveries:
            has_receipt = delivery.HasField("receipt_time")
            missing = receipt is not None and journals.is_settled(receipt) and not has_receipt
            unfounded = (has_receipt and receipt is None) or (delivery.state == "dead" and delivery.packet_id not in dead)
            if missing or unfounded:
                yield Finding("DELIVERY_DIFFERS", fact.district, fact.case_id, f"{delivery.delivery_id} is {delivery.state}")


def _receipts(journals: Journals) -> Iterator[Finding]:
    issued: dict[str, str] = {}
    for fact in journals.facts("PacketIssued", "PacketReceipted", "DeliveryDead"):
        packet_id = fact.body.packet_id
        if fact.name == "PacketIssued":
            issued[packet_id] = fact.body.exchange_id
        elif packet_id not in issued:
            if fact.name == "DeliveryDead" and fact.body.reason not in _UNDELIVERED:
                continue  # it could not be written in the first place
            yield Finding("RECEIPT_WITHOUT_PACKET", fact.district, fact.case_id, f"{fact.place} {packet_id}")
        elif issued[packet_id] != fact.body.exchange_id:
            yield Finding("RECEIPT_OF_OTHER_EXCHANGE", fact.district, fact.case_id, f"{fact.place} {packet_id}")


def _closed(journals: Journals) -> Iterator[Finding]:
    """Nothing moves in an exchange that is closed."""
    closed: set[str] = set()
    for fact in journals.facts("ExchangeClosed", *_AFTER_CLOSING):
        if fact.name == "ExchangeClosed":
            closed.add(fact.body.exchange_id)
        elif fact.body.exchange_id in closed:
            yield Finding("MOVED_AFTER_CLOSING", fact.district, fact.case_id, f"{fact.place} {fact.name}")
