"""What the tests of the gateway share."""

import pytest


@pytest.fixture(scope="session")
def service() -> str:
    """The service under test."""
    return "docking"
