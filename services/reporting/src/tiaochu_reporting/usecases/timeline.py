"""One case as a story: every service's events of it, read from their journals at the moment of asking."""

import asyncio
from collections.abc import Sequence

import orjson
from google.protobuf import json_format
from google.protobuf.message import DecodeError

from tiaochu.log.v1 import log_service_pb2 as log_pb
from tiaochu.reporting.v1 import report_service_pb2 as pb
from tiaochu_domainkit.errors import DomainError, Kind, not_found
from tiaochu_kit.events import EventCodec
from tiaochu_kit.peers import Peers
from tiaochu_kit.usecase import Context, query

_READ = "tiaochu.log.v1.LogService/ReadSubject"


class TimelineQueries:
    """Nothing is stored here: a timeline is complete and fresh, or UNAVAILABLE. Each service shows its events only to those who see the case."""

    def __init__(self, peers: Peers, codec: EventCodec, services: Sequence[str]) -> None:
        self._peers = peers
        self._codec = codec
        self._services = services

    @query
    async def get_case_timeline(self, ctx: Context, r: pb.GetCaseTimelineRequest) -> pb.GetCaseTimelineResponse:
        """NOT_FOUND when no service knows the case or shows it to the caller."""
        told = await asyncio.gather(*(self._read(ctx, service, r.case_id) for service in self._services))
        entries = [self._entry(service, e) for service, events in zip(self._services, told, strict=True) for e in events]
        if not entries:
            raise not_found("case", r.case_id)
        entries.sort(key=lambda e: (e.occurred_at.ToNanoseconds(), e.recorded_at.ToNanoseconds()))
        return pb.GetCaseTimelineResponse(entries=entries)

    async def _read(self, ctx: Context, service: str, case_id: str) -> Sequence[log_pb.LoggedEvent]:
        try:
            answer = await self._peers.call(service, _READ, log_pb.ReadSubjectRequest(case_id=case_id), ctx)
        except DomainError as error:
            if error.kind is Kind.NOT_FOUND:
                return ()
            raise
        return list(answer.events)

    def _entry(self, service: str, e: log_pb.LoggedEvent) -> pb.TimelineEntry:
        headers = orjson.loads(e.headers or "{}")
        return pb.TimelineEntry(
            service=service,
            type=e.type,
            occurred_at=e.occur_time,
            recorded_at=e.record_time,
            actor=headers.get("actor", ""),
            organ_id=headers.get("organ", ""),
            deputised_post=headers.get("deputised_post", ""),
            body_json=self._body(e),
            position=e.position,
            traceparent=headers.get("traceparent", ""),
            event_id=e.event_id,
        )

    def _body(self, e: log_pb.LoggedEvent) -> str:
        try:
            body = self._codec.decode(e.type, e.payload)
        except (KeyError, DecodeError):
            return ""
        return json_format.MessageToJson(body, preserving_proto_field_name=True, indent=None, ensure_ascii=False)
