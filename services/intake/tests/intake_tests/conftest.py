"""What the tests of the intake share."""

from collections.abc import AsyncIterator

import pytest

from tiaochu_testkit.services import Cell

from .desk import Desk, open_desk  # noqa: TID252 - tests of one package


@pytest.fixture(scope="session")
def service() -> str:
    """The service under test."""
    return "intake"


@pytest.fixture
async def desk(cell: Cell) -> AsyncIterator[Desk]:
    """The intake on an empty database; nothing of the background work runs."""
    async with open_desk(cell) as opened:
        yield opened
