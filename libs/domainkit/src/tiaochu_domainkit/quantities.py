"""Money and dates as people give them. Each check returns the normalised value or raises FIELD_INVALID with a frozen reason."""

import re
from datetime import date, datetime

from tiaochu_domainkit.clocks import midnight
from tiaochu_domainkit.errors import invalid

EARLIEST = date(1949, 1, 1)
"""No act dealt with here is older; an earlier date is a slip of the pen."""

_MAX_YUAN_DIGITS = 13


def money_fen(path: str, value: str) -> int:
    """A decimal string of yuan, 0 or more, at most two decimals, below 10^13, as whole fen.

    Reasons: MONEY_FORMAT, MONEY_NEGATIVE, MONEY_DECIMALS, MONEY_TOO_LARGE.
    """
    match = re.fullmatch(r"(-?)(\d{1,40})(?:\.(\d{1,40}))?", value.strip(), re.ASCII)
    if match is None:
        raise invalid(path, "MONEY_FORMAT", "金额应为数字,例如1234.50")
    sign, whole, decimals = match[1], match[2].lstrip("0"), match[3] or ""
    if sign:
        raise invalid(path, "MONEY_NEGATIVE", "金额不能为负数")
    if len(decimals) > 2:
        raise invalid(path, "MONEY_DECIMALS", "金额最多两位小数")
    if len(whole) > _MAX_YUAN_DIGITS:
        raise invalid(path, "MONEY_TOO_LARGE", "金额过大")
    return int(whole + decimals.ljust(2, "0"))


def yuan(fen: int) -> str:
    """Whole fen as a decimal string of yuan with two decimals."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def past_date(path: str, value: str, today: date, *, earliest: date = EARLIEST) -> date:
    """An ISO date (`2026-03-01`) from `earliest` to `today`. Reasons: DATE_FORMAT, DATE_UNREAL, DATE_TOO_EARLY, DATE_FUTURE."""
    day = real_date(path, value)
    if day < earliest:
        raise invalid(path, "DATE_TOO_EARLY", f"日期不能早于{earliest.year}年{earliest.month}月{earliest.day}日")
    if day > today:
        raise invalid(path, "DATE_FUTURE", "日期不能晚于今天")
    return day


def real_date(path: str, value: str) -> date:
    """Any ISO date that exists. Reasons: DATE_FORMAT, DATE_UNREAL (such as 29 February of a common year)."""
    match = re.fullmatch(r"(\d{4})-(\d{2})-(\d{2})", value.strip(), re.ASCII)
    if match is None:
        raise invalid(path, "DATE_FORMAT", "日期应写作2026-03-01的形式")
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        raise invalid(path, "DATE_UNREAL", "该日期不存在") from None


def past_moment(path: str, value: datetime, now: datetime) -> datetime:
    """An instant from 1949-01-01 (Beijing) to `now`. Reasons: DATE_FORMAT (no zone), DATE_TOO_EARLY, DATE_FUTURE."""
    if value.tzinfo is None:
        raise invalid(path, "DATE_FORMAT", "时间须带时区")
    if value > now:
        raise invalid(path, "DATE_FUTURE", "时间不能晚于现在")
    if value < midnight(EARLIEST):
        raise invalid(path, "DATE_TOO_EARLY", "日期不能早于1949年1月1日")
    return value
