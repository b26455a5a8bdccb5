"""What must be made ahead and cleared away, under a lease: months of the journal, old keys of requests, calls long done."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from tiaochu_kit.database import Database

PASS_SECONDS = 600.0
MONTHS_AHEAD = 2
KEEP = timedelta(days=30)
"""How long the key of a request and a call that was answered are kept."""
BATCH = 5000

_MONTH_SQL = "SELECT kit_make_journal_month((%s::timestamptz + make_interval(months => n))::date) FROM generate_series(0, %s) AS n"
_KEYS_SQL = """
DELETE FROM request_keys WHERE ctid = ANY (ARRAY(SELECT ctid FROM request_keys WHERE created_at < %s LIMIT %s)) RETURNING 1
"""
_CALLS_SQL = """
DELETE FROM calls WHERE ctid = ANY (ARRAY(SELECT ctid FROM calls WHERE done_at < %s AND error IS NULL LIMIT %s)) RETURNING 1
"""


class Housekeeping:
    """Keeps one service's tables in order. A refused call stays until an operator has seen it."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    async def run(self) -> None:
        """For ever."""
        while True:
            await self.tidy()
            await asyncio.sleep(PASS_SECONDS)

    async def tidy(self) -> None:
        """One pass."""
        async with self._database.transaction() as tx:
            await tx.rows(_MONTH_SQL, (self._now(), MONTHS_AHEAD))
        for statement in (_KEYS_SQL, _CALLS_SQL):
            await self._clear(statement)

    async def _clear(self, statement: str) -> None:
        while True:
            async with self._database.transaction() as tx:
                gone = await tx.rows(statement, (self._now() - KEEP, BATCH))
            if len(gone) < BATCH:
                return
