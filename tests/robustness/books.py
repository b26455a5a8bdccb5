"""An auditor who trusts no code of ours: reads the databases of all services with plain SQL and says what does not agree.

The hash of an event is computed as `docs/log-export.md` says, not as kit does. Here stand the logs and their readers; what the clients were told is
compared in `acts`, what follows from an event in `effects`, clocks in `timekeeping`, the court's notebook in `agency`.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from robustness import acts, agency, effects, timekeeping
from robustness.history import History
from robustness.stage import FOLLOWS
from tiaochu.docking.events.v1 import docking_events_pb2  # noqa: F401 - the bodies of events
from tiaochu.intake.events.v1 import case_events_pb2  # noqa: F401
from tiaochu.mediation.events.v1 import agreement_events_pb2, ending_events_pb2, table_events_pb2  # noqa: F401
from tiaochu.reporting.events.v1 import report_events_pb2  # noqa: F401
from tiaochu.routing.events.v1 import clock_events_pb2, directory_events_pb2, responsibility_events_pb2  # noqa: F401
from tiaochu_embedded.stack import Stack

NOT_PUBLISHED = "events are not published"
GENESIS = bytes(32)

_EVENTS_SQL = """
SELECT position, hash, event_id::text, type, aggregate_id::text, version, subject, district, occurred_at, recorded_at, headers, payload
FROM journal WHERE district = %s ORDER BY position NULLS LAST
"""


_TOLD_SQL = """
SELECT type, split_part(type, '.', 5), subject, version, headers, occurred_at, recorded_at, payload FROM journal ORDER BY district, position NULLS LAST
"""
_PLACES_SQL = "SELECT district, position, hash FROM journal WHERE position IS NOT NULL"


@dataclass(frozen=True)
class Logged:
    """One event: its name without the package, its case, who did it (`headers`), and its body."""

    service: str
    name: str
    case_id: str
    version: int
    headers: Mapping[str, str]
    occurred_at: datetime
    recorded_at: datetime
    body: Any


@contextmanager
def opened(stack: Stack, seen: "dict[tuple[str, str, int], bytes] | None" = None) -> Iterator["Books"]:
    """The books of a running stack. `seen` are positions with their hashes as they were found before. What is changed through their connections is undone at the end."""
    with ExitStack() as stay:
        connections = {}
        for service in FOLLOWS:
            connections[service] = psycopg.connect(stack.parts.postgres.admin_dsn(service))
            stay.callback(connections[service].close)
        notebook = stack.folder.path / "sandbox.sqlite"
        yield Books(connections, notebook, {} if seen is None else seen)


class Books:
    """Journals, cursors and copies of all services. Every check answers in sentences, none when all agrees."""

    def __init__(
        self, connections: Mapping[str, "psycopg.Connection[Any]"], notebook: Path, seen: dict[tuple[str, str, int], bytes]
    ) -> None:
        self.connections = connections
        self.notebook = notebook
        """The sandbox court's own."""
        self._seen = seen

    def refresh(self) -> None:
        """See what was committed since."""
        for connection in self.connections.values():
            connection.rollback()

    def problems(self, history: History) -> list[str]:
        """Everything that does not agree with itself or with what was told."""
        found = [*self._logs(), *self._cursors(), *self._parked(), *self._never_again()]
        for looked in (acts, effects, timekeeping, agency):
            found += looked.problems(self, history)
        return found

    def unknown_to(self, service: str) -> set[str]:
        """Cases that others know and this service does not: what it lost in a restore to an older moment."""
        known = {name: {row[0] for row in self.rows(name, sql)} for name, sql in effects.COPIES.items()}
        return set().union(*known.values()) - known[service]

    # --- journals

    def _logs(self) -> Iterator[str]:
        for service in self.connections:
            heads = {row[0]: row[1:] for row in self.rows(service, "SELECT district, position, hash, published FROM log_heads")}
            for (district,) in self.rows(service, "SELECT DISTINCT district FROM journal"):
                yield from self._log(service, district, *heads.get(district, (0, GENESIS, 0)))
            yield from self._versions(service)

    def _log(self, service: str, district: str, head: int, head_hash: bytes, published: int) -> Iterator[str]:
        running, place = GENESIS, f"{service}/{district}"
        rows = self.rows(service, _EVENTS_SQL, (district,))
        for expected, (position, stored, *event) in enumerate(rows, 1):
            if position != expected:
                yield f"{place}: position {position} where {expected} is next"
                return
            running = _link(running, position, *event)
            if running != stored:
                yield f"{place}: the hash at {position} is not that of its event"
                return
        if (head, bytes(head_hash)) != (len(rows), running):
            yield f"{place}: the head is at {head}, the last event at {len(rows)}, or of another hash"
        if published != head:
            yield f"{place}: {head - published} {NOT_PUBLISHED}"

    def _versions(self, service: str) -> Iterator[str]:
        if self.rows(service, "SELECT 1 FROM journal GROUP BY event_id HAVING count(*) > 1"):
            yield f"{service}: an event stands twice"
        gaps = (
            "SELECT aggregate_id FROM journal GROUP BY aggregate_id HAVING count(DISTINCT version) <> count(*) OR max(version) <> count(*)"
        )
        for (aggregate,) in self.rows(service, gaps):
            yield f"{service}: the versions of {aggregate} are not 1, 2, 3 …"

    def _never_again(self) -> Iterator[str]:
        """A position that was given once is never given to another event."""
        for service in self.connections:
            for district, position, running in self.rows(service, _PLACES_SQL):
                if self._seen.setdefault((service, district, position), running) != running:
                    yield f"{service}/{district}: position {position} was given twice"

    # --- consumers

    def _cursors(self) -> Iterator[str]:
        heads = {name: dict(self.rows(name, "SELECT district, (position, hash) FROM log_heads")) for name in self.connections}
        for consumer, producers in FOLLOWS.items():
            rows = self.rows(consumer, "SELECT producer, district, (position, hash) FROM cursors")
            cursors = {(producer, district): place for producer, district, place in rows}
            for producer in producers:
                for district, head in heads[producer].items():
                    at = cursors.get((producer, district), "nowhere")
                    if at != head:
                        yield f"{consumer} has read {producer}/{district} to {at} of {head}"

    def _parked(self) -> Iterator[str]:
        for service in self.connections:
            for producer, kind, error in self.rows(service, "SELECT producer, type, error FROM parked_events WHERE dropped_at IS NULL"):
                yield f"{service} put {kind} of {producer} aside: {error}"
            for kind, error in self.rows(service, "SELECT kind, error FROM calls WHERE done_at IS NULL"):
                yield f"{service} has not made its call {kind}: {error}"

    # --- for everybody who looks

    def rows(self, service: str, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """What a service's database answers."""
        return self.connections[service].execute(sql, values).fetchall()

    def events(self, service: str, *names: str) -> list[Logged]:
        """A service's events of these names, oldest first, all where none is named. What cannot be read is left to the hash to tell."""
        found = []
        for kind, name, case, version, headers, occurred, recorded, payload in self.rows(service, _TOLD_SQL):
            if not names or name in names:
                with suppress(DecodeError):
                    found.append(Logged(service, name, case, version, json.loads(headers), occurred, recorded, _body(kind, payload)))
        return found


def _body(kind: str, payload: bytes) -> Any:
    return message_factory.GetMessageClass(descriptor_pool.Default().FindMessageTypeByName(kind)).FromString(bytes(payload))


def _link(previous: bytes, position: int, *event: Any) -> bytes:
    *plain, occurred_at, recorded_at, headers, payload = event
    parts = [str(part).encode() for part in (position, *plain, _micros(occurred_at), _micros(recorded_at), headers)]
    digest = hashlib.sha256(previous)
    for part in (*parts, bytes(payload)):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


def _micros(moment: datetime) -> int:
    span = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds
