"""Every event of one case, from the journals of the services that have facts: told also when reporting is away."""

from collections.abc import Iterator

import orjson
from google.protobuf import json_format
from google.protobuf.message import DecodeError

from tiaochu.log.v1 import log_service_pb2 as log_pb
from tiaochu.reporting.v1.report_service_pb2 import GetCaseTimelineResponse, TimelineEntry
from tiaochu_cli.events import decode
from tiaochu_cli.wire import READS_FIRST, Wire
from tiaochu_domainkit.errors import DomainError, Kind, not_found


def timeline_of(wire: Wire, case_id: str) -> GetCaseTimelineResponse:
    """The same message as `ReportService.GetCaseTimeline`, in the order of the acts; acts of one moment in the order they were recorded.

    NOT_FOUND when no service knows the case or shows it to the caller.
    """
    services = [name for name in READS_FIRST if name in wire.cell.addresses]
    entries = [entry for service in services for entry in _read(wire, service, case_id)]
    if not entries:
        raise not_found("case", case_id)
    rank = {name: place for place, name in enumerate(services)}
    entries.sort(key=lambda e: (e.occurred_at.ToNanoseconds(), e.recorded_at.ToNanoseconds(), rank[e.service], e.position))
    return GetCaseTimelineResponse(entries=entries)


def _read(wire: Wire, service: str, case_id: str) -> Iterator[TimelineEntry]:
    try:
        answer = wire.call(log_pb.ReadSubjectRequest(case_id=case_id), service=service)
    except DomainError as error:
        if error.kind is Kind.NOT_FOUND:
            return
        raise
    for event in answer.events:
        yield _entry(service, event)


def _entry(service: str, event: log_pb.LoggedEvent) -> TimelineEntry:
    headers = orjson.loads(event.headers or "{}")
    return TimelineEntry(
        service=service,
        type=event.type,
        occurred_at=event.occur_time,
        recorded_at=event.record_time,
        actor=headers.get("actor", ""),
        organ_id=headers.get("organ", ""),
        deputised_post=headers.get("deputised_post", ""),
        body_json=_body(event),
        position=event.position,
        traceparent=headers.get("traceparent", ""),
        event_id=event.event_id,
    )


def _body(event: log_pb.LoggedEvent) -> str:
    """JSON of the event's message; empty for a type this release does not know."""
    try:
        body = decode(event.type, event.payload)
    except (KeyError, DecodeError):
        return ""
    return json_format.MessageToJson(body, preserving_proto_field_name=True, indent=None, ensure_ascii=False)
