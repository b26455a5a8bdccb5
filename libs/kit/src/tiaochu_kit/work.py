"""The unit of work: what a use case sees of one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import orjson

from tiaochu_domainkit.aggregate import Aggregate
from tiaochu_domainkit.errors import DomainError, Kind, not_found
from tiaochu_kit.documents import DocumentTable
from tiaochu_kit.ids import new_id
from tiaochu_kit.principal import Principal

A = TypeVar("A", bound=Aggregate)


@dataclass(frozen=True)
class PendingEvent:
    """An event on its way to the journal."""

    aggregate_id: str
    version: int
    district: str
    subject: str
    event: Any
    occurred_at: datetime
    headers: str


@dataclass
class _Loaded:
    """An aggregate in hand with the version its row has, `None` for a new one."""

    aggregate: Any
    row_version: int | None
    before: str


@dataclass
class Work:
    """Loaded aggregates, new ones, rows beside them. The executor fills it, the use case changes it, the executor saves it.

    `now` is the moment of the call; `actor` who makes it.
    """

    now: datetime
    actor: Principal
    correlation: str = ""
    traceparent: str = ""
    reacting: bool = False
    """Whether this follows from another's event: its time was checked when that was recorded, however long ago that is."""
    _documents: dict[tuple[str, str], _Loaded] = field(default_factory=dict)
    _tables: dict[str, DocumentTable[Any]] = field(default_factory=dict)
    rows: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    events: list[PendingEvent] = field(default_factory=list)
    timers: list[tuple[str, str, str, datetime | None]] = field(default_factory=list)
    calls: list[tuple[str, str, str, str, str]] = field(default_factory=list)
    claims: list[tuple[str, str, str]] = field(default_factory=list)
    known: dict[tuple[str, str], str] = field(default_factory=dict)

    # What a use case calls

    def new_id(self) -> str:
        """A fresh UUIDv7."""
        return new_id()

    def get(self, table: DocumentTable[A], key: str) -> A:
        """The declared document; `NOT_FOUND` if there is none or the caller may not see it."""
        found = self.find(table, key)
        if found is None:
            raise not_found(table.name, key)
        return found

    def find(self, table: DocumentTable[A], key: str) -> A | None:
        """The declared document, or nothing."""
        loaded = self._documents.get((table.name, key))
        return None if loaded is None else loaded.aggregate

    def add(self, table: DocumentTable[A], aggregate: A) -> A:
        """A new aggregate. `ALREADY_EXISTS` if its id is taken."""
        key = (table.name, aggregate.id)
        if key in self._documents:
            raise already_exists(table.name, aggregate.id)
        self._tables[table.name] = table
        self._documents[key] = _Loaded(aggregate, None, "")
        return aggregate

    def etag(self, aggregate: Aggregate) -> str:
        """The etag the aggregate will have once this work is saved."""
        return str(aggregate.version + len(aggregate.recorded))

    def insert(self, table: str, values: Mapping[str, Any]) -> None:
        """A row beside the document, in the same transaction. `table` and column names are constants of the code."""
        self.rows.append((table, values))

    def timer(self, kind: str, key: str, district: str, at: datetime | None) -> None:
        """Call the timer handler `kind` with `key` at `at`; a later call moves it, `None` takes it away."""
        self.timers.append((kind, key, district, at))

    def call(self, kind: str, key: str, district: str) -> str:
        """A durable call after commit, by the call handler `kind`; the id returned is its `request_id`."""
        ident = new_id()
        self.calls.append((ident, kind, key, district, self.traceparent))
        return ident

    def claim(self, kind: str, key: str, value: str) -> None:
        """Take a natural key for ever; a second taker gets `ALREADY_EXISTS`. Declare it with `NaturalKey` to look first (`holder`)."""
        self.claims.append((kind, key, value))

    def holder(self, kind: str, key: str) -> str | None:
        """Who holds a declared natural key."""
        return self.known.get((kind, key))

    # What the executor and the consumers call

    def put(self, table: DocumentTable[A], aggregate: A) -> None:
        """Note a document as loaded."""
        self._tables[table.name] = table
        self._documents[table.name, aggregate.id] = _Loaded(aggregate, aggregate.version, "" if table.journal else table.encode(aggregate))

    def all_of(self, table: DocumentTable[A]) -> list[A]:
        """Every document of a table in hand."""
        return [loaded.aggregate for (name, _), loaded in self._documents.items() if name == table.name]

    def collect(self) -> None:
        """Turn what the aggregates recorded into pending events, with the present actor and trace."""
        headers = self._headers()
        for loaded in self._documents.values():
            aggregate = loaded.aggregate
            for recorded in aggregate.recorded:
                aggregate.version += 1
                subject = getattr(recorded.event, "case_id", "")
                self.events.append(
                    PendingEvent(
                        aggregate.id, aggregate.version, aggregate.district, subject, recorded.event, recorded.occurred_at, headers
                    )
                )
            aggregate.recorded.clear()

    def _headers(self) -> str:
        headers = {
            "actor": self.actor.id,
            "organ": self.actor.organ_id,
            "deputised_post": self.actor.deputised_post,
            "correlation": self.correlation,
            "traceparent": self.traceparent,
        }
        return orjson.dumps({k: v for k, v in headers.items() if v}).decode()

    def changed(self) -> Iterable[tuple[DocumentTable[Any], Sequence[_Loaded], bool]]:
        """Documents to write, by table: (table, documents, whether new). In id order, so that two works never deadlock."""
        groups: dict[tuple[str, bool], list[_Loaded]] = {}
        for (name, _), loaded in sorted(self._documents.items()):
            if loaded.row_version is None:
                groups.setdefault((name, True), []).append(loaded)
            elif self._is_changed(self._tables[name], loaded):
                groups.setdefault((name, False), []).append(loaded)
        for (name, new), members in sorted(groups.items()):
            yield self._tables[name], members, new

    def _is_changed(self, table: DocumentTable[Any], loaded: _Loaded) -> bool:
        if table.journal:
            return bool(loaded.aggregate.version != loaded.row_version)
        if table.encode(loaded.aggregate) == loaded.before:
            return False
        loaded.aggregate.version += 1
        return True


def already_exists(what: str, ident: str) -> DomainError:
    """The id or natural key is taken."""
    return DomainError(
        Kind.ALREADY_EXISTS, "ALREADY_EXISTS", f"{what} {ident} exists already", "已经存在,不能重复登记", {"what": what, "id": ident}
    )
