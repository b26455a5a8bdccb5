"""Spans in one SQLite file."""

import json
import sqlite3
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KEPT_SPANS = 500_000
"""About 250 MB; the oldest are dropped beyond that."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS span (
  trace_id TEXT NOT NULL, span_id TEXT NOT NULL, parent_id TEXT NOT NULL, service TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
  start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL, error TEXT NOT NULL, attributes TEXT NOT NULL, links TEXT NOT NULL,
  PRIMARY KEY (trace_id, span_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS span_start ON span (start_ns);
"""


@dataclass(frozen=True)
class StoredSpan:
    """One step of one service. Ids are hexadecimal, times nanoseconds since the epoch; `error` is empty when there was none."""

    trace_id: str
    span_id: str
    parent_id: str
    service: str
    name: str
    kind: str
    start_ns: int
    end_ns: int
    error: str
    attributes: Mapping[str, Any]
    links: tuple[str, ...]
    """Trace ids of what this step belongs to without being a child of it."""


@dataclass(frozen=True)
class Summary:
    """One trace in the list."""

    trace_id: str
    name: str
    services: tuple[str, ...]
    spans: int
    errors: int
    start_ns: int
    end_ns: int


class SpanStore:
    """Written by the collector's threads, read by the page's."""

    def __init__(self, file: Path | str) -> None:
        self._guard = threading.Lock()
        self._db = sqlite3.connect(file, check_same_thread=False)
        # Traces are no facts: a power cut may lose the last of them.
        self._db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;" + _SCHEMA)
        self._added = 0

    def add(self, spans: Iterable[StoredSpan]) -> None:
        """Store spans; one that is known is replaced."""
        rows = [
            (
                *(s.trace_id, s.span_id, s.parent_id, s.service, s.name, s.kind, s.start_ns, s.end_ns, s.error),
                json.dumps(s.attributes, ensure_ascii=False),
                json.dumps(s.links),
            )
            for s in spans
        ]
        with self._guard, self._db:
            self._db.executemany("INSERT OR REPLACE INTO span VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
            self._added += len(rows)
            if self._added > KEPT_SPANS // 10:
                self._added = 0
                self._drop_oldest()

    def trace(self, trace_id: str) -> list[StoredSpan]:
        """The spans of a trace in order of their beginning."""
        with self._guard:
            rows = self._db.execute("SELECT * FROM span WHERE trace_id = ? ORDER BY start_ns, span_id", (trace_id,)).fetchall()
        return [_stored(row) for row in rows]

    def search(self, text: str = "", limit: int = 100) -> list[Summary]:
        """The newest traces in which a name, an attribute or an id contains `text`."""
        pattern = "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        found = """SELECT trace_id, max(start_ns) AS newest FROM span
            WHERE :text = '' OR name LIKE :pattern ESCAPE '\\' OR attributes LIKE :pattern ESCAPE '\\' OR trace_id LIKE :pattern ESCAPE '\\'
            GROUP BY trace_id ORDER BY newest DESC LIMIT :limit"""
        with self._guard:
            ids = [row[0] for row in self._db.execute(found, {"text": text, "pattern": pattern, "limit": limit})]
        return [_summary(self.trace(trace_id)) for trace_id in ids]

    def close(self) -> None:
        with self._guard:
            self._db.close()

    def _drop_oldest(self) -> None:
        [count] = self._db.execute("SELECT count(*) FROM span").fetchone()
        if count > KEPT_SPANS:
            oldest = "SELECT start_ns FROM span ORDER BY start_ns LIMIT 1 OFFSET ?"
            self._db.execute(f"DELETE FROM span WHERE start_ns < ({oldest})", (count - KEPT_SPANS,))  # noqa: S608 - no outside text


def _stored(row: tuple[Any, ...]) -> StoredSpan:
    *plain, attributes, links = row
    trace_id, span_id, parent_id, service, name, kind, start_ns, end_ns, error = plain
    return StoredSpan(
        trace_id, span_id, parent_id, service, name, kind, start_ns, end_ns, error, json.loads(attributes), tuple(json.loads(links))
    )


def _summary(spans: list[StoredSpan]) -> Summary:
    known = {span.span_id for span in spans}
    root = next((span for span in spans if span.parent_id not in known), spans[0])
    return Summary(
        trace_id=root.trace_id,
        name=root.name,
        services=tuple(dict.fromkeys(span.service for span in spans)),
        spans=len(spans),
        errors=sum(1 for span in spans if span.error),
        start_ns=spans[0].start_ns,
        end_ns=max(span.end_ns for span in spans),
    )
