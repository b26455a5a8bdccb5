"""An auditor who trusts no code of ours: reads the databases of all services with plain SQL and says what does not agree.

The hash of an event is computed as `docs/log-export.md` says, not as kit does.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg

from robustness.clients import Ledger
from tiaochu_embedded.stack import Stack

FOLLOWS: Mapping[str, tuple[str, ...]] = {
    "intake": ("intake", "routing", "mediation"),
    "routing": ("intake", "routing", "mediation", "docking"),
    "mediation": ("intake", "routing", "mediation", "docking"),
    "docking": ("intake", "routing", "mediation"),
    "reporting": ("intake", "routing", "mediation", "docking"),
}
"""Consumer → the producers whose logs it reads."""
COPIES: Mapping[str, str] = {
    "intake": "SELECT id::text FROM cases",
    "routing": "SELECT id::text FROM responsibilities",
    "mediation": "SELECT id::text FROM mediations",
    "docking": "SELECT id::text FROM case_files",
    "reporting": "SELECT case_id::text FROM counted_cases JOIN lineages USING (lineage) WHERE state = 'live'",
}
"""Where each service keeps what it knows of a case: a row each."""
COUNTED: Mapping[str, tuple[str, ...]] = {
    "intake": ("CaseRegistered", "CaseClassified", "CaseMerged", "HistoryResultRecorded"),
    "routing": ("ResponsibilityStarted", "TransferSigned", "UnitDesignated", "CaseAccepted", "CaseDeclined"),
    "mediation": (
        *("MediationOpened", "AgreementEffective", "MediationTerminated", "ConfirmationRequested", "ConfirmationDecided"),
        "AgreementPerformed",
    ),
}
"""Producer → the events that reporting counts."""
ONCE = (("intake", "CaseRegistered"), ("routing", "ResponsibilityStarted"))
"""Events that every case has once."""
NOT_PUBLISHED = "events are not published"
GENESIS = bytes(32)

_EVENTS_SQL = """
SELECT position, hash, event_id::text, type, aggregate_id::text, version, subject, district, occurred_at, recorded_at, headers, payload
FROM journal WHERE district = %s ORDER BY position NULLS LAST
"""
_COMMAND_SQL = """
SELECT headers::json ->> 'correlation', headers::json ->> 'actor', count(*), count(DISTINCT recorded_at)
FROM journal WHERE headers::json ->> 'correlation' IS NOT NULL GROUP BY 1, 2
"""
_FACTS_SQL = """
SELECT district, position, kind FROM facts JOIN lineages USING (lineage) WHERE state = 'live' AND producer = %s
"""
_REGISTERED_SQL = "SELECT coalesce(sum(registered), 0) FROM month_totals JOIN lineages USING (lineage) WHERE state = 'live'"
_HOLDINGS_SQL = "SELECT id::text, doc -> 'holdings' FROM responsibilities"
_MOVES_SQL = """
SELECT subject, count(*) FROM journal WHERE split_part(type, '.', 5) IN ('ResponsibilityStarted', 'TransferSigned', 'UnitDesignated') GROUP BY subject
"""


@contextmanager
def opened(stack: Stack) -> Iterator["Books"]:
    """The books of a running stack. What is changed through their connections is undone at the end."""
    with ExitStack() as stay:
        connections = {}
        for service in FOLLOWS:
            connections[service] = psycopg.connect(stack.parts.postgres.admin_dsn(service))
            stay.callback(connections[service].close)
        yield Books(connections)


class Books:
    """Journals, cursors and copies of all services. Every check answers in sentences, none when all agrees."""

    def __init__(self, connections: Mapping[str, "psycopg.Connection[Any]"]) -> None:
        self.connections = connections

    def refresh(self) -> None:
        """See what was committed since."""
        for connection in self.connections.values():
            connection.rollback()

    def problems(self, ledger: Ledger) -> list[str]:
        """Everything that does not agree with itself or with what was acknowledged."""
        found = [*self._logs(), *self._cursors(), *self._parked(), *self._commands(ledger)]
        return [*found, *self._cases(ledger), *self._counted(ledger), *self._responsible(ledger)]

    # --- journals

    def _logs(self) -> Iterator[str]:
        for service in self.connections:
            heads = {row[0]: row[1:] for row in self._rows(service, "SELECT district, position, hash, published FROM log_heads")}
            for (district,) in self._rows(service, "SELECT DISTINCT district FROM journal"):
                yield from self._log(service, district, *heads.get(district, (0, GENESIS, 0)))
            yield from self._versions(service)

    def _log(self, service: str, district: str, head: int, head_hash: bytes, published: int) -> Iterator[str]:
        running, place = GENESIS, f"{service}/{district}"
        rows = self._rows(service, _EVENTS_SQL, (district,))
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
        if self._rows(service, "SELECT 1 FROM journal GROUP BY event_id HAVING count(*) > 1"):
            yield f"{service}: an event stands twice"
        gaps = (
            "SELECT aggregate_id FROM journal GROUP BY aggregate_id HAVING count(DISTINCT version) <> count(*) OR max(version) <> count(*)"
        )
        for (aggregate,) in self._rows(service, gaps):
            yield f"{service}: the versions of {aggregate} are not 1, 2, 3 …"

    # --- consumers

    def _cursors(self) -> Iterator[str]:
        heads = {name: dict(self._rows(name, "SELECT district, (position, hash) FROM log_heads")) for name in self.connections}
        for consumer, producers in FOLLOWS.items():
            rows = self._rows(consumer, "SELECT producer, district, (position, hash) FROM cursors")
            cursors = {(producer, district): place for producer, district, place in rows}
            for producer in producers:
                for district, head in heads[producer].items():
                    at = cursors.get((producer, district), "nowhere")
                    if at != head:
                        yield f"{consumer} has read {producer}/{district} to {at} of {head}"

    def _parked(self) -> Iterator[str]:
        for service in self.connections:
            for producer, kind, error in self._rows(service, "SELECT producer, type, error FROM parked_events WHERE dropped_at IS NULL"):
                yield f"{service} put {kind} of {producer} aside: {error}"
            for kind, error in self._rows(service, "SELECT kind, error FROM calls WHERE done_at IS NULL"):
                yield f"{service} has not made its call {kind}: {error}"

    # --- what was acknowledged

    def _commands(self, ledger: Ledger) -> Iterator[str]:
        """An acknowledged command wrote its events in one transaction and keeps one answer."""
        for service in {c.service for c in ledger.commands}:
            written = {(rid, actor): counts for rid, actor, *counts in self._rows(service, _COMMAND_SQL)}
            kept = dict(self._rows(service, "SELECT key, count(*) FROM request_keys GROUP BY key"))
            for command in (c for c in ledger.commands if c.service == service):
                events, moments = written.get((command.request_id, command.person_id), (0, 0))
                if events == 0 or moments != 1:
                    yield f"{service} {command.rpc} {command.request_id}: {events} events of {moments} transactions"
                if kept.get(command.request_id) != 1:
                    yield f"{service} {command.rpc} {command.request_id}: {kept.get(command.request_id, 0)} answers are kept"

    def _cases(self, ledger: Ledger) -> Iterator[str]:
        """Every service knows exactly the cases that were registered, each once."""
        registered = set(ledger.holders)
        for service, sql in COPIES.items():
            known = [row[0] for row in self._rows(service, sql)]
            if sorted(known) != sorted(registered):
                yield f"{service} knows {len(known)} cases of {len(registered)}: {set(known) ^ registered}"
        for service, name in ONCE:
            subjects = self._rows(service, "SELECT subject, count(*) FROM journal WHERE type LIKE %s GROUP BY subject", (f"%.{name}",))
            if dict(subjects) != dict.fromkeys(registered, 1):
                yield f"{service}: {name} is not there once for every case"
        linked = self._rows("docking", "SELECT id::text, case_id FROM exchanges WHERE case_id <> ''")
        if dict(linked) != ledger.offers:
            yield f"docking linked {len(linked)} exchanges of {len(ledger.offers)}"

    def _counted(self, ledger: Ledger) -> Iterator[str]:
        """Reporting has every event of the kinds it counts once, and its figure is the number of cases."""
        for producer, kinds in COUNTED.items():
            facts = self._rows("reporting", _FACTS_SQL, (producer,))
            told = self._rows(producer, "SELECT district, position, split_part(type, '.', 5) FROM journal")
            if sorted(facts) != sorted(row for row in told if row[2] in kinds):
                yield f"reporting has other facts than {producer} told"
        [(registered,)] = self._rows("reporting", _REGISTERED_SQL)
        if registered != len(ledger.holders):
            yield f"reporting counts {registered} registrations of {len(ledger.holders)}"

    def _responsible(self, ledger: Ledger) -> Iterator[str]:
        """The holdings of a case follow each other, one for each time responsibility moved; the last is the unit that signed last."""
        moves = dict(self._rows("routing", _MOVES_SQL))
        for case_id, holdings in self._rows("routing", _HOLDINGS_SQL):
            since = [h["since"] for h in holdings]
            if [h["version"] for h in holdings] != list(range(1, moves.get(case_id, 0) + 1)) or since != sorted(set(since)):
                yield f"routing: the holdings of {case_id} do not follow each other"
            if holdings[-1]["unit"]["id"] != ledger.holders.get(case_id):
                yield f"routing: {case_id} is held by another unit than the one that signed last"

    def _rows(self, service: str, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        return self.connections[service].execute(sql, values).fetchall()


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
