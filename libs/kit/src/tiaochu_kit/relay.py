"""The relay: gives committed events their place in the log, then tells NATS. The journal is the truth, NATS is transport."""

import asyncio
import contextlib
from typing import Any

import structlog

from tiaochu.log.v1.log_service_pb2 import Head
from tiaochu_kit.database import Database, Tx
from tiaochu_kit.failpoints import reach
from tiaochu_kit.log import BATCH, COLUMNS, GENESIS, chain, read_heads, read_range
from tiaochu_kit.transport import Publisher

log = structlog.get_logger()

SHORTEST_PAUSE, LONGEST_PAUSE = 0.05, 0.5
"""Seconds between two looks where no commit of this process wakes the relay: that a caller in another process commits, it must find out itself."""
GATHER = 0.02
"""Seconds between a commit and the look it wakes: what is committed meanwhile travels along, here and through every consumer."""

_ANYTHING_SQL = """
SELECT EXISTS (SELECT 1 FROM journal WHERE position IS NULL) OR EXISTS (SELECT 1 FROM log_heads WHERE published < position)
"""
_DISTRICTS_SQL = "SELECT DISTINCT district FROM journal WHERE position IS NULL"
_NEW_HEAD_SQL = "INSERT INTO log_heads (district, position, hash) VALUES (%s, 0, %s) ON CONFLICT DO NOTHING"
_LOCK_SQL = "SELECT position, hash FROM log_heads WHERE district = %s FOR UPDATE"
_UNPOSITIONED_SQL = f"SELECT {COLUMNS}, seq FROM journal WHERE position IS NULL AND district = %s ORDER BY seq LIMIT {BATCH}"  # noqa: S608
_POSITION_SQL = """
UPDATE journal j SET position = x.position, hash = x.hash FROM unnest(%s::bigint[], %s::timestamptz[], %s::bigint[], %s::bytea[]) AS x(seq, recorded_at, position, hash)
WHERE j.seq = x.seq AND j.recorded_at = x.recorded_at
"""
_HEAD_SQL = "UPDATE log_heads SET position = %s, hash = %s WHERE district = %s"
_UNPUBLISHED_SQL = "SELECT district, published FROM log_heads WHERE published < position ORDER BY district"
_PUBLISHED_SQL = "UPDATE log_heads SET published = greatest(published, %s) WHERE district = %s"


class Relay:
    """Sequences and publishes the logs of one service. Safe to run twice at once: the head's row lock orders the sequencing."""

    def __init__(self, database: Database, publisher: Publisher) -> None:
        self._database = database
        self._publisher = publisher
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something was committed."""
        self._woken.set()

    async def run(self) -> None:
        """Work for ever; NATS being away only delays the telling. The longer nothing happens, the less often it looks."""
        pause, woken = SHORTEST_PAUSE, False
        while True:
            try:
                busy = (woken or await self._anything()) and (await self.sequence_all() | await self.publish_all())
            except Exception as error:  # noqa: BLE001 - a loop of kit must outlive any failure of what it depends on
                log.warning("relay.retry", error=type(error).__name__)
                busy = False
                await asyncio.sleep(0.5)
            woken = not busy and await self._woken_within(pause)
            pause = SHORTEST_PAUSE if busy or woken else min(LONGEST_PAUSE, pause * 1.5)

    async def _anything(self) -> bool:
        async with self._database.transaction() as tx:
            return bool((await tx.rows(_ANYTHING_SQL))[0][0])

    async def _woken_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        woken = self._woken.is_set()
        if woken:
            await asyncio.sleep(GATHER)
        self._woken.clear()
        return woken

    async def sequence_all(self) -> bool:
        """Give positions in every log that has new events; answers whether there were any."""
        async with self._database.transaction() as tx:
            districts = [row[0] for row in await tx.rows(_DISTRICTS_SQL)]
        for district in districts:
            await self.sequence(district)
        return bool(districts)

    async def heads(self, district: str = "") -> list[Head]:
        """The heads of all logs, or of one, with everything committed so far positioned."""
        async with self._database.transaction() as tx:
            waiting = await tx.queue(_DISTRICTS_SQL)
            heads = await read_heads(tx, district)
            behind = [d for (d,) in await waiting.fetchall() if district in ("", d)]
        if not behind:
            return heads
        for one in behind:
            while await self.sequence(one) == BATCH:
                pass
        async with self._database.transaction() as tx:
            return await read_heads(tx, district)

    async def sequence(self, district: str) -> int:
        """Give positions to the committed events of one log, at most a batch; answers how many."""
        async with self._database.transaction() as tx:
            position, running, rows = await self._lock(tx, district)
            if not rows:
                return 0
            seqs, times, positions, hashes = [], [], [], []
            for row in rows:
                position += 1
                running = chain(running, position, row)
                seqs.append(row[10])
                times.append(row[7])
                positions.append(position)
                hashes.append(running)
            await tx.queue(_POSITION_SQL, (seqs, times, positions, hashes))
            await tx.queue(_HEAD_SQL, (position, running, district))
        reach("log.sequenced")
        return len(rows)

    async def _lock(self, tx: Tx, district: str) -> tuple[int, bytes, list[tuple[Any, ...]]]:
        """Lock a log's head: its position, its hash, and what waits for a place behind it."""
        head = await tx.queue(_LOCK_SQL, (district,))
        waiting = await tx.rows(_UNPOSITIONED_SQL, (district,))
        locked = await head.fetchone()
        if locked is None:
            await tx.queue(_NEW_HEAD_SQL, (district, GENESIS))
            return await self._lock(tx, district)
        position, running = locked
        return position, bytes(running), waiting

    async def publish_all(self) -> bool:
        """Publish what is positioned and not yet published, a batch a log in turn; answers whether more may wait."""
        async with self._database.transaction() as tx:
            heads = await tx.rows(_UNPUBLISHED_SQL)
        for district, published in heads:
            async with self._database.transaction() as tx:
                events = await read_range(tx, district, published)
            if events:
                await self._publisher.publish(events)
                reach("log.published")
                async with self._database.transaction() as tx:
                    await tx.queue(_PUBLISHED_SQL, (events[-1].position, district))
        return bool(heads)
