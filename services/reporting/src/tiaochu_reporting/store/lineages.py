"""Sets of derived tables: building one beside the live one, and the switch."""

from collections.abc import Sequence
from datetime import datetime

from tiaochu_kit.database import Database, Tx
from tiaochu_reporting.usecases.fold import REBUILDING
from tiaochu_reporting.usecases.ports import Lineage

_ALL_SQL = """
SELECT lineage, state, started_at, live_at, (SELECT count(*) FROM lineage_logs j WHERE j.lineage = l.lineage) FROM lineages l ORDER BY lineage DESC
"""
# The consumers' cursor rows are held, so that nobody reads on between the comparison and the note. Applying an event twice is harmless: facts are
# keyed by their position.
_JOIN_SQL = """
WITH read AS (SELECT producer, district, position FROM cursors WHERE producer = ANY(%s::text[]) ORDER BY producer, district FOR UPDATE)
INSERT INTO lineage_logs (lineage, producer, district)
SELECT %s, r.producer, r.district FROM read r JOIN cursors b ON b.producer = r.producer || %s AND b.district = r.district WHERE b.position >= r.position
ON CONFLICT DO NOTHING
"""
_HOLD_SQL = "LOCK TABLE cursors IN SHARE ROW EXCLUSIVE MODE"
_BEHIND_SQL = """
SELECT (SELECT count(*) FROM cursors c WHERE c.producer = ANY(%s::text[]) AND NOT EXISTS (
          SELECT FROM lineage_logs j WHERE j.lineage = %s AND j.producer = c.producer AND j.district = c.district))
     + (SELECT count(*) FROM parked_events b WHERE b.producer LIKE %s AND NOT EXISTS (
          SELECT FROM parked_events p WHERE p.producer || %s = b.producer AND p.district = b.district AND p.position = b.position))
"""
_GIVE_UP_SQL = "UPDATE lineages SET state = 'retired' WHERE state = 'building'"
_BEGIN_SQL = """
WITH taken AS (INSERT INTO number_series VALUES ('lineage', 2) ON CONFLICT (series) DO UPDATE SET next = number_series.next + 1 RETURNING next)
INSERT INTO lineages (lineage, state, started_at) SELECT next, 'building', now() FROM taken
"""
_BUILDING_SQL = "SELECT 1 FROM lineages WHERE lineage = %s AND state = 'building'"
_RETIRE_SQL = "UPDATE lineages SET state = 'retired' WHERE state = 'live'"
_LIVE_SQL = "UPDATE lineages SET state = 'live', live_at = %s WHERE lineage = %s"
_FORGET = ("DELETE FROM cursors WHERE producer LIKE %s", "DELETE FROM parked_events WHERE producer LIKE %s")
_PURGE = tuple(
    f"WITH old AS (SELECT ctid FROM {table} WHERE lineage IN (SELECT lineage FROM lineages WHERE state = 'retired') LIMIT 20000) "  # noqa: S608
    f"DELETE FROM {table} t USING old WHERE t.ctid = old.ctid RETURNING 1"
    for table in ("postings", "month_totals", "facts", "counted_cases", "organ_places", "lineage_logs")
)


class LineageTables:
    """See `usecases.ports.Lineages`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[Lineage]:
        """See the port."""
        async with self._database.transaction() as tx:
            return [Lineage(*row) for row in await tx.rows(_ALL_SQL)]

    async def join(self, lineage: int, producers: Sequence[str]) -> None:
        """See the port."""
        async with self._database.transaction() as tx:
            await tx.queue(_JOIN_SQL, (list(producers), lineage, f"{REBUILDING}{lineage}"))

    async def switch(self, lineage: int, producers: Sequence[str], at: datetime) -> bool:
        """See the port."""
        mark = f"{REBUILDING}{lineage}"
        async with self._database.transaction() as tx:
            await tx.queue(_HOLD_SQL)
            [(behind,)] = await tx.rows(_BEHIND_SQL, (list(producers), lineage, f"%{mark}", mark))
            if behind or not await tx.rows(_BUILDING_SQL, (lineage,)):
                return False
            await tx.queue(_RETIRE_SQL)
            await tx.queue(_LIVE_SQL, (at, lineage))
            for statement in _FORGET:
                await tx.queue(statement, (f"%{mark}",))
        return True

    async def start_over(self, tx: Tx) -> None:
        """See the port."""
        await tx.queue(_GIVE_UP_SQL)
        for statement in _FORGET:
            await tx.queue(statement, (f"%{REBUILDING}%",))
        await tx.queue(_BEGIN_SQL)

    async def purge(self) -> None:
        """See the port."""
        for statement in _PURGE:
            more = True
            while more:
                async with self._database.transaction() as tx:
                    more = bool(await tx.rows(statement))
