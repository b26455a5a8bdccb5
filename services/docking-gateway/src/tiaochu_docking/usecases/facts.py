"""Packets between their proto form in commands and the domain."""

from datetime import UTC, datetime
from typing import Any

from tiaochu.docking.v1 import door_pb2 as pb
from tiaochu_docking.domain.packet import Kind, Packet, Side
from tiaochu_kit.work import Work


def to_facts(packet: Packet, issued_at: datetime) -> pb.PacketFacts:
    """The packet as a command carries it."""
    facts = pb.PacketFacts(
        packet_id=packet.packet_id,
        kind=packet.kind.value,
        seq=packet.seq,
        sha256=packet.sha256,
        in_reply_to=packet.in_reply_to,
        ground=packet.ground,
        suggested_organ=packet.suggested_organ,
        asks=packet.asks,
        outcome=packet.outcome,
        verdict=packet.verdict,
        ruling_no=packet.ruling_no,
        ruled_on=packet.ruled_on,
        facts=packet.facts,
    )
    facts.issue_time.FromDatetime(issued_at)
    return facts


def to_packet(facts: pb.PacketFacts) -> Packet:
    """The packet of a command."""
    return Packet(
        packet_id=facts.packet_id,
        kind=Kind(facts.kind),
        seq=facts.seq,
        sha256=facts.sha256,
        in_reply_to=facts.in_reply_to,
        ground=facts.ground,
        suggested_organ=facts.suggested_organ,
        asks=facts.asks,
        outcome=facts.outcome,
        verdict=facts.verdict,
        ruling_no=facts.ruling_no,
        ruled_on=facts.ruled_on,
        facts=tuple(facts.facts),
    )


def packet_row(
    facts: pb.PacketFacts, *, side: Side, district: str, agency_id: str, exchange_id: str, case_id: str, state: str, work: Work
) -> dict[str, Any]:
    """The row of `packets`; `state` is the exchange's after it."""
    return {
        "packet_id": facts.packet_id,
        "district": district,
        "agency_id": agency_id,
        "exchange_id": exchange_id,
        "case_id": case_id,
        "direction": "in" if side is Side.THEIRS else "out",
        "kind": facts.kind,
        "seq": facts.seq,
        "in_reply_to": facts.in_reply_to,
        "sha256": facts.sha256,
        "state": state,
        "issued_at": facts.issue_time.ToDatetime(UTC),
        "recorded_at": work.now,
        "traceparent": work.traceparent,
    }
