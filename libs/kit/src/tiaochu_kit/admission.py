"""Fairness between districts: a flood in one leaves the others' latency alone.

While nobody waits, whoever comes is let in. When all slots are taken, calls wait by district, and each slot that becomes free goes to the
waiting district that has the fewest for its weight: so a district holds at most its weighted share while others wait.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from tiaochu_domainkit.errors import DomainError, Kind
from tiaochu_kit.errors import RETRY_AFTER


class Admission:
    """The slots of one process. `queue` calls of a district may wait, the next is refused with `TOO_MANY_REQUESTS`."""

    def __init__(self, slots: int, queue: int, weights: Mapping[str, float] | None = None) -> None:
        self._free = slots
        self._slots = slots
        self._queue = queue
        self._weights = weights or {}
        self._running: Counter[str] = Counter()
        self._last: Counter[str] = Counter()
        self._turns = 0
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._held = 0.05
        """Seconds a slot is held, smoothed: what the advice to wait is made of."""

    @asynccontextmanager
    async def slot(self, district: str) -> AsyncIterator[None]:
        """A slot for one call. Services (the empty district) have calls of their own bounded where they are made, and are let in."""
        if not district:
            yield
            return
        await self._enter(district)
        started = time.monotonic()
        try:
            yield
        finally:
            self._held += 0.05 * (time.monotonic() - started - self._held)
            self._leave(district)

    async def _enter(self, district: str) -> None:
        if self._free and not self._waiting:
            self._take(district)
            return
        line = self._waiting.setdefault(district, deque())
        if len(line) >= self._queue:
            if not line:
                del self._waiting[district]
            raise self._refusal(len(line))
        turn = asyncio.get_running_loop().create_future()
        line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave(district)
            else:
                self._forget(district, turn)
            raise

    def _take(self, district: str) -> None:
        self._free -= 1
        self._running[district] += 1
        self._turns += 1
        self._last[district] = self._turns

    def _leave(self, district: str) -> None:
        self._free += 1
        self._running[district] -= 1
        if not self._running[district]:
            del self._running[district]
        while self._free and self._waiting:
            self._grant(min(self._waiting, key=self._load))

    def _load(self, district: str) -> tuple[float, int]:
        # Between equals whoever has waited longest for a slot, so that one slot goes round.
        return self._running[district] / self._weights.get(district, 1.0), self._last[district]

    def _forget(self, district: str, turn: "asyncio.Future[None]") -> None:
        line = self._waiting.get(district)
        if line is not None and turn in line:
            line.remove(turn)
            if not line:
                del self._waiting[district]

    def _grant(self, district: str) -> None:
        line = self._waiting[district]
        turn = line.popleft()
        if not line:
            del self._waiting[district]
        if not turn.cancelled():
            self._take(district)
            turn.set_result(None)

    def _refusal(self, ahead: int) -> Exception:
        districts = len(self._waiting) or 1
        wait = self._held * (ahead + 1) * districts / self._slots
        return DomainError(
            Kind.RESOURCE_EXHAUSTED,
            "TOO_MANY_REQUESTS",
            "this district has too many calls waiting",
            "当前办理人数较多,请稍后重试",
            {RETRY_AFTER: str(max(200, min(10_000, round(wait * 1000))))},
        )
