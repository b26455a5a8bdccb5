"""What the use cases need of the tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from tiaochu_kit.database import Tx
from tiaochu_kit.principal import Context
from tiaochu_reporting.domain.books import Books, Cut
from tiaochu_reporting.domain.facts import Fact
from tiaochu_reporting.domain.figures import Figure, Organ, Tally


@dataclass(frozen=True)
class Place:
    """An organ's place as the directory's log tells it."""

    district: str
    position: int
    organ: Organ
    valid_from: date
    recorded_at: datetime


@dataclass(frozen=True)
class FigureCase:
    """What one case adds to a figure in one month for one unit."""

    case_id: str
    case_number: str
    organ_id: str
    organ_path: str
    month: date
    value: int
    adjustment: bool


class Ledger(Protocol):
    """Writes the derived tables, set-wise, in the transaction of the cursor."""

    async def following(self, tx: Tx, producer: str, district: str) -> Sequence[int]:
        """The lineages that read this log at the consumer's pace: the live one and those being built that have caught up."""

    async def fold(self, tx: Tx, facts: Sequence[Fact], lineages: Sequence[int]) -> None:
        """Keep facts and make the postings of their cases anew where they changed. Facts already kept change nothing."""

    async def place(self, tx: Tx, places: Sequence[Place], lineages: Sequence[int]) -> None:
        """Keep places of organs."""


class Reading(Protocol):
    """Reads the live tables for one caller."""

    async def books(self, ctx: Context, district: str) -> Books | None:
        """The district's books; None before the first lock."""

    async def tallies(self, ctx: Context, district: str, cut: Cut) -> list[Tally]:
        """The figures of a period by unit."""

    async def recounted(self, ctx: Context, district: str, cut: Cut) -> tuple[int, list[Tally]]:
        """The same from the recorded facts alone: how many cases were counted, and their tallies."""

    async def organs(self, ctx: Context, district: str, day: date, as_of: datetime) -> dict[str, Organ]:
        """The organs as placed on a day, as known at a moment."""

    async def cases(
        self, ctx: Context, district: str, cut: Cut, organ_id: str, figure: Figure, after: Sequence[Any] | None, limit: int
    ) -> list[FigureCase]:
        """The visible cases of a figure after a key (case, month, unit), in that order."""


@dataclass(frozen=True)
class Lineage:
    """One complete set of derived tables. `state`: building, live or retired."""

    number: int
    state: str
    started_at: datetime
    live_at: datetime | None
    logs_joined: int


class Lineages(Protocol):
    """The sets of derived tables."""

    async def all(self) -> list[Lineage]:
        """The newest first."""

    async def join(self, lineage: int, producers: Sequence[str]) -> None:
        """Let the consumers write to `lineage` too, for every log it has read at least as far as they."""

    async def switch(self, lineage: int, producers: Sequence[str], at: datetime) -> bool:
        """Make `lineage` the live one if it follows every log and has parked nothing that the consumers did not; answers whether it is."""

    async def start_over(self, tx: Tx) -> None:
        """Begin the next lineage, and give up what is being built: it may hold events that are lost."""

    async def purge(self) -> None:
        """Delete what retired lineages hold."""
