"""Consumers: one cursor per log, committed with the effect; whatever was missed is read from the producer's journal."""

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import orjson
import structlog

from tiaochu.log.v1.log_service_pb2 import Head, Lineage, LoggedEvent
from tiaochu_domainkit.errors import DomainError, Kind
from tiaochu_kit import telemetry
from tiaochu_kit.database import Database, away, lost_race
from tiaochu_kit.effects import Effects
from tiaochu_kit.errors import unavailable
from tiaochu_kit.events import EventCodec
from tiaochu_kit.failpoints import reach
from tiaochu_kit.journal import Journal
from tiaochu_kit.log import GENESIS
from tiaochu_kit.parking import Parking
from tiaochu_kit.producers import Producer
from tiaochu_kit.remaking import Remaking, fork_of, held, newest

BATCH = 100
ATTEMPTS = 3
"""How often an event may fail before it is parked."""
RACES = 20
"""How often an event may lose against a command that changed the same document."""
EVERY = "*"
"""Stands for every district where a consumer as a whole stopped."""
CATCH_UP_SECONDS = 2.0

log = structlog.get_logger()

_LOCK_SQL = "SELECT position, hash, lineage FROM cursors WHERE producer = %s AND district = %s FOR UPDATE"
_LOCK_ALL_SQL = "SELECT 1 FROM cursors WHERE producer = %s ORDER BY district FOR UPDATE"
_NEW_SQL = "INSERT INTO cursors (position, hash, producer, district) VALUES (%s, %s, %s, %s)"
_MOVE_SQL = "UPDATE cursors SET position = %s, hash = %s WHERE producer = %s AND district = %s"
_PASS_SQL = f"{_MOVE_SQL} AND position = %s AND hash = %s AND lineage >= 0 RETURNING 1"
_CURSORS_SQL = "SELECT district, position, hash, lineage FROM cursors WHERE producer = %s"
_FOLLOW_SQL = "UPDATE cursors SET lineage = %s WHERE producer = %s AND district = %s AND lineage >= 0"
_CHECKED_SQL = """
INSERT INTO log_checks (producer, good_until) VALUES (%s, now() + make_interval(secs => %s))
ON CONFLICT (producer) DO UPDATE SET good_until = excluded.good_until
"""


HEAD_BEHIND_CURSOR = "the log ends before the cursor"
ANOTHER_HASH = "another hash at the same position"
NEW_LINEAGE = "the log went on in a new lineage; copies are being made again"
RUNBOOK = "docs/operations/head-behind-cursor.md"


class LogForked(Exception):
    """These events are not of the log this consumer read."""


class Cursor(NamedTuple):
    """How far a log was read."""

    position: int = 0
    hash: bytes = GENESIS
    lineage: int = 0


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
        self._now = now
        self._committed = committed
        self._effects = Effects(service, producer.name, journal, codec, handlers, now)
        self._parking = Parking(producer.name)
        self._remaking = Remaking(producer, database, self._effects)
        self._turn = asyncio.Lock()
        self.stops: dict[str, str] = {}
        """Districts (or `EVERY`) in which nothing is applied while this is so, and why; shown by health and alerts."""
        self.lags: dict[str, int] = {}
        """Per district, how many events the producer's head was ahead when last compared."""
        self.trust_seconds = 5.0
        """How long after a look at the producer's heads its assignments still open a case."""
        self.healed = 0
        """Events that came by catch-up and not by NATS."""

    @property
    def stopped(self) -> str | None:
        """Why this consumer stands still, somewhere or everywhere."""
        return "; ".join(f"{self.producer.name}/{district}: {why}" for district, why in sorted(self.stops.items())) or None

    async def handle(self, events: Sequence[LoggedEvent]) -> None:
        """Apply events that arrived by NATS; fills gaps by catch-up. Several districts may be mixed."""
        districts: dict[str, list[LoggedEvent]] = {}
        for event in events:
            districts.setdefault(event.district, []).append(event)
        for district, members in districts.items():
            if EVERY in self.stops or district in self.stops:
                continue
            try:
                await self.apply(district, sorted(members, key=lambda e: e.position))
            except (Gap, LogForked):
                # Only the producer's journal is believed: what the broker still holds may be of a past that was lost.
                await self.catch_up_all(district)

    async def run_catch_up(self) -> None:
        """Compare with the producer's heads for ever; heals whatever the broker lost."""
        while True:
            try:
                await self.catch_up_all(lead=True)
                await self._note_check()
            except Exception as error:  # noqa: BLE001 - a loop of kit must outlive any failure of what it depends on
                log.warning("catch_up.retry", producer=self.producer.name, error=type(error).__name__)
            await asyncio.sleep(CATCH_UP_SECONDS)

    async def catch_up_all(self, district: str = "", *, lead: bool = False) -> None:
        """Read every log (or one) of the producer up to the head it has now. A log that is not the one read before stops.

        `lead`: where the producer went on in a new lineage, this consumer takes its service back to it.
        """
        if EVERY in self.stops:
            return
        # Cursors before heads: so no cursor can be ahead of its head but in a log that was restored.
        cursors = await self.cursors()
        heads = {head.district: head for head in await self.producer.heads(district)}
        forks: dict[str, Lineage] = {}
        for name in sorted(heads.keys() | {d for d, cursor in cursors.items() if cursor.position and district in ("", d)}):
            head, cursor = heads.get(name, Head(district=name)), cursors.get(name, Cursor())
            why = await self._compare(head, cursor)
            if why is None:
                self.stops.pop(name, None)
                continue
            fork = fork_of(head, cursor.position, cursor.lineage)
            if fork is None and held(cursor.lineage):
                fork = Lineage(after=cursor.position, hash=cursor.hash)
            if fork is None:
                self._stop(name, why, cursor=cursor.position, head=head.position, see=RUNBOOK)
            else:
                self._stop(name, NEW_LINEAGE, cursor=cursor.position, head=head.position, after=fork.after)
                forks[name] = fork
        if lead and forks:
            await self._remaking.run(heads, forks)
            await self.catch_up_all(district)

    async def cursors(self) -> dict[str, Cursor]:
        """By district, how far the producer's logs were read."""
        async with self._database.transaction() as tx:
            rows = await tx.rows(_CURSORS_SQL, (self.producer.name,))
        return {district: Cursor(position, bytes(running), lineage) for district, position, running, lineage in rows}

    async def _compare(self, head: Head, cursor: Cursor) -> str | None:
        """Read on to the head; answers why not, when the log is not the one that was read."""
        self.lags[head.district] = max(0, head.position - cursor.position)
        if why := apart(cursor, head):
            return why
        try:
            await self._read_to(head, cursor.position)
        except LogForked:
            return ANOTHER_HASH
        if newest(head) > cursor.lineage:
            async with self._database.transaction() as tx:
                await tx.queue(_FOLLOW_SQL, (newest(head), self.producer.name, head.district))
        return None

    async def catch_up(self, district: str) -> None:
        """Read one log (or, for an empty text, all) to its head: what `fresh` and `tiaochu-after` ask for. `UNAVAILABLE` when that cannot be done."""
        await self.catch_up_all(district)
        if EVERY in self.stops or district in self.stops or (not district and self.stops):
            raise unavailable(self.producer.name)

    async def _read_to(self, head: Head, position: int) -> None:
        while position < head.position:
            events = await self.producer.read(head.district, position)
            if not events:
                raise unavailable(self.producer.name)
            reach("catch-up.read")
            await self.apply(head.district, events)
            self.healed += len(events)
            position = events[-1].position
        self.lags[head.district] = 0

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
        except Exception as error:
            if _not_now(error):
                raise  # nothing is the events' fault
            log.info("consumer.one_by_one", producer=self.producer.name, error=type(error).__name__)
            for event in batch:
                await self._apply_one(district, event)
        self._committed()

    async def _apply_one(self, district: str, event: LoggedEvent) -> None:
        failures = races = 0
        while True:
            try:
                await self._transaction(district, [event])
            except (Gap, LogForked):
                raise
            except Exception as error:
                if lost_race(error) and races < RACES:
                    races += 1
                    await asyncio.sleep(0.005 * races)
                    continue
                if _not_now(error) or lost_race(error):
                    raise
                failures += 1
                if failures == ATTEMPTS:
                    # The reaction cannot apply this event: it is put aside with its aggregate, the log moves on.
                    await self._transaction(district, [event], park=f"{type(error).__name__}: {getattr(error, 'reason', '')}")
                    log.warning(
                        "consumer.parked", producer=self.producer.name, type=event.type, position=event.position, error=type(error).__name__
                    )
                    await self._check_parking()
                    return
            else:
                return

    async def _transaction(self, district: str, batch: Sequence[LoggedEvent], park: str | None = None) -> None:
        concerned = [e for e in batch if self._effects.concern(e)]
        if not concerned and await self._pass_over(district, batch):
            return
        with self._span(concerned):
            async with self._database.transaction() as tx:
                locked = await tx.queue(_LOCK_SQL, (self.producer.name, district))
                parked = await self._parking.ask(tx, concerned)
                effects = await self._effects.ask(tx, [] if park else concerned)
                await tx.send()
                known = await locked.fetchone()
                position, running, lineage = _cursor(known)
                if held(lineage):
                    raise unavailable(self.producer.name)
                news = [e for e in batch if e.position > position]
                if not news:
                    return
                if news[0].position != position + 1 or not _contiguous(news):
                    raise Gap(f"{self.producer.name}/{district}: at {position}, got {news[0].position}")
                if news[0].previous_hash != running:
                    raise LogForked(district)
                waiting = {e.aggregate_id for e in concerned} if park else {row[0] for row in await parked.fetchall()}
                for event in concerned:
                    if event.position > position and event.aggregate_id in waiting:
                        await self._parking.park(tx, event, park or "WAITS: an earlier event of this aggregate is parked", self._now())
                await self._effects.apply(tx, effects, lambda e: e.position > position and e.aggregate_id not in waiting)
                reach("batch.applied")
                await tx.queue(_MOVE_SQL if known else _NEW_SQL, (news[-1].position, news[-1].hash, self.producer.name, district))

    async def _pass_over(self, district: str, batch: Sequence[LoggedEvent]) -> bool:
        """Move the cursor over events that nothing happens at, if it stands right before them."""
        if not _contiguous(batch):
            return False
        to, at = (batch[-1].position, batch[-1].hash), (batch[0].position - 1, batch[0].previous_hash)
        async with self._database.transaction() as tx:
            return bool(await tx.rows(_PASS_SQL, (*to, self.producer.name, district, *at)))

    @contextlib.contextmanager
    def _span(self, batch: Sequence[LoggedEvent]) -> Iterator[None]:
        known = [_traceparent(e.headers) for e in batch]
        if not known:
            yield
            return
        with telemetry.consumer_span(f"{self._service} reads {self.producer.name}", known):
            yield

    async def replay(self, aggregate_id: str) -> int:
        """Apply the parked events of one aggregate in order, all or none; answers how many. Raises what the reaction raises."""
        async with self._turn, self._database.transaction() as tx:
            # The lock keeps a consumer elsewhere from putting one more behind those that are being applied.
            await tx.rows(_LOCK_ALL_SQL, (self.producer.name,))
            waiting = await self._parking.waiting(tx, aggregate_id)
            await self._effects.apply(tx, await self._effects.ask(tx, waiting))
            for event in waiting:
                await self._parking.unpark(tx, event)
        self._committed()
        await self._check_parking()
        return len(waiting)

    async def _note_check(self) -> None:
        async with self._database.transaction() as tx:
            if EVERY not in self.stops:
                await tx.queue(_CHECKED_SQL, (self.producer.name, self.trust_seconds))
            self._mind_parking(full=await self._parking.full(tx))

    async def _check_parking(self) -> None:
        async with self._database.transaction() as tx:
            full = await self._parking.full(tx)
        self._mind_parking(full=full)

    def _mind_parking(self, *, full: bool) -> None:
        if full:
            self._stop(EVERY, "too many parked events")
        else:
            self.stops.pop(EVERY, None)

    def _stop(self, district: str, why: str, **places: Any) -> None:
        if self.stops.get(district) != why:
            log.error("consumer.stopped", producer=self.producer.name, district=district, why=why, **places)
        self.stops[district] = why


def apart(cursor: Cursor, head: Head) -> str | None:
    """Why a log cannot be read on from a cursor, as far as the head tells; `None` when nothing speaks against it."""
    if held(cursor.lineage):
        return NEW_LINEAGE
    if cursor.position > head.position:
        return HEAD_BEHIND_CURSOR
    if cursor.position == head.position > 0 and cursor.hash != head.hash:
        return ANOTHER_HASH
    return None


def _cursor(row: Sequence[Any] | None) -> Cursor:
    return Cursor(row[0], bytes(row[1]), row[2]) if row else Cursor()


def _contiguous(events: Sequence[LoggedEvent]) -> bool:
    return all(b.position == a.position + 1 for a, b in itertools.pairwise(events))


def _not_now(error: Exception) -> bool:
    """Whether it lies with the database, or with an upgrade under way, and not with the event."""
    if isinstance(error, DomainError):
        return error.kind is Kind.UNAVAILABLE
    return away(error) and not lost_race(error)


def _traceparent(headers: str) -> str:
    try:
        return str(orjson.loads(headers or "{}").get("traceparent", ""))
    except ValueError:
        return ""
