"""Months, quarters, half-years and years of the statistics, in Beijing time. A month is named by its first day."""

import re
from dataclasses import dataclass
from datetime import date, datetime

from tiaochu_domainkit.clocks import beijing
from tiaochu_domainkit.errors import invalid

_FORM = re.compile(r"(\d{4})(?:-(?:(\d{2})|Q([1-4])|H([12])))?", re.ASCII)


@dataclass(frozen=True)
class Period:
    """Whole months, both ends included."""

    first: date
    last: date

    @property
    def months(self) -> tuple[date, ...]:
        """Every month, in order."""
        found = [self.first]
        while found[-1] < self.last:
            found.append(next_month(found[-1]))
        return tuple(found)


def month_of(moment: datetime) -> date:
    """The month an act belongs to."""
    return beijing(moment).date().replace(day=1)


def month_text(month: date) -> str:
    """`2026-11`."""
    return f"{month:%Y-%m}"


def next_month(month: date) -> date:
    """The month after."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def previous_month(month: date) -> date:
    """The month before."""
    return date(month.year - (month.month == 1), (month.month - 2) % 12 + 1, 1)


def parse_month(text: str, path: str = "month") -> date:
    """`2026-11` → its first day. Reason: PERIOD_FORMAT."""
    period = parse_period(text, path)
    if period.first != period.last:
        raise invalid(path, "PERIOD_FORMAT", "月份应写作2026-11")
    return period.first


def parse_period(text: str, path: str = "period") -> Period:
    """`2026-11`, `2026-Q4`, `2026-H2` or `2026`. Reason: PERIOD_FORMAT."""
    match = _FORM.fullmatch(text)
    if match is None or not 1900 <= int(match[1]) <= 2099 or (match[2] is not None and not 1 <= int(match[2]) <= 12):
        raise invalid(path, "PERIOD_FORMAT", "统计期应写作2026-11(月)、2026-Q4(季)、2026-H2(半年)或2026(年)")
    year, month, quarter, half = int(match[1]), match[2], match[3], match[4]
    if month:
        return Period(date(year, int(month), 1), date(year, int(month), 1))
    if quarter:
        return Period(date(year, 3 * int(quarter) - 2, 1), date(year, 3 * int(quarter), 1))
    if half:
        return Period(date(year, 6 * int(half) - 5, 1), date(year, 6 * int(half), 1))
    return Period(date(year, 1, 1), date(year, 12, 1))
