"""A producer on paper: a log made event by event, for tests of what consumers do with gaps, forks and poison."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from google.protobuf.message import Message

from tiaochu.log.v1.log_service_pb2 import Head, Lineage, LoggedEvent
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
        self.lineages: list[Lineage] = []

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
        newest = self.events[-1]
        return [Head(district=self.district, position=newest.position, hash=newest.hash, lineages=self.lineages)]

    async def read(self, district: str, after: int) -> Sequence[LoggedEvent]:
        """See `Producer`."""
        return [e for e in self.events if e.position > after][:3] if self.readable else []

    async def read_cases(self, case_ids: Sequence[str], types: Sequence[str], after: tuple[str, int] = ("", 0)) -> Sequence[LoggedEvent]:
        """See `Producer`."""
        return [e for e in self.events if e.subject in case_ids and e.type in types and (e.district, e.position) > after]

    def restored(self, position: int, *, number: int = 1) -> "PaperLog":
        """This log restored to an earlier position, and that loss accepted."""
        older = PaperLog(self.name, self.district)
        older.events, older.lineages = self.events[:position], [*self.lineages]
        older.lineages.append(Lineage(number=number, after=position, hash=older.events[-1].hash if position else GENESIS))
        return older
