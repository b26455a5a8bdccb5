"""Our own programs, forked from one process that has loaded what all of them import.

Six Python programs that import the same libraries would hold them in memory six times and load them six times; forked,
they share the pages and start at once. Each is still a process of its own that can crash, be killed and be restarted.
"""

import contextlib
import ctypes
import gc
import importlib
import itertools
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from tiaochu_embedded.process import Identity, last_words, wait_until

_PR_SET_NAME = 15


class Offspring:
    """A program that was forked by the nursery."""

    def __init__(self, identity: Identity, log: Path) -> None:
        self.identity = identity
        self.log = log
        self.exit_code: int | None = None

    @property
    def pid(self) -> int:
        return self.identity.pid

    def running(self) -> bool:
        return self.identity.alive()

    def end(self, *, seconds: float = 25.0) -> None:
        """SIGTERM, and SIGKILL after `seconds`."""
        self.identity.end(seconds=seconds)

    def kill(self) -> None:
        """SIGKILL, as a crash would look."""
        self.identity.send(signal.SIGKILL)
        wait_until(lambda: not self.running(), 5.0)

    def last_words(self, lines: int = 5) -> str:
        """The end of its log, for a message about its death."""
        return last_words(self.log, lines)


class Nursery:
    """The supervisor's side: asks the loaded process to fork."""

    def __init__(self, preload: Sequence[str], log: Path) -> None:
        self._preload, self._log = tuple(preload), log
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._answered = threading.Condition()
        self._forked: dict[int, dict[str, Any]] = {}
        self._ended: dict[int, int] = {}
        self._tickets = itertools.count()

    def start(self) -> None:
        """Start loading; returns at once, the first `fork` waits for the end of it."""
        ours, theirs = socket.socketpair()
        with theirs, self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tiaochu_embedded.nursery", str(theirs.fileno()), *self._preload],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        self._socket = ours
        self._ended.clear()
        threading.Thread(target=self._listen, args=(ours,), name="nursery", daemon=True).start()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def fork(self, name: str, package: str, arguments: Sequence[str], environ: Mapping[str, str], log: Path) -> Offspring:
        """Run `python -m package arguments…` in a forked process, its output appended to `log`."""
        with self._lock:
            if not self.running():
                self.start()
            ticket = next(self._tickets)
            program = {"name": name, "package": package, "arguments": list(arguments)}
            order = {"ticket": ticket, **program, "environ": dict(environ), "log": str(log)}
            self._socket.sendall(json.dumps(order).encode() + b"\n")
        with self._answered:
            if not self._answered.wait_for(lambda: ticket in self._forked or not self.running(), 60.0) or ticket not in self._forked:
                raise RuntimeError(f"the process that starts programs did not answer; see {self._log}")
            answer = self._forked.pop(ticket)
        return Offspring(Identity(answer["forked"], answer["started"]), log)

    def exit_code(self, child: Offspring) -> int | None:
        """How a program ended, as `subprocess` has it; `None` while it runs or when it is not known."""
        with self._answered:
            return self._ended.get(child.pid)

    def wait(self, child: Offspring, seconds: float) -> int | None:
        """Wait for a program's end and answer how it ended."""
        with self._answered:
            self._answered.wait_for(lambda: child.pid in self._ended or not self.running(), seconds)
            return self._ended.get(child.pid)

    def stop(self) -> None:
        """End the loaded process; programs it forked go on."""
        if self._process:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            try:
                self._process.wait(5.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._socket.close()
            self._process = None

    def _listen(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection.makefile("r") as lines:
            for line in lines:
                message = json.loads(line)
                with self._answered:
                    if "forked" in message:
                        self._forked[message["ticket"]] = message
                    else:
                        self._ended[message["ended"]] = message["code"]
                    self._answered.notify_all()
        with self._answered:
            self._answered.notify_all()


def serve(connection: socket.socket, preload: Sequence[str]) -> dict[str, Any] | None:
    """Fork on request until the other side is gone. Returns in every forked child, with its order."""
    _load(preload)
    wakeup, waker = _wake_on_ends()
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        selector.register(wakeup, selectors.EVENT_READ)
        pending = b""
        while True:
            ready = {key.fileobj for key, _ in selector.select()}
            if wakeup in ready:
                wakeup.recv(4096)
                _report_ends(connection)
            if connection not in ready:
                continue
            received = connection.recv(65536)
            if not received:
                return None
            *orders, pending = (pending + received).split(b"\n")
            for line in orders:
                order: dict[str, Any] = json.loads(line)
                pid = os.fork()
                if pid == 0:
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    for end in (wakeup, waker, connection):
                        end.close()
                    return order
                identity = Identity.of(pid)
                _tell(connection, {"ticket": order["ticket"], "forked": pid, "started": identity.started if identity else 0})


def _load(modules: Sequence[str]) -> None:
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception:  # noqa: BLE001 - the program that needs it will say so itself
            traceback.print_exc()
    gc.collect()
    gc.freeze()  # the collector would write into shared pages


def _wake_on_ends() -> tuple[socket.socket, socket.socket]:
    """A pair of sockets, the first of which becomes readable when a child has ended."""
    wakeup, waker = socket.socketpair()
    waker.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
    return wakeup, waker


def _report_ends(connection: socket.socket) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _tell(connection, {"ended": pid, "code": os.waitstatus_to_exitcode(status)})


def _tell(connection: socket.socket, message: dict[str, Any]) -> None:
    connection.sendall(json.dumps(message).encode() + b"\n")


def become(order: dict[str, Any]) -> None:
    """In a forked child: turn into the program ordered."""
    os.setsid()
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)
    os.environ.clear()
    os.environ.update(order["environ"])
    ctypes.CDLL(None).prctl(_PR_SET_NAME, order["name"].encode()[:15])  # what ps and top show
    sys.argv = [order["package"], *order["arguments"]]
    runpy.run_module(order["package"], run_name="__main__", alter_sys=True)


def main() -> NoReturn:
    """`python -m tiaochu_embedded.nursery FD MODULE…`, started by `Nursery`."""
    order = serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
    if order is not None:
        become(order)
    sys.exit(0)


if __name__ == "__main__":
    main()
