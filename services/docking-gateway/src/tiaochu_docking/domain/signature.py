"""Standard Webhooks signatures (1.0.0), as both sides of the gateway use them: HMAC-SHA256 over `id.timestamp.body`.

The signature header is taken apart here: what is not `version,base64` is passed over, never an error, so that junk before a good signature does no
harm and junk alone is simply no signature.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from tiaochu_domainkit.errors import DomainError, Kind

TOLERANCE = timedelta(minutes=5)
PREFIX = "whsec_"
HEADER_LIMIT = 4096
"""Characters of a signature header; two or three signatures have some hundred."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)


@dataclass(frozen=True)
class SignedHeaders:
    """The three headers, well-formed: an id without a dot, seconds since 1970, the version-1 signatures found."""

    ident: str
    timestamp: int
    signatures: tuple[bytes, ...]

    @property
    def prefix(self) -> bytes:
        """What is signed before the body."""
        return f"{self.ident}.{self.timestamp}.".encode()


class Check:
    """Verifies one body as it streams by, against several secrets at once; `names` are their ids."""

    def __init__(self, headers: SignedHeaders, secrets: Mapping[str, bytes]) -> None:
        self._signatures = headers.signatures
        self._running = {name: hmac.new(key, headers.prefix, hashlib.sha256) for name, key in secrets.items()}

    def update(self, chunk: bytes) -> None:
        """The next bytes of the body."""
        for running in self._running.values():
            running.update(chunk)

    def matched(self) -> str | None:
        """The secret one of the signatures was made with. Every pair is compared, whatever matched before."""
        found = None
        for name, running in self._running.items():
            expected = running.digest()
            for signature in self._signatures:
                if hmac.compare_digest(expected, signature):
                    found = name
        return found


def read_headers(headers: Mapping[str, str], now: datetime) -> SignedHeaders:
    """The three headers, names in lower case. Raises SIGNATURE_MISSING, SIGNATURE_INVALID, SIGNATURE_STALE (with `server_time`)."""
    missing = [name for name in ("webhook-id", "webhook-timestamp", "webhook-signature") if not headers.get(name)]
    if missing:
        raise _refused("SIGNATURE_MISSING", "signature headers are missing", "缺少签名头", missing=",".join(missing))
    ident, timestamp, signature = (headers[f"webhook-{part}"] for part in ("id", "timestamp", "signature"))
    if not _ID.fullmatch(ident) or not _TIMESTAMP.fullmatch(timestamp) or len(signature) > HEADER_LIMIT:
        raise _refused("SIGNATURE_INVALID", "a signature header is malformed", "签名头格式不正确")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        raise _refused(
            "SIGNATURE_STALE",
            "the timestamp is not within five minutes",
            "时间戳与服务器时间相差超过五分钟",
            server_time=now.isoformat(timespec="seconds"),
        )
    return SignedHeaders(ident, int(timestamp), tuple(tokenise(signature)))


def tokenise(header: str) -> Iterable[bytes]:
    """The version-1 signatures of a header, decoded. Whatever else stands there is passed over."""
    for token in header.split(" "):
        version, comma, value = token.partition(",")
        if version != "v1" or not comma:
            continue
        try:
            digest = base64.b64decode(value.encode("ascii"), validate=True)
        except (binascii.Error, UnicodeEncodeError):
            continue
        if len(digest) == hashlib.sha256().digest_size:
            yield digest


def sign(ident: str, at: datetime, body: bytes, secrets: Iterable[bytes]) -> dict[str, str]:
    """The three headers, one signature a secret: two while secrets are being rotated."""
    timestamp = int(at.timestamp())
    content = f"{ident}.{timestamp}.".encode() + body
    made = (base64.b64encode(hmac.digest(secret, content, "sha256")).decode() for secret in secrets)
    return {"webhook-id": ident, "webhook-timestamp": str(timestamp), "webhook-signature": " ".join(f"v1,{s}" for s in made)}


def read_secret(text: str) -> bytes:
    """The bytes of `whsec_…`. Raises `ValueError` for anything but base64 of 24 to 64 bytes."""
    secret = base64.b64decode(text.removeprefix(PREFIX).encode("ascii"), validate=True)
    if not 24 <= len(secret) <= 64:
        raise ValueError("a secret has 24 to 64 bytes")
    return secret


def refuse_unmatched() -> DomainError:
    """No secret fits."""
    return _refused("SIGNATURE_INVALID", "no secret of this agency made this signature", "签名与本机构的密钥不符")


def refuse_expired() -> DomainError:
    """The secret that fits is no longer valid."""
    return _refused("CREDENTIAL_EXPIRED", "the secret used has been retired", "所用密钥已停用,请换用新密钥")


def _refused(reason: str, message: str, zh: str, **metadata: str) -> DomainError:
    return DomainError(Kind.UNAUTHENTICATED, reason, message, zh, metadata)
