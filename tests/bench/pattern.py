"""Text and bytes with places to fill in, cut once and filled very often."""

import re
from collections.abc import Mapping

TOKEN = "t0KENt0KENt0"
"""Stands for the last twelve digits of an id."""
SERIAL = "n0MBRn"
"""Stands for the last six digits of a case's number."""


def clock_mark(number: int) -> str:
    """Stands for the id of a clock. Marks are as long as what replaces them, so that they may stand in a protobuf message."""
    return f"c10CK{number:03d}".ljust(36, "k")


def slot(name: str) -> str:
    """Stands for anything, of any length, called `name`; in texts only."""
    return f"\x02{name}\x03"


_FIXED = f"{TOKEN}|{SERIAL}|c10CK[0-9]{{3}}k{{28}}"
_MARK = re.compile(f"({_FIXED}|\x02[a-z0-9]+\x03)")
_MARK_BYTES = re.compile(f"({_FIXED})".encode())  # slots would be met in messages by chance


class Pattern:
    """A text cut at its marks."""

    def __init__(self, text: str) -> None:
        self._parts = _MARK.split(text)
        self._marks = self._parts[1::2]

    def fill(self, values: Mapping[str, str]) -> str:
        """The text with the values in place of the marks."""
        parts = self._parts.copy()
        parts[1::2] = [values[mark] for mark in self._marks]
        return "".join(parts)


class BytePattern:
    """A message cut at its marks."""

    def __init__(self, message: bytes) -> None:
        self._parts = _MARK_BYTES.split(message)
        self._marks = [mark.decode() for mark in self._parts[1::2]]

    def fill(self, values: Mapping[str, str]) -> bytes:
        """The message with the values in place of the marks."""
        parts = self._parts.copy()
        parts[1::2] = [values[mark].encode() for mark in self._marks]
        return b"".join(parts)
