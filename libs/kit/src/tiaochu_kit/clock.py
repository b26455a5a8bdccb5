"""The one clock of a process.

The embedded stack steps all processes together by a file that holds an offset in seconds; production has no such file.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path


class Clock:
    """Wall clock, in UTC, plus the offset in `offset_file` when there is one (read again when the file changes)."""

    def __init__(self, offset_file: Path | None = None) -> None:
        self._file = offset_file
        self._changed_ns = -1
        self._offset = timedelta()

    def now(self) -> datetime:
        """The present moment, with microseconds, in UTC."""
        if self._file is not None:
            self._read_offset(self._file)
        return datetime.now(UTC) + self._offset

    def _read_offset(self, file: Path) -> None:
        try:
            changed = file.stat().st_mtime_ns
            if changed != self._changed_ns:
                self._offset = timedelta(seconds=float(file.read_text() or "0"))
                self._changed_ns = changed
        except FileNotFoundError:
            self._offset = timedelta()
