"""What the events of one producer do in a service: reactions in one work, projections set-wise, saved in the caller's transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import orjson

from tiaochu.log.v1.log_service_pb2 import LoggedEvent
from tiaochu_kit import telemetry
from tiaochu_kit.database import Tx
from tiaochu_kit.events import EventCodec, load_contracts
from tiaochu_kit.journal import Asked, Journal
from tiaochu_kit.principal import service_principal
from tiaochu_kit.usecase import Copies, Event, LineageSpec, ProjectionSpec, ReactionSpec, spec_of
from tiaochu_kit.work import Work


@dataclass(frozen=True)
class Concerned:
    """Events at which something happens, the documents they need on their way, or why they cannot be read."""

    events: Sequence[Event[Any]]
    documents: Asked | None
    unreadable: Exception | None


class Effects:
    """The reactions and projections of a service to one producer's events."""

    def __init__(
        self, service: str, producer: str, journal: Journal, codec: EventCodec, handlers: Sequence[object], now: Callable[[], Any]
    ) -> None:
        self._service = service
        self._producer = producer
        self._journal = journal
        self._codec = codec
        self._now = now
        self._reactions = _by_type(handlers, ReactionSpec)
        self._projections = _by_type(handlers, ProjectionSpec)
        load_contracts(producer)
        self._told = [method for handler in handlers for method in _marked(handler, LineageSpec)]
        self.copies: Mapping[Copies, Sequence[str]] = self._copies()
        """What of this service follows from the producer's log alone, and from which event types."""

    def concern(self, event: LoggedEvent) -> bool:
        """Whether an event of this type may not be passed over: something happens at it, or no contract has it, so that nobody can tell."""
        return event.type in self._reactions or event.type in self._projections or not self._codec.has(event.type)

    async def ask(self, tx: Tx, logged: Sequence[LoggedEvent]) -> Concerned:
        """Decode events and queue the read of the documents they need. What cannot be decoded is told by `apply`, when it is their turn."""
        try:
            events = [self._decode(e) for e in logged]
            reads = [r for e in events for method in self._reactions.get(e.type, ()) for r in spec_of(method, ReactionSpec).reads(e)]
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to the events
            return Concerned((), None, error)
        return Concerned(events, await self._journal.ask(tx, list(dict.fromkeys(reads))), None)

    async def apply(self, tx: Tx, concerned: Concerned, wanted: Callable[[Event[Any]], bool] = lambda _: True) -> None:
        """React, fold and queue what changed, within the caller's transaction. Raises what decoding or a reaction raises."""
        if concerned.unreadable is not None:
            raise concerned.unreadable
        events = [e for e in concerned.events if wanted(e)]
        if not events or concerned.documents is None:
            return
        work = Work(self._now(), service_principal(self._service), reacting=True)
        await self._journal.load(tx, work, concerned.documents)
        one_trace = len({e.headers.get("traceparent", "") for e in events}) == 1
        for event in events:
            own = event.headers.get("traceparent", "")
            work.correlation = event.headers.get("correlation", event.id)
            work.traceparent = (telemetry.traceparent() or own) if one_trace else own
            for method in self._reactions.get(event.type, ()):
                method(work, event)
            work.collect()
        for method, members in _members(events, self._projections):
            await method(tx, members)
        await self._journal.save(tx, work)

    async def remake(self, tx: Tx, copies: Copies, events: Sequence[LoggedEvent]) -> None:
        """Write copies whose rows are gone from the events of their cases, each case's in order. Nothing else these events do is done again."""
        work, table = Work(self._now(), service_principal(self._service), reacting=True), None
        decoded = [self._decode(e) for e in events]
        for event in decoded:
            for method in self._reactions.get(event.type, ()):
                spec = spec_of(method, ReactionSpec)
                if _copies_of(spec) == copies:
                    table = spec.copies
                    method(work, event)
        if table is not None:
            rows = [table.row(aggregate) for aggregate in work.all_of(table)]
            await tx.queue(table.insert_sql(), [list(column) for column in zip(*rows, strict=True)])
        for method, members in _members(decoded, self._projections):
            if spec_of(method, ProjectionSpec).copies == copies:
                await method(tx, members)
        await tx.send()

    async def tell_lineage(self, tx: Tx) -> None:
        """Call what is marked `@on_lineage`."""
        for method in self._told:
            await method(tx)

    def _copies(self) -> Mapping[Copies, Sequence[str]]:
        found: dict[Copies, set[str]] = {}
        for types, kind in ((self._reactions, ReactionSpec), (self._projections, ProjectionSpec)):
            for type_name, methods in types.items():
                for method in methods:
                    copies = _copies_of(spec_of(method, kind))
                    if copies is not None:
                        found.setdefault(copies, set()).add(type_name)
        return {copies: sorted(names) for copies, names in found.items()}

    def _decode(self, event: LoggedEvent) -> Event[Any]:
        return Event(
            id=event.event_id,
            type=event.type,
            producer=self._producer,
            aggregate_id=event.aggregate_id,
            version=event.version,
            subject=event.subject,
            district=event.district,
            position=event.position,
            previous_hash=event.previous_hash,
            hash=event.hash,
            occurred_at=event.occur_time.ToDatetime(tzinfo=UTC),
            recorded_at=event.record_time.ToDatetime(tzinfo=UTC),
            headers=orjson.loads(event.headers or "{}"),
            payload=event.payload,
            body=self._codec.decode(event.type, event.payload),
        )


def _by_type(handlers: Sequence[object], kind: type[ReactionSpec | ProjectionSpec]) -> Mapping[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for handler in handlers:
        for method in _marked(handler, kind):
            for type_name in spec_of(method, kind).types:
                found.setdefault(type_name, []).append(method)
    return found


def _marked(handler: object, kind: type[Any]) -> list[Any]:
    methods = (getattr(handler, name) for name in dir(type(handler)))
    return [method for method in methods if spec_of(method, kind) is not None]


def _copies_of(spec: ReactionSpec | ProjectionSpec) -> Copies | None:
    if isinstance(spec, ReactionSpec):
        return Copies(spec.copies.name, case="id") if spec.copies is not None else None
    return spec.copies


def _members(events: Sequence[Event[Any]], projections: Mapping[str, list[Any]]) -> list[tuple[Any, list[Event[Any]]]]:
    groups: dict[Any, list[Event[Any]]] = {}
    for event in events:
        for method in projections.get(event.type, ()):
            groups.setdefault(method, []).append(event)
    return list(groups.items())
