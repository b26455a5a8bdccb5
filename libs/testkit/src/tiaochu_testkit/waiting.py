"""Waiting for something to become true, instead of sleeping and hoping."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")
Retry = tuple[type[Exception], ...]

_INTERVAL = 0.02


class _Patience:
    """How long to go on trying."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._deadline = time.monotonic() + timeout

    def note(self, outcome: object) -> None:
        """Give up, telling `outcome`, when the time is over."""
        if time.monotonic() >= self._deadline:
            told = f"{type(outcome).__name__}: {outcome}" if isinstance(outcome, Exception) else f"last answer: {outcome!r}"
            cause = outcome if isinstance(outcome, Exception) else None
            raise AssertionError(f"not so within {self._timeout} s; {told}") from cause


@overload
async def eventually(probe: Callable[[], Awaitable[T]], timeout: float = ..., *, retry: Retry = ...) -> T: ...
@overload
async def eventually(probe: Callable[[], T], timeout: float = ..., *, retry: Retry = ...) -> T: ...
async def eventually(probe: Callable[[], Any], timeout: float = 10.0, *, retry: Retry = (AssertionError,)) -> Any:
    """Call `probe` (a function or a coroutine function) until it answers something true, and return that.

    Exceptions of the kinds in `retry` count as "not yet"; others pass through. Raises `AssertionError` with the last
    answer after `timeout` seconds.
    """
    patience = _Patience(timeout)
    while True:
        outcome: object
        try:
            answer = probe()
            value = await answer if inspect.isawaitable(answer) else answer
            if value:
                return value
            outcome = value
        except retry as error:
            outcome = error
        patience.note(outcome)
        await asyncio.sleep(_INTERVAL)


def eventually_blocking(probe: Callable[[], T], timeout: float = 10.0, *, retry: Retry = (AssertionError,)) -> T:
    """The same for tests without an event loop."""
    patience = _Patience(timeout)
    while True:
        outcome: object
        try:
            value = probe()
            if value:
                return value
            outcome = value
        except retry as error:
            outcome = error
        patience.note(outcome)
        time.sleep(_INTERVAL)
