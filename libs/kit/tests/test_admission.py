"""A flood in one district leaves room for the others."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiaochu_domainkit.errors import DomainError, Kind
from tiaochu_kit.admission import Admission
from tiaochu_kit.errors import RETRY_AFTER, to_status

FLOOD, CALM = "329901", "329902"


class Calls:
    """Calls that end when told; `done` is the order in which they were let in."""

    def __init__(self, admission: Admission) -> None:
        self.admission = admission
        self.inside: list[tuple[str, asyncio.Event]] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def come(self, district: str, count: int = 1) -> None:
        for _ in range(count):
            self.tasks.append(asyncio.ensure_future(self._call(district)))
        await self.settle()

    async def _call(self, district: str) -> None:
        async with self.admission.slot(district):
            ended = asyncio.Event()
            self.inside.append((district, ended))
            await ended.wait()

    async def end(self, index: int = 0) -> None:
        self.inside.pop(index)[1].set()
        await self.settle()

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    def count(self, district: str) -> int:
        return sum(1 for d, _ in self.inside if d == district)


async def test_alone_a_district_may_have_everything() -> None:
    calls = Calls(Admission(4, 10))
    await calls.come(FLOOD, 6)
    assert calls.count(FLOOD) == 4
    await calls.end()
    assert calls.count(FLOOD) == 4


async def test_while_others_wait_a_flood_keeps_its_share_only() -> None:
    calls = Calls(Admission(4, 100))
    await calls.come(FLOOD, 50)
    await calls.come(CALM, 10)
    await calls.end()
    assert (calls.count(FLOOD), calls.count(CALM)) == (3, 1)
    await calls.end()
    assert (calls.count(FLOOD), calls.count(CALM)) == (2, 2)
    await calls.end()
    assert calls.count(CALM) <= 3


async def test_weights_shift_the_shares() -> None:
    calls = Calls(Admission(4, 100, {CALM: 3.0}))
    await calls.come(FLOOD, 50)
    await calls.come(CALM, 50)
    for _ in range(20):
        await calls.end()
    assert (calls.count(FLOOD), calls.count(CALM)) == (1, 3)


async def test_beyond_the_queue_the_answer_is_to_come_back_later_and_only_for_that_district() -> None:
    calls = Calls(Admission(1, 2))
    await calls.come(FLOOD, 3)
    with pytest.raises(DomainError) as refusal:
        async with calls.admission.slot(FLOOD):
            raise AssertionError("was let in")
    assert (refusal.value.kind, refusal.value.reason) == (Kind.RESOURCE_EXHAUSTED, "TOO_MANY_REQUESTS")
    assert 200 <= int(refusal.value.metadata[RETRY_AFTER]) <= 10_000
    assert any("RetryInfo" in d.type_url for d in to_status(refusal.value, "alpha").details)
    await calls.come(CALM)
    await calls.end()
    assert calls.count(CALM) == 1


async def test_services_are_let_in() -> None:
    calls = Calls(Admission(1, 0))
    await calls.come(FLOOD)
    await calls.come("", 5)
    assert calls.count("") == 5


async def test_who_gives_up_while_waiting_or_just_let_in_costs_no_slot() -> None:
    calls = Calls(Admission(1, 5))
    await calls.come(FLOOD, 3)
    calls.tasks[1].cancel()
    await calls.settle()
    calls.inside.pop()[1].set()
    calls.tasks[0].cancel()
    calls.tasks[2].cancel()
    await calls.settle()
    await calls.come(CALM)
    assert calls.count(CALM) == 1


@given(st.lists(st.tuples(st.sampled_from(["come", "end", "cancel"]), st.integers(0, 2)), max_size=60))
def test_whatever_comes_no_slot_is_lost_or_given_twice(steps: list[tuple[str, int]]) -> None:
    async def play() -> None:
        calls = Calls(Admission(3, 4))
        for act, number in steps:
            if act == "come":
                await calls.come(f"district-{number}")
            elif act == "end" and calls.inside:
                await calls.end(number % len(calls.inside))
            elif act == "cancel" and calls.tasks:
                calls.tasks[number % len(calls.tasks)].cancel()
                await calls.settle()
            running = sum(1 for t in calls.tasks if not t.done())
            assert len([d for d, e in calls.inside]) <= 3 + sum(1 for t in calls.tasks if t.cancelled())
            assert running <= 3 + 3 * 4
        for task in calls.tasks:
            task.cancel()
        await asyncio.gather(*calls.tasks, return_exceptions=True)
        fresh = Calls(calls.admission)
        await fresh.come(CALM, 3)
        assert fresh.count(CALM) == 3
        for _ in range(3):
            await fresh.end()

    asyncio.run(play())
