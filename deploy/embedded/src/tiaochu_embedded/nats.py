"""A real NATS server with JetStream, on the loopback interface; each service has a user that may publish its own subjects only."""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from tiaochu_embedded.ports import HOST
from tiaochu_embedded.problem import Problem
from tiaochu_embedded.process import Child, Launch, script, wait_until
from tiaochu_embedded.vault import Vault

OPERATOR = "operator"
"""The user of tests and tools; it may do everything."""

# What a client of a stream and its consumers needs; nothing here deletes or empties a stream.
JETSTREAM_SUBJECTS = (
    "$JS.API.INFO",
    "$JS.API.STREAM.INFO.>",
    "$JS.API.STREAM.NAMES",
    "$JS.API.STREAM.LIST",
    "$JS.API.STREAM.CREATE.>",
    "$JS.API.STREAM.UPDATE.>",
    "$JS.API.STREAM.MSG.GET.>",
    "$JS.API.DIRECT.GET.>",
    "$JS.API.CONSUMER.>",
    "$JS.ACK.>",
    "$JS.FC.>",
)


class Nats:
    """One server. Wiping its folder loses nothing the journals do not hold."""

    def __init__(self, folder: Path, vault: Vault, port: int, log: Path, *, bound: bool = False) -> None:
        self.folder, self.port = folder, port
        self._vault, self._log, self._bound = vault, log, bound
        self._child: Child | None = None

    @property
    def url(self) -> str:
        return f"nats://{HOST}:{self.port}"

    def password_file(self, user: str) -> Path:
        """Where the password of a service's user (or of `OPERATOR`) stands."""
        return self._vault.password(f"nats/{user}")

    def start(self, services: Iterable[str]) -> None:
        """Start it and return when it answers. `services` are the users it knows."""
        configuration = self._vault.write("nats/server.conf", self._configuration(list(services)).encode())
        self.folder.mkdir(parents=True, exist_ok=True)
        ports = self._vault.path("nats/ports")
        shutil.rmtree(ports, ignore_errors=True)
        ports.mkdir(parents=True)
        self._child = Launch([str(script("nats-server")), "-c", str(configuration)], self._log, bound=self._bound).start()
        # The server writes its ports file when it has begun to listen.
        listening = wait_until(lambda: any(ports.glob("*.ports")) or not self.running(), 30.0) and self.running()
        if not listening:
            tail = self._child.last_words()
            self.stop()
            raise Problem(f"NATS did not start; its log {self._log} ends with: {tail}", f"消息服务未能启动,日志 {self._log} 末尾为:{tail}")

    def stop(self) -> None:
        if self._child:
            self._child.end()

    def kill(self) -> None:
        """SIGKILL, as a crash would look."""
        if self._child:
            self._child.kill()

    def wipe(self) -> None:
        """Delete everything it stored. Only while it is stopped."""
        if self.running():
            raise RuntimeError("stop the server before its folder is wiped")
        shutil.rmtree(self.folder, ignore_errors=True)

    def running(self) -> bool:
        return self._child is not None and self._child.running()

    @property
    def child(self) -> Child | None:
        return self._child

    def _configuration(self, services: list[str]) -> str:
        users: list[dict[str, object]] = [{"user": OPERATOR, "password": self.password_file(OPERATOR).read_text()}]
        for service in services:
            permissions = {
                "publish": {"allow": [f"tiaochu.evt.{service}.>", *JETSTREAM_SUBJECTS]},
                "subscribe": {"allow": ["tiaochu.evt.>", "_INBOX.>"]},
            }
            users.append({"user": service, "password": self.password_file(service).read_text(), "permissions": permissions})
        return json.dumps(
            {
                "server_name": "tiaochu-embedded",
                "listen": f"{HOST}:{self.port}",
                "ports_file_dir": str(self._vault.path("nats/ports")),
                "jetstream": {"store_dir": str(self.folder), "sync_interval": "always", "max_memory_store": 67108864},
                "accounts": {"TIAOCHU": {"jetstream": "enabled", "users": users}},
            },
            indent=1,
        )
