"""The relay: gives committed events their place in the log, then tells NATS. The journal is the truth, NATS is transport."""

import asyncio
import contextlib

import structlog

from tiaochu_kit.database import Database, Tx
from tiaochu_kit.failpoints import reach
from tiaochu_kit.log import BATCH, COLUMNS, GENESIS, chain, read_range
from tiaochu_kit.transport import Publisher

log = structlog.get_logger()

SHORTEST_PAUSE, LONGEST_PAUSE = 0.05, 0.5
"""Seconds between two looks where no commit of this process wakes the relay: that a caller in another process commits, it must find out itself."""

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
        pause = SHORTEST_PAUSE
        while True:
            try:
                busy = await self._anything() and (await self.sequence_all() | await self.publish_all())
            except Exception as error:  # noqa: BLE001 - a loop of kit must outlive any failure of what it depends on
                log.warning("relay.retry", error=type(error).__name__)
                busy = False
                await asyncio.sleep(0.5)
            pause = SHORTEST_PAUSE if busy or await self._woken_within(pause) else min(LONGEST_PAUSE, pause * 1.5)

    async def _anything(self) -> bool:
        async with self._database.transaction() as tx:
            return bool((await tx.rows(_ANYTHING_SQL))[0][0])

    async def _woken_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        woken = self._woken.is_set()
        self._woken.clear()
        return woken

    async def sequence_all(self) -> bool:
        """Give positions in every log that has new events; answers whether there were any."""
        async with self._database.transaction() as tx:
            districts = [row[0] for row in await tx.rows(_DISTRICTS_SQL)]
        for district in districts:
            await self.sequence(district)
        return bool(districts)

    async def sequence(self, district: str) -> int:
        """Give positions to the committed events of one log, at most a batch; answers how many."""
        async with self._database.transaction() as tx:
            head = await self._lock(tx, district)
            rows = await tx.rows(_UNPOSITIONED_SQL, (district,))
            if not rows:
                return 0
            position, running = head
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

    async def _lock(self, tx: Tx, district: str) -> tuple[int, bytes]:
        rows = await tx.rows(_LOCK_SQL, (district,))
        if not rows:
            await tx.queue(_NEW_HEAD_SQL, (district, GENESIS))
            rows = await tx.rows(_LOCK_SQL, (district,))
        return rows[0][0], bytes(rows[0][1])

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
