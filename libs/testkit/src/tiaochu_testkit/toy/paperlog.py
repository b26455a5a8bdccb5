"""A producer on paper: a log made event by event, for tests of what consumers do with gaps, forks and poison."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from google.protobuf.message import Message

from tiaochu.log.v1.log_service_pb2 import Head, LoggedEvent
from tiaochu_kit.ids import new_id
from tiaochu_kit.log import GENESIS, chain, logged

AT = datetime(2026, 1, 5, 8, tzinfo=UTC)


class PaperLog:
    """A `Producer` whose events a test writes."""

    def __init__(self, name: str, district: str = "329901") -> None:
        self.name = name
        self.district = district
        self.events: list[LoggedEvent] = []
        self.readable = True

    def write(self, type_name: str, aggregate_id: str, body: Message | bytes, **headers: str) -> LoggedEvent:
        """Append an event."""
        previous, position = (self.events[-1].hash, self.events[-1].position + 1) if self.events else (GENESIS, 1)
        payload = body if isinstance(body, bytes) else body.SerializeToString()
        texts = orjson.dumps(headers).decode()
        row: tuple[Any, ...] = (new_id(), type_name, aggregate_id, position, aggregate_id, self.district, AT, AT, texts, payload)
        self.events.append(logged((*row, position, chain(previous, position, row)), previous))
        return self.events[-1]

    async def heads(self, district: str = "") -> Sequence[Head]:
        """See `Producer`."""
        if not self.events or district not in ("", self.district):
            return []
        return [Head(district=self.district, position=self.events[-1].position, hash=self.events[-1].hash)]

    async def read(self, district: str, after: int) -> Sequence[LoggedEvent]:
        """See `Producer`."""
        return [e for e in self.events if e.position > after][:3] if self.readable else []
