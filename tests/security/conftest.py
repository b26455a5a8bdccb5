"""A stack of these tests' own, with some cases in it, and callers that send what no client of ours would."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

from security.house import House, settle
from security.line import Line
from security.messages import Forge
from tiaochu_embedded.stack import Stack

_COMMON: dict[str, Any] = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}
settings.register_profile("short", max_examples=8, derandomize=True, phases=[Phase.explicit, Phase.generate], **_COMMON)
settings.register_profile("deep", max_examples=100, print_blob=True, **_COMMON)
if settings.get_current_profile_name() == "default":
    settings.load_profile("short")


@pytest.fixture(scope="package")
def guarded(tmp_path_factory: pytest.TempPathFactory, furnish: Callable[[Stack], None]) -> Iterator[Stack]:
    """The stack that is attacked."""
    with Stack(tmp_path_factory.mktemp("guarded") / "run") as running:
        furnish(running)
        yield running


@pytest.fixture(scope="package")
def house(guarded: Stack) -> House:
    """What is in it: cases in several states in both districts, and everything that was told about them."""
    return asyncio.run(settle(guarded))


@pytest.fixture(scope="package")
def forge(house: House) -> Forge:
    """Makes requests that name what there is."""
    return Forge(house.known)


@pytest.fixture(scope="package")
def line(guarded: Stack) -> Iterator[Line]:
    """The caller of a person's device."""
    opened = Line(guarded)
    yield opened
    opened.close()


@pytest.fixture(scope="package")
def service_line(guarded: Stack) -> Iterator[Line]:
    """A caller with a service's certificate."""
    opened = Line(guarded, "reporting")
    yield opened
    opened.close()
