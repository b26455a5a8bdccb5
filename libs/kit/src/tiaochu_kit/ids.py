"""Identifiers: UUIDv7 in text, time-ordered so that indexes stay dense."""

import os
import time
import uuid


def new_id() -> str:
    """A UUIDv7 (RFC 9562): 48 bits of milliseconds, 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & ((1 << 48) - 1)) << 80
    value |= 0x7 << 76 | (random >> 62 & 0xFFF) << 64 | 0b10 << 62 | random & ((1 << 62) - 1)
    return str(uuid.UUID(int=value))


def is_uuid(text: str) -> bool:
    """Whether `text` is a UUID in the canonical form of 36 lower-case characters."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
