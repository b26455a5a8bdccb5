"""From everybody's events to the derived tables: set-wise, in batches, each event once."""

from collections.abc import Sequence
from datetime import UTC, date
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from tiaochu_kit.database import Tx
from tiaochu_kit.usecase import Event, projection
from tiaochu_reporting.domain.facts import FACTS, Fact
from tiaochu_reporting.domain.figures import Organ
from tiaochu_reporting.usecases.ports import Ledger, Place

PLACED = "tiaochu.routing.events.v1.OrganPlaced"


REBUILDING = "#"
"""A log read for a lineage that is being built has the name `producer#lineage`."""


class Folding:
    """The consumers' side. All logs are folded by the same two methods; whose news comes first makes no difference.

    `lineage`: fold into this one only (a rebuild); otherwise into all that follow the log.
    """

    def __init__(self, ledger: Ledger, lineage: int | None = None) -> None:
        self._ledger = ledger
        self._lineage = lineage

    @projection(*FACTS)
    async def fold_cases(self, tx: Tx, events: Sequence[Event[Any]]) -> None:
        """Facts of cases. The events are of one log."""
        await self._ledger.fold(tx, [fact(e) for e in events], await self._lineages(tx, events[0]))

    @projection(PLACED)
    async def place_organs(self, tx: Tx, events: Sequence[Event[Any]]) -> None:
        """Places of organs."""
        await self._ledger.place(tx, [place(e) for e in events], await self._lineages(tx, events[0]))

    async def _lineages(self, tx: Tx, event: Event[Any]) -> Sequence[int]:
        return [self._lineage] if self._lineage else await self._ledger.following(tx, event.producer, event.district)


def fact(event: Event[Any]) -> Fact:
    """An event cut down to what the figures need."""
    return Fact(
        case_id=event.body.case_id,
        district=event.district,
        producer=event.producer.partition(REBUILDING)[0],
        position=event.position,
        kind=event.type.rpartition(".")[2],
        occurred_at=event.occurred_at,
        recorded_at=event.recorded_at,
        data={name: _plain(event.body, name) for name in FACTS[event.type]},
    )


def place(event: Event[Any]) -> Place:
    """A place of an organ."""
    b = event.body
    organ = Organ(b.organ_id, b.organ_path, b.kind, b.tier)
    return Place(event.district, event.position, organ, date.fromisoformat(b.valid_from_on), event.recorded_at)


def _plain(body: Any, name: str) -> Any:
    value = getattr(body, name)
    if isinstance(value, Timestamp):
        return value.ToDatetime(tzinfo=UTC).isoformat() if body.HasField(name) else ""
    return value
