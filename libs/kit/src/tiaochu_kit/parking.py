"""Events that could not be applied, and those of the same aggregates that wait behind them."""

from collections.abc import Iterable
from datetime import datetime

from tiaochu.log.v1.log_service_pb2 import LoggedEvent
from tiaochu_kit.database import Tx
from tiaochu_kit.pipeline import Answer

PARKED_LIMIT = 1000
"""So many parked events of one producer mean that the reaction is broken, not the events: its consumer stops."""

_AMONG_SQL = """
SELECT DISTINCT aggregate_id::text FROM parked_events WHERE producer = %s AND aggregate_id = ANY(%s::uuid[]) AND dropped_at IS NULL
"""
_PARK_SQL = """
INSERT INTO parked_events (producer, district, position, aggregate_id, type, event, error, parked_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
_WAITING_SQL = """
SELECT event FROM parked_events WHERE producer = %s AND aggregate_id = %s AND dropped_at IS NULL ORDER BY district, position
"""
_UNPARK_SQL = "DELETE FROM parked_events WHERE producer = %s AND district = %s AND position = %s"
_COUNT_SQL = "SELECT count(*) FROM (SELECT 1 FROM parked_events WHERE producer = %s AND dropped_at IS NULL LIMIT %s) AS few"


class Parking:
    """The parked events of one producer, in the transactions of its consumer."""

    def __init__(self, producer: str) -> None:
        self._producer = producer

    async def ask(self, tx: Tx, events: Iterable[LoggedEvent]) -> Answer:
        """Queue the question which aggregates of these events have parked events."""
        return await tx.queue(_AMONG_SQL, (self._producer, [e.aggregate_id for e in events]))

    async def park(self, tx: Tx, event: LoggedEvent, error: str, now: datetime) -> None:
        """Put an event aside."""
        place = (self._producer, event.district, event.position, event.aggregate_id, event.type)
        await tx.queue(_PARK_SQL, (*place, event.SerializeToString(), error, now))

    async def waiting(self, tx: Tx, aggregate_id: str) -> list[LoggedEvent]:
        """The parked events of one aggregate in order."""
        return [LoggedEvent.FromString(bytes(row[0])) for row in await tx.rows(_WAITING_SQL, (self._producer, aggregate_id))]

    async def unpark(self, tx: Tx, event: LoggedEvent) -> None:
        """The event is applied."""
        await tx.queue(_UNPARK_SQL, (self._producer, event.district, event.position))

    async def full(self, tx: Tx) -> bool:
        """Whether there are too many."""
        return bool((await tx.rows(_COUNT_SQL, (self._producer, PARKED_LIMIT)))[0][0] >= PARKED_LIMIT)
