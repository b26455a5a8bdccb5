"""The 21 header sets over which verifiers of Standard Webhooks were found to differ or to fall: part of what a peer must judge rightly."""

import base64
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

BODY_CHARACTERS = "䶮𠅤㛃"
"""Rare characters that belong into every body these are tried on."""
_TOLERANCE = 300


@dataclass(frozen=True)
class Headers:
    """What the three headers say; `genuine` when the letter must be taken for its sender's."""

    ident: str
    stamp: str
    signature: str
    genuine: bool = False

    @property
    def raw(self) -> list[tuple[bytes, bytes]]:
        """As they go over the wire, where a value need not be ASCII."""
        named = {"webhook-id": self.ident, "webhook-timestamp": self.stamp, "webhook-signature": self.signature}
        return [(name.encode(), value.encode()) for name, value in named.items()]


def hostile_headers(secret: bytes, other: bytes, ident: str, at: datetime, body: bytes) -> Mapping[str, Headers]:
    """Every set by name, over `body` and for a receiver who knows `secret` and has the time `at`."""
    now = str(int(at.timestamp()))

    def made(stamp: str = now, by: bytes = secret) -> str:
        return base64.b64encode(hmac.digest(by, f"{ident}.{stamp}.".encode() + body, "sha256")).decode()

    good, others = f"v1,{made()}", f"v1,{made(by=other)}"
    signatures = {
        "plain": (good, True),
        "second of two": (f"{others} {good}", True),
        "junk before a good one": (f"garbage {good}", True),
        "two spaces between": (f"{others}  {good}", True),
        "asymmetric one beside": (f"v1a,{'A' * 86}== {good}", True),
        "unknown version beside": (f"v9,{made()} {good}", True),
        "garbage": ("garbage", False),
        "two commas": ("v1,a,b", False),
        "base64 of a wrong length": ("v1,AAA", False),
        "empty value": ("v1,", False),
        "no version": (f",{made()}", False),
        "version without comma": (f"v1{made()}", False),
        "right bytes, wrong version": (f"v2,{made()}", False),
        "url-safe alphabet": (f"v1,{'-_' * 21}_=", False),
        "not ASCII": ("v1,签名", False),
        "other secret": (others, False),
    }
    sets = {name: Headers(ident, now, signature, genuine) for name, (signature, genuine) in signatures.items()}
    sets["id with a dot"] = Headers(f"{ident}.x", now, good)
    stamps: dict[str, Callable[[int], str]] = {
        "fractional timestamp": lambda n: f"{n}.0",
        "signed timestamp": lambda n: f"+{n}",
        "too old": lambda n: str(n - _TOLERANCE - 1),
        "too new": lambda n: str(n + _TOLERANCE + 1),
    }
    for name, written in stamps.items():
        stamp = written(int(now))
        sets[name] = Headers(ident, stamp, f"v1,{made(stamp)}")
    return sets
