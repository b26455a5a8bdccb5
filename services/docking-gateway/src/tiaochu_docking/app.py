"""Puts the gateway together."""

import hmac
from typing import TypeVar

import orjson
from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException

from tiaochu_docking.dockings.reader import read_dockings
from tiaochu_docking.domain.docking import Dockings
from tiaochu_docking.domain.schema import Struct
from tiaochu_docking.edge.changes import Changes
from tiaochu_docking.edge.destinations import AllowList
from tiaochu_docking.edge.dispatcher import Dispatcher
from tiaochu_docking.edge.door import Door
from tiaochu_docking.edge.events import IN, OUT
from tiaochu_docking.edge.gate import Gate
from tiaochu_docking.edge.http import routes
from tiaochu_docking.edge.limits import RateLimits
from tiaochu_docking.edge.problems import on_domain_error, on_http_error
from tiaochu_docking.edge.reconciling import Reconciling
from tiaochu_docking.edge.reference import openapi_of, reference_routes
from tiaochu_docking.edge.secrets import Secrets
from tiaochu_docking.edge.surface import PREFIX, Surface
from tiaochu_docking.edge.tokens import ReadTokens
from tiaochu_docking.edge.tracing import Traced
from tiaochu_docking.settings import DockingSettings
from tiaochu_docking.store.outbox import Outbox
from tiaochu_docking.store.reads import Reads
from tiaochu_docking.store.shelf import Shelf
from tiaochu_docking.store.staff import StaffQueries
from tiaochu_docking.usecases.agencies import AgencyCommands
from tiaochu_docking.usecases.composing import Composer
from tiaochu_docking.usecases.deliveries import DeliveryCommands
from tiaochu_docking.usecases.issuing import IssuingCommands
from tiaochu_docking.usecases.lapsing import Lapsing
from tiaochu_docking.usecases.own import OwnCommands
from tiaochu_docking.usecases.reactions import IntakeReactions, MediationReactions, RoutingReactions
from tiaochu_docking.usecases.receiving import ReceivingCommands
from tiaochu_docking.usecases.registering import Registering
from tiaochu_docking.usecases.writing import Writing
from tiaochu_domainkit.errors import DomainError
from tiaochu_domainkit.sealing import load_keyring
from tiaochu_kit.blobs import open_store
from tiaochu_kit.figures import Gauge
from tiaochu_kit.paging import PageTokens
from tiaochu_kit.runner import App, Kit

T = TypeVar("T")
SERVICE = "tiaochu.docking.v1.DockingService"
OPEN_DELIVERIES = Gauge(
    "Packets an agency has not taken yet, waiting or given up",
    ("agency", "status"),
    "SELECT agency_id::text, status, count(*) FROM deliveries WHERE status IN ('waiting', 'dead') GROUP BY agency_id, status",
)
HEARD = (*OUT, *IN)
"""Every event module must be loaded before the first event is decoded."""


def build(kit: Kit) -> App:
    """The gateway of one cell."""
    own_settings = DockingSettings()
    dockings, envelope = read_dockings(own_settings.dockings_dir)
    keyring = load_keyring(_needed(kit.settings.keys_dir, "TIAOCHU_KEYS_DIR"))
    blob_url = _needed(kit.settings.blob_url, "TIAOCHU_BLOB_URL")
    blobs = open_store(blob_url, dict(keyring.keys), keyring.current, kit.settings.blob_credentials_dir)
    now = kit.clock.now

    embedded = kit.settings.environment == "embedded"
    destinations = AllowList(own_settings.push_to, loopback=embedded)
    secrets = Secrets(keyring)
    shelf, outbox, reads = Shelf(kit.database, keyring, blobs), Outbox(kit.database, keyring), Reads(kit.database)
    pages = PageTokens(hmac.digest(keyring.index_key, b"pages", "sha256"))
    own = OwnCommands(kit.executor, now)

    agencies = AgencyCommands(dockings, keyring, destinations)
    deliveries = DeliveryCommands(dockings)
    issuing = IssuingCommands(dockings, keyring)
    receiving = ReceivingCommands(dockings)
    composer = Composer(envelope, own_settings.issuer)
    writing = Writing(dockings=dockings, composer=composer, shelf=shelf, peers=kit.peers, own=own, issuing=issuing, now=now)
    registering = Registering(dockings=dockings, shelf=shelf, peers=kit.peers, own=own, issuing=issuing, writing=writing, read=orjson.loads)
    dispatcher = Dispatcher(
        outbox=outbox,
        own=own,
        deliveries=deliveries,
        agencies=agencies,
        secrets=secrets,
        destinations=destinations,
        now=now,
        timeout=own_settings.push_timeout,
    )
    kit.on_commit(dispatcher.wake)

    tokens = ReadTokens(keyring)
    limits = RateLimits(*own_settings.rates(embedded=embedded))
    gate = Gate(shelf, secrets, tokens, limits, now)
    door = Door(dockings=dockings, envelope=envelope, letters=shelf, executor=kit.executor, receiving=receiving, now=now)
    changes = Changes(
        door=door,
        own=own,
        agencies=agencies,
        deliveries=deliveries,
        outbox=outbox,
        secrets=secrets,
        destinations=destinations,
        now=now,
        timeout=own_settings.push_timeout,
    )
    reconciling = Reconciling(lists=reads, outbox=outbox, own=own, deliveries=deliveries, now=now)
    surface = Surface(
        gate=gate,
        door=door,
        changes=changes,
        reconciling=reconciling,
        letters=shelf,
        lists=reads,
        outbox=outbox,
        secrets=secrets,
        tokens=tokens,
        pages=pages,
        dockings=dockings,
        now=now,
    )
    return App(
        rpcs={SERVICE: [agencies, deliveries, issuing, StaffQueries(reads, shelf, dockings, pages)]},
        consumers={"intake": [IntakeReactions()], "routing": [RoutingReactions()], "mediation": [MediationReactions()]},
        timers={"lapse": Lapsing(own, issuing).lapse},
        calls={"register": registering.register, "write": writing.write, "confirm": writing.confirm},
        http=_http(surface, dockings, envelope),
        gauges={"tiaochu.deliveries.open": OPEN_DELIVERIES},
        background=[dispatcher.dispatch],
    )


_NO_TELEMETRY = TelemetryConfig(tracing=False, metrics=False, logs=False, auto_configure=False)
"""The framework's own spans hold paths and queries as they were sent; ours are made by `Traced`."""


def _http(surface: Surface, dockings: Dockings, envelope: Struct) -> FastAPI:
    app = FastAPI(openapi_url=f"{PREFIX}/openapi.json", docs_url=None, redoc_url=None, telemetry=_NO_TELEMETRY)
    routers = (routes(surface), reference_routes(PREFIX, dockings, envelope, surface.now))
    for router in routers:
        app.include_router(router)
    app.add_exception_handler(DomainError, on_domain_error)
    app.add_exception_handler(HTTPException, on_http_error)
    paths = (getattr(route, "path", "") for router in routers for route in router.routes)
    resources = {path.removeprefix(PREFIX).strip("/").split("/")[0] for path in paths}
    app.add_middleware(Traced, prefix=PREFIX, resources=resources)
    app.openapi = openapi_of(app, PREFIX, dockings, envelope)  # type: ignore[method-assign]
    return app


def _needed(value: T | None, name: str) -> T:
    if value is None:
        raise ValueError(f"{name} is needed")
    return value
