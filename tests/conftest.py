"""What the suites that drive the whole stack share: an embedded stack with directories, rules and calendars in it, and the court docked."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from tiaochu_demo import prepare
from tiaochu_demo.directory import CITY, DISTRICTS, load_directory
from tiaochu_demo.driver import Cast, Court, Wire
from tiaochu_domainkit.clocks import beijing
from tiaochu_embedded.client import RunningStack
from tiaochu_embedded.stack import Stack

Furnish = Callable[[Stack], None]
_YEAR = timedelta(days=366)


@pytest.fixture(scope="session")
def furnish() -> Furnish:
    """Gives a running stack what must be there before the first case, in both districts."""
    return lambda stack: asyncio.run(_furnish(RunningStack(stack.folder.path)))


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, furnish: Furnish) -> Iterator[Stack]:
    """One stack for all tests that leave it as they found it; each has cases of its own in it."""
    with Stack(tmp_path_factory.mktemp("whole") / "run") as running:
        furnish(running)
        yield running


async def _furnish(running: RunningStack) -> None:
    wire = Wire(running)
    for district in DISTRICTS:
        directory = load_directory(district)
        cast = Cast(directory)
        await prepare.import_directory(wire, directory)
        await prepare.import_rules(wire, directory)
        await prepare.known_everywhere(wire, cast)
        await prepare.import_keywords(wire, cast)
        await prepare.load_calendar(wire, cast, (beijing(wire.now()) + _YEAR).date())
    court = Court(wire, Cast(load_directory(CITY)))
    await court.dock()
    await court.close()
    await wire.close()
