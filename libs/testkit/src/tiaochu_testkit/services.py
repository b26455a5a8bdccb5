"""Services under test: real gRPC on loopback, real PostgreSQL and NATS, in the process of the test."""

import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import Message

from tiaochu_embedded.clock import StackClock
from tiaochu_embedded.issuer import Issuer
from tiaochu_embedded.nats import Nats
from tiaochu_embedded.ports import HOST, free_port
from tiaochu_embedded.postgres import Database
from tiaochu_embedded.vault import Vault
from tiaochu_kit.errors import from_rpc
from tiaochu_kit.ids import new_id
from tiaochu_kit.principal import Principal
from tiaochu_kit.runner import App, Kit, Service
from tiaochu_kit.settings import Settings

_POST_SQL = """
INSERT INTO posts (post_id, person_id, organ_id, organ_path, role, district, valid_from) VALUES (%s, %s, %s, %s, %s, %s, '2020-01-01')
ON CONFLICT DO NOTHING
"""


@dataclass
class Running:
    """A running service and how to call it."""

    kit: Kit
    service: Service
    address: str
    http_address: str
    issuer: Issuer
    channel: grpc.aio.Channel

    async def call(
        self,
        rpc: str,
        request: Message,
        *,
        by: Principal | str = "service:test",
        request_id: str | None = None,
        timeout: float = 10,
        **metadata: str,
    ) -> Any:
        """Call `rpc` (`tiaochu.intake.v1.CaseService/GetCase`) as a person (who gets posts as the principal says) or a service.

        Raises the `DomainError` that came back.
        """
        owner, name = rpc.split("/")
        method = descriptor_pool.Default().FindServiceByName(owner).methods_by_name[name]
        responses = message_factory.GetMessageClass(method.output_type)
        unary: Any = self.channel.unary_unary(
            f"/{rpc}", request_serializer=lambda m: m.SerializeToString(), response_deserializer=responses.FromString
        )
        headers = [("tiaochu-request-id", request_id or new_id()), *await self.identity(by)]
        try:
            return await unary(request, timeout=timeout, metadata=[*headers, *((k.replace("_", "-"), v) for k, v in metadata.items())])
        except grpc.aio.AioRpcError as error:
            raise from_rpc(error) from error

    async def identity(self, by: Principal | str) -> list[tuple[str, str]]:
        """The metadata that make a call come from `by`."""
        if isinstance(by, str):
            return [("tiaochu-service", by.removeprefix("service:"))]
        await self.give_posts(by)
        return [("authorization", f"Bearer {self.issuer.token(by.id)}"), ("tiaochu-organ", by.organ_id)]

    async def give_posts(self, person: Principal) -> None:
        """Let the service know a person's posts, as the directory's log would."""
        async with self.kit.database.transaction() as tx:
            for district in person.districts:
                for role in person.roles:
                    values = (
                        f"{person.id}-{person.organ_id}-{role}-{district}",
                        person.id,
                        person.organ_id,
                        person.organ_path,
                        role,
                        district,
                    )
                    await tx.queue(_POST_SQL, values)


class Cell:
    """Services that know each other, each on its own database."""

    def __init__(self, folder: Path, nats: Nats, make_database: Callable[[str], Database]) -> None:
        self.folder = folder
        self.nats = nats
        self._make_database = make_database
        self.clock_file = folder / "clock"
        self.clock_file.write_text("0")
        self.databases: dict[str, Database] = {}
        self.ports: dict[str, int] = {}
        self.issuer = Issuer(Vault(folder / "issuer"), free_port(), StackClock(self.clock_file), audience="tiaochu", hours=8)
        self.issuer.start()

    def step_clock(self, seconds: float) -> None:
        """Move the clock of all services on."""
        self.clock_file.write_text(str(float(self.clock_file.read_text()) + seconds))

    def settings(self, service: str, **more: Any) -> Settings:
        """The settings of one service of this cell; its database is made on first use."""
        database = self.databases.setdefault(service, self.databases.get(service) or self._make_database(service))
        keys = self._keys(service)
        values: dict[str, Any] = {
            "service": service,
            "environment": "embedded",
            "database_url": database.url,
            "database_password_file": database.password_file,
            "nats_url": self.nats.url,
            "nats_user": service,
            "nats_password_file": self.nats.password_file(service),
            "grpc_listen": f"{HOST}:{self.port(service)}",
            "http_listen": f"{HOST}:{free_port()}",
            "peers": {name: f"{HOST}:{port}" for name, port in self.ports.items()},
            "oidc_issuer": self.issuer.url,
            "oidc_jwks_url": self.issuer.jwks_url,
            "blob_url": (self.folder / "blobs" / service).as_uri(),
            "keys_dir": keys,
            "clock_file": self.clock_file,
        }
        return Settings(**{**values, **more})

    def _keys(self, service: str) -> Path:
        folder = self.folder / "keys" / service
        if not folder.exists():
            folder.mkdir(parents=True)
            for name in ("data-1.key", "index.key"):
                (folder / name).write_text(secrets.token_hex(32))
            (folder / "current").write_text("data-1")
        return folder

    def port(self, service: str) -> int:
        """The gRPC port of a service; the same at each start."""
        return self.ports.setdefault(service, free_port())

    @asynccontextmanager
    async def running(
        self,
        service: str,
        package: str,
        build: Callable[[Kit], App],
        *,
        peers: Mapping[str, str] | None = None,
        work: bool = True,
        **more: Any,
    ) -> AsyncIterator[Running]:
        """A service from start to graceful stop. Name `peers` (service → address) that are not of this cell."""
        settings = self.settings(service, **more)
        if peers:
            settings = settings.model_copy(update={"peers": {**settings.peers, **peers}})
        kit = Kit(settings, package)
        running = Service(kit, build)
        await running.start(work=work)
        channel = grpc.aio.insecure_channel(settings.grpc_listen)
        try:
            yield Running(kit, running, settings.grpc_listen, settings.http_listen, self.issuer, channel)
        finally:
            await channel.close()
            await running.stop()

    def close(self) -> None:
        """Stop the issuer."""
        self.issuer.stop()
