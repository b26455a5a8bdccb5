"""What the tests on a stack of their own share: clients at work while something is done to it, and books that agree afterwards."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from robustness.books import opened
from robustness.campaign import unsettled
from robustness.clients import persist
from robustness.crowd import Crowd
from robustness.history import History
from tiaochu_demo.furnishing import furnish
from tiaochu_embedded.client import RunningStack
from tiaochu_embedded.stack import Stack

CLIENTS = 3


@contextmanager
def furnished(folder: Path, before: Callable[[Stack], None] = lambda _: None) -> Iterator[Stack]:
    """A stack in which nobody works yet; `before` is done to it before it is furnished."""
    with Stack(folder / "run") as stack:
        before(stack)
        asyncio.run(furnish(RunningStack(stack.folder.path)))
        yield stack


async def worked(stack: Stack, history: History, seed: str, commands: int, strike: Callable[[], None] = lambda: None) -> None:
    """Clients work until so many commands were acknowledged; `strike` happens in the middle. They bring to an end what they began."""
    crowd = Crowd(RunningStack(stack.folder.path), history, seed)
    try:
        await persist(crowd.courses.court.dock)
        working = asyncio.create_task(crowd.work(CLIENTS))
        assert await history.more(commands // 2, 120)
        await asyncio.to_thread(strike)
        assert await history.more(commands // 2, 120)
        crowd.finish()
        await working
    finally:
        await crowd.close()


async def settled(stack: Stack, history: History) -> None:
    """The books agree with each other and with what was told, once everything on its way has arrived."""
    found = await unsettled(stack, partial(_look, stack, history))
    assert not found, "\n".join(found[:20])
    assert not history.broken, history.broken[:5]


def _look(stack: Stack, history: History) -> list[str]:
    with opened(stack) as books:
        return books.problems(history)
