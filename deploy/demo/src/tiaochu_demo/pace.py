"""Many cases at once in the stack's time: while somebody works time stands still; when every case waits, the clock is stepped to the next moment."""

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any

from tiaochu_domainkit.calendar import Calendar
from tiaochu_domainkit.clocks import BEIJING, beijing
from tiaochu_embedded.clock import StackClock

HOURS = (9, 11, 14, 16)
"""Working moments of a day, so that cases move together and the clock is stepped seldom."""


class Pace:
    """Runs stories, at most `width` at a time, and owns the stack's clock meanwhile.

    `settle` is awaited before each step: what the services still have to tell each other is told before time goes on.
    """

    def __init__(self, clock: StackClock, calendar: Calendar, *, width: int, settle: Callable[[], Awaitable[None]]) -> None:
        self._clock = clock
        self.calendar = calendar
        self._settle = settle
        self._slots = asyncio.Semaphore(width)
        self._waiting: list[tuple[datetime, int, asyncio.Event]] = []
        self._order = count()
        self._awake = 0
        self._over = False
        self._idle = asyncio.Event()
        self.steps = 0

    def now(self) -> datetime:
        """The stack's time."""
        return datetime.fromtimestamp(self._clock.now(), UTC)

    async def run(self, stories: Iterable[Coroutine[Any, Any, None]]) -> None:
        """Run all stories to their ends. The first that fails ends them all, and its error is raised."""
        told = list(stories)
        self._awake = len(told)
        tasks = [asyncio.create_task(self._tell(story)) for story in told]
        stepping = asyncio.create_task(self._step())
        everything = asyncio.gather(*tasks)
        try:
            await asyncio.wait((stepping, everything), return_when=asyncio.FIRST_COMPLETED)
            if stepping.done():
                stepping.result()
            await everything
        finally:
            for task in (stepping, *tasks):
                task.cancel()
            await asyncio.gather(stepping, *tasks, return_exceptions=True)

    async def step_to(self, moment: datetime) -> None:
        """Step the clock to a moment before any story begins; a moment of the past changes nothing."""
        await self._settle()
        self._clock.step(max((moment - self.now()).total_seconds(), 0.0))

    async def until(self, moment: datetime) -> None:
        """Wait for a moment of the stack's time; at once when it has come."""
        if self.now() >= moment:
            return
        come = asyncio.Event()
        heapq.heappush(self._waiting, (moment, next(self._order), come))
        self._slots.release()
        self._sleep_one()
        await come.wait()
        await self._slots.acquire()

    async def working_day(self, days: int = 0, *, hour: int = HOURS[0]) -> None:
        """Wait for an hour of the first working day at least `days` days from now."""
        await self.until(self.moment(days, hour))

    def moment(self, days: int, hour: int) -> datetime:
        """That hour of the first working day at least `days` days from now; never in the past."""
        now = self.now()
        day = self.calendar.first_working_day_from(beijing(now).date() + timedelta(days=days))
        found = at(day, hour)
        return found if found >= now else at(self.calendar.first_working_day_from(day + timedelta(days=1)), hour)

    async def pause(self) -> None:
        """Wait for the next working moment."""
        await self.until(self.next_moment())

    def next_moment(self) -> datetime:
        """The next of the hours of work, today or on the next working day."""
        now = self.now()
        today = beijing(now).date()
        if self.calendar.is_working_day(today):
            later = next((at(today, hour) for hour in HOURS if at(today, hour) > now), None)
            if later is not None:
                return later
        return at(self.calendar.first_working_day_from(today + timedelta(days=1)), HOURS[0])

    async def _tell(self, story: Coroutine[Any, Any, None]) -> None:
        await self._slots.acquire()
        try:
            await story
        except BaseException:
            self._over = True
            raise
        finally:
            self._slots.release()
            self._sleep_one()

    def _sleep_one(self) -> None:
        self._awake -= 1
        if self._awake == 0:
            self._idle.set()

    async def _step(self) -> None:
        while True:
            await self._idle.wait()
            self._idle.clear()
            if self._over or not self._waiting:
                return
            await self._settle()
            seconds = (self._waiting[0][0] - self.now()).total_seconds()
            if seconds > 0:
                self._clock.step(seconds)
                self.steps += 1
            self._wake(self.now())

    def _wake(self, now: datetime) -> None:
        while self._waiting and self._waiting[0][0] <= now:
            self._awake += 1
            heapq.heappop(self._waiting)[2].set()


def at(day: date, hour: int) -> datetime:
    """An hour of a day in Beijing."""
    return datetime.combine(day, time(hour), BEIJING)
