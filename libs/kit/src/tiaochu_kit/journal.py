"""The journal: what a service's transactions write besides their documents. All fixed statements of the executor stand here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import orjson
from psycopg.errors import UniqueViolation

from tiaochu_domainkit.errors import DomainError, Kind
from tiaochu_kit.compat import FIRST, upgrade_not_finished
from tiaochu_kit.database import Tx
from tiaochu_kit.documents import DocumentTable, Read
from tiaochu_kit.events import EventCodec
from tiaochu_kit.ids import is_uuid, new_id
from tiaochu_kit.pipeline import Answer
from tiaochu_kit.usecase import NaturalKey
from tiaochu_kit.work import PendingEvent, Work, already_exists

CLOCK_SKEW = timedelta(minutes=10)

_JOURNAL_SQL = """
INSERT INTO journal (event_id, aggregate_id, version, type, district, subject, occurred_at, recorded_at, headers, payload)
SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::text[], %s::bytea[])
"""
_NATURAL_SQL = "SELECT kind, key, value FROM natural_keys WHERE (kind, key) IN (SELECT * FROM unnest(%s::text[], %s::text[]))"
_CLAIM_SQL = (
    "INSERT INTO natural_keys (kind, key, value, claimed_at) SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[])"
)
_TIMER_SQL = """
INSERT INTO timers (kind, key, district, due_at, next_at)
SELECT kind, key, district, due_at, due_at FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[]) AS x(kind, key, district, due_at)
ON CONFLICT (kind, key) DO UPDATE SET due_at = excluded.due_at, next_at = excluded.due_at, attempts = 0
"""
_TIMER_OFF_SQL = "DELETE FROM timers t USING unnest(%s::text[], %s::text[]) AS x(kind, key) WHERE t.kind = x.kind AND t.key = x.key"
_CALL_SQL = """
INSERT INTO calls (id, kind, key, district, traceparent, next_at)
SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[])
"""
_RELEASE_SQL = "SELECT release FROM compat"


@dataclass(frozen=True)
class Asked:
    """Reads on their way."""

    documents: Sequence[tuple[DocumentTable[Any], Answer]]
    known: Answer | None


class Journal:
    """Loads a work's documents and saves what it changed, within a transaction the caller owns."""

    def __init__(self, codec: EventCodec, late_entry: timedelta) -> None:
        self._codec = codec
        self._late_entry = late_entry
        self._release = FIRST

    async def ask(self, tx: Tx, reads: Sequence[Read | NaturalKey]) -> Asked:
        """Queue the reads."""
        tables: dict[DocumentTable[Any], list[str]] = {}
        natural: list[NaturalKey] = []
        for read in reads:
            if isinstance(read, NaturalKey):
                natural.append(read)
            elif is_uuid(read.key):
                tables.setdefault(read.table, []).append(read.key)
        cursors = [(table, await tx.queue(table.select_sql(), (keys,))) for table, keys in tables.items()]
        known = await tx.queue(_NATURAL_SQL, ([n.kind for n in natural], [n.key for n in natural])) if natural else None
        return Asked(cursors, known)

    async def load(self, tx: Tx, work: Work, asked: Asked) -> None:
        """Send the reads with what else was queued, and put the documents into `work`."""
        await tx.send()
        for table, cursor in asked.documents:
            for (doc,) in await cursor.fetchall():
                work.put(table, table.decode(doc))
        if asked.known is not None:
            work.known.update({(kind, key): value for kind, key, value in await asked.known.fetchall()})

    async def save(self, tx: Tx, work: Work) -> None:
        """Queue everything `work` changed. A lost race shows when the queue is sent: SQLSTATE TC409 or a unique violation."""
        work.collect()
        changed = list(work.changed())
        await self._require_release(tx, changed, work.events)
        for table, members, new in changed:
            rows = [table.row(m.aggregate) for m in members]
            arrays: list[Any] = [list(column) for column in zip(*rows, strict=True)]
            if new:
                await tx.queue(table.insert_sql(), arrays)
            else:
                await tx.queue(table.update_sql(), [*arrays, [m.row_version for m in members], len(members)])
        if not work.reacting:
            for event in work.events:
                self._check_time(event.occurred_at, work.now)
        await self._append(tx, work.events, work.now)
        for name, values in work.rows:
            await tx.queue(_insert_sql(name, tuple(values)), [_adapt(v) for v in values.values()])
        await self._save_duties(tx, work)

    async def _require_release(self, tx: Tx, changed: Sequence[Any], events: Sequence[PendingEvent]) -> None:
        needed = max(
            (FIRST, *(t.needs(m.aggregate) for t, members, _ in changed for m in members), *(self._codec.needs(e.event) for e in events))
        )
        if needed > self._release:
            # Asked only until the upgrade is finished: `compat` never falls.
            self._release = (await tx.rows(_RELEASE_SQL))[0][0]
            if needed > self._release:
                raise upgrade_not_finished(needed)

    async def _append(self, tx: Tx, events: Sequence[PendingEvent], now: datetime) -> None:
        if not events:
            return
        await tx.queue(
            _JOURNAL_SQL,
            (
                [new_id() for _ in events],
                [e.aggregate_id for e in events],
                [e.version for e in events],
                [self._codec.type_of(e.event) for e in events],
                [e.district for e in events],
                [e.subject for e in events],
                [e.occurred_at for e in events],
                [now for _ in events],
                [e.headers for e in events],
                [self._codec.encode(e.event) for e in events],
            ),
        )

    def _check_time(self, occurred_at: datetime, now: datetime) -> None:
        if occurred_at > now + CLOCK_SKEW:
            raise DomainError(
                Kind.INVALID_INPUT, "OCCURRED_IN_FUTURE", "an act cannot happen after it is recorded", "发生时间不能晚于登记时间"
            )
        if occurred_at < now - self._late_entry:
            raise DomainError(
                Kind.INVALID_INPUT,
                "OCCURRED_TOO_LONG_AGO",
                f"an act can be recorded at most {self._late_entry.days} days late",
                f"补录不得超过{self._late_entry.days}天",
                {"days": str(self._late_entry.days)},
            )

    async def _save_duties(self, tx: Tx, work: Work) -> None:
        if work.claims:
            kinds, keys, values = zip(*work.claims, strict=True)
            await tx.queue(_CLAIM_SQL, (list(kinds), list(keys), list(values), [work.now] * len(kinds)))
        latest = {(kind, key): (district, at) for kind, key, district, at in work.timers}
        on = [(kind, key, district, at) for (kind, key), (district, at) in sorted(latest.items()) if at is not None]
        off = [(kind, key) for (kind, key), (_, at) in sorted(latest.items()) if at is None]
        if on:
            await tx.queue(_TIMER_SQL, [list(column) for column in zip(*on, strict=True)])
        if off:
            await tx.queue(_TIMER_OFF_SQL, [list(column) for column in zip(*off, strict=True)])
        if work.calls:
            columns = [list(column) for column in zip(*work.calls, strict=True)]
            await tx.queue(_CALL_SQL, [*columns, [work.now] * len(work.calls)])


def taken(error: UniqueViolation) -> DomainError:
    """The refusal a unique violation means to the caller."""
    return already_exists(error.diag.table_name or "row", "")


@cache
def _insert_sql(table: str, columns: tuple[str, ...]) -> str:
    """One row; table and columns are constants of the code."""
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})"  # noqa: S608


def _adapt(value: Any) -> Any:
    return orjson.dumps(value).decode() if isinstance(value, (dict, list)) else value
