"""What the tests of mediation share. The mothers stand in `mediation_table`."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def service() -> str:
    return "mediation"
