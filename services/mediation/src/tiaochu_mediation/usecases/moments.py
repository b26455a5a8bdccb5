"""When an act happened: now, or earlier where it is recorded late."""

from datetime import UTC, datetime

from google.protobuf.message import Message

from tiaochu_domainkit.quantities import past_moment


def moment(request: Message, field: str, now: datetime) -> datetime:
    """The instant in `field`, `now` where it is unset. Raises FIELD_INVALID (DATE_FUTURE, DATE_TOO_EARLY)."""
    if not request.HasField(field):
        return now
    value: datetime = getattr(request, field).ToDatetime(tzinfo=UTC)
    return past_moment(field, value, now)
