"""Cases that went their way in a real stack, read from the services' databases: the moulds of all others."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

import psycopg

from bench.tables import SERVICES, SHARED, TABLES, UNCOPIED_COLUMNS

UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

_REF = re.compile(r'"ref_id": "([^"]*)"')


@dataclass(frozen=True)
class Event:
    """A journal row without its place in the log."""

    event_id: str
    type: str
    aggregate_id: str
    version: int
    subject: str
    district: str
    occurred_at: datetime
    recorded_at: datetime
    headers: str
    payload: bytes
    position: int


@dataclass(frozen=True)
class Clock:
    """What a clock's id is made of besides the case."""

    ident: str
    rule: str
    ref: str


@dataclass
class Template:
    """One case in all services."""

    case_id: str
    district: str
    number: str
    first_day: date
    rows: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """(service, table) → rows in the text form of COPY."""
    events: dict[str, list[Event]] = field(default_factory=dict)
    own_ids: frozenset[str] = frozenset()
    facts: list[tuple[Any, ...]] = field(default_factory=list)
    """Rows of reporting's facts: producer, position, kind, occurred_at, recorded_at, data."""

    @property
    def types(self) -> set[str]:
        """Short names of what happened."""
        return {e.type.rpartition(".")[2] for events in self.events.values() for e in events}

    @property
    def size(self) -> int:
        """Bytes of its rows and events, roughly."""
        return sum(len(r) for rows in self.rows.values() for r in rows) + sum(
            len(e.payload) + len(e.headers) + 200 for events in self.events.values() for e in events
        )

    @cached_property
    def clocks(self) -> list[Clock]:
        """Its clocks; their ids are digests."""
        fields = [row.split("\t") for row in self.rows["routing", "clocks"]]
        return [Clock(row[0], row[5], _REF.search(row[-1])[1]) for row in fields]  # type: ignore[index]  # every clock says what it is about

    @property
    def timers(self) -> list[str]:
        """Rows of timers that still run."""
        return self.rows.get(("routing", "timers"), [])


def columns(connection: psycopg.Connection[Any], table: str) -> list[str]:
    """The columns a row is copied with, in order."""
    rows = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum", (table,)
    )
    return [name for (name,) in rows if name not in UNCOPIED_COLUMNS.get(table, ())]


def read_templates(connections: Mapping[str, psycopg.Connection[Any]], district: str) -> list[Template]:
    """All cases of a district that mention no other case."""
    shared = {ident for service in SHARED for ident in _shared_ids(connections[service], SHARED[service])}
    cases = connections["intake"].execute(
        "SELECT id::text, case_number, registered::date FROM (SELECT id, case_number, (doc->'entry'->>'registered_at')::timestamptz AS registered "
        "FROM cases WHERE district = %s) x ORDER BY id",
        (district,),
    )
    templates = [Template(case_id, district, number, day) for case_id, number, day in cases]
    for template in templates:
        for service in SERVICES:
            _read(template, service, connections[service])
    ids = {t.case_id: _ids(t) for t in templates}
    kept = [t for t in templates if not (ids[t.case_id] & ids.keys()) - {t.case_id}]
    met = Counter(ident for t in kept for ident in ids[t.case_id])
    for template in kept:
        template.own_ids = frozenset(i for i in ids[template.case_id] if i not in shared and met[i] == 1)
    return kept


def _read(template: Template, service: str, connection: psycopg.Connection[Any]) -> None:
    for table, condition in TABLES[service].items():
        with connection.cursor() as cursor:
            listed = ", ".join(columns(connection, table))
            query = psycopg.ClientCursor(connection).mogrify(f"SELECT {listed} FROM {table} WHERE {condition}", {"case": template.case_id})
            with cursor.copy(f"COPY ({query}) TO STDOUT") as copy:
                text = b"".join(bytes(block) for block in copy).decode()
        template.rows[service, table] = text.splitlines(keepends=True)
    events = connection.execute(
        "SELECT event_id::text, type, aggregate_id::text, version, subject, district, occurred_at, recorded_at, headers, payload, position "
        "FROM journal WHERE subject = %s ORDER BY position",
        (template.case_id,),
    )
    template.events[service] = [Event(*row) for row in events]
    if service == "reporting":
        rows = connection.execute(
            "SELECT producer, position, kind, occurred_at, recorded_at, data FROM facts WHERE case_id = %s::uuid", (template.case_id,)
        )
        template.facts = list(rows)


def _ids(template: Template) -> set[str]:
    parts: list[bytes] = [row.encode() for rows in template.rows.values() for row in rows]
    for events in template.events.values():
        for e in events:
            parts += [e.event_id.encode(), e.aggregate_id.encode(), e.headers.encode(), e.payload]
    return set(_found(parts))


def _shared_ids(connection: psycopg.Connection[Any], tables: Sequence[str]) -> Iterable[str]:
    for table in tables:
        for (text,) in connection.execute(f"SELECT x::text FROM {table} x"):
            yield from _found([text.encode()])


def _found(parts: Iterable[bytes]) -> Iterable[str]:
    for part in parts:
        for match in UUID.findall(part):
            yield match.decode()
