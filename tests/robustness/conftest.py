"""A stack of these tests' own, a crowd of clients, and what they were told."""

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from robustness.clients import Crowd, Ledger
from tiaochu_embedded.client import RunningStack
from tiaochu_embedded.stack import Stack


@pytest.fixture(scope="package")
def shaken(tmp_path_factory: pytest.TempPathFactory, furnish: Callable[[Stack], None]) -> Iterator[Stack]:
    """The stack that is disturbed. Nobody else works in it: its books must hold exactly what the ledger says."""
    with Stack(tmp_path_factory.mktemp("shaken") / "run") as running:
        furnish(running)
        yield running


@pytest.fixture(scope="package")
def ledger() -> Ledger:
    """What was acknowledged to anybody since the stack began."""
    return Ledger()


@pytest.fixture
async def crowd(shaken: Stack, ledger: Ledger, request: pytest.FixtureRequest) -> AsyncIterator[Crowd]:
    """Clients with new cases."""
    opened = Crowd(RunningStack(shaken.folder.path), ledger, request.node.nodeid)
    await opened.court.dock()
    yield opened
    await opened.close()
