from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiaochu_domainkit.calendar import Calendar, YearCalendar, calendar_of, parse_year, published

DAYS = st.dates(date(2024, 1, 1), date(2026, 12, 31))


@pytest.mark.parametrize(
    ("day", "rests"),
    [
        (date(2026, 1, 1), True),  # New Year, Thursday
        (date(2026, 1, 4), False),  # Sunday, worked for it
        (date(2026, 2, 14), False),  # Saturday, worked for the Spring Festival
        (date(2026, 2, 15), True),
        (date(2026, 2, 23), True),
        (date(2026, 2, 24), False),
        (date(2026, 9, 20), False),  # Sunday, worked for National Day
        (date(2026, 10, 3), True),
        (date(2026, 10, 10), False),  # Saturday, worked
        (date(2026, 10, 11), True),
        (date(2025, 9, 28), False),
        (date(2024, 5, 11), False),
    ],
)
def test_published_days(day: date, rests: bool) -> None:
    assert published().is_rest_day(day) is rests
    assert published().is_working_day(day) is not rests


def test_lengths_of_the_years() -> None:
    """Working days of a year as the notices make them: 2024 has 251, 2025 and 2026 have 248 (13 statutory days since 2025)."""
    days = [date(2024, 1, 1) + timedelta(n) for n in range(366 + 365 + 365)]
    assert Counter(day.year for day in days if published().is_working_day(day)) == {2024: 251, 2025: 248, 2026: 248}


def test_holidays_have_names() -> None:
    assert published().holiday(date(2026, 2, 17)) == "春节"
    assert published().holiday(date(2026, 2, 21)) is None


@given(DAYS)
def test_the_first_working_day_is_the_nearest(day: date) -> None:
    calendar = published()
    first = calendar.first_working_day_from(day) if day < date(2026, 12, 31) else day
    assert calendar.is_working_day(first)
    assert all(calendar.is_rest_day(day + timedelta(n)) for n in range((first - day).days))


@given(st.dates(date(2027, 1, 1), date(2040, 12, 31)))
def test_an_unpublished_year_knows_weekdays_only(day: date) -> None:
    assert not published().knows(day)
    assert published().is_rest_day(day) == (day.weekday() >= 5)


def test_a_notice_may_change_the_december_before() -> None:
    """2018-12-29 was a worked Saturday and 2018-12-31 a Monday off, both by the notice for 2019."""
    notice = YearCalendar(2019, {date(2018, 12, 31): "元旦", date(2019, 1, 1): "元旦"}, frozenset({date(2018, 12, 29)}))
    before = Calendar({2018: YearCalendar(2018)})
    after = before.with_year(notice)
    assert before.is_working_day(date(2018, 12, 31))
    assert after.is_rest_day(date(2018, 12, 31))
    assert after.is_working_day(date(2018, 12, 29))


@pytest.mark.parametrize(
    ("rest", "made_up"),
    [
        ({date(2026, 1, 3): "元旦"}, []),
        ({}, [date(2026, 1, 5)]),
        ({date(2025, 11, 3): "元旦"}, []),
        ({date(2027, 1, 1): "元旦"}, []),
    ],
)
def test_facts_that_cannot_be(rest: dict[date, str], made_up: list[date]) -> None:
    with pytest.raises(ValueError, match=r"rest day|make-up|belong"):
        YearCalendar(2026, rest, frozenset(made_up))


@pytest.mark.parametrize(
    "document",
    [{}, {"year": 2026, "rest_days": [], "make_up_days": []}, {"year": 2026, "rest_days": {"x": "y"}, "make_up_days": []}],
)
def test_documents_that_are_no_calendar(document: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"calendar year|isoformat"):
        parse_year(document)


def test_a_document_is_read() -> None:
    year = parse_year({"year": 2027, "rest_days": {"2027-01-01": "元旦"}, "make_up_days": ["2027-01-03"]})
    calendar = calendar_of([year])
    assert calendar.knows(date(2027, 6, 1))
    assert calendar.holiday(date(2027, 1, 1)) == "元旦"
    assert calendar.is_working_day(date(2027, 1, 3))
