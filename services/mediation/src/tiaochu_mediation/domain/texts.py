"""Texts that events freeze: the words stand in a row of their own, the document and the event carry the salted hash."""

from dataclasses import dataclass
from hashlib import sha256


@dataclass(frozen=True)
class TextRef:
    """Where a text stands and what it must hash to: hex SHA-256 of salt and UTF-8."""

    id: str
    sha256: str


def salted_sha256(salt: bytes, body: str) -> str:
    """The hash that makes a text unalterable and, without the salt, unguessable. Erasing row and salt leaves every event valid."""
    return sha256(salt + body.encode()).hexdigest()
