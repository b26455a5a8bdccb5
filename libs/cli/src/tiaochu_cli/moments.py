"""Times as operators write them. Without a zone Beijing's clock counts, which every legal period runs by."""

import re
from datetime import date, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from tiaochu_domainkit.clocks import BEIJING, midnight

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")


def parse_moment(text: str) -> datetime:
    """`2026-04-14`, `2026-04-14T09:30`, `2026-04-14 09:30:00+08:00`, `2026-04-14T01:30:00Z`. ValueError for anything else."""
    text = text.strip()
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return midnight(date.fromisoformat(text))
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=BEIJING)


def parse_span(text: str) -> tuple[datetime, datetime]:
    """`FROM/TO`. ValueError where one of them is no time, or they are in the wrong order."""
    begins, slash, ends = text.partition("/")
    if not slash:
        raise ValueError("FROM/TO")
    span = parse_moment(begins), parse_moment(ends)
    if span[1] < span[0]:
        raise ValueError("FROM is later than TO")
    return span


def parse_duration(text: str) -> timedelta:
    """`3d`, `12h`, `1d6h`, `90m`, `45` (seconds). ValueError for anything else, and for nothing."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        raise ValueError("3d, 12h, 1d6h, 90m, 45s")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def stamp(moment: datetime) -> Timestamp:
    """The instant as messages carry it."""
    made = Timestamp()
    made.FromDatetime(moment)
    return made


def beijing_of(instant: Timestamp) -> datetime:
    """The instant of a message on Beijing's clock."""
    return instant.ToDatetime(tzinfo=BEIJING)


def shown(instant: Timestamp) -> str:
    """`2026-04-14 09:30`, as tables show an instant; empty for one that is not set."""
    return f"{beijing_of(instant):%Y-%m-%d %H:%M}" if instant.seconds or instant.nanos else ""
