"""Lineages: how the logs of a service go on after it was restored to an older moment and the loss was accepted (ADR 6).

A lineage is one event in each log, `LineageStarted`, so that the chain, `ReadLog`, the signed heads and an export carry it like any other; and one row
in `log_lineages`, which the head shows to consumers.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

import orjson
import structlog

from tiaochu.log.events.v1.log_events_pb2 import LineageStarted
from tiaochu.log.v1 import log_service_pb2 as pb
from tiaochu_kit.database import Database, Tx
from tiaochu_kit.ids import new_id
from tiaochu_kit.log import GENESIS
from tiaochu_kit.producers import OwnLog

log = structlog.get_logger()

_LOCK_SQL = "SELECT district, position FROM log_heads ORDER BY district FOR UPDATE"
_FORK_SQL = """
SELECT position, hash FROM journal WHERE district = %s AND position IS NOT NULL AND recorded_at <= %s ORDER BY position DESC LIMIT 1
"""
_BEGIN_SQL = "INSERT INTO log_lineages (district, number, after_position, after_hash) VALUES (%s, %s, %s, %s)"
_HEAD_SQL = "INSERT INTO log_heads (district, position, hash) VALUES (%s, 0, %s) ON CONFLICT DO NOTHING"
_EVENT_SQL = """
INSERT INTO journal (event_id, aggregate_id, version, type, district, subject, occurred_at, recorded_at, headers, payload)
VALUES (%s, %s, 1, %s, %s, '', %s, %s, %s, %s)
"""


class LineageStarter:
    """Begins lineages in the logs of one service."""

    def __init__(self, database: Database, own: OwnLog, now: Callable[[], datetime]) -> None:
        self._database = database
        self._own = own
        self._now = now

    async def plan(self, restored_at: datetime, lost: Iterable[str]) -> list[pb.StartedLineage]:
        """What `start` would begin: a lineage in every log of the service, and in those that it does not know any more (`lost`)."""
        await self._own.heads()  # everything committed has its position
        async with self._database.transaction() as tx:
            return await self._plan(tx, restored_at, lost)

    async def start(self, restored_at: datetime, lost: Iterable[str], reason: str, actor: str) -> list[pb.StartedLineage]:
        """Begin them, all or none."""
        await self._own.heads()
        async with self._database.transaction() as tx:
            begun = await self._plan(tx, restored_at, lost)
            for one in begun:
                await self._begin(tx, one, restored_at, reason, actor)
        log.warning("lineage.started", logs=len(begun), restored_to=restored_at.isoformat(), by=actor)
        return begun

    async def _plan(self, tx: Tx, restored_at: datetime, lost: Iterable[str]) -> list[pb.StartedLineage]:
        number = round(self._now().timestamp() * 1_000_000)
        heads: dict[str, int] = dict.fromkeys(lost, 0) | dict(await tx.rows(_LOCK_SQL))
        found = []
        for district, head in sorted(heads.items()):
            after, running = next(iter(await tx.rows(_FORK_SQL, (district, restored_at))), (0, GENESIS))
            lineage = pb.Lineage(number=number, after=after, hash=bytes(running))
            found.append(pb.StartedLineage(district=district, lineage=lineage, kept=head - after))
        return found

    async def _begin(self, tx: Tx, one: pb.StartedLineage, restored_at: datetime, reason: str, actor: str) -> None:
        body = LineageStarted(number=one.lineage.number, after=one.lineage.after, reason=reason)
        body.restored_time.FromDatetime(restored_at)
        now, headers = self._now(), orjson.dumps({"actor": actor}).decode()
        await tx.queue(_HEAD_SQL, (one.district, GENESIS))
        await tx.queue(_BEGIN_SQL, (one.district, one.lineage.number, one.lineage.after, one.lineage.hash))
        values = (
            new_id(),
            new_id(),
            body.DESCRIPTOR.full_name,
            one.district,
            now,
            now,
            headers,
            body.SerializeToString(deterministic=True),
        )
        await tx.queue(_EVENT_SQL, values)
