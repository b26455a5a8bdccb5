"""How a call ends that cannot be answered: every failure becomes one status, here alone."""

from pathlib import Path
from typing import Any

import grpc
import psycopg
import structlog
from grpc_status import rpc_status
from opentelemetry import trace

from tiaochu_domainkit.errors import DomainError, FieldViolation, Kind
from tiaochu_kit.database import away, lost_race
from tiaochu_kit.errors import to_status, unavailable

log = structlog.get_logger()


def refusal_of(error: Exception, rpc: str, span: trace.Span) -> DomainError | None:
    """What a failure means to the caller; `None` for a fault of ours, of which only the place is logged: its text may hold what a person wrote."""
    if isinstance(error, DomainError):
        span.set_attribute("tiaochu.reason", error.reason)
        return error
    cause = getattr(error, "orig", error)  # as SQLAlchemy wraps the driver's
    if isinstance(cause, psycopg.DataError):
        log.warning("rpc.unstorable", rpc=rpc, state=cause.sqlstate)
        return DomainError(
            Kind.INVALID_INPUT,
            "UNSTORABLE",
            "a value cannot be stored: U+0000, or out of range",
            "填写内容含有无法保存的字符或数值,请检查",
        )
    if away(cause) or lost_race(cause):
        log.warning("rpc.database_away", rpc=rpc, error=type(error).__name__)
        return unavailable("the database")
    if isinstance(error, grpc.aio.AioRpcError):
        return unavailable("a service")
    log.error("rpc.failed", rpc=rpc, error=type(error).__name__, where=_where(error))
    span.set_status(trace.StatusCode.ERROR)
    return None


def violation_of(found: Any) -> FieldViolation:
    """A broken rule of protovalidate as ours."""
    proto = found.proto
    parts = [f"{e.field_name}[{e.subscript.value}]" if e.subscript else e.field_name for e in proto.field.elements]
    return FieldViolation(".".join(parts), proto.rule_id.upper().replace(".", "_") or "INVALID", "格式或取值不符合要求")


async def abort(context: Any, error: DomainError | None, service: str) -> None:
    """End a call with the status of a refusal, or `INTERNAL`."""
    if error is None:
        await context.abort(grpc.StatusCode.INTERNAL, "internal error")
    else:
        await context.abort_with_status(rpc_status.to_status(to_status(error, service)))


def _where(error: Exception) -> str:
    """File and line of a failure, without its text, which may hold what a person wrote."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    return f"{Path(at.tb_frame.f_code.co_filename).name}:{at.tb_lineno}" if at else ""
