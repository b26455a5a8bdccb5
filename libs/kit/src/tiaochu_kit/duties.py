"""Duties written with a transaction and done after it: timers that fire at a time, durable calls to other services."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from math import inf
from typing import Any

import structlog

from tiaochu_domainkit.errors import DomainError, Kind
from tiaochu_kit import telemetry
from tiaochu_kit.database import Database
from tiaochu_kit.failpoints import reach

POLL_SECONDS = 1.0
BATCH = 100
PATIENCE = {Kind.UNAVAILABLE: inf, Kind.CONFLICT: inf, Kind.RESOURCE_EXHAUSTED: inf, Kind.NOT_FOUND: 50}
"""How many attempts a refusal of a kind leaves open; any other is final."""
LONGEST_WAIT = timedelta(minutes=10)

log = structlog.get_logger()

TimerHandler = Callable[[str, str, datetime], Awaitable[None]]
"""(key, district, due_at): does the duty by running a command; must be safe to run twice."""
CallHandler = Callable[[str, str, str], Awaitable[None]]
"""(call id, key, district): builds the body, calls with `request_id` = call id, handles the answer by a command."""

_DUE_SQL = f"SELECT kind, key, district, due_at, attempts FROM timers WHERE next_at <= %s ORDER BY next_at LIMIT {BATCH}"  # noqa: S608
_FIRED_SQL = "DELETE FROM timers WHERE kind = %s AND key = %s AND due_at = %s"
_LATER_SQL = "UPDATE timers SET attempts = attempts + 1, next_at = %s WHERE kind = %s AND key = %s AND due_at = %s"
_OPEN_SQL = f"SELECT id::text, kind, key, district, attempts, traceparent FROM calls WHERE done_at IS NULL AND next_at <= %s ORDER BY next_at LIMIT {BATCH}"  # noqa: S608
_DONE_SQL = "UPDATE calls SET done_at = %s, error = %s WHERE id = %s"
_AGAIN_SQL = "UPDATE calls SET attempts = attempts + 1, next_at = %s, error = %s WHERE id = %s"


class Timers:
    """Fires timers that are due. A timer is taken away only after its handler succeeded."""

    def __init__(self, database: Database, now: Callable[[], datetime], handlers: Mapping[str, TimerHandler]) -> None:
        self._database = database
        self._now = now
        self._handlers = handlers

    async def run(self) -> None:
        """For ever."""
        while True:
            if not await self.fire_due():
                await asyncio.sleep(POLL_SECONDS)

    async def fire_due(self) -> bool:
        """Fire what is due, at most a batch; answers whether there was any."""
        async with self._database.transaction() as tx:
            due = await tx.rows(_DUE_SQL, (self._now(),))
        for kind, key, district, due_at, attempts in due:
            try:
                reach("timer.due")
                with telemetry.duty_span(f"timer {kind}"):
                    await self._handlers[kind](key, district, due_at)
                reach("timer.fired")
                outcome: tuple[str, tuple[Any, ...]] = _FIRED_SQL, (kind, key, due_at)
            except Exception as error:  # noqa: BLE001 - one duty that fails must not stop the others
                log.warning("timer.retry", kind=kind, error=type(error).__name__, reason=getattr(error, "reason", ""))
                outcome = _LATER_SQL, (self._now() + _wait(attempts), kind, key, due_at)
            async with self._database.transaction() as tx:
                await tx.queue(*outcome)
        return bool(due)


class Calls:
    """Makes the durable calls. What is refused for good is kept with its reason; what cannot be reached is tried again."""

    def __init__(self, database: Database, now: Callable[[], datetime], handlers: Mapping[str, CallHandler]) -> None:
        self._database = database
        self._now = now
        self._handlers = handlers
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something was committed."""
        self._woken.set()

    async def run(self) -> None:
        """For ever."""
        while True:
            if not await self.make_open():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._woken.wait()
                self._woken.clear()

    async def make_open(self) -> bool:
        """Make what is open, at most a batch; answers whether there was any."""
        async with self._database.transaction() as tx:
            found = await tx.rows(_OPEN_SQL, (self._now(),))
        await asyncio.gather(*(self._make(*row) for row in found))
        return bool(found)

    async def _make(self, ident: str, kind: str, key: str, district: str, attempts: int, traceparent: str) -> None:
        outcome: tuple[str, tuple[Any, ...]]
        try:
            reach("call.due")
            with telemetry.duty_span(f"call {kind}", traceparent):
                await self._handlers[kind](ident, key, district)
            reach("call.made")
            outcome = _DONE_SQL, (self._now(), None, ident)
        except DomainError as error:
            log.warning("call.refused", kind=kind, reason=error.reason)
            # What the other does not know yet it may still learn; who does not answer is asked for as long as it takes.
            final = attempts >= PATIENCE.get(error.kind, 0)
            outcome = (_DONE_SQL, (self._now(), error.reason, ident)) if final else self._again(ident, attempts, error.reason)
        except Exception as error:  # noqa: BLE001 - one call that fails must not stop the others
            log.warning("call.retry", kind=kind, error=type(error).__name__)
            outcome = self._again(ident, attempts, type(error).__name__)
        async with self._database.transaction() as tx:
            await tx.queue(*outcome)

    def _again(self, ident: str, attempts: int, why: str) -> tuple[str, tuple[Any, ...]]:
        return _AGAIN_SQL, (self._now() + _wait(attempts), why, ident)


def _wait(attempts: int) -> timedelta:
    """How long after so many failed attempts the next one follows."""
    return min(timedelta(seconds=0.5 * 2 ** min(attempts, 12)), LONGEST_WAIT)
