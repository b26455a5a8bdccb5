"""Number series: never the same number twice, whoever asks at once and whoever died."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tiaochu_kit.runner import Kit
from tiaochu_kit.series import BLOCK, NumberSeries
from tiaochu_testkit.services import Cell


@pytest.fixture
async def kit(cell: Cell) -> AsyncIterator[Kit]:
    kit = Kit(cell.settings("alpha"), "toy")
    await kit.database.open()
    yield kit
    await kit.database.close()


async def test_numbers_begin_at_one_and_follow_within_a_process(kit: Kit) -> None:
    series = NumberSeries(kit.database)
    assert [await series.next("2026/A") for _ in range(BLOCK + 3)] == list(range(1, BLOCK + 4))
    assert await series.next("2026/B") == 1


async def test_processes_at_once_never_give_one_number_twice(kit: Kit) -> None:
    processes = [NumberSeries(kit.database) for _ in range(4)]
    numbers = await asyncio.gather(*(p.next("2026/A") for _ in range(30) for p in processes))
    assert len(set(numbers)) == 120


async def test_after_a_crash_no_number_comes_again(kit: Kit) -> None:
    given = {await NumberSeries(kit.database).next("2026/A") for _ in range(3)}
    assert given == {1, BLOCK + 1, 2 * BLOCK + 1}
