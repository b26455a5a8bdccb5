"""The clock of the stack: an offset in a file, added to the wall clock by every process."""

import time
from pathlib import Path


class StackClock:
    """Steps the time of all processes together, so that a demonstration needs no waiting."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def begin(self) -> None:
        """Make the file when it is missing; a running stack's time never goes back."""
        if not self.file.exists():
            self._write(0.0)

    @property
    def offset(self) -> float:
        """Seconds ahead of the wall clock."""
        try:
            return float(self.file.read_text() or "0")
        except FileNotFoundError:
            return 0.0

    def step(self, seconds: float) -> float:
        """Move on by `seconds` and answer the new offset. Refuses to go back: clocks have fired, tokens were issued."""
        if seconds < 0:
            raise ValueError("the stack's clock only moves forward")
        self._write(self.offset + seconds)
        return self.offset

    def now(self) -> float:
        """Seconds since the epoch as the stack sees them."""
        return time.time() + self.offset

    def _write(self, offset: float) -> None:
        # Replaced whole: a reader sees the old offset or the new one.
        fresh = self.file.with_name(self.file.name + ".new")
        fresh.write_text(repr(offset))
        fresh.replace(self.file)
