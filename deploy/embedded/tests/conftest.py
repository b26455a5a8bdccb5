"""A stack with a small program of our own in it: the services have tests of theirs."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tiaochu_embedded.stack import Stack
from tiaochu_embedded.topology import Program, Topology

PROGRAMS = Topology(
    programs=(
        Program("alpha", "sample_program"),
        Program("beta", "sample_program"),
        Program("court", "sample_program", database=False, grpc=False),
    ),
    preload=("psycopg", "http.server"),
)


@pytest.fixture(scope="session", autouse=True)
def _importable() -> Iterator[None]:
    """The programs' own interpreter finds `sample_program` in the tests' `programs` folder."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(Path(__file__).parent / "programs")
    yield
    if before is None:
        del os.environ["PYTHONPATH"]
    else:
        os.environ["PYTHONPATH"] = before


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One stack for the tests that leave it as they found it."""
    stack = Stack(tmp_path_factory.mktemp("stack"), ("alpha", "beta", "court"), topology=PROGRAMS)
    stack.start()
    yield stack
    stack.stop()


@pytest.fixture
def make_stack(tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    """A stack of the test's own; stopped at the end whatever happened."""
    made: list[Stack] = []

    def make(*services: str, run_dir: Path | None = None, **environ: str) -> Stack:
        made.append(Stack(run_dir or tmp_path / "run", services, topology=PROGRAMS, environ=environ))
        return made[-1]

    yield make
    for stack in made:
        stack.stop()
