"""A template moved by whole days, with slots for all that differs between cases made from it."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import Message

from bench.pattern import SERIAL, TOKEN, clock_mark
from bench.template import Event, Template

_DAY = re.compile(r"(?<![0-9-])20\d\d-\d\d-\d\d(?![0-9-])")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_BEFORE = timedelta(days=150)
"""Days this long before the case are no part of it: births, rules, laws."""
_TIMESTAMP = "google.protobuf.Timestamp"


class Shift:
    """Moves one template by some days; ids keep their first 24 characters, whose time is moved too, and get `TOKEN` at the end."""

    def __init__(self, template: Template, days: int) -> None:
        self.template = template
        self.by = timedelta(days=days)
        self._first = template.first_day - _BEFORE
        self._ids: dict[str, str] = {clock.ident: clock_mark(n) for n, clock in enumerate(template.clocks)}
        self.series = _series(template.number, template.first_day + self.by)

    def text(self, text: str) -> str:
        """Days moved, ids and the case's number with their tokens."""
        if self.by:
            text = _DAY.sub(self._day, text)
        return self.ids(text).replace(self.template.number, f"{self.series}-{SERIAL}")

    def ids(self, text: str) -> str:
        """Ids of the case with their tokens."""
        return _ID.sub(self._ident, text)

    def moment(self, moment: datetime) -> datetime:
        """An instant moved."""
        return moment + self.by

    def _day(self, match: re.Match[str]) -> str:
        try:
            day = date.fromisoformat(match.group())
        except ValueError:
            return match.group()
        return (day + self.by).isoformat() if day >= self._first else match.group()

    def _ident(self, match: re.Match[str]) -> str:
        ident = match.group()
        if ident not in self.template.own_ids:
            return ident
        if ident not in self._ids:
            self._ids[ident] = self._moved(ident) + TOKEN
        return self._ids[ident]

    def _moved(self, ident: str) -> str:
        if ident[14] != "7":
            return ident[:24]
        milliseconds = int(ident[:8] + ident[9:13], 16) + self.by // timedelta(milliseconds=1)
        digits = f"{milliseconds:012x}"
        return f"{digits[:8]}-{digits[8:]}{ident[13:24]}"

    def event(self, event: Event) -> "ShiftedEvent":
        """A journal row with its tokens."""
        body = message_factory.GetMessageClass(descriptor_pool.Default().FindMessageTypeByName(event.type)).FromString(event.payload)
        walk(body, self)
        return ShiftedEvent(
            self.ids(event.event_id),
            event.type,
            self.ids(event.aggregate_id),
            str(event.version),
            self.ids(event.subject),
            event.district,
            self.moment(event.occurred_at),
            self.moment(event.recorded_at),
            self.ids(event.headers),
            body.SerializeToString(deterministic=True),
        )


@dataclass(frozen=True)
class ShiftedEvent:
    """A journal row in which ids end with `TOKEN`."""

    event_id: str
    type: str
    aggregate_id: str
    version: str
    subject: str
    district: str
    occurred_at: datetime
    recorded_at: datetime
    headers: str
    payload: bytes


def walk(message: Message, shift: Shift) -> None:
    """Move every instant and day of a message, put tokens into its ids."""
    for field, value in message.ListFields():
        repeated = field.is_repeated
        if field.type == field.TYPE_MESSAGE:
            for member in value if repeated else (value,):
                if member.DESCRIPTOR.full_name == _TIMESTAMP:
                    member.FromDatetime(shift.moment(member.ToDatetime(tzinfo=UTC)))
                else:
                    walk(member, shift)
        elif field.type == field.TYPE_STRING:
            if repeated:
                value[:] = [shift.text(text) for text in value]
            else:
                setattr(message, field.name, shift.text(value))


def _series(number: str, day: date) -> str:
    district, _, town, _ = number.split("-")
    return f"{district}-{day.year}-{town}"
