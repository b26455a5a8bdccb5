"""Proves a log to a third party: an export and the service's public key are all it needs. Pure: no database, no network, no other module of ours.

The format of an export and what is hashed and signed stand in `docs/log-export.md`; this file may be copied and run alone.
"""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

FORMAT = "tiaochu-log/1"
GENESIS = "0" * 64
_HASHED = ("position", "event_id", "type", "aggregate_id", "version", "subject", "district", "occurred_at", "recorded_at", "headers")


@dataclass(frozen=True)
class Problem:
    """What does not hold, and from which position on (0: the file as a whole)."""

    position: int
    reason: str


@dataclass
class Report:
    """What an export proves. `problems` empty means: nothing was changed, taken away or added up to `position` since it was signed."""

    service: str = ""
    district: str = ""
    events: int = 0
    position: int = 0
    hash: str = GENESIS
    signatures: list[tuple[int, int]] = field(default_factory=list)
    """Signed heads that hold: (position, microseconds since 1970)."""
    problems: list[Problem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return not self.problems


def verify(export_file: Path, public_key: bytes) -> Report:
    """Recompute the chain of hashes of `export_file` and check its signed heads with `public_key` (Ed25519, PEM).

    The last event must stand under a signature of this key, so an export that was hashed again to its end is refused. Signatures of other
    keys (before a rotation) are left out.
    """
    key = load_pem_public_key(public_key)
    if not isinstance(key, Ed25519PublicKey):
        raise TypeError("not an Ed25519 public key")
    reading = _Reading(key)
    with export_file.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if not reading.take(line):
                return reading.report
    return reading.finish()


def chain(previous: str, event: dict[str, Any]) -> str:
    """The running hash (hex) with one more event of an export."""
    digest = hashlib.sha256(bytes.fromhex(previous))
    for part in (*(str(event[name]).encode() for name in _HASHED), base64.b64decode(event["payload"], validate=True)):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def head_message(service: str, district: str, position: int, running: str, signed_at: int) -> bytes:
    """The bytes that are signed for the head of a log."""
    return "\n".join(("tiaochu-log-head/1", service, district, str(position), running, str(signed_at))).encode()


def key_id(key: Ed25519PublicKey) -> str:
    """Short name of a key: the beginning of the SHA-256 of its 32 bytes."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


class _Reading:
    """An export on its way through the checks."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        self.report = Report()
        self._key = key
        self._hashes = {0: GENESIS}
        self._takes: tuple[str, ...] = ("export",)

    def take(self, line: str) -> bool:
        """Check one line; answers whether going on makes sense."""
        kind, content = _parse(line)
        if kind not in self._takes:
            return self._problem(self.report.position, "MALFORMED")
        getattr(self, f"_{kind}")(content)
        return self._takes != ("export",)

    def finish(self) -> Report:
        """What is known only at the end."""
        report = self.report
        if self._takes:
            self._problem(report.position, "CUT_OFF")
        if report.events and report.position not in {position for position, _ in report.signatures}:
            self._problem(report.position, "HEAD_NOT_SIGNED")
        return report

    def _problem(self, position: int, reason: str) -> bool:
        self.report.problems.append(Problem(position, reason))
        return False

    def _export(self, content: dict[str, Any]) -> None:
        self.report.service, self.report.district = str(content.get("service")), str(content.get("district"))
        if content.get("format") == FORMAT:
            self._takes = ("event", "signature", "end")
        else:
            self._problem(0, "OTHER_FORMAT")

    def _event(self, event: dict[str, Any]) -> None:
        report = self.report
        report.events += 1
        report.position += 1
        if event.get("position") != report.position:
            self._problem(report.position, "GAP")
        if event.get("district") != report.district:
            self._problem(report.position, "OTHER_DISTRICT")
        try:
            report.hash = chain(report.hash, event)
        except (KeyError, ValueError, TypeError):
            self._problem(report.position, "MALFORMED")
        if event.get("hash") != report.hash:
            self._problem(report.position, "HASH_DIFFERS")
        self._hashes[report.position] = report.hash

    def _signature(self, content: dict[str, Any]) -> None:
        if content.get("key_id") != key_id(self._key):
            return
        position, running, signed_at = content.get("position"), content.get("hash"), content.get("signed_at")
        if not isinstance(position, int) or not isinstance(running, str) or not isinstance(signed_at, int):
            self._problem(self.report.position, "MALFORMED")
            return
        message = head_message(self.report.service, self.report.district, position, running, signed_at)
        try:
            self._key.verify(base64.b64decode(content.get("signature", "")), message)
        except (InvalidSignature, ValueError, TypeError):
            self._problem(position, "SIGNATURE_WRONG")
            return
        if self._hashes.get(position) == running:
            self.report.signatures.append((position, signed_at))
        else:
            self._problem(position, "SIGNED_HASH_DIFFERS")

    def _end(self, content: dict[str, Any]) -> None:
        self._takes = ()
        if (content.get("position"), content.get("hash")) != (self.report.position, self.report.hash):
            self._problem(self.report.position, "END_DIFFERS")


def _parse(line: str) -> tuple[str, dict[str, Any]]:
    try:
        [(kind, content)] = json.loads(line).items()
    except (ValueError, AttributeError):
        return "broken", {}
    return (kind, content) if isinstance(content, dict) else ("broken", {})
