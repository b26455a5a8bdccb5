"""The process that all programs are forked from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tiaochu_embedded.nursery import Nursery
from tiaochu_embedded.topology import DEFAULT
from tiaochu_testkit import eventually_blocking


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Nursery]:
    nursery = Nursery(DEFAULT.preload, tmp_path / "nursery.log")
    nursery.start()
    yield nursery
    nursery.stop()


def test_what_is_preloaded_starts_no_thread_and_fails_nowhere(nursery: Nursery, tmp_path: Path) -> None:
    """A fork copies one thread only: a second one would leave its locks taken for ever."""
    child = nursery.fork("platform", "platform", ["terse"], {}, tmp_path / "child.log")  # any module that can be run
    assert nursery.wait(child, 30) == 0
    status = Path(f"/proc/{nursery.pid}/status").read_text()
    assert "\nThreads:\t1\n" in status
    assert (tmp_path / "nursery.log").read_text() == ""


def test_a_child_has_the_ordered_arguments_environment_and_log(nursery: Nursery, tmp_path: Path) -> None:
    child = nursery.fork(
        "timeit", "timeit", ["-n1", "-r1", "import os; print(sorted(os.environ))"], {"ONLY": "this"}, tmp_path / "child.log"
    )
    assert nursery.wait(child, 30) == 0
    assert "['ONLY']" in (tmp_path / "child.log").read_text()


def test_ends_are_told(nursery: Nursery, tmp_path: Path) -> None:
    failing = nursery.fork("timeit", "timeit", ["1/0"], {}, tmp_path / "child.log")
    assert nursery.wait(failing, 30) == 1
    assert "ZeroDivisionError" in failing.last_words()
    sleeping = nursery.fork("timeit", "timeit", ["-n1", "import time; time.sleep(60)"], {}, tmp_path / "child.log")
    assert sleeping.running()
    sleeping.kill()
    assert nursery.wait(sleeping, 30) == -9
    eventually_blocking(lambda: not sleeping.running())


def test_a_program_outlives_the_loaded_process(nursery: Nursery, tmp_path: Path) -> None:
    child = nursery.fork("timeit", "timeit", ["-n1", "import time; time.sleep(60)"], {}, tmp_path / "child.log")
    nursery.stop()
    assert child.running()
    child.end(seconds=5)
    assert not child.running()
