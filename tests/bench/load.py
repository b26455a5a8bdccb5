"""Fills a stopped embedded stack with cases: `python -m bench.load --stack DIR --cases 1000000`.

The cases are those the demonstration told in that stack, repeated with other ids, people, texts and days through the encodings of the services:
each row is a row a service wrote, each journal is chained by kit, positions, cursors, totals and clocks fit together, so that nothing is left to catch up.
Indexes are dropped and made anew. Each service is loaded by a process of its own.
"""

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg

from bench.made import JOURNAL, Docking, Intake, Log, Maker, Mediation, Reporting, Routing, Rows
from bench.people import CachedKeyring
from bench.plan import DAYS, Plan
from bench.tables import SERVICES, TABLES
from bench.template import Template, columns, read_templates
from tiaochu_demo.directory import CITY
from tiaochu_domainkit.sealing import load_keyring
from tiaochu_embedded.layout import RunFolder
from tiaochu_embedded.ports import KeptPorts
from tiaochu_embedded.postgres import Postgres
from tiaochu_embedded.vault import Vault
from tiaochu_kit.log import GENESIS
from tiaochu_reporting.store.ledger import _TOTALS_SQL, _columns

BATCH = 2000
"""Cases in one transaction."""
LEDGER = ("counted_cases", "facts", "postings")
_MEMORY = ("SET synchronous_commit = off", "SET session_replication_role = replica", "SET maintenance_work_mem = '512MB'")
Head = tuple[int, bytes]


@dataclass(frozen=True)
class Job:
    """What one service's process is told."""

    service: str
    dsn: str
    templates: Sequence[Template]
    cases: int
    heads: Mapping[str, Head]
    keys: Path
    first: int


def main() -> int:
    """Exit code 0 when everything is loaded."""
    parser = argparse.ArgumentParser(prog="bench.load", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stack", type=Path, required=True, help="run folder of a stopped stack in which the demonstration was told")
    parser.add_argument("--cases", type=int, default=1_000_000)
    arguments = parser.parse_args()
    load(arguments.stack, arguments.cases)
    return 0


def load(stack: Path, cases: int, say: Callable[[str], None] = lambda text: print(text, flush=True)) -> None:
    """Load `cases` more cases into the stack of a run folder."""
    began = time.monotonic()
    folder = RunFolder(stack)
    vault = Vault(folder.path / "secrets")
    postgres = Postgres(folder.path / "postgres", vault, KeptPorts(folder.path / "ports.json").of("postgres"), folder.log("postgres"))
    postgres.start()
    try:
        with ExitStack() as opened:
            connections = {s: opened.enter_context(psycopg.connect(postgres.admin_dsn(s), autocommit=True)) for s in SERVICES}
            templates = [t for t in read_templates(connections, CITY) if _fits(t)]
            first, heads = _loaded(folder.path), {s: _head(c) for s, c in connections.items()}
            say(
                f"{len(templates)} templates of {sum(t.size for t in templates) // len(templates):,} bytes; {cases:,} cases follow {first:,}"
            )
            jobs = [
                Job(s, postgres.admin_dsn(s), templates, cases, heads, folder.path / "secrets" / "keys" / "intake", first) for s in SERVICES
            ]
            with multiprocessing.get_context("fork").Pool(len(jobs)) as pool:
                ends = dict(pool.imap_unordered(_load_service, jobs))
            for service, connection in connections.items():
                _settle(connection, service, ends)
            (folder.path / "loaded.json").write_text(json.dumps({"cases": first + cases}))
            for service, connection in connections.items():
                (size,) = connection.execute("SELECT pg_database_size(current_database())").fetchone() or (0,)
                say(f"  {service:10} {size / 2**30:6.2f} GB, log at {ends[service][0]:,}")
        say(f"{cases:,} cases in {time.monotonic() - began:.0f} s")
    finally:
        postgres.stop()


def _fits(template: Template) -> bool:
    """Whether a case may be repeated: clocks that ring soon would all ring at once, what waits for an agency would be sent."""
    if any("\twaiting\t" in row or "\tdead\t" in row for row in template.rows["docking", "deliveries"]):
        return False
    last = max(e.recorded_at for events in template.events.values() for e in events)
    return all(date.fromisoformat(row.split("\t")[3][:10]) > last.date() + timedelta(days=10) for row in template.timers)


def _loaded(stack: Path) -> int:
    file = stack / "loaded.json"
    return int(json.loads(file.read_text())["cases"]) if file.exists() else 0


def _head(connection: psycopg.Connection[Any]) -> Head:
    row = connection.execute("SELECT position, hash FROM log_heads WHERE district = %s", (CITY,)).fetchone()
    return (row[0], bytes(row[1])) if row else (0, GENESIS)


def _load_service(job: Job) -> tuple[str, Head]:
    began = time.monotonic()
    with psycopg.connect(job.dsn, autocommit=True) as connection:
        for statement in _MEMORY:
            connection.execute(statement)
        _make_months(connection, job.templates)
        names = [*TABLES[job.service], "journal", *(LEDGER if job.service == "reporting" else ())]
        indexes = _drop_indexes(connection, names)
        maker, plan = _maker(job, connection), Plan(job.templates, job.cases, first=job.first)
        copied = {t: ", ".join(columns(connection, t)) for t in names} | {"journal": JOURNAL}
        rows: Rows = {}
        made = 0
        for group in plan.groups():
            maker.make(group, rows)
            made += len(group.tokens)
            if made >= BATCH:
                _copy(connection, rows, copied)
                made = 0
        _copy(connection, rows, copied)
        _finish(connection, maker, plan)
        copying = time.monotonic() - began
        for definition in indexes:
            connection.execute(definition)
        connection.execute("VACUUM (ANALYZE, PARALLEL 0)")
        print(f"  {job.service:10} rows {copying:.0f} s, indexes {time.monotonic() - began - copying:.0f} s", flush=True)
    return job.service, (maker.log.position, maker.log.hash)


def _maker(job: Job, connection: psycopg.Connection[Any]) -> Maker:
    log = Log(*job.heads[job.service])
    match job.service:
        case "intake":
            ring = load_keyring(job.keys)
            return Intake(log, CachedKeyring(ring.keys, ring.current, ring.index_key), f"people {job.first}")
        case "docking":
            return Docking(log, dict(connection.execute("SELECT agency_id, position FROM outbox_heads").fetchall()))
        case "reporting":
            (lineage,) = connection.execute("SELECT lineage FROM lineages WHERE state = 'live'").fetchone() or (1,)
            return Reporting(log, {s: position for s, (position, _) in job.heads.items()}, lineage)
        case _:
            return {"routing": Routing, "mediation": Mediation}[job.service](log)


def _make_months(connection: psycopg.Connection[Any], templates: Sequence[Template]) -> None:
    first = min(t.first_day for t in templates) - timedelta(days=DAYS + 62)
    for n in range((DAYS + 186) // 30 + 1):
        connection.execute("SELECT kit_make_journal_month(%s)", (first + timedelta(days=30 * n),))


def _drop_indexes(connection: psycopg.Connection[Any], tables: Sequence[str]) -> list[str]:
    """Drop the indexes no constraint stands on; answers how to make them again."""
    rows = connection.execute(
        "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i "
        "WHERE i.indrelid = ANY(%s::regclass[]) AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid)",
        (list(tables),),
    ).fetchall()
    for name, _ in rows:
        connection.execute(f"DROP INDEX {name}")
    return [definition.replace(" ON ONLY ", " ON ") for _, definition in rows]


def _copy(connection: psycopg.Connection[Any], rows: Rows, copied: Mapping[str, str]) -> None:
    with connection.transaction():
        for table, lines in rows.items():
            with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({copied[table]}) FROM STDIN") as copy:
                copy.write("".join(lines))
    rows.clear()


def _finish(connection: psycopg.Connection[Any], maker: Maker, plan: Plan) -> None:
    """What stands once a service: counters and totals."""
    with connection.transaction():
        if isinstance(maker, Intake):
            for series, count in plan.series.items():
                connection.execute(
                    "INSERT INTO number_series VALUES (%s, %s) ON CONFLICT (series) DO UPDATE SET next = greatest(number_series.next, excluded.next)",
                    (series, 100_001 + count),
                )
        if isinstance(maker, Docking):
            for agency, position in maker.places.items():
                connection.execute(
                    "INSERT INTO outbox_heads VALUES (%s, %s) ON CONFLICT (agency_id) DO UPDATE SET position = excluded.position",
                    (agency, position),
                )
        if isinstance(maker, Reporting):
            connection.execute(_TOTALS_SQL, _columns(maker.totals.rows()))


def _settle(connection: psycopg.Connection[Any], service: str, ends: Mapping[str, Head]) -> None:
    """Heads and cursors say that everybody has read everything."""
    with connection.transaction():
        position, running = ends[service]
        connection.execute(
            "UPDATE log_heads SET position = %s, hash = %s, published = %s WHERE district = %s", (position, running, position, CITY)
        )
        for producer, (end, digest) in ends.items():
            connection.execute(
                "UPDATE cursors SET position = %s, hash = %s WHERE producer = %s AND district = %s", (end, digest, producer, CITY)
            )


if __name__ == "__main__":
    sys.exit(main())
