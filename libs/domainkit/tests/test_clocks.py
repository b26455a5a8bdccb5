"""Examples are counted by hand on the notice for 2026.

Spring Festival: off from Sunday 15 to Monday 23 February, worked on the Saturdays 14 and 28 February.
National Day: off from Thursday 1 to Wednesday 7 October, worked on Sunday 20 September and Saturday 10 October.
"""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiaochu_domainkit.calendar import Calendar, YearCalendar, published
from tiaochu_domainkit.clocks import BEIJING, Due, Length, Pause, Unit, due, midnight, parse_length, same_day_number
from tiaochu_domainkit.errors import DomainError

CALENDAR = published()


def at(text: str) -> datetime:
    """A Beijing instant; a bare date means ten in the morning."""
    return datetime.fromisoformat(text if "T" in text else f"{text}T10:00").replace(tzinfo=BEIJING)


def run(start: str, length: str, *, pauses: tuple[Pause, ...] = (), extend: tuple[str, ...] = (), calendar: Calendar = CALENDAR) -> Due:
    return due(at(start), parse_length(length), calendar, pauses=pauses, extensions=[parse_length(e) for e in extend])


def pause(begins: str, ends: str) -> Pause:
    return Pause(at(begins), at(ends))


@pytest.mark.parametrize(
    ("start", "length", "last", "skipped"),
    [
        ("2026-03-02", "30cd", "2026-04-01", 0),  # plain: 2 March is not counted, 1 April is a Wednesday
        ("2026-03-02T23:59", "1cd", "2026-03-03", 0),  # at whatever hour
        ("2026-01-16", "30cd", "2026-02-24", 9),  # the 30th day is Sunday 15 February; 15-23 are rest days
        ("2026-01-15", "30cd", "2026-02-14", 0),  # the 30th day is a Saturday that is worked: no move
        ("2026-09-03", "30cd", "2026-10-08", 5),  # the 30th day is 3 October; 3-7 are rest days
        ("2026-02-13", "7wd", "2026-03-02", 10),  # 14, 24-27, 28 February, 2 March; 15-23 and 1 March do not count
        ("2026-09-30", "10wd", "2026-10-20", 10),  # 8, 9, 10, 12-16, 19, 20; 1-7, 11, 17, 18 do not count
        ("2026-09-18", "3wd", "2026-09-22", 1),  # Sunday 20 counts, Saturday 19 does not
        ("2026-01-31", "1month", "2026-02-28", 0),  # February has no 31st; its 28th is a worked Saturday
        ("2026-03-31", "1month", "2026-04-30", 0),
        ("2026-05-15", "1month", "2026-06-15", 0),
        ("2026-05-20", "1month", "2026-06-22", 2),  # 20 and 21 June are a weekend
        ("2024-02-29", "1year", "2025-02-28", 0),
        ("2025-06-30", "1year", "2026-06-30", 0),
        ("2026-04-14", "45wd", "2026-06-18", 20),  # the 45 working days of the old SAMR rule
        ("2026-04-15", "60cd", "2026-06-15", 1),  # the 60 days of the new one: the 60th, 14 June, is a Sunday
    ],
)
def test_by_hand(start: str, length: str, last: str, skipped: int) -> None:
    found = run(start, length)
    assert found.last_day == date.fromisoformat(last)
    assert found.at == midnight(found.last_day + timedelta(days=1))
    assert len(found.rest_days_skipped) == skipped
    assert not found.provisional


def test_the_rest_days_of_the_move_are_told() -> None:
    assert run("2026-01-16", "30cd").rest_days_skipped == tuple(date(2026, 2, n) for n in range(15, 24))
    assert run("2026-01-16", "30cd").raw_last_day == date(2026, 2, 15)


def test_the_day_is_beijings() -> None:
    evening_in_utc = datetime(2026, 3, 2, 16, 30, tzinfo=UTC)
    assert due(evening_in_utc, Length(1, Unit.CD), CALENDAR).last_day == date(2026, 3, 4)


def test_an_extension_is_counted_from_before_the_move() -> None:
    """30 + 30 days from 3 September: the 60th day is Monday 2 November, not 30 days after 8 October."""
    found = run("2026-09-03", "30cd", extend=("30cd",))
    assert (found.last_day, found.rest_days_skipped) == (date(2026, 11, 2), ())


def test_a_month_more_ends_on_the_day_number_of_the_first_end() -> None:
    assert run("2026-01-31", "1month", extend=("1month",)).raw_last_day == date(2026, 3, 28)


def test_excluded_time() -> None:
    """From 2 March, paused from the 10th to the 20th: 10-19 do not run, the 30th running day is Saturday 11 April."""
    found = run("2026-03-02", "30cd", pauses=(pause("2026-03-10", "2026-03-20"),))
    assert (found.raw_last_day, found.last_day) == (date(2026, 4, 11), date(2026, 4, 13))


def test_excluded_time_in_working_days() -> None:
    """5 working days from Monday 2 March, paused from the 4th to the 9th: 3, 9, 10, 11, 12 run."""
    assert run("2026-03-02", "5wd", pauses=(pause("2026-03-04", "2026-03-09"),)).last_day == date(2026, 3, 12)


def test_pauses_that_overlap_exclude_a_day_once() -> None:
    both = (pause("2026-03-10", "2026-03-20"), pause("2026-03-15", "2026-03-20"))
    assert run("2026-03-02", "30cd", pauses=both) == run("2026-03-02", "30cd", pauses=both[:1])


def test_a_pause_ended_the_day_it_began_excludes_nothing() -> None:
    assert run("2026-03-02", "30cd", pauses=(pause("2026-03-10T09:00", "2026-03-10T17:00"),)) == run("2026-03-02", "30cd")


def test_a_month_with_excluded_time() -> None:
    """A month from 2 March ends on 2 April; ten excluded days later is Sunday 12 April."""
    assert run("2026-03-02", "1month", pauses=(pause("2026-03-10", "2026-03-20"),)).raw_last_day == date(2026, 4, 12)


def test_hours_run_on() -> None:
    """24 hours from the evening before the Spring Festival end on the festival, not after it."""
    found = run("2026-02-14T20:15", "24h")
    assert found.at == at("2026-02-15T20:15")
    warned = [w.at.hour for w in run("2026-03-02T10:00", "10h").warnings]
    assert warned == [17, 19, 20]


def test_hours_pause_by_the_minute() -> None:
    spans = (pause("2026-03-02T09:00", "2026-03-02T10:30"), pause("2026-03-02T11:00", "2026-03-02T12:00"))
    assert run("2026-03-02T10:00", "2h", pauses=spans).at == at("2026-03-02T13:30")
    assert run("2026-03-02T10:00", "2h", pauses=(pause("2026-03-02T12:00", "2026-03-02T13:00"),)).at == at("2026-03-02T12:00")


def test_hours_and_days_do_not_mix() -> None:
    for length, extension in (("2h", "1cd"), ("1cd", "2h")):
        with pytest.raises(DomainError) as caught:
            run("2026-03-02", length, extend=(extension,))
        assert caught.value.violations[0].reason == "LENGTH_UNITS_MIXED"


def test_warnings() -> None:
    """Of 30 days from 2 March the 21st is 23 March, the 27th 29 March; the period is over at 24:00 of 1 April."""
    assert [(w.percent, w.on, w.at) for w in run("2026-03-02", "30cd").warnings] == [
        (70, date(2026, 3, 23), at("2026-03-23T00:00")),
        (90, date(2026, 3, 29), at("2026-03-29T00:00")),
        (100, date(2026, 4, 1), at("2026-04-02T00:00")),
    ]


def test_the_last_day_ends_at_midnight() -> None:
    found = run("2026-03-02", "30cd")
    assert found.in_time(at("2026-04-01T23:59:59"))
    assert not found.in_time(at("2026-04-02T00:00"))
    assert not found.expired(at("2026-04-01T23:59:59"))
    assert found.expired(at("2026-04-02T00:00"))


def test_posted_in_time_is_in_time_and_moves_no_date() -> None:
    found = run("2026-03-02", "30cd")
    assert found.in_time(at("2026-04-07"), posted_at=at("2026-04-01"))
    assert not found.in_time(at("2026-04-07"), posted_at=at("2026-04-02"))
    assert found.expired(at("2026-04-02"))


def test_an_unpublished_year_is_provisional_and_never_expires() -> None:
    """30 days from 10 December end on Saturday 9 January 2027: on what is known, Monday the 11th."""
    found = run("2026-12-10", "30cd")
    assert (found.last_day, found.provisional) == (date(2027, 1, 11), True)
    assert not found.expired(at("2027-03-01"))
    assert not found.in_time(at("2027-03-01"))
    assert len(found.warnings) == 3


def test_loading_the_year_settles_it() -> None:
    notice = YearCalendar(2027, {date(2027, 1, 11): "试例"}, frozenset())
    found = run("2026-12-10", "30cd", calendar=CALENDAR.with_year(notice))
    assert (found.last_day, found.provisional) == (date(2027, 1, 12), False)
    assert found.expired(at("2027-01-13"))


def test_what_only_passes_a_known_year_is_not_provisional() -> None:
    assert not run("2026-12-01", "30cd").provisional  # ends on Thursday 31 December
    assert run("2026-12-30", "2wd").provisional  # 31 December, and then 1 January 2027, of which nothing is known


@pytest.mark.parametrize(
    ("text", "reason"),
    [("30", "LENGTH_FORMAT"), ("-1cd", "LENGTH_FORMAT"), ("1d", "LENGTH_FORMAT"), ("0cd", "LENGTH_RANGE"), ("9999cd", "LENGTH_RANGE")],
)
def test_lengths_refused(text: str, reason: str) -> None:
    with pytest.raises(DomainError) as caught:
        parse_length(text)
    assert caught.value.violations[0].reason == reason


def test_a_moment_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="zone"):
        due(at("2026-03-02").replace(tzinfo=None), Length(1, Unit.CD), CALENDAR)


def test_a_pause_does_not_end_before_it_begins() -> None:
    with pytest.raises(DomainError):
        pause("2026-03-10", "2026-03-09")


def instants(first: int, last: int) -> st.SearchStrategy[datetime]:
    """From the first year to the middle of the last."""
    length = at(f"{last}-07-01") - at(f"{first}-01-01")
    return st.timedeltas(timedelta(0), length).map(lambda passed: at(f"{first}-01-01") + passed)


moments = instants(2024, 2026)
day_lengths = st.one_of(
    st.builds(Length, st.integers(1, 90), st.just(Unit.CD)),
    st.builds(Length, st.integers(1, 60), st.just(Unit.WD)),
    st.builds(Length, st.integers(1, 4), st.just(Unit.MONTH)),
)
lengths = st.one_of(day_lengths, st.builds(Length, st.integers(1, 200), st.just(Unit.HOUR)))
pauses = st.lists(
    st.builds(lambda begins, run: Pause(begins, begins + run), moments, st.timedeltas(timedelta(0), timedelta(days=15))), max_size=3
)


@given(moments, moments, lengths)
def test_what_starts_later_does_not_end_earlier(one: datetime, other: datetime, length: Length) -> None:
    first, second = sorted((one, other))
    assert due(first, length, CALENDAR).at <= due(second, length, CALENDAR).at


@given(moments, lengths)
def test_a_unit_more_does_not_end_earlier(start: datetime, length: Length) -> None:
    assert due(start, length, CALENDAR).at <= due(start, Length(length.n + 1, length.unit), CALENDAR).at


@given(moments, lengths, pauses)
def test_excluded_time_never_shortens(start: datetime, length: Length, excluded: list[Pause]) -> None:
    for n in range(len(excluded)):
        assert due(start, length, CALENDAR, pauses=excluded[:n]).at <= due(start, length, CALENDAR, pauses=excluded[: n + 1]).at


@given(moments, day_lengths, pauses)
def test_the_last_day_is_never_a_rest_day_and_always_runs(start: datetime, length: Length, excluded: list[Pause]) -> None:
    found = due(start, length, CALENDAR, pauses=excluded)
    assert found.provisional or CALENDAR.is_working_day(found.last_day)
    assert not any(p.begins.date() <= found.last_day < p.ends.date() for p in excluded)
    assert found.raw_last_day <= found.last_day
    assert found.at.utcoffset() == timedelta(hours=8)


@given(moments, st.integers(1, 90), st.sampled_from([Unit.CD, Unit.WD]), pauses)
def test_just_so_many_days_ran(start: datetime, n: int, unit: Unit, excluded: list[Pause]) -> None:
    """Counted anew, the slow way round: every day after the start up to the last, less what was excluded or does not count."""
    found = due(start, Length(n, unit), CALENDAR, pauses=excluded)
    days = [start.date() + timedelta(k) for k in range(1, (found.raw_last_day - start.date()).days + 1)]
    ran = [d for d in days if not any(p.begins.date() <= d < p.ends.date() for p in excluded)]
    assert sum(unit is Unit.CD or CALENDAR.is_working_day(d) for d in ran) == n


@given(moments, st.integers(1, 200), pauses)
def test_just_so_many_hours_ran(start: datetime, n: int, excluded: list[Pause]) -> None:
    """The union of the pauses, cut to the period, is what the period is longer by."""
    end = due(start, Length(n, Unit.HOUR), CALENDAR, pauses=excluded).at
    marks = sorted({start, end, *(m for p in excluded for m in (p.begins, p.ends) if start < m < end)})
    stretches = [(a, b) for a, b in pairwise(marks) if not any(p.begins <= a and b <= p.ends for p in excluded)]
    ran = sum((b - a for a, b in stretches), timedelta(0))
    assert ran == timedelta(hours=n)


@given(moments, st.sampled_from([Unit.CD, Unit.WD, Unit.HOUR]), st.integers(1, 40), st.integers(1, 40), pauses)
def test_an_extension_is_as_if_the_period_had_been_longer(start: datetime, unit: Unit, n: int, more: int, excluded: list[Pause]) -> None:
    extended = due(start, Length(n, unit), CALENDAR, pauses=excluded, extensions=[Length(more, unit)])
    assert extended.at == due(start, Length(n + more, unit), CALENDAR, pauses=excluded).at


@given(moments, lengths, pauses)
def test_warnings_come_in_order_within_the_period(start: datetime, length: Length, excluded: list[Pause]) -> None:
    found = due(start, length, CALENDAR, pauses=excluded)
    told = [w.at for w in found.warnings]
    assert told == sorted(told)
    assert told[-1] == found.at
    assert all(start < moment for moment in told)


@given(moments, day_lengths)
def test_provisional_only_where_an_unpublished_year_was_asked(start: datetime, length: Length) -> None:
    found = due(start, length, Calendar({2024: YearCalendar(2024), 2025: YearCalendar(2025)}))
    assert found.provisional == (found.last_day.year > 2025 or (length.unit is Unit.WD and start.date().year > 2025))


@given(moments, day_lengths, pauses)
def test_loading_years_that_bring_nothing_new_changes_no_date(start: datetime, length: Length, excluded: list[Pause]) -> None:
    bare = due(start, length, Calendar(), pauses=excluded)
    loaded = due(start, length, Calendar({y: YearCalendar(y) for y in range(2024, 2030)}), pauses=excluded)
    assert bare.provisional
    assert not loaded.provisional
    assert (bare.last_day, bare.rest_days_skipped, bare.warnings) == (loaded.last_day, loaded.rest_days_skipped, loaded.warnings)


@given(instants(1985, 1992), st.integers(1, 400))
def test_no_daylight_saving(start: datetime, n: int) -> None:
    """Mainland clocks were put forward in the summers of 1986 to 1991; legal periods are whole days of 24 hours all the same."""
    assert (due(start, Length(n, Unit.CD), CALENDAR).at - midnight(start.date())) % timedelta(days=1) == timedelta(0)


@given(st.dates(date(2020, 1, 1), date(2030, 12, 31)), st.integers(1, 60))
def test_months_end_on_the_same_day_number_or_the_months_last_day(day: date, months: int) -> None:
    end = same_day_number(day, months)
    assert (end.year * 12 + end.month) - (day.year * 12 + day.month) == months
    is_last_of_its_month = (end + timedelta(days=1)).day == 1
    assert end.day == day.day or (is_last_of_its_month and end.day < day.day)
