"""The command line: starts in the background, tells what it did, cleans up after a killed run."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tiaochu_embedded.client import RunningStack
from tiaochu_embedded.problem import Problem
from tiaochu_embedded.process import Identity
from tiaochu_testkit import eventually_blocking

Command = Callable[..., "subprocess.CompletedProcess[str]"]


BARE = ("--services", "")
"""Servers without programs: those have tests of their own."""
State = Callable[[], dict[str, Any]]


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    """`command("up", *BARE)` in a run folder of the test's own."""

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        program = [sys.executable, "-m", "tiaochu_embedded", "--run-dir", str(tmp_path / "run"), *words]
        return subprocess.run(program, check=False, capture_output=True, text=True, timeout=60)

    yield run
    run("stop")


@pytest.fixture
def state(tmp_path: Path) -> State:
    return lambda: json.loads((tmp_path / "run" / "stack.json").read_text())


def test_up_status_stop(command: Command, tmp_path: Path) -> None:
    assert command("status").returncode == 3
    assert command("up", *BARE).returncode == 0
    told = json.loads(command("status", "--json").stdout)
    assert told["state"] == "ready"
    assert told["processes"].keys() == {"postgres", "nats", "traces", "nursery"}
    assert command("stop").returncode == 0
    assert not [name for name, described in told["processes"].items() if Identity(**described).alive()]
    assert command("status").returncode == 3


def test_what_dies_after_the_start_was_told_is_started_again(command: Command, state: State) -> None:
    command("up", *BARE)
    before = state()["processes"]["nats"]
    Identity(**before).send(signal.SIGKILL)
    eventually_blocking(lambda: Identity(**state()["processes"]["nats"]).alive() and state()["processes"]["nats"] != before, 20)


def test_up_twice_says_so_and_changes_nothing(command: Command, state: State) -> None:
    command("up", *BARE)
    before = state()
    second = command("up", *BARE)
    assert second.returncode == 0
    assert "already running" in second.stdout
    assert state() == before


def test_stop_without_a_stack_is_no_error(command: Command) -> None:
    assert command("stop").returncode == 0


@pytest.mark.parametrize("then", ["stop", "up"])
def test_a_killed_supervisor_leaves_nothing_behind_after(command: Command, state: State, then: str) -> None:
    command("up", *BARE)
    before = state()
    Identity(**before["supervisor"]).send(9)
    assert command(*([then, *BARE] if then == "up" else [then])).returncode == 0
    left = [name for name, described in before["processes"].items() if Identity(**described).alive()]
    assert not left
    assert (command("status").returncode == 0) == (then == "up")


def test_a_token_names_the_person(command: Command, tmp_path: Path) -> None:
    command("up", *BARE)
    assert command("token", "p-7").stdout.count(".") == 2
    assert RunningStack(tmp_path / "run").step_clock(60) == 60


def test_without_a_stack_there_is_no_token(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="make up"):
        RunningStack(tmp_path)


def test_a_wrong_folder_is_told_in_two_languages(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.touch()
    done = subprocess.run(
        [sys.executable, "-m", "tiaochu_embedded", "--run-dir", str(blocker), "up"], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert str(blocker) in done.stderr
    assert len(done.stderr.strip().splitlines()) == 2
