"""Operating-system processes: starting, identifying and ending them."""

import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from tiaochu_embedded.problem import Problem, from_os_error

_PR_SET_PDEATHSIG = 1
_POLL_SECONDS = 0.01


@dataclass(frozen=True)
class Identity:
    """A process that cannot be confused with a later one of the same pid: the kernel's start tick tells them apart."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> "Identity | None":
        """The identity of a running process, `None` when it is gone or a zombie."""
        try:
            fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            return None
        return None if fields[0] in (b"Z", b"X") else cls(pid, int(fields[19]))

    def alive(self) -> bool:
        return Identity.of(self.pid) == self

    def send(self, number: int) -> None:
        """Send a signal if it is still this process."""
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def end(self, *, gently: int = signal.SIGTERM, seconds: float = 25.0) -> None:
        """End it: the gentle signal first, SIGKILL after `seconds`."""
        self.send(gently)
        if not wait_until(lambda: not self.alive(), seconds):
            self.send(signal.SIGKILL)
            wait_until(lambda: not self.alive(), 5.0)


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Poll `condition` until it holds; `False` when it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


@dataclass(frozen=True)
class Account:
    """The user a program runs as when it refuses root (PostgreSQL does)."""

    uid: int
    gid: int
    name: str


def unprivileged_account() -> Account | None:
    """`nobody` when we are root, else `None`: run as oneself."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise Problem(
            "Running as root needs the user 'nobody', which this machine lacks: start the stack as an ordinary user.",
            "以 root 运行需要系统用户 nobody,而本机没有:请改用普通用户启动。",
        ) from None
    return Account(entry.pw_uid, entry.pw_gid, entry.pw_name)


def _others_may_traverse(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in (path, *path.parents) if parent.is_dir())


def command_prefix(account: Account | None, paths: Sequence[Path]) -> tuple[list[str], bool]:
    """How to run a command as `account`: words to put before it, and whether they change the user themselves.

    An unprivileged user must reach the program and its data. Below a root-only home it cannot, so there it keeps the one
    capability that lets it pass closed folders; the program still sees an ordinary user.
    """
    if account is None or all(_others_may_traverse(path) for path in paths):
        return [], False
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise Problem(
            f"Running as root below a closed folder ({paths[0]}) needs 'setpriv' (util-linux): move the checkout to an open folder.",
            f"以 root 在受限目录({paths[0]})下运行需要 setpriv 命令(util-linux):请把代码移到其他用户可访问的目录。",
        )
    user = [f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups"]
    return [setpriv, *user, "--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--"], True


def die_with_parent() -> None:
    """Ask the kernel to end this process when the thread that started it is gone (runs between fork and exec).

    SIGINT is what makes PostgreSQL stop without waiting for its clients.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


@dataclass
class Launch:
    """How a process is started. `account` changes the user; `bound` ends it with the program that started it."""

    command: Sequence[str]
    log: Path
    environ: Mapping[str, str] | None = None
    account: Account | None = None
    reaches: Sequence[Path] = ()
    bound: bool = False

    def start(self) -> "Child":
        """Start it in a session of its own, its output appended to the log."""
        prefix, changes_user = command_prefix(self.account, self.reaches)
        if changes_user and self.bound:
            prefix.insert(1, "--pdeathsig=INT")  # a change of user forgets what was asked before it
        as_user = self.account if not changes_user else None
        try:
            with self.log.open("ab") as log:
                process = subprocess.Popen(
                    [*prefix, *self.command],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=dict(self.environ) if self.environ is not None else None,
                    start_new_session=True,
                    user=as_user.uid if as_user else None,
                    group=as_user.gid if as_user else None,
                    extra_groups=[] if as_user else None,
                    preexec_fn=die_with_parent if self.bound else None,  # noqa: PLW1509 - nothing but one system call
                )
        except OSError as error:
            raise from_os_error(error, str(self.command[0])) from error
        return Child(process, self.log)


class Child:
    """A process we started."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self._process = process
        self.log = log
        self.identity = Identity.of(process.pid)

    @property
    def pid(self) -> int:
        return self._process.pid

    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """As `subprocess` has it: negative for a signal, `None` while it runs."""
        return self._process.poll()

    def send(self, number: int) -> None:
        if self.running():
            self._process.send_signal(number)

    def end(self, *, gently: int = signal.SIGTERM, seconds: float = 25.0) -> None:
        """End it: the gentle signal first, SIGKILL after `seconds`. Nothing when it is gone already."""
        self.send(gently)
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL, as a crash would look."""
        self.send(signal.SIGKILL)
        self._process.wait()

    def last_words(self, lines: int = 5) -> str:
        """The end of its log, for a message about its death."""
        return last_words(self.log, lines)


class Process(Protocol):
    """What a part needs of the process it holds."""

    @property
    def pid(self) -> int: ...
    def running(self) -> bool: ...
    def kill(self) -> None: ...


P = TypeVar("P", bound=Process)


class Part(Generic[P]):
    """A part of the stack that is one process at a time, or none."""

    _child: P | None = None

    def kill(self) -> None:
        """SIGKILL, as a crash would look."""
        if self._child:
            self._child.kill()

    def running(self) -> bool:
        return self._child is not None and self._child.running()

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None


def last_words(log: Path, lines: int) -> str:
    """The end of a log; nothing when it cannot be read."""
    try:
        with log.open("rb") as content:
            content.seek(max(0, log.stat().st_size - 8192))
            return b"\n".join(content.read().splitlines()[-lines:]).decode(errors="replace")
    except OSError:
        return ""


def script(name: str) -> Path:
    """A program that a wheel installed beside our interpreter."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise Problem(f"The program '{name}' is not installed: run 'make setup'.", f"缺少程序 {name}:请先运行 make setup。")
    return Path(found)
