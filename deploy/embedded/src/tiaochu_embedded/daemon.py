"""The supervisor in the background: `up` starts it and waits for its word, `run` is what it does."""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tiaochu_embedded.layout import RunFolder
from tiaochu_embedded.problem import Problem, from_os_error
from tiaochu_embedded.process import Identity
from tiaochu_embedded.stack import Stack
from tiaochu_embedded.state import end_leftovers, read_state

_STOP_SECONDS = 60.0


def up(run_dir: Path, services: list[str] | None, say: Callable[[str], None]) -> dict[str, Any]:
    """Start a stack in the background, unless it runs, and answer its `stack.json` when it is ready. Raises a `Problem` when it cannot."""
    folder = RunFolder(run_dir)
    folder.prepare()
    if is_running(folder) and (running := read_state(folder)) and running["state"] == "ready":
        say("已在运行 already running")
        return running
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "tiaochu_embedded", "--run-dir", str(folder.path), "run", "--notify", str(writing)]
    if services is not None:
        command += ["--services", ",".join(services)]
    with folder.log("supervisor").open("ab") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, pass_fds=(writing,), start_new_session=True
        )
    os.close(writing)
    with os.fdopen(reading) as words:
        for line in words:
            word = json.loads(line)
            if "doing" in word:
                say(word["doing"])
            elif "problem" in word:
                process.wait()
                raise Problem(*word["problem"])
            else:
                return _read_ready(folder)
    process.wait()
    log_file = folder.log("supervisor")
    raise Problem(f"The stack's supervisor died while starting; see {log_file}.", f"系统启动时监控进程意外退出,详见 {log_file}。")


def run(run_dir: Path, services: list[str] | None, notify: int | None) -> None:
    """Run a stack until SIGTERM or SIGINT. `notify` is where the progress and the end of the start are told, as JSON lines."""
    asked_to_stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked_to_stop.set())
    with _notifier(notify) as tell:
        stack = Stack(run_dir, services)

        def say(doing: str) -> None:
            _log(doing)
            tell({"doing": doing})

        try:
            stack.start(say)
        except (Problem, OSError) as error:
            problem = error if isinstance(error, Problem) else from_os_error(error, str(error.filename or run_dir))
            _log(problem.en)
            tell({"problem": [problem.en, problem.zh]})
            return
        _log("ready")
        tell({"ready": True})
    asked_to_stop.wait()
    _log("stopping")
    stack.stop()
    _log("stopped")


def stop(run_dir: Path, say: Callable[[str], None]) -> bool:
    """End the stack of a run folder, also when its supervisor was killed. Answers whether there was anything to end."""
    folder = RunFolder(run_dir)
    state = read_state(folder)
    if state is None:
        return False
    Identity(**state["supervisor"]).end(seconds=_STOP_SECONDS)
    end_leftovers(folder, say)
    return True


def is_running(folder: RunFolder) -> bool:
    """Whether a supervisor holds the run folder."""
    try:
        with folder.lock.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _read_ready(folder: RunFolder) -> dict[str, Any]:
    state = read_state(folder)
    if state is None:
        raise Problem(f"{folder.state} is gone although the stack runs.", f"系统已运行,但 {folder.state} 不存在。")
    return state


@contextlib.contextmanager
def _notifier(notify: int | None) -> Iterator[Callable[[dict[str, Any]], None]]:
    if notify is None:
        yield lambda _: None
        return
    with os.fdopen(notify, "w", buffering=1) as pipe:

        def tell(word: dict[str, Any]) -> None:
            if pipe.closed:  # started long ago; what happens since stands in the log
                return
            with contextlib.suppress(BrokenPipeError):  # whoever asked may have gone
                pipe.write(json.dumps(word, ensure_ascii=False) + "\n")

        yield tell


def _log(message: str) -> None:
    print(json.dumps({"time": datetime.now(UTC).isoformat(), "program": "supervisor", "event": message}, ensure_ascii=False), flush=True)
