"""A real NATS server with JetStream, on the loopback interface; each service has a user that may publish its own subjects only."""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from tiaochu_embedded.ports import HOST, listens
from tiaochu_embedded.problem import Problem
from tiaochu_embedded.process import Child, Launch, Part, script, wait_until
from tiaochu_embedded.vault import Vault

OPERATOR = "operator"
"""The user of tests and tools; it may do everything."""


MEMORY = "40MiB"
"""When the broker begins to collect garbage eagerly; without it some 70 MB lie about."""


class Nats(Part[Child]):
    """One server. Wiping its folder loses nothing the journals do not hold."""

    def __init__(
        self, folder: Path, vault: Vault, port: int, log: Path, services: Sequence[str], *, bound: bool = False, listen: str = HOST
    ) -> None:
        self.folder, self.port, self.services = folder, port, tuple(services)
        self._vault, self._log, self._bound, self._listen = vault, log, bound, listen

    @property
    def url(self) -> str:
        return f"nats://{HOST}:{self.port}"

    def password_file(self, user: str) -> Path:
        """Where the password of a service's user (or of `OPERATOR`) stands."""
        return self._vault.password(f"nats/{user}")

    def start(self) -> None:
        """Start it and return when it answers."""
        configuration = self._vault.write("nats/server.conf", self._configuration().encode())
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [str(script("nats-server")), "-c", str(configuration)]
        self._child = Launch(command, self._log, {**os.environ, "GOMEMLIMIT": MEMORY}, bound=self._bound).start()
        if not wait_until(lambda: listens(self.port) or not self.running(), 30.0) or not self.running():
            tail = self._child.last_words()
            self.stop()
            raise Problem(f"NATS did not start; its log {self._log} ends with: {tail}", f"消息服务未能启动,日志 {self._log} 末尾为:{tail}")

    def stop(self) -> None:
        if self._child:
            self._child.end()

    def wipe(self) -> None:
        """Delete everything it stored. Only while it is stopped."""
        if self.running():
            raise RuntimeError("stop the server before its folder is wiped")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _configuration(self) -> str:
        users: list[dict[str, object]] = [{"user": OPERATOR, "password": self.password_file(OPERATOR).read_text()}]
        for service in self.services:
            permissions = {
                "publish": {"allow": self._may_publish(service)},
                "subscribe": {"allow": [f"_INBOX_{service}.>"]},
            }
            users.append({"user": service, "password": self.password_file(service).read_text(), "permissions": permissions})
        return json.dumps(
            {
                "server_name": "tiaochu-embedded",
                "listen": f"{self._listen}:{self.port}",
                "jetstream": {"store_dir": str(self.folder), "sync_interval": "always", "max_memory_store": 67108864},
                "accounts": {"TIAOCHU": {"jetstream": "enabled", "users": users}},
            },
            indent=1,
        )

    def _may_publish(self, service: str) -> list[str]:
        """Its own events; its own stream, to be made when missing; its own consumers on everybody's streams. Nothing deletes or empties.

        The names of streams and consumers are those of `tiaochu_kit.transport`.
        """
        own = f"{service.upper()}_EVENTS"
        subjects = [f"tiaochu.evt.{service}.>", "$JS.API.INFO", "$JS.API.STREAM.INFO.*"]
        subjects += [f"$JS.API.STREAM.{verb}.{own}" for verb in ("CREATE", "UPDATE")]
        for producer in self.services:
            consumer = f"{producer.upper()}_EVENTS.{service}-{producer}"
            subjects += [f"$JS.API.CONSUMER.{verb}.{consumer}" for verb in ("CREATE", "DURABLE.CREATE", "INFO", "MSG.NEXT")]
            subjects += [f"$JS.API.CONSUMER.CREATE.{consumer}.>", f"$JS.ACK.{consumer}.>"]
        return subjects
