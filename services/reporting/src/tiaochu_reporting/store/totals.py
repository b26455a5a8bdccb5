"""How `month_totals` is laid out: a column a figure, a row a unit, month and week of recording."""

from datetime import UTC, date, datetime, timedelta

from tiaochu_reporting.domain.figures import Figure

WEEK = timedelta(days=7)


def column_of(figure: Figure) -> str:
    """The column that holds a figure."""
    return figure.code.replace(".", "_")


def week_of(moment: datetime) -> date:
    """The Monday (UTC) of the week in which something was recorded."""
    day = moment.astimezone(UTC).date()
    return day - timedelta(days=day.weekday())


def begins(week: date) -> datetime:
    """The first instant of a week."""
    return datetime(week.year, week.month, week.day, tzinfo=UTC)
