"""Our checks against other people's, on many made-up values. The other libraries are development tools; without them there is nothing to compare."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiaochu_domainkit import identity
from tiaochu_domainkit.calendar import published
from tiaochu_domainkit.errors import DomainError

TODAY = date(2026, 3, 1)
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def test_every_published_day() -> None:
    oracle = pytest.importorskip("chinese_calendar")
    days = [date(2024, 1, 1) + timedelta(n) for n in range(366 + 365 + 365)]
    assert [day for day in days if published().is_working_day(day) != oracle.is_workday(day)] == []


@given(st.dates(date(1930, 1, 1), TODAY), st.integers(0, 999), st.sampled_from("0123456789X"))
def test_resident_ids(born: date, serial: int, last: str) -> None:
    oracle = pytest.importorskip("stdnum.cn.ric")
    number = f"110105{born:%Y%m%d}{serial:03d}{last}"
    assert accepts(number) == oracle.is_valid(number)


@given(st.text(ALPHABET, min_size=8, max_size=8), st.sampled_from(ALPHABET))
def test_credit_codes(org: str, last: str) -> None:
    oracle = pytest.importorskip("stdnum.cn.uscc")
    first = "91321282" + org + identity.org_check_digit(org)
    assert (identity.credit_check_digit(first) == last) == oracle.is_valid(first + last)


def accepts(number: str) -> bool:
    try:
        identity.resident_id("id", number, TODAY)
    except DomainError:
        return False
    return True
