"""Domain errors on the wire: one table kind → gRPC code and HTTP status; details as AIP-193 has them."""

from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import code_pb2, error_details_pb2, status_pb2

from tiaochu_domainkit.errors import DomainError, FieldViolation, Kind

CODES: dict[Kind, tuple[grpc.StatusCode, int]] = {
    Kind.INVALID_INPUT: (grpc.StatusCode.INVALID_ARGUMENT, 400),
    Kind.NOT_FOUND: (grpc.StatusCode.NOT_FOUND, 404),
    Kind.ALREADY_EXISTS: (grpc.StatusCode.ALREADY_EXISTS, 409),
    Kind.PRECONDITION_FAILED: (grpc.StatusCode.FAILED_PRECONDITION, 409),
    Kind.CONFLICT: (grpc.StatusCode.ABORTED, 409),
    Kind.PERMISSION_DENIED: (grpc.StatusCode.PERMISSION_DENIED, 403),
    Kind.UNAUTHENTICATED: (grpc.StatusCode.UNAUTHENTICATED, 401),
    Kind.RESOURCE_EXHAUSTED: (grpc.StatusCode.RESOURCE_EXHAUSTED, 429),
    Kind.UNAVAILABLE: (grpc.StatusCode.UNAVAILABLE, 503),
}
_KINDS = {code: kind for kind, (code, _) in CODES.items()}
_DETAILS = (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.LocalizedMessage)


RETRY_AFTER = "retry_after_ms"
"""Metadata: after how many milliseconds the same request is welcome; also told as `RetryInfo`."""


def unavailable(what: str) -> DomainError:
    """Something this call needs does not answer; the same request may be sent again."""
    return DomainError(Kind.UNAVAILABLE, "UNAVAILABLE", f"{what} does not answer", "系统暂时繁忙,请稍后重试", {"what": what})


def to_status(error: DomainError, service: str) -> status_pb2.Status:
    """The status with `ErrorInfo`, field violations and the text for people."""
    status = status_pb2.Status(code=getattr(code_pb2, CODES[error.kind][0].name), message=error.message)
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=f"{service}.tiaochu", metadata=dict(error.metadata))
    details: list[Any] = [info]
    if error.violations:
        violations = [
            error_details_pb2.BadRequest.FieldViolation(field=v.path, reason=v.reason, description=v.zh) for v in error.violations
        ]
        details.append(error_details_pb2.BadRequest(field_violations=violations))
    if RETRY_AFTER in error.metadata:
        delay = error_details_pb2.RetryInfo()
        delay.retry_delay.FromMilliseconds(int(error.metadata[RETRY_AFTER]))
        details.append(delay)
    details.append(error_details_pb2.LocalizedMessage(locale="zh-CN", message=error.zh))
    for detail in details:
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def from_rpc(error: Any) -> DomainError:
    """The domain error a called service answered; anything else is `UNAVAILABLE`."""
    code = error.code()
    details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
    if details is not None:
        return _from_status(status_pb2.Status.FromString(details), code)
    if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED) or code not in _KINDS:
        return unavailable("a service")
    return DomainError(_KINDS[code], code.name, error.details() or "", "请求被拒绝")


def _from_status(status: status_pb2.Status, code: grpc.StatusCode) -> DomainError:
    info, bad, text = (_unpack(status, cls) for cls in _DETAILS)
    violations = tuple(FieldViolation(v.field, v.reason, v.description) for v in bad.field_violations)
    return DomainError(
        _KINDS.get(code, Kind.UNAVAILABLE), info.reason or code.name, status.message, text.message, dict(info.metadata), violations
    )


def _unpack(status: status_pb2.Status, cls: Any) -> Any:
    message = cls()
    for detail in status.details:
        if detail.Is(cls.DESCRIPTOR):
            detail.Unpack(message)
    return message


def problem(error: DomainError, trace_id: str = "") -> tuple[int, dict[str, Any]]:
    """HTTP status and `application/problem+json` body (RFC 9457) with the same reason."""
    status = CODES[error.kind][1]
    body: dict[str, Any] = {"type": "about:blank", "title": error.message, "status": status, "detail": error.zh, "reason": error.reason}
    if error.metadata:
        body["metadata"] = dict(error.metadata)
    if error.violations:
        body["errors"] = [{"pointer": v.path, "reason": v.reason, "message": v.zh} for v in error.violations]
    if trace_id:
        body["trace_id"] = trace_id
    return status, body
