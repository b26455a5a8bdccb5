"""Which mediator suits a case, with the score explained (人民调解法 19: the committee assigns, or the parties choose)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from tiaochu_routing.domain.case_facts import CaseFacts
from tiaochu_routing.domain.directory import MediatorEntry
from tiaochu_routing.domain.organs import Unit

CATEGORY, AREA, LANGUAGE, CARE, LOAD = 40, 25, 10, 10, 15
"""Points possible by criterion; 100 together."""

MEDIATOR_ROLES = ("mediator", "village_mediator", "professional_mediator", "court_mediator")

CARE_NEEDED: Mapping[str, tuple[str, ...]] = {
    "elderly": ("elderly",),
    "minor": ("minors",),
    "disabled": ("disabled",),
    "domestic_violence": ("women", "psychology"),
}
"""Flag of a case → skills that help."""


@dataclass(frozen=True)
class Candidate:
    """A mediator of the register in a post, with the cases in hand. `past` is what happened between the person and this case."""

    entry: MediatorEntry
    name: str
    unit: Unit
    unit_name: str
    open_cases: int
    past: str = ""


@dataclass(frozen=True)
class Part:
    """Points for one criterion and why."""

    criterion: str
    points: int
    of: int
    zh: str


@dataclass(frozen=True)
class Ranked:
    """A candidate with the score; `excluded` says why the person cannot be chosen."""

    candidate: Candidate
    parts: tuple[Part, ...]
    excluded: str

    @property
    def score(self) -> int:
        """The sum, 0 when excluded."""
        return 0 if self.excluded else sum(part.points for part in self.parts)


def rank(candidates: Iterable[Candidate], facts: CaseFacts, holder: Unit, languages: Collection[str], today: date) -> list[Ranked]:
    """Best first; equal scores by fewer open cases, then by id. Those who cannot be chosen come last."""
    ranked = [
        Ranked(c, (_category(c, facts), _area(c, holder), _language(c, languages), _care(c, facts.flags), _load(c)), _excluded(c, today))
        for c in candidates
    ]
    return sorted(ranked, key=lambda r: (bool(r.excluded), -r.score, r.candidate.open_cases, r.candidate.entry.id))


def _excluded(c: Candidate, today: date) -> str:
    if c.past in ("recused", "declined"):
        return c.past
    if c.entry.term_end < today:
        return "term_over"
    return "fully_loaded" if c.open_cases >= c.entry.max_load else ""


def _category(c: Candidate, facts: CaseFacts) -> Part:
    group = facts.category[:2]
    if group not in c.entry.specialties:
        return Part("category", 0, CATEGORY, "专长不含该类纠纷")
    place = c.entry.specialties.index(group)
    points = max(CATEGORY - 10 * place, CATEGORY // 2)
    return Part("category", points, CATEGORY, f"该类纠纷是其第{place + 1}专长")


def _area(c: Candidate, holder: Unit) -> Part:
    """The same unit, one above or below it, else how much of the way from the root the two share."""
    if c.unit.id == holder.id:
        return Part("area", AREA, AREA, "与责任单位同一单位")
    if c.unit.is_above(holder) or holder.is_above(c.unit):
        return Part("area", AREA - 7, AREA, "责任单位的上级或下级单位")
    shared = _shared(c.unit.path, holder.path)
    return Part("area", min(6 * shared, AREA - 10), AREA, "同一辖区的其他单位" if shared > 1 else "其他辖区单位")


def _shared(one: str, other: str) -> int:
    pairs = zip(one.strip("/").split("/"), other.strip("/").split("/"), strict=False)
    return next((index for index, (a, b) in enumerate(pairs) if a != b), 0)


def _language(c: Candidate, wanted: Collection[str]) -> Part:
    if not wanted:
        return Part("language", LANGUAGE, LANGUAGE, "没有语言要求")
    spoken = [language for language in wanted if language in c.entry.languages]
    return Part("language", LANGUAGE * len(spoken) // len(wanted), LANGUAGE, f"所需{len(wanted)}种语言中会{len(spoken)}种")


def _care(c: Candidate, flags: Sequence[str]) -> Part:
    needed = {skill for flag in flags for skill in CARE_NEEDED.get(flag, ())}
    if not needed:
        return Part("care", CARE, CARE, "没有特殊照顾要求")
    had = needed.intersection(c.entry.care_skills)
    return Part("care", CARE * len(had) // len(needed), CARE, f"所需{len(needed)}项照顾能力中具备{len(had)}项")


def _load(c: Candidate) -> Part:
    free = max(c.entry.max_load - c.open_cases, 0)
    points = LOAD * free // c.entry.max_load if c.entry.max_load else 0
    return Part("load", points, LOAD, f"在办{c.open_cases}件,上限{c.entry.max_load}件")
