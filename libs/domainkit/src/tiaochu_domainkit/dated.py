"""Effective-dated values: what was valid on a day, for a district or by default."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Generic, TypeVar

from tiaochu_domainkit.errors import not_found, refused

T = TypeVar("T")


@dataclass(frozen=True)
class Entry(Generic[T]):
    """`value` is valid from `valid_from` up to, not including, `valid_to`; None means without end."""

    value: T
    valid_from: date
    valid_to: date | None = None

    def __post_init__(self) -> None:
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise refused(
                "DATED_EMPTY",
                "valid_to must be after valid_from",
                "失效日期必须晚于生效日期",
                valid_from=str(self.valid_from),
                valid_to=str(self.valid_to),
            )

    def covers(self, day: date) -> bool:
        """True when the value is valid on `day`."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


@dataclass(frozen=True)
class Dated(Generic[T]):
    """Values of one thing over time, in order. Gaps are allowed, overlaps refused (DATED_OVERLAP)."""

    entries: tuple[Entry[T], ...] = ()

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.entries, key=lambda e: e.valid_from))
        for earlier, later in pairwise(ordered):
            if earlier.valid_to is None or later.valid_from < earlier.valid_to:
                raise refused("DATED_OVERLAP", "two values valid on the same day", "同一日期有两个有效值", day=str(later.valid_from))
        object.__setattr__(self, "entries", ordered)

    def get(self, day: date) -> T | None:
        """The value valid on `day`, or None."""
        return next((e.value for e in self.entries if e.covers(day)), None)

    def at(self, day: date) -> T:
        """The value valid on `day`; NOT_FOUND when there is none."""
        found = next((e for e in self.entries if e.covers(day)), None)
        if found is None:
            raise not_found("dated value", str(day))
        return found.value

    def since(self, day: date, value: T) -> "Dated[T]":
        """A copy in which `value` holds from `day` on: the entry in force that day ends there; entries beginning later are refused."""
        kept = [e for e in self.entries if e.valid_from < day]
        if len(kept) != len(self.entries):
            raise refused("DATED_OVERLAP", "a value already begins on or after that day", "该日期及以后已有新的取值", day=str(day))
        if kept and (kept[-1].valid_to is None or kept[-1].valid_to > day):
            kept[-1] = Entry(kept[-1].value, kept[-1].valid_from, day)
        return Dated((*kept, Entry(value, day)))


@dataclass(frozen=True)
class PerDistrict(Generic[T]):
    """A default over time and what districts put in its place; a district without a value that day has the default."""

    default: Dated[T]
    districts: Mapping[str, Dated[T]] = field(default_factory=dict)

    def get(self, district: str, day: date) -> T | None:
        """The district's value on `day`, else the default's, else None."""
        own = self.districts[district].get(day) if district in self.districts else None
        return own if own is not None else self.default.get(day)

    def at(self, district: str, day: date) -> T:
        """Like `get`; NOT_FOUND when there is none."""
        found = self.get(district, day)
        if found is None:
            raise not_found("dated value", f"{district} {day}")
        return found


def dated(entries: Iterable[tuple[date, date | None, T]]) -> Dated[T]:
    """Build from (valid_from, valid_to, value) rows."""
    return Dated(tuple(Entry(value, start, end) for start, end, value in entries))
