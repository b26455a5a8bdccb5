"""What the suites that drive the whole stack share: an embedded stack with directories, rules and calendars in it, and the court docked."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from tiaochu_demo.furnishing import furnish as furnished
from tiaochu_embedded.client import RunningStack
from tiaochu_embedded.stack import Stack

Furnish = Callable[[Stack], None]


@pytest.fixture(scope="session")
def furnish() -> Furnish:
    """Gives a running stack what must be there before the first case, in both districts."""
    return lambda stack: asyncio.run(furnished(RunningStack(stack.folder.path)))


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, furnish: Furnish) -> Iterator[Stack]:
    """One stack for all tests that leave it as they found it; each has cases of its own in it."""
    with Stack(tmp_path_factory.mktemp("whole") / "run") as running:
        furnish(running)
        yield running
