"""How the database carries out the statements of the services, as their own roles, behind row-level security, with the parameters they really send.

`auto_explain` writes the plan of every statement into the server's log while the public edges are asked; plans that do not scale are found there.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from bench.tables import SERVICES
from tiaochu_embedded.client import RunningStack

LARGE = 5_000
"""Rows. A table with more must not be read from end to end for one answer."""
_ENTRY = re.compile(r"\d{4}-\d\d-\d\d .*? (\w+)@(\w+) LOG:  duration: ([\d.]+) ms  plan:$")
_WATCH = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "5",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_timing": "off",
    "auto_explain.log_format": "json",
    "auto_explain.sample_rate": "1",
}


@dataclass(frozen=True)
class Plan:
    """One statement that was carried out."""

    service: str
    milliseconds: float
    statement: str
    root: Mapping[str, Any]

    def nodes(self) -> Iterator[Mapping[str, Any]]:
        """Every step."""
        waiting = [self.root]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += node.get("Plans", [])

    def faults(self, large: set[str]) -> list[str]:
        """What will not do with a million cases."""
        found = []
        for node in self.nodes():
            table = node.get("Relation Name", "")
            if node["Node Type"] == "Seq Scan" and table in large:
                found.append(f"reads all of {table}")
            if node.get("Sort Space Type") == "Disk":
                found.append("sorts on disk")
        return found


class Watch:
    """While entered, the server writes down the plans of the services' statements."""

    def __init__(self, stack: RunningStack) -> None:
        self._stack = stack
        self._log = Path(stack.addresses["logs"]) / "postgres.log"
        self._from = 0

    def __enter__(self) -> "Watch":
        for service in SERVICES:
            for name, value in _WATCH.items():
                self._admin(service, f"ALTER ROLE {service} SET {name} = '{value}'")
        self._renew()
        self._from = self._log.stat().st_size
        return self

    def __exit__(self, *_: object) -> None:
        for service in SERVICES:
            for name in _WATCH:
                self._admin(service, f"ALTER ROLE {service} RESET {name}")
        self._renew()

    def large(self, service: str) -> set[str]:
        """The tables of a service, partitions included, with more than `LARGE` rows."""
        rows = self._admin(service, "SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > %s", LARGE)
        return {name for (name,) in rows}

    def plans(self) -> list[Plan]:
        """What was carried out so far."""
        with self._log.open(errors="replace") as file:
            file.seek(self._from)
            lines = file.read().splitlines()
        found: list[Plan] = []
        number = 0
        while number < len(lines):
            entry = _ENTRY.match(lines[number])
            number += 1
            if entry is None:
                continue
            body = []
            while number < len(lines) and lines[number].startswith("\t"):
                body.append(lines[number][1:])
                number += 1
            told = json.loads("\n".join(body))
            found.append(Plan(entry[2], float(entry[3]), told["Query Text"], told["Plan"]))
        return found

    def _renew(self) -> None:
        """New connections follow the new settings."""
        for service in SERVICES:
            self._admin(service, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", service)

    def _admin(self, database: str, statement: str, *values: object) -> list[tuple[Any, ...]]:
        password = (self._stack.run_dir / "secrets" / "postgres" / "superuser").read_text()
        host, _, port = self._stack.addresses["postgres"].partition(":")
        with psycopg.connect(host=host, port=port, user="postgres", password=password, dbname=database, autocommit=True) as connection:
            cursor = connection.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []
