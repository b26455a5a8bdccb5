"""Many stories in one time: it stands still while somebody works and goes to the next wanted moment when everybody waits."""

import asyncio
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from tiaochu_demo.pace import HOURS, Pace, at
from tiaochu_demo.runs import begin_run
from tiaochu_domainkit.calendar import published
from tiaochu_domainkit.clocks import BEIJING, beijing
from tiaochu_embedded.clock import StackClock


class Told:
    """A pace over a clock of its own, and how often everybody was asked to settle."""

    def __init__(self, folder: Path, width: int = 2) -> None:
        self.clock = StackClock(folder / "clock")
        self.clock.begin()
        self.settled = 0
        self.pace = Pace(self.clock, published(), width=width, settle=self._settle)

    async def _settle(self) -> None:
        self.settled += 1


@pytest.fixture
def told(tmp_path: Path) -> Told:
    return Told(tmp_path)


async def test_moments_come_in_order_whatever_the_order_of_the_stories(told: Told) -> None:
    start = told.pace.now()
    seen: list[int] = []

    async def story(days: int) -> None:
        await told.pace.until(start + timedelta(days=days))
        assert told.pace.now() >= start + timedelta(days=days)
        seen.append(days)

    await told.pace.run(story(days) for days in (30, 1, 7, 1))
    assert seen == [1, 1, 7, 30]
    assert told.pace.now() - start < timedelta(days=31)
    assert told.settled >= told.pace.steps == 3


async def test_time_stands_still_while_somebody_works(told: Told) -> None:
    start = told.pace.now()
    done = asyncio.Event()

    async def works() -> None:
        await done.wait()
        assert told.pace.now() - start < timedelta(days=1)

    async def waits() -> None:
        asyncio.get_running_loop().call_later(0.05, done.set)
        await told.pace.until(start + timedelta(days=3))
        assert done.is_set()

    await told.pace.run([works(), waits()])


async def test_no_more_stories_work_at_once_than_allowed(told: Told) -> None:
    working, most = 0, 0

    async def story(number: int) -> None:
        nonlocal working, most
        for day in range(3):
            working += 1
            most = max(most, working)
            await asyncio.sleep(0)
            working -= 1
            await told.pace.until(told.pace.now() + timedelta(days=1 + (number + day) % 2))

    await told.pace.run(story(number) for number in range(9))
    assert most == 2


async def test_the_first_failure_ends_all_and_is_told(told: Told) -> None:
    reached = False

    async def fails() -> None:
        await told.pace.until(told.pace.now() + timedelta(days=1))
        raise LookupError("as planned")

    async def goes_on() -> None:
        nonlocal reached
        await told.pace.until(told.pace.now() + timedelta(days=9))
        reached = True

    with pytest.raises(LookupError, match="as planned"):
        await told.pace.run([goes_on(), fails()])
    assert not reached


async def test_the_last_story_that_fails_is_told_too(told: Told) -> None:
    async def fails() -> None:
        raise LookupError("at once")

    with pytest.raises(LookupError, match="at once"):
        await told.pace.run([fails()])


async def test_moments_of_work_lie_on_working_days(told: Told) -> None:
    for days in range(14):
        moment = told.pace.moment(days, HOURS[0])
        assert published().is_working_day(beijing(moment).date()) or not published().knows(beijing(moment).date())
        assert moment >= told.pace.now()
    assert told.pace.next_moment() > told.pace.now()


def test_an_hour_of_a_day_is_beijing_time() -> None:
    assert at(date(2026, 3, 2), 9) == datetime(2026, 3, 2, 9, tzinfo=BEIJING)


def test_each_run_has_its_own_number_and_the_first_days_register(tmp_path: Path) -> None:
    first = begin_run(tmp_path / "demo", date(2026, 3, 2))
    second = begin_run(tmp_path / "demo", date(2026, 4, 20))
    assert (first.number, second.number) == (1, 2)
    assert second.first_day == first.first_day == date(2026, 3, 2)
    assert first.seed != second.seed
