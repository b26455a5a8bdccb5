"""A day at a centre where every name, number and text is marked."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from privacy.life import Life
from privacy.marks import Planting
from tiaochu_demo.directory import CITY, load_directory
from tiaochu_demo.driver import Cast, Court
from tiaochu_embedded.client import RunningStack
from tiaochu_embedded.stack import Stack


@pytest.fixture
async def life(stack: Stack, tmp_path: Path) -> AsyncIterator[Life]:
    """Whoever works at the centre, on the shared stack."""
    wire = Planting(RunningStack(stack.folder.path))
    cast = Cast(load_directory(CITY))
    court = Court(wire, cast)
    await court.dock()
    yield Life(wire, cast, court, tmp_path)
    await court.close()
    await wire.close()
