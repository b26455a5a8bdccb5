"""The shape of the synthetic directory, as its files stand.

Codes are those of the field: regions are 12 digits (county 6, town 3, village 3), a zone without a GB code carries a
local part `Zdd`; roles are snake_case names; ids are UUIDv7 made once and kept in the files.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property


@dataclass(frozen=True)
class Region:
    """A node of the region tree. `code` has 12 digits; where no GB code exists (园区) a local part `Zdd` stands in it."""

    code: str
    name: str
    level: str  # county | town | village | zone
    parent: str
    gb_code: bool


@dataclass(frozen=True)
class Organ:
    """A unit that can be responsible. `path` is its place in the tree of organs, root first, joined with dots."""

    id: str
    code: str
    name: str
    short_name: str
    kind: str
    tier: str  # city | town | village
    region: str
    parent_id: str
    path: str
    phone: str


@dataclass(frozen=True)
class Post:
    """A role held in an organ from a date on."""

    organ_id: str
    role: str
    since: date


@dataclass(frozen=True)
class MediatorEntry:
    """What the mediator register (调解员名册) says of a person."""

    specialties: tuple[str, ...]  # category L1 codes
    languages: tuple[str, ...]
    care_skills: tuple[str, ...]
    term_end: date
    max_load: int


@dataclass(frozen=True)
class StaffMember:
    id: str
    login: str
    name: str
    sex: str
    phone: str
    posts: tuple[Post, ...]
    mediator: MediatorEntry | None

    def has_role(self, role: str, organ_id: str | None = None) -> bool:
        return any(p.role == role and (organ_id is None or p.organ_id == organ_id) for p in self.posts)


@dataclass(frozen=True)
class Directory:
    """One district: its regions, organs and staff."""

    district: str
    name: str
    regions: tuple[Region, ...]
    organs: tuple[Organ, ...]
    staff: tuple[StaffMember, ...]

    @cached_property
    def organs_by_id(self) -> Mapping[str, Organ]:
        return {o.id: o for o in self.organs}

    @cached_property
    def organs_by_code(self) -> Mapping[str, Organ]:
        return {o.code: o for o in self.organs}

    @cached_property
    def regions_by_code(self) -> Mapping[str, Region]:
        return {r.code: r for r in self.regions}

    def organs_of_kind(self, kind: str) -> tuple[Organ, ...]:
        return tuple(o for o in self.organs if o.kind == kind)

    def holders(self, role: str, organ_id: str | None = None) -> tuple[StaffMember, ...]:
        """Who holds `role`, in the given organ or anywhere, in the order of the file."""
        return tuple(s for s in self.staff if s.has_role(role, organ_id))

    def competent_organ(self, kind: str, region: str) -> Organ | None:
        """The organ of `kind` whose territory holds `region`: the village's own, else the town's, else the city's."""
        code: str | None = region
        while code:
            for organ in self.organs:
                if organ.kind == kind and organ.region == code:
                    return organ
            code = self.regions_by_code[code].parent if code in self.regions_by_code else None
        return None


@dataclass(frozen=True)
class RoutingRule:
    """Who leads a case. Empty `territory`, `category` or `channel` match everything; of the rules that match, the highest `priority` decides.

    `valid_to` is the first day without the rule. `legal_relation` is `single`, `multiple` or `any`. `lead_tier` says in which tier the organ of `lead_kind` is looked up.
    """

    code: str
    valid_from: date
    valid_to: date | None
    territory: str
    category: str
    channel: str
    legal_relation: str
    lead_kind: str
    lead_tier: str
    co_kinds: tuple[str, ...]
    priority: int
    basis: str


@dataclass(frozen=True)
class Keyword:
    """One row of the suggestion table: the word speaks for the leaf with this weight."""

    word: str
    category: str
    weight: int
