"""Waiting ends as soon as the probe holds, and tells what it last saw when it never does."""

import itertools

import pytest

from tiaochu_testkit import eventually, eventually_blocking


async def test_it_returns_the_first_true_answer() -> None:
    answers = iter([None, 0, "there"])
    assert await eventually(lambda: next(answers)) == "there"


async def test_a_coroutine_may_probe_and_assert() -> None:
    count = itertools.count()

    async def probe() -> bool:
        assert next(count) >= 2
        return True

    assert await eventually(probe)


async def test_it_gives_up_with_the_last_answer() -> None:
    with pytest.raises(AssertionError, match="last answer: 0"):
        await eventually(lambda: 0, timeout=0.05)


async def test_other_errors_pass_through_at_once() -> None:
    count = itertools.count()

    def probe() -> bool:
        next(count)
        raise KeyError("gone")

    with pytest.raises(KeyError):
        await eventually(probe)
    assert next(count) == 1


def test_named_errors_mean_not_yet() -> None:
    count = itertools.count()

    def probe() -> int:
        if (number := next(count)) < 3:
            raise ConnectionError
        return number

    assert eventually_blocking(probe, retry=(ConnectionError,)) == 3


def test_the_last_error_is_the_cause() -> None:
    def probe() -> bool:
        raise ConnectionError("refused")

    with pytest.raises(AssertionError) as failure:
        eventually_blocking(probe, timeout=0.05, retry=(ConnectionError,))
    assert isinstance(failure.value.__cause__, ConnectionError)
