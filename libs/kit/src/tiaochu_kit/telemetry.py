"""Traces, metrics and logs, set up once a process. Spans of gRPC, database, events and calls are made here and nowhere else."""

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import structlog
from opentelemetry import context as otel_context
from opentelemetry import propagate, trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from tiaochu_kit.settings import Settings

_tracer = trace.get_tracer("tiaochu")
_propagator = TraceContextTextMapPropagator()


def setup(settings: Settings) -> None:
    """JSON logs with trace ids; traces to the collector, when one is named."""
    _setup_logs(settings.service)
    propagate.set_global_textmap(_propagator)
    if settings.otlp_endpoint:
        _setup_traces(settings)


def _setup_logs(service: str) -> None:
    logging.basicConfig(handlers=[_Foreign()], level=logging.WARNING, force=True)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _with_trace,
            lambda _logger, _method, event: {"service": service, **event},
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


class _Foreign(logging.Handler):
    """What libraries log: the fixed part of the text and the kind of error, never the values, which may be what a person wrote."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record as ours are written."""
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        log = structlog.get_logger()
        log.log(max(record.levelno, logging.INFO), "library", logger=record.name, template=str(record.msg)[:200], error=kind)


def _with_trace(_logger: Any, _method: str, event: Any) -> Any:
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        event["trace_id"] = f"{span.trace_id:032x}"
        event["span_id"] = f"{span.span_id:016x}"
    return event


def _setup_traces(settings: Settings) -> None:
    # Imported only where a collector is named: the exporter costs 12 MB a process.
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=Resource.create({"service.name": settings.service}))
    # `http://` in plain text, `https://` with the authorities of the machine or of OTEL_EXPORTER_OTLP_CERTIFICATE.
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=settings.otlp_endpoint)))
    trace.set_tracer_provider(provider)


@contextmanager
def server_span(rpc: str, metadata: Mapping[str, Any]) -> Iterator[trace.Span]:
    """The span of a call we answer, below the caller's."""
    parent = propagate.extract({k: v for k, v in metadata.items() if isinstance(v, str)})
    with _tracer.start_as_current_span(
        rpc.strip("/"), parent, SpanKind.SERVER, record_exception=False, set_status_on_exception=False
    ) as span:
        yield span


@contextmanager
def _span(name: str, context: otel_context.Context | None = None, kind: SpanKind = SpanKind.INTERNAL, **more: Any) -> Iterator[trace.Span]:
    """A span that tells the kind of an error, never its text: that may hold values of rows, which may be what a person wrote."""
    with _tracer.start_as_current_span(name, context, kind, record_exception=False, set_status_on_exception=False, **more) as span:
        try:
            yield span
        except Exception as error:
            span.set_status(trace.StatusCode.ERROR, type(error).__name__)
            raise


@contextmanager
def client_span(name: str, kind: SpanKind = SpanKind.CLIENT) -> Iterator[trace.Span]:
    """The span of something we ask of another."""
    with _span(name, kind=kind) as span:
        yield span


@contextmanager
def database_span() -> Iterator[None]:
    """The span of a transaction, where it belongs to a trace: what the background loops look up every moment makes none."""
    if not trace.get_current_span().get_span_context().is_valid:
        yield
        return
    attributes = {"db.system.name": "postgresql"}
    with _span("postgresql", kind=SpanKind.CLIENT, attributes=attributes):
        yield


@contextmanager
def duty_span(name: str, stored: str = "") -> Iterator[None]:
    """The span of a timer or a durable call, below the command that asked for it."""
    with _span(name, _context(stored), SpanKind.INTERNAL):
        yield


def mark_published(type_name: str, subject: str, stored: str) -> None:
    """Note in the trace of an event's command that the broker has it."""
    if stored:
        attributes = {"messaging.system": "nats", "messaging.destination.name": subject, "messaging.operation.type": "send"}
        _tracer.start_span(f"publish {type_name}", _context(stored), SpanKind.PRODUCER, attributes=attributes).end()


def _context(stored: str) -> otel_context.Context:
    return propagate.extract({"traceparent": stored}, otel_context.Context()) if stored else otel_context.Context()


@contextmanager
def consumer_span(name: str, traceparents: list[str]) -> Iterator[trace.Span]:
    """The span of a batch of events: below the only one's context, linked to all."""
    contexts = [_context(t) for t in dict.fromkeys(traceparents) if t]
    links = [trace.Link(trace.get_current_span(c).get_span_context()) for c in contexts]
    parent = contexts[0] if len(contexts) == 1 else otel_context.Context()
    with _span(name, parent, SpanKind.CONSUMER, links=links) as span:
        yield span


def traceparent() -> str:
    """The present span's context as a header, empty without one."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get("traceparent", "")


def outgoing() -> dict[str, str]:
    """Headers that carry the present context to another process."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier
