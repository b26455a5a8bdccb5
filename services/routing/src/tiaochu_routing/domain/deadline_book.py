"""What a district puts beside the deadline rules and the calendar that ship with the product."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from tiaochu_domainkit.aggregate import Aggregate
from tiaochu_domainkit.calendar import Calendar, YearCalendar, published
from tiaochu_domainkit.clocks import Length
from tiaochu_domainkit.deadlines import DeadlineRule, RuleBook, defaults


@dataclass(frozen=True)
class OwnVersion:
    """A district's version of a rule: another length on another basis, from a day on; all else as the default has it."""

    code: str
    valid_from: date
    length: Length
    legal_basis: str


@dataclass(frozen=True)
class LoadedYear:
    """The notice of a year as somebody loaded it."""

    year: int
    rest_days: Mapping[date, str]
    make_up_days: frozenset[date]


@dataclass(kw_only=True)
class DeadlineBook(Aggregate):
    """One a district."""

    status: str = "kept"
    versions: list[OwnVersion] = field(default_factory=list)
    years: list[LoadedYear] = field(default_factory=list)

    def put(self, version: OwnVersion) -> None:
        """Let a version hold from its day on; versions of that code that begin then or later give way. NOT_FOUND without a default."""
        defaults().find(version.code, version.valid_from)
        kept = [v for v in self.versions if v.code != version.code or v.valid_from < version.valid_from]
        self.versions = sorted([*kept, version], key=lambda v: (v.code, v.valid_from))

    def load(self, year: YearCalendar) -> None:
        """Load or replace the notice of a year."""
        kept = [y for y in self.years if y.year != year.year]
        self.years = sorted([*kept, LoadedYear(year.year, dict(year.rest_days), year.make_up_days)], key=lambda y: y.year)


def rules_of(book: DeadlineBook | None) -> RuleBook:
    """The deadline rules of a district."""
    return defaults() if book is None or not book.versions else defaults().overlaid(own_rules(book))


def own_rules(book: DeadlineBook) -> list[DeadlineRule]:
    """The district's own versions as full rules, each up to the next change of the default or of its own."""
    rules = []
    for version in book.versions:
        own_ends = [v.valid_from for v in book.versions if v.code == version.code and v.valid_from > version.valid_from]
        for entry in defaults().rules[version.code].entries:
            starts = max(version.valid_from, entry.valid_from)
            ends = min([d for d in (*own_ends, entry.valid_to) if d is not None], default=None)
            if ends is None or ends > starts:
                rules.append(_changed(entry.value, version, starts, ends))
    return rules


def _changed(rule: DeadlineRule, version: OwnVersion, starts: date, ends: date | None) -> DeadlineRule:
    return replace(rule, length=version.length, legal_basis=version.legal_basis, valid_from=starts, valid_to=ends)


def calendar_of_district(book: DeadlineBook | None) -> Calendar:
    """The working-day calendar of a district."""
    calendar = published()
    for year in book.years if book else ():
        calendar = calendar.with_year(YearCalendar(year.year, year.rest_days, year.make_up_days))
    return calendar
