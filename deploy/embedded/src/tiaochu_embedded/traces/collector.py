"""OTLP/gRPC in: what OpenTelemetry's exporter sends, as spans of the store."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceServicer, add_TraceServiceServicer_to_server
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tiaochu_embedded.traces.store import SpanStore, StoredSpan

_MAX_MESSAGE = 32 * 1024 * 1024


class Collector(TraceServiceServicer):
    """Stores every span it is sent."""

    def __init__(self, store: SpanStore) -> None:
        self._store = store

    def Export(self, request: ExportTraceServiceRequest, context: grpc.ServicerContext) -> ExportTraceServiceResponse:  # noqa: N802, ARG002
        """The one call of OTLP."""
        self._store.add(spans_of(request))
        return ExportTraceServiceResponse()


def serve(store: SpanStore, listen: str) -> grpc.Server:
    """Start collecting at `listen`."""
    server = grpc.server(ThreadPoolExecutor(2), options=[("grpc.max_receive_message_length", _MAX_MESSAGE), ("grpc.so_reuseport", 0)])
    add_TraceServiceServicer_to_server(Collector(store), server)  # type: ignore[no-untyped-call]  # generated
    server.add_insecure_port(listen)
    server.start()
    return server


def spans_of(request: ExportTraceServiceRequest) -> Iterator[StoredSpan]:
    """The spans of one message."""
    for group in request.resource_spans:
        resource = {pair.key: plain(pair.value) for pair in group.resource.attributes}
        service = str(resource.get("service.name", "?"))
        for scope in group.scope_spans:
            for span in scope.spans:
                yield StoredSpan(
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    service=service,
                    name=span.name,
                    kind=Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
                    start_ns=span.start_time_unix_nano,
                    end_ns=span.end_time_unix_nano,
                    error=(span.status.message or "error") if span.status.code == Status.STATUS_CODE_ERROR else "",
                    attributes={pair.key: plain(pair.value) for pair in span.attributes},
                    links=tuple(link.trace_id.hex() for link in span.links),
                )


def plain(value: AnyValue) -> Any:
    """An attribute's value as JSON can hold it."""
    match value.WhichOneof("value"):
        case "array_value":
            return [plain(item) for item in value.array_value.values]
        case "kvlist_value":
            return {pair.key: plain(pair.value) for pair in value.kvlist_value.values}
        case "bytes_value":
            return value.bytes_value.hex()
        case None:
            return None
        case kind:
            return getattr(value, kind)
