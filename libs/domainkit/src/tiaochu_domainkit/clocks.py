"""Periods and the moment they end: 民法典 201-204, 民事诉讼法 85.

The day of the event is not counted. A period of days, months or years whose last day is a rest day ends on the first working day
after it; months and years end on the same day number or the month's last day. The last day ends at 24:00 Beijing time. Hours run on
without a break. The day a pause begins does not run, the day it ends does. An extension is counted from the last day before the move.
"""

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from enum import Enum

from tiaochu_domainkit.calendar import Calendar
from tiaochu_domainkit.errors import invalid

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")
"""A fixed offset on purpose: legal time has no daylight saving, the zone's history has (1986-1991)."""

WARN_AT = (70, 90, 100)
"""Shares of a period, in percent, at which somebody is told."""

_DAY = timedelta(days=1)


class Unit(Enum):
    """日 · 工作日 · 月 · 年 · 小时."""

    CD = "cd"
    WD = "wd"
    MONTH = "month"
    YEAR = "year"
    HOUR = "h"


_LIMITS = {Unit.CD: 3660, Unit.WD: 2500, Unit.MONTH: 240, Unit.YEAR: 20, Unit.HOUR: 8784}


@dataclass(frozen=True)
class Length:
    """So many units, at least one."""

    n: int
    unit: Unit

    def __post_init__(self) -> None:
        if not 1 <= self.n <= _LIMITS[self.unit]:
            raise invalid("length", "LENGTH_RANGE", f"期限长度应在1至{_LIMITS[self.unit]}之间")

    def __str__(self) -> str:
        return f"{self.n}{self.unit.value}"


def parse_length(value: str, path: str = "length") -> Length:
    """Read `30cd`, `7wd`, `1month`, `1year`, `2h`. Reasons: LENGTH_FORMAT, LENGTH_RANGE."""
    match = re.fullmatch(r"(\d{1,5})(cd|wd|month|year|h)", value.strip(), re.ASCII)
    if match is None:
        raise invalid(path, "LENGTH_FORMAT", "期限写法应如30cd、7wd、1month、1year、2h")
    return Length(int(match[1]), Unit(match[2]))


@dataclass(frozen=True)
class Pause:
    """Excluded time that has ended (不计入期限). While a pause is still open the clock has no due date.

    Both are aware instants. For clocks in days only their Beijing dates matter: the days from that of `begins` up to, not including,
    that of `ends` do not run. For clocks in hours the instants count.
    """

    begins: datetime
    ends: datetime

    def __post_init__(self) -> None:
        if beijing(self.ends) < beijing(self.begins):
            raise invalid("pause", "PAUSE_ORDER", "中止的结束时间不能早于开始时间")


@dataclass(frozen=True)
class WarningPoint:
    """`percent` of the period is reached on the Beijing date `on`; somebody is told from the instant `at`."""

    percent: int
    on: date
    at: datetime


@dataclass(frozen=True)
class Due:
    """When a period ends.

    `last_day` is a Beijing date, `at` the instant: 24:00 of the last day, or the hour itself. `raw_last_day` is the last day before
    the move, from which an extension is counted. `provisional`: the answer rests on a year whose calendar is not published; such a
    clock warns but never expires. `rest_days_skipped`: the rest days passed over because they do not count or cannot be the last.
    """

    last_day: date
    raw_last_day: date
    at: datetime
    provisional: bool
    rest_days_skipped: tuple[date, ...]
    warnings: tuple[WarningPoint, ...]
    in_hours: bool = False

    def expired(self, now: datetime) -> bool:
        """True when the period is over at `now`; never for a provisional one."""
        return not self.provisional and not self._open(now)

    def in_time(self, received_at: datetime, posted_at: datetime | None = None) -> bool:
        """Whether an act was done in time. What was handed to the post in time is in time whenever it arrives; no date moves."""
        return self._open(received_at if posted_at is None else min(beijing(posted_at), beijing(received_at)))

    def _open(self, moment: datetime) -> bool:
        return beijing(moment) <= self.at if self.in_hours else beijing(moment) < self.at


def beijing(moment: datetime) -> datetime:
    """The same instant on Beijing's clock; ValueError for a moment without a zone."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return moment.astimezone(BEIJING)


def midnight(day: date) -> datetime:
    """00:00 of a Beijing date, which is 24:00 of the day before."""
    return datetime.combine(day, time(), BEIJING)


def due(
    start: datetime,
    length: Length,
    calendar: Calendar,
    *,
    pauses: Iterable[Pause] = (),
    extensions: Sequence[Length] = (),
) -> Due:
    """When a period of `length` ends that an event at `start` set going.

    Raises FIELD_INVALID (LENGTH_UNITS_MIXED) when hours and days are mixed by an extension.
    """
    lengths = (length, *extensions)
    hours = [part.unit is Unit.HOUR for part in lengths]
    if any(hours) and not all(hours):
        raise invalid("extension", "LENGTH_UNITS_MIXED", "以小时计算的期限只能以小时延长")
    if all(hours):
        return _due_in_hours(beijing(start), sum(part.n for part in lengths), sorted(pauses, key=lambda p: beijing(p.begins)))
    return _Days(beijing(start).date(), calendar, tuple(pauses)).due(lengths)


def _due_in_hours(start: datetime, n: int, pauses: list[Pause]) -> Due:
    def after(run: timedelta) -> datetime:
        end = start + run
        cursor = start
        for pause in pauses:
            begins, ends = max(beijing(pause.begins), cursor), beijing(pause.ends)
            if begins >= end:
                break
            if ends > begins:
                end += ends - begins
                cursor = ends
        return end

    at = after(timedelta(hours=n))
    warned = [(percent, after(timedelta(hours=n) * percent / 100)) for percent in WARN_AT]
    warnings = tuple(WarningPoint(percent, moment.date(), moment) for percent, moment in warned)
    return Due(at.date(), at.date(), at, False, (), warnings, in_hours=True)


class _Days:
    """The counted days of one period, in order; everything `due` answers is read off them."""

    def __init__(self, start: date, calendar: Calendar, pauses: tuple[Pause, ...]) -> None:
        self.start = start
        self.calendar = calendar
        self.paused = [(beijing(p.begins).date(), beijing(p.ends).date()) for p in pauses]
        self.counted: list[date] = []
        self.skipped: list[date] = []
        self.provisional = False

    def due(self, lengths: Sequence[Length]) -> Due:
        for length in lengths:
            self._count(length)
        raw = self.counted[-1]
        last = raw if lengths[-1].unit is Unit.WD else self._moved(raw)
        at = midnight(last + _DAY)
        warnings = tuple(self._warning(percent, last, at) for percent in WARN_AT)
        return Due(last, raw, at, self.provisional, tuple(self.skipped), warnings)

    def _count(self, length: Length) -> None:
        """Append the days of `length`, from the day after the last counted one."""
        origin = self.counted[-1] if self.counted else self.start
        if length.unit in (Unit.CD, Unit.WD):
            wanted = length.n
        else:
            months = length.n * (12 if length.unit is Unit.YEAR else 1)
            wanted = (same_day_number(origin, months) - origin).days
        for day in self._running_after(origin):
            if length.unit is Unit.WD and self._rests(day):
                continue
            self.counted.append(day)
            wanted -= 1
            if wanted == 0:
                return

    def _moved(self, raw: date) -> date:
        """The last day itself when it is worked, else the first working day after it that runs."""
        if not self._rests(raw):
            return raw
        return next(day for day in self._running_after(raw) if not self._rests(day))

    def _rests(self, day: date) -> bool:
        """Ask the calendar, noting what was asked: a rest day is skipped, an unpublished year makes the answer provisional."""
        self.provisional = self.provisional or not self.calendar.knows(day)
        rests = self.calendar.is_rest_day(day)
        if rests:
            self.skipped.append(day)
        return rests

    def _running_after(self, day: date) -> Iterator[date]:
        while True:
            day += _DAY
            if not any(begins <= day < ends for begins, ends in self.paused):
                yield day

    def _warning(self, percent: int, last: date, at: datetime) -> WarningPoint:
        if percent >= 100:
            return WarningPoint(percent, last, at)
        reached = self.counted[-(-len(self.counted) * percent // 100) - 1]
        return WarningPoint(percent, reached, midnight(reached))


def same_day_number(day: date, months: int) -> date:
    """The same day number so many months on, or that month's last day (民法典 202)."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
