"""Refusals over HTTP (RFC 9457): one table reason → status and whether asking again helps. The reasons are frozen by a test."""

import math
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse
from opentelemetry import trace
from starlette.exceptions import HTTPException

from tiaochu_domainkit.errors import DomainError, Kind
from tiaochu_kit.errors import RETRY_AFTER
from tiaochu_kit.ids import is_uuid

NEVER, SAME, AFTER = "never", "same", "after"

REASONS: dict[str, tuple[int, str]] = {
    "MALFORMED": (400, NEVER),
    "KEY_MISMATCH": (400, NEVER),
    "PATH_BODY_MISMATCH": (400, NEVER),
    "SIGNATURE_MISSING": (401, NEVER),
    "SIGNATURE_INVALID": (401, NEVER),
    "SIGNATURE_STALE": (401, SAME),
    "CREDENTIAL_EXPIRED": (401, NEVER),
    "TOKEN_INVALID": (401, AFTER),
    "KIND_NOT_ALLOWED": (403, NEVER),
    "DOCKING_CLOSED": (403, NEVER),
    "NOT_FOUND": (404, NEVER),
    "STATE_FORBIDS": (409, NEVER),
    "OUT_OF_ORDER": (409, AFTER),
    "DUPLICATE_EXTERNAL_NO": (409, NEVER),
    "IN_PROGRESS": (409, SAME),
    "SUPERSEDED": (409, NEVER),
    "FILE_NOT_READY": (409, SAME),
    "SCHEMA_RETIRED": (410, NEVER),
    "VERSION_CHANGED": (412, AFTER),
    "TOO_LARGE": (413, NEVER),
    "MEDIA_TYPE": (415, NEVER),
    "FIELD_INVALID": (422, NEVER),
    "CODE_UNKNOWN": (422, NEVER),
    "PRECONDITION_MISSING": (422, NEVER),
    "FORBIDDEN_CONTENT": (422, NEVER),
    "CLOCK_IMPOSSIBLE": (422, NEVER),
    "IDEMPOTENCY_KEY_REUSED": (422, NEVER),
    "FILE_HASH": (422, NEVER),
    "TOO_MANY_CREDENTIALS": (422, NEVER),
    "IF_MATCH_REQUIRED": (428, AFTER),
    "RATE_LIMITED": (429, SAME),
    "BUSY": (503, SAME),
}
"""Reason → status, and whether to send again: never, the same, or another after looking."""

_OURS = {"REQUEST_ID_REUSED": "IDEMPOTENCY_KEY_REUSED", "FILE_TOO_LARGE": "TOO_LARGE", "UNAVAILABLE": "BUSY", "FILE_DAMAGED": "BUSY"}
"""Reasons of the machinery in the words of this surface."""
_NUMBERS = frozenset({"expected", RETRY_AFTER})
MEDIA = "application/problem+json"


def problem(error: DomainError, instance: str) -> JSONResponse:
    """The answer to a refusal; `metadata` stands beside the standard members."""
    reason = _OURS.get(error.reason, error.reason)
    if reason not in REASONS:
        reason = "BUSY" if error.kind in (Kind.CONFLICT, Kind.UNAVAILABLE) else "FIELD_INVALID"
    status, retry = REASONS[reason]
    body: dict[str, Any] = {
        "type": f"urn:tiaochu:problem:{reason.lower().replace('_', '-')}",
        "title": error.zh,
        "status": status,
        "detail": error.message,
        "instance": instance,
        "reason": reason,
        "retry": retry,
        "errors": [{"pointer": v.path, "reason": v.reason, "message": v.zh} for v in error.violations],
        "trace_id": trace_id(),
        **{name: int(value) if name in _NUMBERS else value for name, value in error.metadata.items()},
    }
    return JSONResponse(body, status, _headers(reason, error), MEDIA)


def _headers(reason: str, error: DomainError) -> dict[str, str]:
    headers = {}
    if reason in ("BUSY", "IN_PROGRESS", "FILE_NOT_READY", "RATE_LIMITED"):
        headers["Retry-After"] = str(math.ceil(int(error.metadata.get(RETRY_AFTER, "2000")) / 1000))
    if "etag" in error.metadata:
        headers["ETag"] = f'"{error.metadata["etag"]}"'
    if status_asks_for_proof(reason):
        headers["WWW-Authenticate"] = "Bearer" if reason == "TOKEN_INVALID" else "StandardWebhooks"
    return headers


def status_asks_for_proof(reason: str) -> bool:
    """Whether the caller must show who it is."""
    return REASONS[reason][0] == 401


def trace_id() -> str:
    """The present trace, for a call to the liaison."""
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else ""


async def on_domain_error(request: Request, error: Exception) -> JSONResponse:
    """FastAPI's handler for refusals."""
    assert isinstance(error, DomainError)  # noqa: S101 - registered for this class alone
    return problem(error, _instance(request))


def _instance(request: Request) -> str:
    """The path as far as it is ours: what stands in the place of an id and is none may be anything a person typed."""
    template = getattr(request.scope.get("route"), "path", "")
    pairs = zip(template.split("/"), request.url.path.split("/"), strict=False)
    return "/".join(told if not part.startswith("{") or is_uuid(told) else part for part, told in pairs)


async def on_http_error(_request: Request, error: Exception) -> JSONResponse:
    """Paths and methods that do not exist."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class alone
    if error.status_code == 404:
        return problem(DomainError(Kind.NOT_FOUND, "NOT_FOUND", "no such path", "没有这个地址"), "")
    body = {"type": "about:blank", "title": error.detail, "status": error.status_code, "reason": "MALFORMED", "retry": NEVER, "errors": []}
    return JSONResponse(body, error.status_code, dict(error.headers or {}), MEDIA)


def malformed(why: str) -> DomainError:
    """The bytes are not a message at all."""
    return DomainError(Kind.INVALID_INPUT, "MALFORMED", why, "报文格式不正确")


def refused(reason: str, message: str, zh: str, kind: Kind = Kind.INVALID_INPUT, **metadata: str) -> DomainError:
    """A refusal of this surface."""
    return DomainError(kind, reason, message, zh, metadata)
