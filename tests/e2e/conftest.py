"""One real embedded stack for the session; every test has cases, people and calls of its own in it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest

from e2e.office import Office
from tiaochu_demo import prepare
from tiaochu_demo.directory import CITY, DISTRICTS, load_directory
from tiaochu_demo.driver import Cast, Court, Wire
from tiaochu_domainkit.clocks import beijing
from tiaochu_embedded.client import RunningStack
from tiaochu_embedded.stack import Stack

_YEAR = timedelta(days=366)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack with both districts' directories, rules and calendars."""
    with Stack(tmp_path_factory.mktemp("e2e") / "run") as running:
        asyncio.run(_prepare(RunningStack(running.folder.path)))
        yield running


async def _prepare(running: RunningStack) -> None:
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


@pytest.fixture
async def office(stack: Stack, request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    """The city's staff at work, with synthetic people that are this test's alone."""
    async with Office.opened(RunningStack(stack.folder.path), seed=request.node.nodeid) as opened:
        yield opened
