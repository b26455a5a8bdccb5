"""The directory as it is edited: organs with dated places, posts, staff, the register of mediators, regions."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import ClassVar

from tiaochu_domainkit.aggregate import Aggregate, Transition, Transitions
from tiaochu_domainkit.errors import refused
from tiaochu_domainkit.sealing import Sealed
from tiaochu_routing.domain.events import OrganPlaced, PostFilled, PostVacated
from tiaochu_routing.domain.organs import Unit

STANDING = "standing"
FILLED, VACANT = "filled", "vacant"


@dataclass(frozen=True)
class Place:
    """Where an organ stands from a day on."""

    valid_from: date
    path: str
    parent_id: str
    kind: str
    tier: str
    region_code: str


@dataclass(kw_only=True)
class Organ(Aggregate):
    """A unit that can be responsible. `places` are in order of their days; history keeps the old ones."""

    TRANSITIONS: ClassVar[Transitions] = {"place": Transition((STANDING,), (STANDING,))}

    status: str = STANDING
    code: str
    name: str = ""
    short_name: str = ""
    phone: str = ""
    """The organ's public phone, no personal data."""
    places: list[Place] = field(default_factory=list)

    def place(self, place: Place, at: datetime) -> None:
        """The organ stands there from `place.valid_from` on; a place of the same or a later day is replaced."""
        self.require("place")
        self.places = [*(p for p in self.places if p.valid_from < place.valid_from), place]
        day = place.valid_from.isoformat()
        self.record(OrganPlaced(self.id, place.path, place.kind, place.tier, place.region_code, place.parent_id, day), at)

    def place_on(self, day: date) -> Place | None:
        """Where it stood that day, None before it was founded."""
        return place_on(self.places, day)

    @property
    def latest(self) -> Place:
        """The newest place."""
        return self.places[-1]

    def unit(self, day: date) -> Unit:
        """The organ as responsibility sees it; its first place for a day before it was founded."""
        place = self.place_on(day) or self.places[0]
        return Unit(self.id, place.path, place.tier)


def place_on(places: Sequence[Place], day: date) -> Place | None:
    """The place valid on a day."""
    return next((p for p in reversed(places) if p.valid_from <= day), None)


@dataclass(kw_only=True)
class Post(Aggregate):
    """A role that one person holds in one organ, from a day on and perhaps up to another."""

    TRANSITIONS: ClassVar[Transitions] = {
        "fill": Transition((VACANT,), (FILLED,)),
        "move": Transition((FILLED,), (FILLED,)),
        "vacate": Transition((FILLED,), (VACANT,)),
    }

    status: str = VACANT
    person_id: str
    organ_id: str
    organ_path: str
    role: str
    valid_from: date
    valid_to: date | None = None

    def fill(self, at: datetime) -> None:
        """The person holds the role."""
        self.require("fill")
        self.status, self.valid_to = FILLED, None
        self._tell(at)

    def move(self, organ_path: str, at: datetime) -> None:
        """The organ stands at another place."""
        self.require("move")
        self.organ_path = organ_path
        self._tell(at)

    def vacate(self, day: date, at: datetime) -> None:
        """From `day` on the person no longer holds the role. POST_BEFORE_ITS_BEGINNING."""
        self.require("vacate")
        if day < self.valid_from:
            raise refused("POST_BEFORE_ITS_BEGINNING", "a post cannot end before it began", "免职日期不能早于任职日期")
        self.status, self.valid_to = VACANT, day
        self.record(PostVacated(self.id, self.person_id, day.isoformat()), at)

    def held_on(self, day: date) -> bool:
        """Whether the person holds the role that day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)

    def _tell(self, at: datetime) -> None:
        day = self.valid_from.isoformat()
        self.record(PostFilled(self.id, self.person_id, self.organ_id, self.organ_path, self.role, day), at)


@dataclass(frozen=True)
class Parentage:
    """Which region a region belongs to from a day on."""

    valid_from: date
    parent_code: str


@dataclass(kw_only=True)
class Region(Aggregate):
    """A node of the region tree; a zone without a GB code carries a local part. Re-parented by date, history keeps the old parent."""

    status: str = STANDING
    code: str
    name: str
    level: str
    parents: list[Parentage] = field(default_factory=list)

    def parent_on(self, day: date) -> str:
        """Code of the parent that day; the first one for a day before."""
        return next(
            (p.parent_code for p in reversed(self.parents) if p.valid_from <= day), self.parents[0].parent_code if self.parents else ""
        )


@dataclass(kw_only=True)
class StaffMember(Aggregate):
    """A person who works here. The name is personal data and stands nowhere else."""

    status: str = STANDING
    login: str
    name: str
    sex: str = ""
    phone: Sealed | None = None


@dataclass(kw_only=True)
class MediatorEntry(Aggregate):
    """An entry of the register of mediators (调解员名册); its id is the person's."""

    status: str = STANDING
    specialties: list[str] = field(default_factory=list)
    """Groups of categories, best first."""
    languages: list[str] = field(default_factory=list)
    care_skills: list[str] = field(default_factory=list)
    term_end: date
    max_load: int = 0
