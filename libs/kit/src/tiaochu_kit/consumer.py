"""Consumers: one cursor per log, committed with the effect; whatever was missed is read from the producer's journal."""

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from typing import Any

import orjson
import psycopg
import structlog

from tiaochu.log.v1.log_service_pb2 import Head, LoggedEvent
from tiaochu_kit.database import Database, Tx
from tiaochu_kit.events import EventCodec
from tiaochu_kit.journal import Journal
from tiaochu_kit.log import GENESIS
from tiaochu_kit.principal import service_principal
from tiaochu_kit.producers import Producer
from tiaochu_kit.usecase import Event, ProjectionSpec, ReactionSpec, spec_of
from tiaochu_kit.work import Work

BATCH = 100
CATCH_UP_SECONDS = 2.0

log = structlog.get_logger()

_LOCK_SQL = "SELECT position, hash FROM cursors WHERE producer = %s AND district = %s FOR UPDATE"
_NEW_SQL = "INSERT INTO cursors (producer, district, position, hash) VALUES (%s, %s, 0, %s) ON CONFLICT DO NOTHING"
_MOVE_SQL = "UPDATE cursors SET position = %s, hash = %s WHERE producer = %s AND district = %s"
_CURSORS_SQL = "SELECT district, position FROM cursors WHERE producer = %s"
_PARKED_SQL = (
    "SELECT DISTINCT aggregate_id::text FROM parked_events WHERE producer = %s AND aggregate_id = ANY(%s::uuid[]) AND dropped_at IS NULL"
)
_PARK_SQL = """
INSERT INTO parked_events (producer, district, position, aggregate_id, type, event, error, parked_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
_WAITING_SQL = (
    "SELECT event FROM parked_events WHERE producer = %s AND aggregate_id = %s AND dropped_at IS NULL ORDER BY district, position"
)
_UNPARK_SQL = "DELETE FROM parked_events WHERE producer = %s AND district = %s AND position = %s"


class LogForked(Exception):
    """The producer's log is not the one this consumer read: it was restored to another moment. Nothing is applied until a person decides."""


class Gap(Exception):
    """Events are missing between the cursor and the events given."""


class Consumer:
    """One service's reading of one producer. `handlers` are objects whose methods are marked `@reaction` or `@projection`."""

    def __init__(
        self,
        service: str,
        producer: Producer,
        database: Database,
        journal: Journal,
        codec: EventCodec,
        handlers: Sequence[object],
        now: Callable[[], Any],
        committed: Callable[[], None],
    ) -> None:
        self.producer = producer
        self._service = service
        self._database = database
        self._journal = journal
        self._codec = codec
        self._now = now
        self._committed = committed
        self._reactions = _by_type(handlers, ReactionSpec)
        self._projections = _by_type(handlers, ProjectionSpec)
        self._turn = asyncio.Lock()
        self.stopped: str | None = None
        """Why this consumer stopped for good, if it did; shown by health and alerts."""

    async def handle(self, events: Sequence[LoggedEvent]) -> None:
        """Apply events that arrived by NATS; fills gaps by catch-up. Several districts may be mixed."""
        districts: dict[str, list[LoggedEvent]] = {}
        for event in events:
            districts.setdefault(event.district, []).append(event)
        for district, members in districts.items():
            try:
                await self.apply(district, sorted(members, key=lambda e: e.position))
            except Gap:
                await self.catch_up(district)

    async def run_catch_up(self) -> None:
        """Compare with the producer's heads for ever; heals whatever the broker lost."""
        while True:
            try:
                await self.catch_up_all()
            except Exception as error:  # noqa: BLE001 - a loop of kit must outlive any failure of what it depends on
                log.warning("catch_up.retry", producer=self.producer.name, error=type(error).__name__)
            await asyncio.sleep(CATCH_UP_SECONDS)

    async def catch_up_all(self, district: str = "") -> None:
        """Read every log (or one) of the producer up to the head it has now."""
        heads = await self.producer.heads(district)
        async with self._database.transaction() as tx:
            cursors = dict(await tx.rows(_CURSORS_SQL, (self.producer.name,)))
        for head in heads:
            if cursors.get(head.district, 0) < head.position:
                await self._read_to(head)
            elif cursors.get(head.district, 0) > head.position:
                self._stop(head.district, "the producer's log ends before the cursor")

    async def catch_up(self, district: str) -> None:
        """Read one log to its head: what `fresh` and `tiaochu-after` ask for."""
        await self.catch_up_all(district)

    async def _read_to(self, head: Head) -> None:
        while True:
            async with self._database.transaction() as tx:
                position, _ = await self._cursor(tx, head.district)
            if position >= head.position:
                return
            events = await self.producer.read(head.district, position)
            if not events:
                return
            await self.apply(head.district, events)

    async def apply(self, district: str, events: Sequence[LoggedEvent]) -> None:
        """Apply a run of one log in order, in batches, each once. Raises `Gap` when its beginning is not next, `LogForked` when it is another log."""
        for start in range(0, len(events), BATCH):
            batch = events[start : start + BATCH]
            async with self._turn:
                await self._apply_batch(district, batch)

    async def _apply_batch(self, district: str, batch: Sequence[LoggedEvent]) -> None:
        try:
            await self._transaction(district, batch)
        except (Gap, LogForked):
            raise
        except psycopg.OperationalError:
            raise  # the database is away: nothing is the event's fault
        except Exception as error:  # noqa: BLE001 - whatever a reaction raises is found again event by event
            log.info("consumer.one_by_one", producer=self.producer.name, error=type(error).__name__)
            for event in batch:
                await self._apply_one(district, event)
        self._committed()

    async def _apply_one(self, district: str, event: LoggedEvent) -> None:
        for attempt in (1, 2, 3):
            try:
                await self._transaction(district, [event])
            except (Gap, LogForked, psycopg.OperationalError):
                raise
            except Exception as error:  # noqa: BLE001 - the reaction cannot apply this event: it is parked, the log moves on
                if attempt == 3:
                    await self._transaction(district, [event], park=f"{type(error).__name__}: {getattr(error, 'reason', '')}")
                    log.warning(
                        "consumer.parked", producer=self.producer.name, type=event.type, position=event.position, error=type(error).__name__
                    )
            else:
                return

    async def _transaction(self, district: str, batch: Sequence[LoggedEvent], park: str | None = None) -> None:
        async with self._database.transaction() as tx:
            position, running = await self._cursor(tx, district)
            news = [e for e in batch if e.position > position]
            if not news:
                return
            if news[0].position != position + 1 or any(b.position != a.position + 1 for a, b in itertools.pairwise(news)):
                raise Gap(f"{self.producer.name}/{district}: at {position}, got {news[0].position}")
            if news[0].previous_hash != running:
                self._stop(district, "another hash at the same position")
                raise LogForked(district)
            parked = await self._parked(tx, news)
            applicable = [] if park else [e for e in news if e.aggregate_id not in parked]
            for event in news:
                if park or event.aggregate_id in parked:
                    await self._park(tx, event, park or "an earlier event of this aggregate is parked")
            await self._effects(tx, applicable)
            await tx.queue(_MOVE_SQL, (news[-1].position, news[-1].hash, self.producer.name, district))

    async def _cursor(self, tx: Tx, district: str) -> tuple[int, bytes]:
        rows = await tx.rows(_LOCK_SQL, (self.producer.name, district))
        if not rows:
            await tx.queue(_NEW_SQL, (self.producer.name, district, GENESIS))
            rows = await tx.rows(_LOCK_SQL, (self.producer.name, district))
        return rows[0][0], bytes(rows[0][1])

    async def _effects(self, tx: Tx, news: Sequence[LoggedEvent]) -> None:
        known = [e for e in news if e.type in self._reactions or e.type in self._projections]
        if not known:
            return
        events = [self._decode(e) for e in known]
        work = Work(self._now(), service_principal(self._service))
        reads = [r for e in events for method in self._reactions.get(e.type, ()) for r in spec_of(method, ReactionSpec).reads(e)]
        await self._journal.load(tx, work, list(dict.fromkeys(reads)))
        for event in events:
            work.correlation, work.traceparent = event.headers.get("correlation", event.id), event.headers.get("traceparent", "")
            for method in self._reactions.get(event.type, ()):
                method(work, event)
            work.collect()
        for method, members in _members(events, self._projections):
            await method(tx, members)
        await self._journal.save(tx, work)
        await tx.send()

    def _decode(self, event: LoggedEvent) -> Event[Any]:
        return Event(
            id=event.event_id,
            type=event.type,
            producer=self.producer.name,
            aggregate_id=event.aggregate_id,
            version=event.version,
            subject=event.subject,
            district=event.district,
            position=event.position,
            previous_hash=event.previous_hash,
            hash=event.hash,
            occurred_at=event.occur_time.ToDatetime(tzinfo=UTC),
            recorded_at=event.record_time.ToDatetime(tzinfo=UTC),
            headers=orjson.loads(event.headers or "{}"),
            payload=event.payload,
            body=self._codec.decode(event.type, event.payload),
        )

    async def _parked(self, tx: Tx, events: Sequence[LoggedEvent]) -> set[str]:
        rows = await tx.rows(_PARKED_SQL, (self.producer.name, [e.aggregate_id for e in events]))
        return {row[0] for row in rows}

    async def _park(self, tx: Tx, event: LoggedEvent, error: str) -> None:
        values = (
            self.producer.name,
            event.district,
            event.position,
            event.aggregate_id,
            event.type,
            event.SerializeToString(),
            error,
            self._now(),
        )
        await tx.queue(_PARK_SQL, values)

    async def replay(self, aggregate_id: str) -> int:
        """Apply the parked events of one aggregate in order, all or none; answers how many. Raises what the reaction raises."""
        async with self._turn, self._database.transaction() as tx:
            waiting = [LoggedEvent.FromString(bytes(row[0])) for row in await tx.rows(_WAITING_SQL, (self.producer.name, aggregate_id))]
            await self._effects(tx, waiting)
            for event in waiting:
                await tx.queue(_UNPARK_SQL, (self.producer.name, event.district, event.position))
        self._committed()
        return len(waiting)

    def _stop(self, district: str, why: str) -> None:
        self.stopped = f"{self.producer.name}/{district}: {why}"
        log.error("consumer.stopped", producer=self.producer.name, district=district, why=why)


def _by_type(handlers: Sequence[object], kind: type[ReactionSpec | ProjectionSpec]) -> Mapping[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for handler in handlers:
        for name in dir(type(handler)):
            method = getattr(handler, name)
            spec = spec_of(method, kind)
            for type_name in spec.types if spec else ():
                found.setdefault(type_name, []).append(method)
    return found


def _members(events: Sequence[Event[Any]], projections: Mapping[str, list[Any]]) -> list[tuple[Any, list[Event[Any]]]]:
    groups: dict[Any, list[Event[Any]]] = {}
    for event in events:
        for method in projections.get(event.type, ()):
            groups.setdefault(method, []).append(event)
    return list(groups.items())
