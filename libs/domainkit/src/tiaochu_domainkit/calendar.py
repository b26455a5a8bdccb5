"""The working-day calendar: weekends, statutory rest days and make-up working days (调休), as data.

The State Council publishes each November the notice for one year. A year that is not loaded is *provisional*: weekdays count as
working days, Saturdays and Sundays as rest, and whoever planned with it plans again when the year is loaded.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from importlib import resources
from typing import Any

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class YearCalendar:
    """One year's notice: weekdays off with the holiday's name, and Saturdays or Sundays that are worked.

    A notice may also change the last days of the December before (it did for 2019), so those may stand in it. Loading a year therefore
    means planning again what ends in that December, not only what was provisional.
    """

    year: int
    rest_days: Mapping[date, str] = field(default_factory=dict)
    make_up_days: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        for day in (*self.rest_days, *self.make_up_days):
            if not (day.year == self.year or (day.year, day.month) == (self.year - 1, 12)):
                raise ValueError(f"{day} does not belong to the notice of {self.year}")
        if any(day.weekday() >= 5 for day in self.rest_days):
            raise ValueError("a Saturday or Sunday is a rest day already")
        if any(day.weekday() < 5 for day in self.make_up_days):
            raise ValueError("a make-up working day is a Saturday or Sunday")


@dataclass(frozen=True)
class Calendar:
    """Answers for any day; `knows` says whether by a published notice or provisionally."""

    years: Mapping[int, YearCalendar] = field(default_factory=dict)

    def knows(self, day: date) -> bool:
        """True when the notice of that day's year is loaded."""
        return day.year in self.years

    def is_rest_day(self, day: date) -> bool:
        """Saturday, Sunday or statutory rest day, and not a make-up working day."""
        for notice in self._notices(day):
            if day in notice.make_up_days:
                return False
            if day in notice.rest_days:
                return True
        return day.weekday() >= 5

    def is_working_day(self, day: date) -> bool:
        """The opposite of `is_rest_day`."""
        return not self.is_rest_day(day)

    def holiday(self, day: date) -> str | None:
        """The Chinese name of the statutory rest on a weekday, else None."""
        return next((n.rest_days[day] for n in self._notices(day) if day in n.rest_days), None)

    def first_working_day_from(self, day: date) -> date:
        """`day` itself when it is worked, else the first working day after it."""
        while self.is_rest_day(day):
            day += _DAY
        return day

    def with_year(self, year: YearCalendar) -> "Calendar":
        """A copy in which `year` is loaded or replaced."""
        return Calendar({**self.years, year.year: year})

    def _notices(self, day: date) -> tuple[YearCalendar, ...]:
        """Those that may speak of `day`; the later notice prevails."""
        years = (day.year + 1, day.year) if day.month == 12 else (day.year,)
        return tuple(self.years[y] for y in years if y in self.years)


def parse_year(document: Mapping[str, Any]) -> YearCalendar:
    """Read `{"year", "rest_days": {"2026-02-16": "春节"}, "make_up_days": ["2026-02-14"]}`; ValueError when it is not that."""
    try:
        return YearCalendar(
            int(document["year"]),
            {date.fromisoformat(day): str(name) for day, name in document["rest_days"].items()},
            frozenset(date.fromisoformat(day) for day in document["make_up_days"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a calendar year: {error!r}") from error


def calendar_of(years: Iterable[YearCalendar]) -> Calendar:
    """A calendar of these notices."""
    return Calendar({y.year: y for y in years})


@cache
def published() -> Calendar:
    """The notices that ship with the package (2024-2026)."""
    folder = resources.files("tiaochu_domainkit") / "data" / "calendar"
    return calendar_of(parse_year(json.loads(f.read_text("utf-8"))) for f in folder.iterdir() if f.name.endswith(".json"))
