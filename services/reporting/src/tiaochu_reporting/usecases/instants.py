"""Instants on the wire."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from tiaochu_domainkit.errors import invalid


def stamp(at: datetime) -> Timestamp:
    """The message for an instant."""
    made = Timestamp()
    made.FromDatetime(at)
    return made


def moment(path: str, given: Timestamp) -> datetime:
    """The instant of a message. Reason: TIME_INVALID."""
    try:
        return given.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise invalid(path, "TIME_INVALID", "时间无效") from error
