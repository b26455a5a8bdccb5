"""Figures for Prometheus. Counted where things happen; what lies in the database is looked up when somebody asks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg
from cryptography.x509 import load_pem_x509_certificate
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from sqlalchemy.exc import OperationalError

from tiaochu_kit.clock import Clock
from tiaochu_kit.consumer import Consumer
from tiaochu_kit.database import Database
from tiaochu_kit.settings import Settings

OVERDUE = timedelta(minutes=1)
"""A timer this late is overdue: the loops look every second."""
_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)

_meter = metrics.get_meter("tiaochu")
_calls = _meter.create_counter("tiaochu.rpc.answered", description="Calls answered, by RPC, result and district")
_seconds = _meter.create_histogram("tiaochu.rpc.seconds", "s", description="How long calls took, by RPC")


@dataclass(frozen=True)
class Gauge:
    """A figure that a service counts in its database: a statement whose rows are the labels' values and then the figure."""

    text: str
    labels: tuple[str, ...]
    statement: str


_GAUGES: Mapping[str, Gauge] = {
    "tiaochu.relay.unpositioned": Gauge(
        "Committed events without a place in their log",
        ("district",),
        "SELECT district, count(*) FROM journal WHERE position IS NULL GROUP BY district",
    ),
    "tiaochu.relay.unpublished": Gauge(
        "Events in the log that the broker does not have yet",
        ("district",),
        "SELECT district, position - published FROM log_heads",
    ),
    "tiaochu.parked": Gauge(
        "Events that could not be applied",
        ("producer", "district"),
        "SELECT producer, district, count(*) FROM parked_events WHERE dropped_at IS NULL GROUP BY producer, district",
    ),
    "tiaochu.timers.overdue": Gauge(
        "Timers that should have fired",
        ("kind", "district"),
        "SELECT kind, district, count(*) FROM timers WHERE due_at < %(overdue)s GROUP BY kind, district",
    ),
    "tiaochu.calls.open": Gauge(
        "Durable calls not answered yet",
        ("kind", "district"),
        "SELECT kind, district, count(*) FROM calls WHERE done_at IS NULL GROUP BY kind, district",
    ),
}
_lag = _meter.create_gauge("tiaochu.consumer.lag", description="Events the producer's head was ahead when last compared")
_stopped = _meter.create_gauge("tiaochu.consumer.stopped", description="1 while a consumer stands still until a person acts, by the reason")
_reachable = _meter.create_gauge("tiaochu.database.reachable", description="0 while the database does not answer")
_expires = _meter.create_gauge(
    "tiaochu.certificate.expires", "s", description="When this service's certificate ends, in seconds since 1970"
)
_healed = _meter.create_gauge("tiaochu.consumer.healed", description="Events that came by catch-up since the process started")


def setup() -> None:
    """Collect for Prometheus. Once a process, before anything is counted."""
    from opentelemetry.exporter.prometheus import PrometheusMetricReader  # noqa: PLC0415 - registers itself for good

    view = View(instrument_name="tiaochu.rpc.seconds", aggregation=ExplicitBucketHistogramAggregation(_BUCKETS))
    metrics.set_meter_provider(MeterProvider([PrometheusMetricReader()], views=[view]))


def answered(service: str, rpc: str, result: str, district: str, seconds: float) -> None:
    """A call was answered, or refused with the kind `result`."""
    name = rpc.rsplit(".", 1)[-1]
    _calls.add(1, {"service": service, "rpc": name, "result": result, "district": district})
    _seconds.record(seconds, {"service": service, "rpc": name})


class Figures:
    """What a service's database and consumers say when they are asked. `more` are figures of the service itself, by name."""

    def __init__(
        self, settings: Settings, database: Database, clock: Clock, consumers: Mapping[str, Consumer], more: Mapping[str, Gauge]
    ) -> None:
        self._service = settings.service
        self._certificate = settings.tls_cert_file
        self._database = database
        self._clock = clock
        self._consumers = consumers
        self._counted = {**_GAUGES, **more}
        self._gauges = {name: _meter.create_gauge(name, description=gauge.text) for name, gauge in self._counted.items()}
        self._told: dict[str, set[tuple[str, ...]]] = {}

    async def text(self) -> bytes:
        """Everything in the format of Prometheus."""
        from prometheus_client import generate_latest  # noqa: PLC0415 - not needed where nobody asks

        own = {"service": self._service}
        _reachable.set(int(await self._count()), own)
        for producer, consumer in self._consumers.items():
            for district, lag in consumer.lags.items():
                _lag.set(lag, {**own, "producer": producer, "district": district})
            _healed.set(consumer.healed, {**own, "producer": producer})
        stops = {(producer, why) for producer, consumer in self._consumers.items() for why in consumer.stops.values()}
        self._tell(_stopped, "tiaochu.consumer.stopped", ("producer", "why"), [(*stop, 1) for stop in stops])
        if self._certificate is not None:
            _expires.set(load_pem_x509_certificate(self._certificate.read_bytes()).not_valid_after_utc.timestamp(), own)
        return bytes(generate_latest())

    async def _count(self) -> bool:
        """Look up what lies in the database; answers whether it could be asked. What counts calls must be told all the same."""
        try:
            async with self._database.read_scope() as reading:
                for name, gauge in self._counted.items():
                    rows = await reading.exec_driver_sql(gauge.statement, {"overdue": self._clock.now() - OVERDUE})
                    self._tell(self._gauges[name], name, gauge.labels, rows.all())
        except (OperationalError, psycopg.OperationalError):
            return False
        return True

    def _tell(self, instrument: Any, name: str, labels: tuple[str, ...], rows: Iterable[Any]) -> None:
        now = {tuple(row[:-1]): row[-1] for row in rows}
        # What was told before and is no more would stand at its last figure for ever.
        before = self._told.setdefault(name, set())
        for key in before | set(now):
            instrument.set(now.get(key, 0), {"service": self._service, **dict(zip(labels, key, strict=True))})
        before.update(now)
