"""One stack: started, watched, disturbed and stopped. The command line and the robustness tests use the same object."""

import fcntl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

from tiaochu_embedded.layout import Parts, RunFolder
from tiaochu_embedded.nursery import Nursery
from tiaochu_embedded.problem import Problem
from tiaochu_embedded.process import wait_until
from tiaochu_embedded.service import Server, Service
from tiaochu_embedded.state import end_leftovers, write_state
from tiaochu_embedded.topology import DEFAULT, Topology

Say = Callable[[str], None]

READY_SECONDS = 60.0
_WATCH_SECONDS = 0.2
_STABLE_SECONDS = 60.0
_LONGEST_PAUSE = 30.0


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

    def _write_state(self, word: str) -> None:
        processes = {name: server.pid for name, server in self.servers.items()} | {"nursery": self._nursery.pid}
        write_state(self.folder, word, {name: pid for name, pid in processes.items() if pid}, self._parts.addresses())
