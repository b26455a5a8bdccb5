"""One stack: started, watched, disturbed and stopped. The command line and the robustness tests use the same object."""

import contextlib
import fcntl
import json
import os
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, Protocol

from tiaochu_embedded.layout import Parts, RunFolder
from tiaochu_embedded.nursery import Nursery, Offspring
from tiaochu_embedded.problem import Problem
from tiaochu_embedded.process import Identity, wait_until
from tiaochu_embedded.topology import DEFAULT, Program, Topology

Say = Callable[[str], None]

STOP_SECONDS = 25.0
READY_SECONDS = 60.0
_WATCH_SECONDS = 0.2
_STABLE_SECONDS = 60.0
_LONGEST_PAUSE = 30.0


class Server(Protocol):
    """A part of the stack that can be started and ended again."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...
    def running(self) -> bool: ...
    @property
    def pid(self) -> int | None: ...


class Service:
    """One of our own programs as a part of the stack."""

    def __init__(self, program: Program, parts: Parts, nursery: Nursery) -> None:
        self.program = program
        self._parts, self._nursery = parts, nursery
        self._child: Offspring | None = None
        self.changes: dict[str, str] = {}
        """What it is told differently from the stack's own settings."""

    def start(self) -> None:
        """Start it; `wait_ready` waits until it works."""
        self._child = self._fork(self.program.arguments)

    def migrate(self) -> Offspring:
        """Start bringing its database to the newest schema."""
        return self._fork(("migrate",))

    def stop(self) -> None:
        if self._child:
            self._child.end(seconds=STOP_SECONDS)

    def kill(self) -> None:
        if self._child:
            self._child.kill()

    def running(self) -> bool:
        return self._child is not None and self._child.running()

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    def ready(self) -> bool:
        """Whether it says that it can work."""
        try:
            with urllib.request.urlopen(f"http://{self._parts.http_address(self.program)}/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def last_words(self) -> str:
        return self._child.last_words() if self._child else ""

    def _fork(self, arguments: Sequence[str]) -> Offspring:
        environ = {**self._parts.environment(self.program), **self.changes}
        return self._nursery.fork(self.program.name, self.program.package, arguments, environ, self._parts.folder.log(self.program.name))


class Stack:
    """A stack in a run folder. `services` names the programs (all that are installed when `None`); others are told of no peers."""

    def __init__(
        self,
        run_dir: Path | str,
        services: Sequence[str] | None = None,
        *,
        topology: Topology = DEFAULT,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = RunFolder(Path(run_dir))
        self.topology = topology.named(None if services is None else tuple(services))
        self._environ = dict(environ or {})
        self._say: Say = lambda _: None
        self._guard = threading.RLock()
        self._halt = threading.Event()
        self._held: set[str] = set()
        self._lock: IO[bytes] | None = None
        self._nursery = Nursery(self.topology.preload, self.folder.log("nursery"))
        self.servers: dict[str, Server] = {}

    # --- life

    def start(self, say: Say | None = None) -> None:
        """Start everything and return when every service is ready. Raises a `Problem` and leaves nothing running when it cannot."""
        self._say = say or self._say
        self.folder.prepare()
        self._take_lock()
        self._halt.clear()
        self._held.clear()
        try:
            end_leftovers(self.folder, self._say)
            self._start_parts()
        except BaseException:
            self.stop()
            raise
        threading.Thread(target=self._watch, name="watch", daemon=True).start()

    def stop(self) -> None:
        """End everything: services first, each with its time to finish; then what they stand on."""
        self._halt.set()
        with self._guard:
            programs = [self.servers[p.name] for p in self.topology.programs if p.name in self.servers]
            with ThreadPoolExecutor(len(programs) or 1) as pool:
                list(pool.map(lambda program: program.stop(), programs))
            for name in ("traces", "nats", "postgres"):
                if name in self.servers:
                    self.servers[name].stop()
            self._nursery.stop()
            if self.servers:
                self._parts.issuer.stop()
            self.servers = {}
            if self._lock:
                self.folder.state.unlink(missing_ok=True)
                self._lock.close()
                self._lock = None

    def __enter__(self) -> "Stack":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # --- disturbing it

    def kill(self, name: str) -> None:
        """SIGKILL a part (a service, `postgres`, `nats`, `traces`). It stays down until `restart`."""
        with self._guard:
            self._held.add(name)
            self.servers[name].kill()

    def restart(self, name: str, **changes: str) -> None:
        """End a part if it runs, start it again and wait until it works.

        `changes` are settings a service is told differently from now on, such as `TIAOCHU_NATS_URL` of a proxy.
        """
        with self._guard:
            server = self.servers[name]
            if isinstance(server, Service):
                server.changes |= changes
            server.stop()
            server.start()
            self._held.discard(name)
            self._write_state("ready")
        if isinstance(server, Service):
            self._wait_ready([server])

    def stop_nats(self) -> None:
        """Stop NATS; it stays down until `start_nats`."""
        with self._guard:
            self._held.add("nats")
            self.servers["nats"].stop()

    def start_nats(self) -> None:
        """Start NATS after `stop_nats`."""
        self.restart("nats")

    def wipe_nats(self) -> None:
        """Delete what NATS stored, as a lost disk would; it must be stopped."""
        self._parts.nats.wipe()

    def step_clock(self, seconds: float) -> float:
        """Move the time of all processes on; answers the offset from the wall clock."""
        return self._parts.clock.step(seconds)

    # --- asking it

    @property
    def addresses(self) -> dict[str, Any]:
        """As in `stack.json`: gRPC and HTTP addresses by service, NATS, traces, issuer, files of certificates."""
        return self._parts.addresses()

    @property
    def parts(self) -> Parts:
        """Servers, secrets and settings, for tests that look inside."""
        return self._parts

    def token(self, person: str, **changes: Any) -> str:
        """A token of a person (see `Issuer.token`)."""
        return self._parts.issuer.token(person, **changes)

    # --- inside

    def _take_lock(self) -> None:
        lock = self.folder.lock.open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise Problem(
                f"The stack in {self.folder.path} is already running; 'make stop' ends it.",
                f"{self.folder.path} 中的系统已在运行;如需停止请执行 make stop。",
            ) from None
        self._lock = lock

    def _start_parts(self) -> None:
        self._nursery.start()
        self._parts = parts = Parts(self.folder, self.topology, extra=self._environ)
        parts.clock.begin()
        services = [Service(program, parts, self._nursery) for program in (self.topology.traces, *self.topology.programs)]
        self.servers = {"postgres": parts.postgres, "nats": parts.nats, **{service.program.name: service for service in services}}
        self._write_state("starting")
        self._say("database, messages")
        with ThreadPoolExecutor(2) as pool:
            started = [pool.submit(server.start) for server in (parts.postgres, parts.nats)]
            parts.issuer.start()
            for service in services:
                parts.environment(service.program)  # makes certificates and keys while the servers start
            for future in started:
                future.result()
        self._write_state("starting")
        with_database = [service for service in services if service.program.database]
        if with_database:
            self._say("schemas")
            parts.postgres.provision([service.program.name for service in with_database])
            self._migrate(with_database)
        self._say("services")
        for service in services:
            service.start()
        self._write_state("starting")
        self._wait_ready(services)
        self._write_state("ready")

    def _migrate(self, services: Sequence[Service]) -> None:
        running = [(service, service.migrate()) for service in services]
        for service, child in running:
            code = self._nursery.wait(child, 300.0)
            if code != 0:
                child.kill()
                name = service.program.name
                raise Problem(
                    f"The schema of {name} could not be brought up to date ({code}); its log {child.log} ends with: {child.last_words()}",
                    f"{name} 的数据库结构升级失败({code}),日志 {child.log} 末尾为:{child.last_words()}",
                )

    def _wait_ready(self, services: Sequence[Service]) -> None:
        waiting = list(services)

        def all_settled() -> bool:
            waiting[:] = [service for service in waiting if service.running() and not service.ready()]
            return not waiting

        in_time = wait_until(all_settled, READY_SECONDS)
        for service in services:
            if service in waiting or not service.running():
                name, log = service.program.name, self.folder.log(service.program.name)
                fault, zh = ("is not ready", "未就绪") if service.running() and not in_time else ("has ended", "已退出")
                raise Problem(
                    f"The service {name} {fault}; its log {log} ends with: {service.last_words()}",
                    f"服务 {name} {zh},日志 {log} 末尾为:{service.last_words()}",
                )

    def _watch(self) -> None:
        """Start again whatever dies by itself, with growing pauses while it keeps dying."""
        deaths: dict[str, tuple[int, float]] = {}
        due: dict[str, float] = {}
        while not self._halt.wait(_WATCH_SECONDS):
            with self._guard:
                for name, server in list(self.servers.items()):
                    if self._halt.is_set() or name in self._held or server.running():
                        continue
                    now = time.monotonic()
                    if name not in due:
                        count, last = deaths.get(name, (0, 0.0))
                        count = 1 if now - last > _STABLE_SECONDS else count + 1
                        deaths[name] = (count, now)
                        pause = min(0.25 * 2 ** (count - 1), _LONGEST_PAUSE)
                        due[name] = now + pause
                        self._say(f"{name} ended by itself (time {count}); starting it again in {pause:g} s")
                    if now >= due[name]:
                        del due[name]
                        self._revive(name, server)

    def _revive(self, name: str, server: Server) -> None:
        try:
            server.start()
        except (Problem, RuntimeError, OSError) as error:
            self._say(f"{name} could not be started: {error}")
        else:
            self._say(f"{name} was started again")
            self._write_state("ready")

    def _write_state(self, state: str) -> None:
        """`stack.json`: addresses, and the processes, so that a stop works after this process was killed."""
        processes = {name: _described(server.pid) for name, server in self.servers.items() if server.pid}
        if self._nursery.pid:
            processes["nursery"] = _described(self._nursery.pid)
        content = {"state": state, "supervisor": _described(os.getpid()), "processes": processes, **self._parts.addresses()}
        fresh = self.folder.state.with_suffix(".new")
        fresh.write_text(json.dumps(content, indent=1, ensure_ascii=False))
        fresh.replace(self.folder.state)


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


def end_leftovers(folder: RunFolder, say: Say) -> None:
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
