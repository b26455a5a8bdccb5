"""Times as operators write them."""

from datetime import UTC, datetime, timedelta

import pytest

from tiaochu_cli.moments import parse_duration, parse_moment, parse_span, shown, stamp
from tiaochu_domainkit.clocks import BEIJING


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-04-14", datetime(2026, 4, 14, tzinfo=BEIJING)),
        ("2026-04-14T09:30", datetime(2026, 4, 14, 9, 30, tzinfo=BEIJING)),
        (" 2026-04-14 09:30:05 ", datetime(2026, 4, 14, 9, 30, 5, tzinfo=BEIJING)),
        ("2026-04-14T01:30:00Z", datetime(2026, 4, 14, 1, 30, tzinfo=UTC)),
        ("2026-04-14T01:30:00+00:00", datetime(2026, 4, 14, 1, 30, tzinfo=UTC)),
    ],
)
def test_a_moment_without_a_zone_is_beijings(text: str, moment: datetime) -> None:
    assert parse_moment(text) == moment


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-29", "2026-13-01T00:00", "14.04.2026"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - which text it has is Python's business
        parse_moment(text)


def test_a_span_has_two_ends_in_order() -> None:
    assert parse_span("2026-09-05/2026-09-10")[1].day == 10
    for text in ("2026-09-05", "2026-09-10/2026-09-05", "/"):
        with pytest.raises(ValueError):  # noqa: PT011
            parse_span(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("3d", 259200), ("12h", 43200), ("1d6h", 108000), ("90m", 5400), ("45s", 45), ("45", 45), ("1d1h1m1s", 90061)]
)
def test_durations(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "d", "-3d", "3w", "1.5d", "3d 4h"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse_duration(text)


def test_tables_show_beijings_clock() -> None:
    assert shown(stamp(datetime(2026, 4, 14, 1, 30, tzinfo=UTC))) == "2026-04-14 09:30"
    assert not shown(stamp(datetime(1970, 1, 1, tzinfo=UTC)))
