"""Who is at the door: signed writes (rules G1-G5), bearers for reads. Nothing is parsed before the signature is known to be right."""

import hashlib
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

import orjson
from fastapi import Request

from tiaochu_docking.domain.agency import Agency
from tiaochu_docking.domain.signature import Check, SignedHeaders, read_headers, refuse_expired, refuse_unmatched
from tiaochu_docking.edge.limits import RateLimits
from tiaochu_docking.edge.problems import malformed, refused
from tiaochu_docking.edge.secrets import Secrets
from tiaochu_docking.edge.tokens import ReadTokens
from tiaochu_docking.usecases.ports import Letters
from tiaochu_domainkit.errors import Kind
from tiaochu_kit.ids import is_uuid
from tiaochu_kit.principal import Principal

AGENCY_HEADER = "tiaochu-agency"
"""The short code of the agency that signs; unsigned, it only chooses the secrets to try."""
JSON_LIMIT = 1024 * 1024
DEPTH = 32
IN_MEMORY = 1024 * 1024
_KEPT_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature", AGENCY_HEADER, "content-type")


@dataclass(frozen=True)
class Signed:
    """A verified write."""

    agency: Agency
    ident: str
    request: str
    body: bytes
    sha256: str
    headers: dict[str, str]
    limits: dict[str, str]

    def json(self) -> Any:
        """The parsed body. Raises MALFORMED for bytes that are no JSON in UTF-8, for too many levels, for numbers and characters JSON cannot say."""
        try:
            document = orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise malformed("the body is not JSON in UTF-8") from error
        if _deeper_than(document, DEPTH):
            raise malformed(f"more than {DEPTH} levels")
        return document

    def typed(self, what: str) -> dict[str, Any]:
        """The body of a signed change; its `type` says what it is for, since a path is not signed (G3)."""
        document = self.json()
        if not isinstance(document, dict) or document.get("type") != f"cn.tiaochu.docking.{what}.v1":
            raise malformed(f"type must be cn.tiaochu.docking.{what}.v1")
        return document


@dataclass(frozen=True)
class SignedFile:
    """A verified upload, on disk when it is large."""

    agency: Agency
    ident: str
    content: IO[bytes]
    size: int
    sha256: str


@dataclass(frozen=True)
class Reader:
    """An agency that reads."""

    agency: Agency
    limits: dict[str, str]


class Gate:
    """Checks callers."""

    def __init__(self, letters: Letters, secrets: Secrets, tokens: ReadTokens, limits: RateLimits, now: Callable[[], datetime]) -> None:
        self._letters = letters
        self._secrets = secrets
        self._tokens = tokens
        self._limits = limits
        self._now = now

    async def signed(self, request: Request) -> Signed:
        """A signed JSON write."""
        if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
            raise refused("MEDIA_TYPE", "application/json is needed", "报文类型应为application/json")
        headers, agency, checks = await self._begin(request)
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > JSON_LIMIT:
                raise _too_large(JSON_LIMIT)
            checks.update(chunk)
        checks.conclude()
        kept = {name: request.headers[name] for name in _KEPT_HEADERS if name in request.headers}
        line = f"{request.method} {request.url.path}"
        digest = hashlib.sha256(body).hexdigest()
        return Signed(agency, headers.ident, line, bytes(body), digest, kept, self._limits.spend(agency.id))

    @asynccontextmanager
    async def signed_file(self, request: Request, limit: int) -> AsyncIterator[SignedFile]:
        """A signed upload. It waits on disk until its signature is known; only then it is stored."""
        headers, agency, checks = await self._begin(request)
        digest, size = hashlib.sha256(), 0
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as content:
            async for chunk in request.stream():
                size += len(chunk)
                if size > limit:
                    raise _too_large(limit)
                checks.update(chunk)
                digest.update(chunk)
                content.write(chunk)
            checks.conclude()
            self._limits.spend(agency.id)
            content.seek(0)
            yield SignedFile(agency, headers.ident, content, size, digest.hexdigest())

    async def reader(self, request: Request) -> Reader:
        """Who holds the bearer."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise refused("TOKEN_INVALID", "a bearer is needed: POST /docking/v1/tokens", "缺少访问令牌", Kind.UNAUTHENTICATED)
        agency = await self._letters.agency(self._tokens.agency(token, self._now()))
        if agency is None:
            raise refused("TOKEN_INVALID", "the agency no longer docks", "令牌无效", Kind.UNAUTHENTICATED)
        return Reader(agency, self._limits.spend(agency.id))

    async def _begin(self, request: Request) -> tuple[SignedHeaders, Agency, "_Checks"]:
        headers = read_headers(request.headers, self._now())
        key = request.headers.get("idempotency-key")
        if key is not None and key.strip('"') != headers.ident:
            raise refused("KEY_MISMATCH", "Idempotency-Key must be absent or equal to webhook-id", "Idempotency-Key与webhook-id不一致")
        if not is_uuid(headers.ident):
            raise malformed("webhook-id must be a UUID in lower case")
        agency = await self._letters.agency_by_code(request.headers.get(AGENCY_HEADER, ""))
        if agency is None:
            raise refuse_unmatched()
        valid = self._secrets.valid(agency, self._now())
        ended = {ident: secret for ident, secret in self._secrets.every(agency).items() if ident not in valid}
        return headers, agency, _Checks(Check(headers, valid), Check(headers, ended))


class _Checks:
    """The secrets that are good, and those that were, to tell an old secret from a wrong one."""

    def __init__(self, valid: Check, ended: Check) -> None:
        self._valid, self._ended = valid, ended

    def update(self, chunk: bytes) -> None:
        self._valid.update(chunk)
        self._ended.update(chunk)

    def conclude(self) -> None:
        if self._valid.matched() is None:
            raise refuse_expired() if self._ended.matched() is not None else refuse_unmatched()


def principal_of(agency: Agency) -> Principal:
    """Who acts when an agency calls."""
    return Principal(id=f"agency:{agency.id}", districts=frozenset({agency.district}))


def _deeper_than(document: Any, limit: int) -> bool:
    level = [document]
    for _ in range(limit):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inner += value.values()
            elif isinstance(value, list):
                inner += value
        level = [v for v in inner if isinstance(v, (dict, list))]
        if not level:
            return False
    return True


def _too_large(limit: int) -> Any:
    return refused("TOO_LARGE", f"more than {limit} bytes", f"报文超过{limit // 1024 // 1024}MB", limit=str(limit))
