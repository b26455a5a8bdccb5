"""Staff at work in the one real stack of the session; every test has cases, people and calls of its own in it."""

from collections.abc import AsyncIterator

import pytest

from e2e.office import Office
from tiaochu_embedded.client import RunningStack
from tiaochu_embedded.stack import Stack


@pytest.fixture
async def office(stack: Stack, request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    """The city's staff at work, with synthetic people that are this test's alone."""
    async with Office.opened(RunningStack(stack.folder.path), seed=request.node.nodeid) as opened:
        yield opened
