"""Deliveries in the order in which they may leave, endpoints' breakers, and the ledger's first half."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from tiaochu_docking.domain.agency import Agency, Endpoint
from tiaochu_docking.domain.delivery import Delivery
from tiaochu_docking.usecases.bodies import open_body
from tiaochu_docking.usecases.documents import AGENCIES, DELIVERIES
from tiaochu_docking.usecases.ledger import possible_row
from tiaochu_docking.usecases.ports import Parcel, Queued
from tiaochu_domainkit.sealing import Keyring
from tiaochu_kit.database import Database

BREAK_AFTER = 5
"""Failed connections in a row after which an endpoint is left alone for `BREAK_FOR`: at most one probe in that time."""
BREAK_FOR = timedelta(minutes=1)

_ACTIVE_SQL = "SELECT doc::text FROM agencies"
_OPEN_BREAKERS_SQL = "SELECT agency_id, endpoint_id FROM breakers WHERE open_until > %s"
# The first of its case that is not settled yet; one that is dead holds back those behind it.
_DUE_SQL = """
SELECT d.doc::text, d.position FROM unnest(%s::text[], %s::text[], %s::int[]) AS x(agency_id, endpoint_id, room)
CROSS JOIN LATERAL (
  SELECT d.doc, d.position FROM deliveries d
  WHERE d.agency_id = x.agency_id AND d.endpoint_id = x.endpoint_id AND d.status = 'waiting' AND d.next_at <= %s AND NOT EXISTS (
    SELECT 1 FROM deliveries b
    WHERE b.agency_id = d.agency_id AND b.case_key = d.case_key AND b.status IN ('waiting', 'dead') AND b.position < d.position
  )
  ORDER BY d.position LIMIT x.room
) d
"""
_FEED_SQL = """
SELECT d.doc::text, d.position FROM deliveries d
WHERE d.agency_id = %s AND d.position > %s AND (%s = '' OR d.endpoint_id = %s) AND (NOT %s OR d.status = 'waiting') ORDER BY d.position LIMIT %s
"""
_BY_PACKET_SQL = "SELECT doc::text, position FROM deliveries WHERE agency_id = %s AND packet_id = %s ORDER BY position DESC LIMIT 1"
_LETTER_SQL = """
SELECT l.sealed, p.disclosure, p.traceparent FROM letters l JOIN packets p ON p.packet_id::text = l.ident WHERE l.agency_id = %s AND l.ident = %s
"""
_POSSIBLE_SQL = """
INSERT INTO sharing (agency_id, district, case_id, packet_id, state, at, entry)
SELECT %s, %s, %s, %s, %s, %s, %s WHERE NOT EXISTS (SELECT 1 FROM sharing WHERE packet_id = %s AND state = 'possible')
"""
_SIGNED_SQL = "UPDATE letters SET headers = %s WHERE agency_id = %s AND ident = %s"
_ATTEMPT_SQL = "INSERT INTO attempts (district, delivery_id, at, status, fault, milliseconds) VALUES (%s, %s, %s, %s, %s, %s)"
_FAILED_SQL = """
INSERT INTO breakers AS b (agency_id, endpoint_id, failures) VALUES (%s, %s, 1)
ON CONFLICT (agency_id, endpoint_id) DO UPDATE SET failures = b.failures + 1, open_until = CASE WHEN b.failures + 1 >= %s THEN %s ELSE b.open_until END
"""
_HEALED_SQL = "DELETE FROM breakers WHERE agency_id = %s AND endpoint_id = %s"
_REWIND_SQL = """
SELECT id::text FROM deliveries WHERE exchange_id = %s AND agency_id = %s AND status = 'receipted' AND (doc->>'seq')::int >= %s ORDER BY position
"""


class Outbox:
    """What waits for whom."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def agencies(self) -> list[Agency]:
        """All agencies."""
        async with self._database.transaction() as tx:
            return [AGENCIES.decode(doc) for (doc,) in await tx.rows(_ACTIVE_SQL)]

    async def resting(self, now: datetime) -> set[tuple[str, str]]:
        """Endpoints whose breaker is open."""
        async with self._database.transaction() as tx:
            return {(a, e) for a, e in await tx.rows(_OPEN_BREAKERS_SQL, (now,))}

    async def due(self, rooms: Mapping[tuple[str, str], int], now: datetime) -> list[Delivery]:
        """Deliveries that may leave now, for each endpoint at most so many."""
        if not rooms:
            return []
        keys = list(rooms)
        async with self._database.transaction() as tx:
            rows = await tx.rows(_DUE_SQL, ([a for a, _ in keys], [e for _, e in keys], [rooms[k] for k in keys], now))
        return [DELIVERIES.decode(doc) for doc, _ in rows]

    async def feed(self, agency_id: str, *, after: int, endpoint_id: str, waiting_only: bool, limit: int) -> list[Queued]:
        """An agency's queue from a place on."""
        async with self._database.transaction() as tx:
            rows = await tx.rows(_FEED_SQL, (agency_id, after, endpoint_id, endpoint_id, waiting_only, limit))
        return [Queued(DELIVERIES.decode(doc), position) for doc, position in rows]

    async def of_packet(self, agency_id: str, packet_id: str) -> Delivery | None:
        """The newest delivery of a packet."""
        async with self._database.transaction() as tx:
            rows = await tx.rows(_BY_PACKET_SQL, (agency_id, packet_id))
        return DELIVERIES.decode(rows[0][0]) if rows else None

    async def hand_out(self, delivery: Delivery, endpoint: Endpoint, headers: Mapping[str, str], at: datetime) -> Parcel:
        """Write down that the agency may read this packet from now on, and answer its bytes: committed before the first byte leaves."""
        async with self._database.transaction(delivery.district) as tx:
            found = await tx.rows(_LETTER_SQL, (delivery.agency_id, delivery.packet_id))
            sealed, disclosure, traceparent = found[0]
            told = {"name": endpoint.endpoint_id, "channel": endpoint.channel, "network": endpoint.network}
            row = possible_row(delivery, told, disclosure, at)
            await tx.queue(_POSSIBLE_SQL, (*row.values(), delivery.packet_id))
            await tx.queue(_SIGNED_SQL, (json.dumps(dict(headers)), delivery.agency_id, delivery.packet_id))
        return Parcel(open_body(self._keyring, delivery.packet_id, sealed), disclosure, traceparent)

    async def body(self, delivery: Delivery) -> bytes:
        """The bytes of a packet of ours, for signing."""
        async with self._database.transaction() as tx:
            found = await tx.rows(_LETTER_SQL, (delivery.agency_id, delivery.packet_id))
        return open_body(self._keyring, delivery.packet_id, found[0][0])

    async def note_attempt(self, delivery: Delivery, *, at: datetime, status: int, fault: str, milliseconds: int) -> None:
        """The delivery log, and the endpoint's breaker: failed connections count, any answer heals."""
        async with self._database.transaction(delivery.district) as tx:
            await tx.queue(_ATTEMPT_SQL, (delivery.district, delivery.id, at, status, fault, milliseconds))
            if fault in ("CONNECT", "TIMEOUT"):
                await tx.queue(_FAILED_SQL, (delivery.agency_id, delivery.endpoint_id, BREAK_AFTER, at + BREAK_FOR))
            else:
                await tx.queue(_HEALED_SQL, (delivery.agency_id, delivery.endpoint_id))

    async def receipted_from(self, delivery: Delivery, seq: int) -> Sequence[str]:
        """Deliveries of an exchange, receipted before, from a number on."""
        async with self._database.transaction() as tx:
            return [ident for (ident,) in await tx.rows(_REWIND_SQL, (delivery.exchange_id, delivery.agency_id, seq))]
