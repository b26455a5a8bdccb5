"""Aggregates stored as documents: one row each, the dataclass as it stands in `doc`, what lists need promoted to columns."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar

import msgspec

from tiaochu_domainkit.aggregate import Aggregate
from tiaochu_kit.compat import FIRST, RELEASE, needs, newer_release

A = TypeVar("A", bound=Aggregate)


class _Mark(msgspec.Struct):
    """What a document says of the release that reads it."""

    compat: int = FIRST


_encoder = msgspec.json.Encoder()
_mark = msgspec.json.Decoder(_Mark)
DOCUMENT_LIMIT = 64 * 1024
"""Bytes. What could grow beyond stands in rows of its own."""


@dataclass(frozen=True)
class Column(Generic[A]):
    """A promoted column: its PostgreSQL type and how to read it from the aggregate."""

    type: str
    of: Callable[[A], Any]


@dataclass(frozen=True)
class Read:
    """One thing a use case wants in the combined read: documents of `table` whose `id` is `key`."""

    table: "DocumentTable[Any]"
    key: str


@dataclass(frozen=True)
class DocumentTable(Generic[A]):
    """Where one kind of aggregate lives.

    `journal=False` marks a copy of another service's facts: written by its consumer alone and without events. `newer` names the fields (and
    values, `field=value`) that came with a later release, see `compat`; `release` is what this code reads.
    """

    name: str
    cls: type[A]
    columns: Mapping[str, Column[A]] = field(default_factory=dict)
    journal: bool = True
    newer: Mapping[str, int] = field(default_factory=dict)
    release: int = RELEASE

    def by_id(self, key: str) -> Read:
        """The document with this id."""
        return Read(self, key)

    def __hash__(self) -> int:
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DocumentTable) and other.name == self.name

    # The statements below are fixed per table, so that the driver prepares each once.

    def select_sql(self) -> str:
        """Rows by an array of ids."""
        return f"SELECT doc::text FROM {self.name} WHERE id = ANY(%s::uuid[])"  # noqa: S608

    def _arrays(self, extra: Sequence[tuple[str, str]] = ()) -> str:
        types = [("id", "uuid"), ("district", "text"), ("status", "text"), ("version", "bigint"), ("doc", "jsonb")]
        types += [(name, c.type) for name, c in self.columns.items()] + list(extra)
        names = ", ".join(name for name, _ in types)
        casts = ", ".join(f"%s::{type_}[]" for _, type_ in types)
        return f"unnest({casts}) AS x({names})"

    def insert_sql(self) -> str:
        """New rows from arrays."""
        names = ", ".join(["id", "district", "status", "version", "doc", *self.columns])
        return f"INSERT INTO {self.name} ({names}) SELECT {names} FROM {self._arrays()}"  # noqa: S608

    def update_sql(self) -> str:
        """Changed rows from arrays; raises SQLSTATE TC409 unless every row still has the version it was loaded with."""
        sets = ", ".join(f"{name} = x.{name}" for name in ["status", "version", "doc", *self.columns])
        return (
            f"WITH saved AS (UPDATE {self.name} t SET {sets} FROM {self._arrays([('loaded', 'bigint')])} "  # noqa: S608
            "WHERE t.id = x.id AND t.version = x.loaded RETURNING 1) "
            "SELECT kit_expect_saved((SELECT count(*) FROM saved), %s)"
        )

    def row(self, aggregate: A) -> tuple[Any, ...]:
        """The values of one row, in the order of `insert_sql`."""
        promoted = tuple(c.of(aggregate) for c in self.columns.values())
        return (aggregate.id, aggregate.district, aggregate.status, aggregate.version, self.encode(aggregate), *promoted)

    def encode(self, aggregate: A) -> str:
        """The document: the aggregate as it stands. Raises `ValueError` above `DOCUMENT_LIMIT`."""
        text = _encoder.encode(aggregate)
        needed = self.needs(aggregate)
        if needed > FIRST:
            text = b'{"compat":%d,' % needed + text[1:]
        if len(text) > DOCUMENT_LIMIT:
            raise ValueError(f"document {self.name}/{aggregate.id} has {len(text)} bytes")
        return text.decode()

    def needs(self, aggregate: A) -> int:
        """The release that everyone must have to read this aggregate."""
        return needs(aggregate, self.newer) if self.newer else FIRST

    def decode(self, doc: str) -> A:
        """The aggregate as it was saved. Raises `NEWER_RELEASE` when this code does not know all that was saved."""
        if '"compat":' in doc and _mark.decode(doc).compat > self.release:
            raise newer_release()
        return self._decoder.decode(doc)

    @cached_property
    def _decoder(self) -> "msgspec.json.Decoder[A]":
        return msgspec.json.Decoder(self.cls)
