"""What the clients were told: every command with its key, how it ended and when. The checker believes this and the databases, nothing else."""

import asyncio
import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

ACKNOWLEDGED, REFUSED, UNANSWERED = "acknowledged", "refused", "unanswered"


@dataclass(frozen=True)
class Told:
    """One command as its client saw it. `answer` is the response in hex; `began` and `ended` are seconds since the history began."""

    service: str
    rpc: str
    request_id: str
    person_id: str
    organ_id: str
    case_id: str
    outcome: str
    reason: str
    answer: str
    began: float
    ended: float


@dataclass
class History:
    """Everything the clients were told, and what must be true in the end because of it."""

    told: list[Told] = field(default_factory=list)
    holders: dict[str, str] = field(default_factory=dict)
    """Case → the one unit responsible for it."""
    offers: dict[str, str] = field(default_factory=dict)
    """Exchange of a court's offer → its case."""
    broken: list[str] = field(default_factory=list)
    """What clients saw and should not have: another answer under the same key, a refusal of what is right, a right that outlived its end."""
    _start: float = field(default_factory=time.monotonic)
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def acknowledged(self) -> list[Told]:
        """Commands that were answered with success: each must be in the books once."""
        return [t for t in self.told if t.outcome == ACKNOWLEDGED]

    def now(self) -> float:
        """Seconds since the history began."""
        return time.monotonic() - self._start

    async def note(self, told: Told) -> None:
        """One more."""
        async with self._arrived:
            self.told.append(told)
            self._arrived.notify_all()

    async def more(self, count: int, seconds: float) -> bool:
        """Wait until that many more commands were acknowledged; whether they were in that time."""
        goal = len(self.acknowledged) + count
        try:
            async with asyncio.timeout(seconds), self._arrived:
                await self._arrived.wait_for(lambda: len(self.acknowledged) >= goal)
        except TimeoutError:
            return False
        return True

    def save(self, file: Path) -> None:
        """One JSON object a command."""
        with file.open("w") as lines:
            for told in self.told:
                lines.write(json.dumps(asdict(told), ensure_ascii=False) + "\n")
