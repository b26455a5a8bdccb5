"""What the tests of mediation share besides the mothers."""

import pytest


@pytest.fixture(scope="session")
def service() -> str:
    return "mediation"
