"""What the tests of the intake share."""

import pytest


@pytest.fixture(scope="session")
def service() -> str:
    """The service under test."""
    return "intake"
