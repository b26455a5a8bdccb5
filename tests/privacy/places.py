"""Every place a stack writes to, and which of them may hold what names a person."""

import json
import sqlite3
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
from psycopg import sql

from tiaochu_embedded.stack import Stack

DOCUMENTS: Mapping[str, frozenset[str]] = {
    "intake": frozenset({"cases", "case_texts", "case_files", "uploads", "search_tokens", "party_indexes", "unmaskings"}),
    "routing": frozenset({"decline_notices", "transfer_notes", "staff"}),
    "mediation": frozenset({"mediations", "texts", "performances"}),
    "docking": frozenset({"letters", "packets", "files", "exchanges"}),
    "reporting": frozenset(),
}
"""Service → the tables of documents, rows, files, search tokens and packets: personal data may stand there and nowhere else."""

Found = tuple[str, str]
"""A place and what stands there."""


def tables(stack: Stack, *, documents: bool) -> Iterator[Found]:
    """The rows of every table of every service: of those that are documents, or of all others."""
    for service, own in DOCUMENTS.items():
        with psycopg.connect(stack.parts.postgres.admin_dsn(service)) as connection:
            names = (
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition"
            )
            known = {name for (name,) in connection.execute(names)}
            if missing := own - known:
                raise LookupError(f"{service} has no table {missing}")
            for table in sorted(own if documents else known - own):
                rows = connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table)))
                for row in rows:
                    yield f"{service}.{table}", "\n".join(map(_shown, row))


def logs(stack: Stack) -> Iterator[Found]:
    """What all processes logged."""
    for file in sorted(stack.folder.logs.iterdir()):
        yield f"logs/{file.name}", file.read_text(errors="replace")


def spans(stack: Stack, trace_id: str = "") -> Iterator[Found]:
    """Every span ever collected, or those of one trace, all of their columns."""
    with sqlite3.connect(stack.folder.path / "traces.db") as db:
        for row in db.execute("SELECT * FROM span WHERE ? IN ('', trace_id)", (trace_id,)):
            yield f"span {row[3]} {row[4]}", "\n".join(map(str, row))


def broker(stack: Stack) -> Iterator[Found]:
    """Subjects, headers and bodies of all messages, as they lie on the broker's disk."""
    for file in sorted((stack.folder.path / "nats").rglob("*")):
        if file.is_file():
            yield f"nats/{file.name}", file.read_bytes().decode(errors="replace")


def blobs(stack: Stack) -> Iterator[Found]:
    """Names and bytes of the stored files, which are encrypted."""
    for file in sorted((stack.folder.path / "blobs").rglob("*")):
        if file.is_file():
            yield f"blobs/{file}", f"{file}\n{file.read_bytes().decode(errors='replace')}"


def figures(stack: Stack) -> Iterator[Found]:
    """The metrics of every service."""
    for service in DOCUMENTS:
        with urllib.request.urlopen(f"{stack.addresses['http'][service]}/metrics", timeout=10) as answer:
            yield f"{service}/metrics", answer.read().decode()


def outside_documents(stack: Stack) -> Iterator[Found]:
    """Every place where nothing of a person may be found."""
    for place in (logs, spans, broker, blobs, figures):
        yield from place(stack)
    yield from tables(stack, documents=False)


def all_published(stack: Stack) -> bool:
    """Whether the broker has every event."""
    late = "SELECT EXISTS (SELECT 1 FROM journal WHERE position IS NULL) OR EXISTS (SELECT 1 FROM log_heads WHERE published < position)"
    for service in DOCUMENTS:
        with psycopg.connect(stack.parts.postgres.admin_dsn(service)) as connection:
            row = connection.execute(late.encode()).fetchone()
            if row is None or row[0]:
                return False
    return True


def _shown(value: Any) -> str:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode(errors="replace")
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else str(value)


def holding(found: Iterator[Found], secrets: tuple[str, ...]) -> dict[str, set[str]]:
    """Place → the secrets that stand there."""
    hits: dict[str, set[str]] = {}
    for place, content in found:
        if here := {secret for secret in secrets if secret in content}:
            hits.setdefault(place, set()).update(here)
    return hits
