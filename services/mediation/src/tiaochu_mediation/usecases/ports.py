"""What use cases ask before they decide; edge and store answer."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from tiaochu_kit.principal import Context
from tiaochu_mediation.domain.facts import CaseFacts
from tiaochu_mediation.domain.mediation import Mediation
from tiaochu_mediation.domain.participants import Seat


class Parties(Protocol):
    """Intake's knowledge of who the parties are."""

    async def roster(self, case_id: str) -> Sequence[Seat]:
        """The parties that did not withdraw. Raises `NOT_FOUND`, `UNAVAILABLE`."""


@dataclass(frozen=True)
class Organ:
    """An organ as the directory has it today."""

    short_name: str
    tier: str


class Organs(Protocol):
    """Routing's directory."""

    async def organ(self, organ_id: str) -> Organ:
        """The organ. Raises `NOT_FOUND`, `UNAVAILABLE`."""


class Mediators(Protocol):
    """Who holds a post as a mediator, as the directory's log has it."""

    async def in_post(self, ctx: Context, person_id: str) -> bool:
        """Whether the person holds such a post today, in a district of the caller."""


class Series(Protocol):
    """Numbers that are never given twice."""

    async def next(self, series: str) -> int:
        """The next one of a series."""


@dataclass(frozen=True)
class KeptText:
    """A text as it was kept."""

    id: str
    kind: str
    ref: str
    party_id: str
    body: str
    sha256: str


@dataclass(frozen=True)
class KeptPerformance:
    """An entry of the performance ledger (履行台账)."""

    id: str
    obligation_id: str
    amount_fen: int
    performed_on: date
    late: bool
    proof_file_id: str
    confirmed_by_obligee: bool


class Reads(Protocol):
    """Reading without a command. A case the caller may not see is `NOT_FOUND`."""

    async def mediation(self, ctx: Context, case_id: str) -> Mediation:
        """The mediation, if the caller may see its case and was not recused from it."""

    async def facts(self, ctx: Context, case_id: str) -> CaseFacts | None:
        """What intake said of the case."""

    async def texts(self, ctx: Context, ids: Collection[str]) -> Mapping[str, KeptText]:
        """Texts by id. Who may read which is the caller's to decide."""

    async def performances(self, ctx: Context, agreement_id: str) -> Sequence[KeptPerformance]:
        """The ledger of an agreement, oldest entry first."""

    async def caucus_notes(self, ctx: Context, session_id: str) -> Sequence[KeptText]:
        """What was said apart in a session. Who may read which is the caller's to decide."""
