"""Copies made again after a producer lost events this service had read: page by page of cases, each thrown away and folded anew from the log as it is.

While it lasts nobody reads that producer's logs here; `held` says so to every process. What ends in the middle begins again: nothing is counted, all is
made from the log. Acts of this service itself that followed from lost events stay: they stand in its own journal.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import structlog

from tiaochu.log.v1.log_service_pb2 import Head, Lineage, LoggedEvent
from tiaochu_kit.database import Database, Tx
from tiaochu_kit.effects import Effects
from tiaochu_kit.log import CASES_BATCH
from tiaochu_kit.producers import Producer
from tiaochu_kit.usecase import Copies

PAGE = 50
"""Cases thrown away and made again in one transaction."""
_FIRST = "00000000-0000-0000-0000-000000000000"

log = structlog.get_logger()

_HOLD_SQL = "UPDATE cursors SET lineage = -1 - lineage WHERE producer = %s AND lineage >= 0"
_POSITIONS_SQL = "SELECT district, position FROM cursors WHERE producer = %s"
_FORGET_PARKED_SQL = "DELETE FROM parked_events WHERE producer = %s AND district = %s AND position > %s"
_TAKE_BACK_SQL = "UPDATE cursors SET position = %s, hash = %s WHERE producer = %s AND district = %s"
_FREE_SQL = "UPDATE cursors SET lineage = %s WHERE producer = %s AND district = %s"


def fork_of(head: Head, position: int, lineage: int) -> Lineage | None:
    """Where a reader who followed `lineage` to `position` left the log: the earliest of the lineages begun since. Nothing if none explains it."""
    begun = (one for one in head.lineages if one.number > known(lineage) and one.after <= position)
    return min(begun, key=lambda one: one.after, default=None)


def newest(head: Head) -> int:
    """The lineage a log is in now."""
    return max((one.number for one in head.lineages), default=0)


def held(lineage: int) -> bool:
    """Whether a cursor stands still because copies are being made again."""
    return lineage < 0


def known(lineage: int) -> int:
    """The lineage of a cursor, held or not."""
    return -1 - lineage if held(lineage) else lineage


class Remaking:
    """Takes one service back to where the logs of one producer forked."""

    def __init__(self, producer: Producer, database: Database, effects: Effects) -> None:
        self._producer = producer
        self._database = database
        self._effects = effects

    async def run(self, heads: Mapping[str, Head], forks: Mapping[str, Lineage]) -> None:
        """Make the copies again from the logs up to `forks` (by district; elsewhere up to the cursor) and set the cursors there."""
        async with self._database.transaction() as tx:
            await tx.queue(_HOLD_SQL, (self._producer.name,))
            limits: dict[str, int] = dict(await tx.rows(_POSITIONS_SQL, (self._producer.name,)))
        limits |= {district: fork.after for district, fork in forks.items()}
        for copies in self._effects.copies:
            cases = 0
            async for low, high, ids in self._pages(copies):
                events = await self._events(ids, copies, limits)
                async with self._database.transaction() as tx:
                    for forgetting in self._forgetting(copies, low, high):
                        await tx.queue(*forgetting)
                    await self._effects.remake(tx, copies, events)
                cases += len(ids)
            log.info("copies.remade", producer=self._producer.name, table=copies.table, cases=cases)
        async with self._database.transaction() as tx:
            await self._go_on(tx, heads, forks, limits)

    async def _pages(self, copies: Copies) -> AsyncIterator[tuple[str, str, list[str]]]:
        """The cases a table has copies of: (behind, up to, ids)."""
        if not copies.case:
            yield "", "", [""]
            return
        only, values = self._only(copies)
        page = f"SELECT DISTINCT {copies.case} FROM {copies.table} WHERE {copies.case} > %s{only} ORDER BY {copies.case} LIMIT {PAGE}"  # noqa: S608
        low = _FIRST
        while True:
            async with self._database.transaction() as tx:
                ids = [str(row[0]) for row in await tx.rows(page, (low, *values))]
            if not ids:
                return
            yield low, ids[-1], ids
            low = ids[-1]

    def _forgetting(self, copies: Copies, low: str, high: str) -> list[tuple[str, tuple[Any, ...]]]:
        if not copies.case:
            return [(f"DELETE FROM {table}", ()) for table in (copies.table, *copies.also)]  # noqa: S608
        only, values = self._only(copies)
        return [(f"DELETE FROM {copies.table} WHERE {copies.case} > %s AND {copies.case} <= %s{only}", (low, high, *values))]  # noqa: S608

    def _only(self, copies: Copies) -> tuple[str, tuple[str, ...]]:
        return (f" AND {copies.producer} = %s", (self._producer.name,)) if copies.producer else ("", ())

    async def _events(self, ids: list[str], copies: Copies, limits: Mapping[str, int]) -> list[LoggedEvent]:
        found: list[LoggedEvent] = []
        place, more = ("", 0), True
        while more:
            events = await self._producer.read_cases(ids, self._effects.copies[copies], place)
            found += [e for e in events if e.position <= limits.get(e.district, 0)]
            more = len(events) == CASES_BATCH
            place = (events[-1].district, events[-1].position) if events else place
        return found

    async def _go_on(self, tx: Tx, heads: Mapping[str, Head], forks: Mapping[str, Lineage], limits: Mapping[str, int]) -> None:
        name = self._producer.name
        for district, fork in forks.items():
            await tx.queue(_FORGET_PARKED_SQL, (name, district, fork.after))
            await tx.queue(_TAKE_BACK_SQL, (fork.after, fork.hash, name, district))
        for district in limits:
            await tx.queue(_FREE_SQL, (newest(heads.get(district, Head())), name, district))
        await self._effects.tell_lineage(tx)
