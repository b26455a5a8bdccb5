"""Fail points: named places where a test may end, freeze or hold up a process. Nothing happens unless the process was armed.

Only the embedded stack arms processes (`TIAOCHU_FAILPOINTS_DIR`, refused in production). A file `<that folder>/<service>/<point>` says what happens when
the service reaches the point next: `kill`, `freeze` (SIGSTOP; whoever armed it wakes the process) or `delay SECONDS` (of the whole process). The first
process to reach the point takes the file away, so that each file acts once.
"""

import os
import signal
import time
from pathlib import Path

POINTS = {
    "command.decided": "before a command's commit",
    "command.committed": "after a command's commit, before its reply",
    "log.sequenced": "after events got their positions",
    "log.published": "after NATS has them, before the watermark says so",
    "batch.applied": "after a batch's effects, before they are committed with the cursor",
    "batch.committed": "after a batch's commit, before NATS is told",
    "catch-up.read": "after a piece of a log was read, before it is applied",
    "timer.due": "before a timer's duty",
    "timer.fired": "after a timer's duty, before the timer is taken away",
    "call.due": "before a durable call",
    "call.made": "after a durable call, before it is noted",
    "webhook.noted": "after a delivery's attempt was noted, before it is sent",
    "webhook.delivered": "after an agency answered, before its receipt is noted",
    "file.arriving": "in the middle of an upload",
    "file.stored": "after a file was stored, before its uploader knows",
    "migration.applied": "after a migration's statements, before their commit",
}
"""Every point, and where it lies."""

_folder: Path | None = None


def arm(folder: Path | None, service: str) -> None:
    """Let the files of `service` in `folder` act from now on; without a folder nothing ever happens."""
    global _folder  # noqa: PLW0603 - the one switch of the process
    _folder = folder / service if folder is not None else None


def reach(point: str) -> None:
    """Pass a point. Costs a comparison unless the process is armed."""
    if _folder is not None:
        _act(_folder / point)


def _act(file: Path) -> None:
    try:
        taken = file.rename(file.with_name(f"{file.name}.{os.getpid()}"))
    except FileNotFoundError:
        return
    action, _, seconds = taken.read_text().partition(" ")
    taken.unlink()
    if action == "delay":
        time.sleep(float(seconds))
    else:
        os.kill(os.getpid(), {"kill": signal.SIGKILL, "freeze": signal.SIGSTOP}[action])
