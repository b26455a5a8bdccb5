"""Runs a service: `serve` answers calls, `work` relays, consumes, fires timers and makes calls; `run` does both; `migrate` changes the schema."""

import asyncio
import contextlib
import hmac
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

import psycopg
import structlog
import uvloop
from psycopg_pool import PoolClosed, PoolTimeout
from starlette.types import ASGIApp

from tiaochu.log.v1 import log_service_pb2  # noqa: F401 - registers the service's descriptor
from tiaochu_domainkit.sealing import Keyring, load_keyring
from tiaochu_kit import failpoints, figures, migrations, telemetry
from tiaochu_kit.auth import Posts, Tokens
from tiaochu_kit.blobs import BlobStore, open_store
from tiaochu_kit.clock import Clock
from tiaochu_kit.compat import RELEASE
from tiaochu_kit.consumer import Consumer
from tiaochu_kit.database import Database
from tiaochu_kit.directory_log import AccessLog, DirectoryLog
from tiaochu_kit.duties import CallHandler, Calls, TimerHandler, Timers
from tiaochu_kit.events import EventCodec
from tiaochu_kit.executor import Executor
from tiaochu_kit.figures import Figures, Gauge
from tiaochu_kit.housekeeping import Housekeeping
from tiaochu_kit.http_edge import Health, HttpEdges
from tiaochu_kit.journal import Journal
from tiaochu_kit.leases import Leases, holder_name
from tiaochu_kit.lineages import LineageStarter
from tiaochu_kit.log_service import LogQueries
from tiaochu_kit.operators import Operations
from tiaochu_kit.paging import PageTokens
from tiaochu_kit.peers import Peers
from tiaochu_kit.producers import OwnLog, RemoteLog
from tiaochu_kit.recovery import Recovery
from tiaochu_kit.relay import Relay
from tiaochu_kit.series import NumberSeries
from tiaochu_kit.server import Server, bind
from tiaochu_kit.settings import MigrationSettings, Settings
from tiaochu_kit.signing import HeadSigner
from tiaochu_kit.transport import Publisher, Subscription, Transport

GRACE_SECONDS = 15.0
"""How long running calls may take after the stop began."""
DROP_SECONDS = 3.0
"""How long the database may take to hear that the leases are free; without it the next holder waits until they end."""
log = structlog.get_logger()


@dataclass(frozen=True)
class App:
    """What a service is made of: its RPCs, its reactions, its duties, its HTTP edge."""

    rpcs: Mapping[str, Sequence[object]]
    """Proto service → the objects that hold its methods."""
    consumers: Mapping[str, Sequence[object]] = field(default_factory=dict)
    """Producer → the objects that hold the reactions to its events."""
    timers: Mapping[str, TimerHandler] = field(default_factory=dict)
    calls: Mapping[str, CallHandler] = field(default_factory=dict)
    http: ASGIApp | None = None
    """Mounted at `/` beside health, where an outside caller exists."""
    newer: Mapping[str, int] = field(default_factory=dict)
    """Event types (`ThingRenamed`) and fields (`AmountAdded.note`) that came with a later release, see `compat`."""
    gauges: Mapping[str, Gauge] = field(default_factory=dict)
    """Figures of this service's own, counted in its database when somebody asks."""
    background: Sequence[Callable[[], Awaitable[None]]] = ()
    """Further endless work under a lease each, named by the function."""


class Kit:
    """Everything a service's `app.py` is given."""

    def __init__(self, settings: Settings, package: str) -> None:
        self.settings = settings
        self.package = package
        self.clock = Clock(settings.clock_file)
        self.database = Database(settings)
        self.codec = EventCodec(f"tiaochu.{settings.service}.events.v1")
        self.journal = Journal(self.codec, timedelta(days=settings.late_entry_days))
        self.transport = Transport(settings)
        self.relay = Relay(self.database, Publisher(self.transport, settings.service))
        self._on_commit: list[Callable[[], None]] = [self.relay.wake]
        self.executor = Executor(self.database, self.journal, self.committed)
        self.peers = Peers(settings)
        self.posts = Posts(self.database, settings.first_admin)
        self.tokens = Tokens(settings)
        self.series = NumberSeries(self.database)
        self.consumers: dict[str, Consumer] = {}

    @cached_property
    def keyring(self) -> Keyring:
        """The keys of this service's personal data. Raises `ValueError` where none are configured."""
        if self.settings.keys_dir is None:
            raise ValueError("TIAOCHU_KEYS_DIR is not set")
        return load_keyring(self.settings.keys_dir)

    @cached_property
    def pages(self) -> PageTokens:
        """Makes and checks page tokens."""
        return PageTokens(_derived(self.keyring.index_key, "page tokens"))

    @cached_property
    def blobs(self) -> BlobStore:
        """This service's files. Raises `ValueError` where no store is configured."""
        if self.settings.blob_url is None:
            raise ValueError("TIAOCHU_BLOB_URL is not set")
        keys = {name: _derived(key, "files") for name, key in self.keyring.keys.items()}
        return open_store(self.settings.blob_url, keys, self.keyring.current, self.settings.blob_credentials_dir)

    def committed(self) -> None:
        """Wake whoever waits for commits of this process."""
        for told in self._on_commit:
            told()

    def on_commit(self, told: Callable[[], None]) -> None:
        """Have `told` called after each commit of this process."""
        self._on_commit.append(told)


Build = Callable[[Kit], App]


def _derived(key: bytes, purpose: str) -> bytes:
    """A key for one more purpose, so that no key serves two."""
    return hmac.new(key, purpose.encode(), "sha256").digest()


def main(service: str, package: str, build: Build) -> None:
    """The program of a service: `python -m <package> serve|work|run|migrate|finish-upgrade`."""
    role = sys.argv[1] if len(sys.argv) > 1 else "run"
    os.environ.setdefault("TIAOCHU_SERVICE", service)
    if role == "migrate":
        migration = MigrationSettings()
        failpoints.arm(migration.failpoints_dir, service)
        migrations.migrate(migration, package)
    elif role == "finish-upgrade":
        migrations.finish_upgrade(MigrationSettings(), RELEASE)
    elif role in ("serve", "work", "run"):
        settings = Settings()
        failpoints.arm(settings.failpoints_dir, service)
        telemetry.setup(settings)
        figures.setup()
        uvloop.run(run(settings, package, build, serve=role != "work", work=role != "serve"))
    else:
        sys.exit("usage: serve | work | run | migrate | finish-upgrade")


async def run(settings: Settings, package: str, build: Build, *, serve: bool, work: bool) -> None:
    """Run the roles until SIGTERM; then refuse new work, finish what is in hand, and leave."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    service = Service(Kit(settings, package), build)
    stopped = asyncio.ensure_future(stop.wait())
    starting = asyncio.ensure_future(service.start(serve=serve, work=work))
    await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if starting.done():
        starting.result()
        await stopped
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    await service.stop()


class Service:
    """A running service; tests start several in one process."""

    def __init__(self, kit: Kit, build: Build) -> None:
        self.kit = kit
        settings = kit.settings
        own = OwnLog(settings.service, kit.database, kit.relay)
        self.app = build(kit)
        kit.codec.newer = self.app.newer
        for producer, handlers in self.app.consumers.items():
            kit.consumers[producer] = self._consumer(producer, own, handlers)
        self._signer = HeadSigner(kit.database, own, settings.log_signing_key_file, kit.clock.now)
        operations = Operations(kit.database, kit.consumers, kit.clock.now, kit.committed)
        lineages = LineageStarter(kit.database, own, kit.clock.now)
        log_service = [LogQueries(kit.database, own, self._signer), operations, Recovery(kit.consumers, lineages)]
        rpcs = {**self.app.rpcs, "tiaochu.log.v1.LogService": log_service}
        bound = [rpc for name, handlers in rpcs.items() for rpc in bind(name, handlers)]
        self._server = Server(settings, kit.clock, kit.executor, kit.posts, kit.tokens, kit.consumers, bound)
        self._figures = Figures(settings, kit.database, kit.clock, kit.consumers, self.app.gauges)
        self._health = Health(kit.database.ready, lambda: [c.stopped for c in kit.consumers.values() if c.stopped])
        self._schema = migrations.schema_of(kit.package)
        self._http: HttpEdges | None = None
        self._housekeeping = Housekeeping(kit.database, kit.clock.now)
        self._calls = Calls(kit.database, kit.clock.now, self.app.calls)
        self._timers = Timers(kit.database, kit.clock.now, self.app.timers)
        kit.on_commit(self._calls.wake)
        self._leases = Leases(kit.database, holder_name(self))
        self._tasks: list[asyncio.Task[None]] = []

    def _consumer(self, producer: str, own: OwnLog, handlers: Sequence[object]) -> Consumer:
        kit = self.kit
        source = own if producer == own.name else RemoteLog(producer, kit.peers)
        access = [AccessLog(), DirectoryLog()] if producer == "routing" else [AccessLog()]
        consumer = Consumer(
            kit.settings.service, source, kit.database, kit.journal, kit.codec, [*access, *handlers], kit.clock.now, kit.committed
        )
        consumer.trust_seconds = kit.settings.assignments_trusted_for
        return consumer

    async def start(self, *, serve: bool = True, work: bool = True) -> None:
        """Tell of oneself, wait until the database has the schema this code needs, then start the roles."""
        settings = self.kit.settings
        self._http = HttpEdges(
            settings.http_listen, settings.ops_listen, self._health, self._figures.text, self.app.http if serve else None
        )
        self._http.start()
        await self.kit.database.open(self._schema)
        if serve:
            await self._server.start()
        if work:
            with contextlib.suppress(psycopg.Error, PoolTimeout):  # then it waits
                await self._leases.inherit()
            self._start_work()
        self._health.started = True
        log.info("service.started", grpc=settings.grpc_listen, http=settings.http_listen)

    def _start_work(self) -> None:
        kit = self.kit
        jobs: dict[str, Callable[[], Awaitable[None]]] = {"relay": kit.relay.run, "calls": self._calls.run, "timers": self._timers.run}
        jobs["housekeeping"] = self._housekeeping.run
        if kit.settings.log_signing_key_file is not None:
            jobs["sign"] = self._signer.run
        for producer, consumer in kit.consumers.items():
            jobs[f"consumer:{producer}"] = _consuming(consumer, Subscription(kit.transport, kit.settings.service, producer))
        jobs |= {work.__name__: work for work in self.app.background}
        for name, job in jobs.items():
            self._spawn(self._leases.hold(name, job))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.ensure_future(work))

    async def stop(self) -> None:
        """Graceful stop."""
        self._health.stopping = True
        await asyncio.gather(self._server.stop(GRACE_SECONDS), *([self._http.stop()] if self._http else []))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._tasks:
            with contextlib.suppress(psycopg.Error, PoolTimeout, PoolClosed, TimeoutError):
                async with asyncio.timeout(DROP_SECONDS):
                    await self._leases.drop_all()
        await self.kit.transport.close()
        await self.kit.peers.close()
        await self.kit.database.close()
        log.info("service.stopped")


def _consuming(consumer: Consumer, subscription: Subscription) -> Callable[[], Awaitable[None]]:
    async def consume() -> None:
        await asyncio.gather(subscription.run(consumer.handle), consumer.run_catch_up())

    return consume
