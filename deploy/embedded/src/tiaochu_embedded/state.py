"""`stack.json`: where a stack can be reached and which processes it is, for others and for whoever cleans up after it."""

import contextlib
import json
import os
import signal
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tiaochu_embedded.layout import RunFolder
from tiaochu_embedded.process import Identity
from tiaochu_embedded.service import STOP_SECONDS


def write_state(folder: RunFolder, word: str, processes: Mapping[str, int], addresses: Mapping[str, object]) -> None:
    """Put down the state (`starting`, `ready`) with pids and addresses, so that a stop works after this process was killed."""
    described = {name: _described(pid) for name, pid in processes.items()}
    content = {"state": word, "supervisor": _described(os.getpid()), "processes": described, **addresses}
    fresh = folder.state.with_suffix(".new")
    fresh.write_text(json.dumps(content, indent=1, ensure_ascii=False))
    fresh.replace(folder.state)


def _described(pid: int) -> dict[str, int]:
    identity = Identity.of(pid)
    return {"pid": pid, "started": identity.started if identity else 0}


def read_state(folder: RunFolder) -> dict[str, Any] | None:
    """What `stack.json` says, `None` when there is none."""
    try:
        state: dict[str, Any] = json.loads(folder.state.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return state


def end_leftovers(folder: RunFolder, say: Callable[[str], None]) -> None:
    """End the processes of an earlier run whose supervisor is gone. Known by pid and start time, never by name."""
    state = read_state(folder)
    if state is None:
        return
    left = {name: Identity(**described) for name, described in state.get("processes", {}).items()}
    left = {name: identity for name, identity in left.items() if identity.alive()}
    if left:
        say("ending what an earlier run left: " + ", ".join(left))
        with ThreadPoolExecutor(len(left)) as pool:
            list(pool.map(lambda pair: pair[1].end(gently=_gentle_signal(pair[0]), seconds=STOP_SECONDS), left.items()))
    with contextlib.suppress(FileNotFoundError):
        folder.state.unlink()


def _gentle_signal(name: str) -> int:
    return signal.SIGINT if name == "postgres" else signal.SIGTERM
