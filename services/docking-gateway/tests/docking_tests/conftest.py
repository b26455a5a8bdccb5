"""What the tests of the gateway share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from docking_tests.stage import Stage, opened
from tiaochu_testkit.services import Cell


@pytest.fixture(scope="session")
def service() -> str:
    """The service under test."""
    return "docking"


@pytest.fixture
async def stage(cell: Cell, tmp_path: Path) -> AsyncIterator[Stage]:
    """A running gateway without a court."""
    async with opened(cell, tmp_path) as stage:
        yield stage


@pytest.fixture
async def court(stage: Stage) -> AsyncIterator[Stage]:
    """A running gateway and a court that docks."""
    async with stage.court():
        yield stage
