from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiaochu_domainkit.dated import Dated, Entry, PerDistrict, dated
from tiaochu_domainkit.errors import DomainError, Kind

SPRING = date(2026, 4, 15)


def test_the_day_a_value_ends_is_the_day_the_next_begins() -> None:
    limit = dated([(SPRING, None, 60), (date(2020, 1, 1), SPRING, 45)])
    assert [limit.at(SPRING - timedelta(days=1)), limit.at(SPRING)] == [45, 60]
    assert limit.get(date(2019, 12, 31)) is None
    with pytest.raises(DomainError) as caught:
        limit.at(date(2019, 12, 31))
    assert caught.value.kind is Kind.NOT_FOUND


@pytest.mark.parametrize(
    "rows",
    [
        [(SPRING, None, 1), (SPRING, None, 2)],
        [(date(2020, 1, 1), None, 1), (SPRING, None, 2)],
        [(date(2020, 1, 1), SPRING + timedelta(days=1), 1), (SPRING, None, 2)],
    ],
)
def test_overlaps_are_refused(rows: list[tuple[date, date | None, int]]) -> None:
    with pytest.raises(DomainError) as caught:
        dated(rows)
    assert caught.value.reason == "DATED_OVERLAP"


def test_an_entry_holds_at_least_a_day() -> None:
    with pytest.raises(DomainError) as caught:
        Entry(1, SPRING, SPRING)
    assert caught.value.reason == "DATED_EMPTY"


def test_a_new_value_ends_the_old_one() -> None:
    limit = dated([(date(2020, 1, 1), None, 45)]).since(SPRING, 60)
    assert [limit.at(SPRING - timedelta(days=1)), limit.at(SPRING)] == [45, 60]
    with pytest.raises(DomainError) as caught:
        limit.since(SPRING, 90)
    assert caught.value.reason == "DATED_OVERLAP"


def test_a_district_without_a_value_that_day_has_the_default() -> None:
    limit = PerDistrict(dated([(date(2020, 1, 1), None, 30)]), {"321282": dated([(SPRING, None, 31)])})
    assert [limit.at("321282", SPRING), limit.at("321282", date(2026, 1, 1)), limit.at("321281", SPRING)] == [31, 30, 30]
    with pytest.raises(DomainError):
        limit.at("321282", date(2019, 1, 1))


@given(st.lists(st.tuples(st.dates(max_value=date(9000, 1, 1)), st.integers(1, 400)), max_size=6), st.dates())
def test_never_two_values_on_one_day(spans: list[tuple[date, int]], day: date) -> None:
    entries = tuple(Entry(n, start, start + timedelta(days=n)) for start, n in spans)
    covering = [e.value for e in entries if e.covers(day)]
    try:
        values = Dated(entries)
    except DomainError:
        assert len(entries) > 1
    else:
        assert covering == ([] if values.get(day) is None else [values.get(day)])
