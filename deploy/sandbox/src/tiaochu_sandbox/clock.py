"""The court's clock: the stack's, and wrong by `lie` seconds when a scenario wants it."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

BEIJING = timezone(timedelta(hours=8))


class CourtClock:
    """Reads the stack's offset file at each look."""

    def __init__(self, offset_file: Path | None) -> None:
        self._file = offset_file

    def now(self) -> datetime:
        """The true time of the stack."""
        offset = 0.0
        if self._file is not None and self._file.exists():
            offset = float(self._file.read_text() or "0")
        return datetime.now(UTC) + timedelta(seconds=offset)

    def today(self) -> str:
        """The Beijing date."""
        return self.now().astimezone(BEIJING).date().isoformat()
