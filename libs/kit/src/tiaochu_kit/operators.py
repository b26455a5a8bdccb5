"""What an operator may do with events that could not be applied and calls that were not answered. Part of `LogService`."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import structlog
from google.protobuf.timestamp_pb2 import Timestamp

from tiaochu.log.v1 import log_service_pb2 as pb
from tiaochu_domainkit.errors import DomainError, invalid, not_found, refused
from tiaochu_kit.consumer import Consumer
from tiaochu_kit.database import Database
from tiaochu_kit.ids import is_uuid
from tiaochu_kit.usecase import Context, query

LARGEST = 200
log = structlog.get_logger()

_PARKED_SQL = f"""
SELECT producer, event, error, parked_at, dropped_at, dropped_by, drop_reason FROM parked_events
WHERE %s IN ('', producer) AND %s IN ('', aggregate_id::text) AND (%s OR dropped_at IS NULL) ORDER BY parked_at, district, position LIMIT least(%s, {LARGEST})
"""  # noqa: S608
_WAITING_SQL = "SELECT 1 FROM parked_events WHERE producer = %s AND aggregate_id = %s::uuid AND dropped_at IS NULL LIMIT 1"
_DROP_SQL = """
UPDATE parked_events SET dropped_at = %s, dropped_by = %s, drop_reason = %s
WHERE producer = %s AND district = %s AND position = %s AND dropped_at IS NULL RETURNING aggregate_id
"""
_CALLS_SQL = f"""
SELECT id::text, kind, key, district, attempts, next_at, done_at, coalesce(error, '') FROM calls
WHERE CASE WHEN %s THEN done_at IS NOT NULL AND error IS NOT NULL ELSE done_at IS NULL END AND %s IN ('', kind) ORDER BY id LIMIT least(%s, {LARGEST})
"""  # noqa: S608
_RETRY_SQL = "UPDATE calls SET next_at = %s, done_at = NULL WHERE id = %s::uuid AND (done_at IS NULL OR error IS NOT NULL) RETURNING id"


class Operations:
    """The operators' RPCs of `tiaochu.log.v1.LogService`."""

    def __init__(
        self, database: Database, consumers: Mapping[str, Consumer], now: Callable[[], datetime], wake: Callable[[], None]
    ) -> None:
        self._database = database
        self._consumers = consumers
        self._now = now
        self._wake = wake

    @query
    async def list_parked(self, ctx: Context, r: pb.ListParkedRequest) -> pb.ListParkedResponse:
        """Parked events, oldest first."""
        async with self._database.transaction(ctx.principal.scope) as tx:
            rows = await tx.rows(_PARKED_SQL, (r.producer, r.aggregate_id, r.dropped, r.limit or LARGEST))
        return pb.ListParkedResponse(parked=[_parked(row) for row in rows])

    @query
    async def replay_parked(self, ctx: Context, r: pb.ReplayParkedRequest) -> pb.ReplayParkedResponse:
        """Apply the parked events of one aggregate."""
        consumer = self._consumers.get(r.producer)
        if consumer is None:
            raise not_found("consumer", r.producer)
        if not is_uuid(r.aggregate_id):
            raise invalid("aggregate_id", "UUID", "编号格式不正确")
        async with self._database.transaction(ctx.principal.scope) as tx:
            waiting = await tx.rows(_WAITING_SQL, (r.producer, r.aggregate_id))
        if not waiting:
            return pb.ReplayParkedResponse(applied=0)
        try:
            return pb.ReplayParkedResponse(applied=await consumer.replay(r.aggregate_id))
        except DomainError as error:
            raise _still(error.reason) from error
        except Exception as error:
            raise _still(type(error).__name__) from error

    @query
    async def drop_parked(self, ctx: Context, r: pb.DropParkedRequest) -> pb.DropParkedResponse:
        """Give up one parked event."""
        if not r.reason.strip():
            raise invalid("reason", "REQUIRED", "请填写放弃的理由")
        async with self._database.transaction(ctx.principal.scope) as tx:
            found = await tx.rows(_DROP_SQL, (self._now(), ctx.principal.id, r.reason, r.producer, r.district, r.position))
        if not found:
            raise not_found("parked event", f"{r.producer}/{r.district}/{r.position}")
        log.warning("parked.dropped", producer=r.producer, district=r.district, position=r.position, by=ctx.principal.id)
        return pb.DropParkedResponse()

    @query
    async def list_calls(self, ctx: Context, r: pb.ListCallsRequest) -> pb.ListCallsResponse:
        """Calls that are open, or were refused."""
        async with self._database.transaction(ctx.principal.scope) as tx:
            rows = await tx.rows(_CALLS_SQL, (r.refused, r.kind, r.limit or LARGEST))
        return pb.ListCallsResponse(calls=[_call(row) for row in rows])

    @query
    async def retry_call(self, ctx: Context, r: pb.RetryCallRequest) -> pb.RetryCallResponse:
        """Make a call again, now."""
        if not is_uuid(r.id):
            raise invalid("id", "UUID", "编号格式不正确")
        async with self._database.transaction(ctx.principal.scope) as tx:
            found = await tx.rows(_RETRY_SQL, (self._now(), r.id))
        if not found:
            raise not_found("call", r.id)
        self._wake()
        return pb.RetryCallResponse()


def _still(why: str) -> DomainError:
    return refused("STILL_NOT_APPLICABLE", f"a parked event still cannot be applied: {why}", "事件仍无法处理,请先排除原因", error=why)


def _parked(row: tuple[Any, ...]) -> pb.ParkedEvent:
    producer, event, error, parked_at, dropped_at, dropped_by, reason = row
    return pb.ParkedEvent(
        producer=producer,
        event=pb.LoggedEvent.FromString(bytes(event)),
        error=error,
        park_time=_stamp(parked_at),
        drop_time=_stamp(dropped_at),
        dropped_by=dropped_by or "",
        drop_reason=reason or "",
    )


def _call(row: tuple[Any, ...]) -> pb.DurableCall:
    ident, kind, key, district, attempts, next_at, done_at, error = row
    return pb.DurableCall(
        id=ident, kind=kind, key=key, district=district, attempts=attempts, next_time=_stamp(None if done_at else next_at), error=error
    )


def _stamp(instant: datetime | None) -> Timestamp | None:
    if instant is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(instant.astimezone(UTC))
    return stamp
