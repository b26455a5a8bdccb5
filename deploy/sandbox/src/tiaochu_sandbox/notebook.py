"""What the court knows, in one SQLite file: its secrets, matters, packets in and out, and every call as it happened."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

_TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS matters (
  exchange_id TEXT PRIMARY KEY, mode TEXT NOT NULL, external_no TEXT NOT NULL, offerer TEXT NOT NULL, state TEXT NOT NULL, seq INTEGER NOT NULL,
  heard INTEGER NOT NULL, outcome TEXT NOT NULL DEFAULT '', offered_at TEXT NOT NULL, agreement_no TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX IF NOT EXISTS matters_number ON matters (mode, external_no) WHERE offerer = 'court';
CREATE TABLE IF NOT EXISTS packets (
  packet_id TEXT PRIMARY KEY, direction TEXT NOT NULL, exchange_id TEXT NOT NULL, kind TEXT NOT NULL, seq INTEGER NOT NULL, sha256 TEXT NOT NULL,
  body BLOB NOT NULL, at TEXT NOT NULL, state TEXT NOT NULL, receipt_id TEXT NOT NULL DEFAULT '', ordinal INTEGER
);
CREATE TABLE IF NOT EXISTS calls (
  id INTEGER PRIMARY KEY, at TEXT NOT NULL, direction TEXT NOT NULL, what TEXT NOT NULL, packet_id TEXT NOT NULL, status INTEGER NOT NULL, reason TEXT NOT NULL
);
"""


class Notebook:
    """One connection, used from the event loop alone; every method is one short transaction."""

    def __init__(self, path: str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.executescript(_TABLES)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _all(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in self._db.execute(sql, values)]

    def _one(self, sql: str, *values: Any) -> dict[str, Any] | None:
        found = self._all(sql, *values)
        return found[0] if found else None

    # Facts

    def fact(self, name: str, default: Any = None) -> Any:
        """A remembered value."""
        row = self._one("SELECT value FROM facts WHERE name = ?", name)
        return json.loads(row["value"]) if row else default

    def remember(self, name: str, value: Any) -> None:
        """Remember a value."""
        self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, json.dumps(value)))

    # Matters

    def matter(self, exchange_id: str) -> dict[str, Any] | None:
        """A matter."""
        return self._one("SELECT * FROM matters WHERE exchange_id = ?", exchange_id)

    def matters(self, **wanted: str) -> list[dict[str, Any]]:
        """Matters by column."""
        where = " AND ".join(f"{name} = ?" for name in wanted) or "1"
        return self._all(f"SELECT * FROM matters WHERE {where} ORDER BY offered_at, exchange_id", *wanted.values())  # noqa: S608 - names of the code

    def open_matter(self, exchange_id: str, *, mode: str, external_no: str, offerer: str, at: str, agreement_no: str = "") -> None:
        """A new matter; the court's own number is unique. Raises `sqlite3.IntegrityError`."""
        self._db.execute(
            "INSERT INTO matters (exchange_id, mode, external_no, offerer, state, seq, heard, offered_at, agreement_no)"
            " VALUES (?, ?, ?, ?, 'offered', 0, 0, ?, ?)",
            (exchange_id, mode, external_no, offerer, at, agreement_no),
        )

    def change_matter(self, exchange_id: str, **values: Any) -> None:
        """Set columns of a matter."""
        sets = ", ".join(f"{name} = ?" for name in values)
        self._db.execute(f"UPDATE matters SET {sets} WHERE exchange_id = ?", (*values.values(), exchange_id))  # noqa: S608 - names of the code

    # Packets

    def packet(self, packet_id: str) -> dict[str, Any] | None:
        """A packet."""
        return self._one("SELECT * FROM packets WHERE packet_id = ?", packet_id)

    def packets(self, **wanted: str) -> list[dict[str, Any]]:
        """Packets by column, in order."""
        where = " AND ".join(f"{name} = ?" for name in wanted) or "1"
        return self._all(f"SELECT * FROM packets WHERE {where} ORDER BY ordinal, at", *wanted.values())  # noqa: S608 - names of the code

    def packets_of_day(self, day: str) -> list[dict[str, Any]]:
        """Packets that passed on a day."""
        return self._all("SELECT packet_id, sha256 FROM packets WHERE substr(at, 1, 10) = ? AND state = 'done' ORDER BY at", day)

    def add_packet(self, packet: Mapping[str, Any]) -> None:
        """A packet, stored before it is answered or sent."""
        with self._transaction():
            names = ", ".join(packet)
            marks = ", ".join("?" for _ in packet)
            self._db.execute(
                f"INSERT INTO packets ({names}, ordinal) VALUES ({marks}, (SELECT coalesce(max(ordinal), 0) + 1 FROM packets))",  # noqa: S608
                tuple(packet.values()),
            )

    def change_packet(self, packet_id: str, **values: Any) -> None:
        """Set columns of a packet."""
        sets = ", ".join(f"{name} = ?" for name in values)
        self._db.execute(f"UPDATE packets SET {sets} WHERE packet_id = ?", (*values.values(), packet_id))  # noqa: S608 - names of the code

    def forget_after(self, at: str) -> int:
        """As if restored from a backup taken at this time: later packets are gone. Answers how many."""
        found = self._all("SELECT packet_id, exchange_id FROM packets WHERE at > ?", at)
        self._db.execute("DELETE FROM packets WHERE at > ?", (at,))
        for exchange_id in {row["exchange_id"] for row in found}:
            kept = self._all("SELECT direction, max(seq) AS top FROM packets WHERE exchange_id = ? GROUP BY direction", exchange_id)
            tops = {row["direction"]: row["top"] for row in kept}
            self.change_matter(exchange_id, seq=tops.get("out", 0), heard=tops.get("in", 0))
        return len(found)

    # Calls

    def log(self, *, at: str, direction: str, what: str, packet_id: str, status: int, reason: str = "") -> None:
        """Write a call down."""
        self._db.execute(
            "INSERT INTO calls (at, direction, what, packet_id, status, reason) VALUES (?, ?, ?, ?, ?, ?)",
            (at, direction, what, packet_id, status, reason),
        )

    def calls(self, limit: int = 500) -> list[dict[str, Any]]:
        """The newest calls, oldest first."""
        return list(reversed(self._all("SELECT * FROM calls ORDER BY id DESC LIMIT ?", limit)))

    def close(self) -> None:
        """Put the notebook away."""
        self._db.close()
