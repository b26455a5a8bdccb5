"""The stack that is disturbed: a proxy on every link, fail points armed, and the means to look inside and to do harm."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import nats
import psycopg
from nats.js import JetStreamContext

from tiaochu_embedded.nats import OPERATOR
from tiaochu_embedded.ports import HOST
from tiaochu_embedded.problem import Problem
from tiaochu_embedded.stack import Stack
from tiaochu_embedded.topology import DEFAULT
from tiaochu_kit.failpoints import POINTS
from tiaochu_testkit.faults import FaultProxy
from tiaochu_testkit.waiting import eventually_blocking

SERVICES = DEFAULT.services
PRODUCERS = SERVICES[:4]
FOLLOWS = {
    "intake": ("intake", "routing", "mediation"),
    "routing": ("intake", "routing", "mediation", "docking"),
    "mediation": ("intake", "routing", "mediation", "docking"),
    "docking": ("intake", "routing", "mediation"),
    "reporting": ("intake", "routing", "mediation", "docking"),
}
"""Consumer → the producers whose logs it reads."""
DISK_MB = 700
"""Size of the disk that can be filled."""


class Stage:
    """A furnished stack. Nobody else works in it: its books must hold exactly what its clients were told."""

    def __init__(self, folder: Path, furnish: Callable[[Stack], None], *, links: Sequence[str] = (), small_disk: bool = False) -> None:
        self.folder = folder
        self.points = folder / "failpoints"
        self.stack = Stack(folder / "run", environ={"TIAOCHU_FAILPOINTS_DIR": str(self.points)})
        self.proxies: dict[str, FaultProxy] = {}
        self._furnish, self._links, self._small_disk = furnish, links, small_disk
        self._stay = ExitStack()
        self.notes: list[str] = []
        """What could not be done here, and why."""

    # --- life

    def __enter__(self) -> "Stage":
        for service in SERVICES:
            (self.points / service).mkdir(parents=True, exist_ok=True)
        try:
            self._stay.callback(self.stack.stop)
            self._interrupted_migration()
            if self._small_disk:
                self._move_to_small_disk()
            self._furnish(self.stack)
            self._lay_links()
        except BaseException:
            self._stay.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for service in SERVICES:
            self.disarm(service)
        self._stay.close()

    def _interrupted_migration(self) -> None:
        """The first start is killed in the middle of a migration; the second must end what it began."""
        self.arm("mediation", "migration.applied", "kill")
        with suppress(Problem):
            self.stack.start()
            raise AssertionError("the migration was not interrupted")
        self.stack.start()

    def _move_to_small_disk(self) -> None:
        """Put the databases on a disk of their own that can be filled."""
        data = self.stack.folder.path / "postgres"
        self.stack.kill("postgres")
        aside = data.with_name("postgres.aside")
        data.rename(aside)
        data.mkdir(mode=0o700)
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=0700", "tmpfs", str(data)], check=False, capture_output=True
        )
        if mounted.returncode:
            data.rmdir()
            aside.rename(data)
            self.notes.append("disk full: not done, this account may not mount a disk")
        else:
            self._stay.callback(lambda: subprocess.run(["umount", "-l", str(data)], check=True))
            self._stay.callback(self.stack.stop)
            shutil.copytree(aside, data, dirs_exist_ok=True, symlinks=True)
            owner = aside.stat()
            for path in (data, *data.rglob("*")):
                os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
            shutil.rmtree(aside)
        self.stack.restart("postgres")

    def _lay_links(self) -> None:
        """Have the services reach each other through proxies."""
        parts = self.stack.parts
        for service in SERVICES:
            peers = {name: parts.grpc[name] for name in SERVICES if name != service}
            changes = {}
            for link in (name for name in self._links if name.startswith(f"{service}→")):
                target = link.partition("→")[2]
                if target == "postgres":
                    changes["TIAOCHU_DATABASE_URL"] = parts.postgres.database(service).url.replace(
                        str(parts.postgres.port), str(self._proxy(link, parts.postgres.port))
                    )
                elif target == "nats":
                    changes["TIAOCHU_NATS_URL"] = f"nats://{HOST}:{self._proxy(link, parts.nats.port)}"
                elif target in peers:
                    peers[target] = f"{HOST}:{self._proxy(link, _port(parts.grpc[target]))}"
                    changes["TIAOCHU_PEERS"] = json.dumps(peers)
            if changes:
                self.stack.restart(service, **changes)
        if "docking→sandbox" in self._links:
            self._proxy("docking→sandbox", _port(parts.http["sandbox"]))
        if "sandbox→docking" in self._links:
            port = self._proxy("sandbox→docking", _port(parts.http["docking"]))
            self.stack.restart("sandbox", TIAOCHU_HTTP_PEERS=json.dumps({"docking": f"http://{HOST}:{port}"}))
        for link in (name for name in self._links if name.startswith("clients→")):
            self._proxy(link, _port(parts.grpc[link.partition("→")[2]]))

    def _proxy(self, link: str, port: int) -> int:
        self.proxies[link] = self._stay.enter_context(FaultProxy(HOST, port))
        return self.proxies[link].port

    # --- processes

    def pid(self, part: str) -> int:
        """The process of a part that runs; for PostgreSQL the one that started the others."""
        pid = self.stack.servers[part].pid
        if pid is None:
            raise ProcessLookupError(part)
        return pid

    def signal(self, part: str, number: signal.Signals) -> None:
        """Send a signal to all processes of a part."""
        with suppress(ProcessLookupError):
            pid = self.pid(part)
            for process in (pid, *(_children(pid) if part == "postgres" else ())):
                with suppress(ProcessLookupError):
                    os.kill(process, number)

    # --- fail points

    def arm(self, service: str, point: str, action: str) -> None:
        """Have something happen when the service reaches the point next."""
        if point not in POINTS:
            raise ValueError(point)
        file = self.points / service / point
        fresh = file.with_name(f"{point}.new")
        fresh.write_text(action)
        fresh.replace(file)

    def armed(self, service: str, point: str) -> bool:
        """Whether nobody reached the point yet."""
        return (self.points / service / point).exists()

    def disarm(self, service: str) -> None:
        """Take all its points back."""
        for file in (self.points / service).iterdir():
            file.unlink(missing_ok=True)

    async def reached(self, service: str, point: str, seconds: float) -> bool:
        """Wait until the point was reached; otherwise take it back."""
        if await _until(lambda: not self.armed(service, point), seconds):
            return True
        self.disarm(service)
        return False

    # --- looking inside

    @contextmanager
    def database(self, service: str) -> Iterator["psycopg.Connection[Any]"]:
        """A service's database as the superuser, past all proxies."""
        with psycopg.connect(self.stack.parts.postgres.admin_dsn(service), autocommit=True, connect_timeout=5) as connection:
            yield connection

    async def broker(self) -> tuple[Any, JetStreamContext]:
        """NATS as its operator."""
        parts = self.stack.parts.nats
        client = await nats.connect(parts.url, user=OPERATOR, password=parts.password_file(OPERATOR).read_text())
        return client, client.jetstream()


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]
    return []


async def _until(holds: Callable[[], bool], seconds: float) -> bool:
    try:
        return await asyncio.to_thread(eventually_blocking, holds, seconds)
    except AssertionError:
        return False
