"""Real PostgreSQL and NATS for tests, and databases cloned from migrated templates."""

import itertools
from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg import sql

from tiaochu_embedded.nats import Nats
from tiaochu_embedded.ports import free_port
from tiaochu_embedded.postgres import Database, Postgres
from tiaochu_embedded.vault import Vault
from tiaochu_kit import migrations
from tiaochu_kit.settings import MigrationSettings

Migrate = Callable[[str, Database], None]
"""Brings the empty database of a service to its present schema, as the owner role."""


def start_postgres(folder: Path) -> Postgres:
    """A server of its own in `folder`; it does not wait for the disk, and ends with the test run."""
    server = Postgres(folder / "postgres", Vault(folder / "secrets"), free_port(), folder / "postgres.log", durable=False, bound=True)
    server.start()
    return server


def start_nats(folder: Path, users: tuple[str, ...]) -> Nats:
    """A server of its own in `folder`; `users` may each publish `tiaochu.evt.<user>.>`."""
    server = Nats(folder / "nats", Vault(folder / "secrets"), free_port(), folder / "nats.log", users, bound=True)
    server.start()
    return server


class Databases:
    """Databases for tests: one template per service, migrated once; clones of it cost some 20 ms."""

    def __init__(self, server: Postgres, migrate: Migrate) -> None:
        self.server = server
        self._migrate = migrate
        self._templates: dict[str, Database] = {}
        self._numbers = itertools.count(1)
        self._admin = psycopg.connect(server.admin_dsn(), autocommit=True)

    def template(self, service: str) -> Database:
        """The migrated template of a service. Nobody may stay connected to it."""
        if service not in self._templates:
            self.server.provision([service])
            database = self.server.database(service)
            self._migrate(service, database)
            self._templates[service] = database
        return self._templates[service]

    def create(self, service: str) -> Database:
        """A new database of a service, migrated and empty."""
        template = self.template(service)
        clone = self.server.database(service, f"{service}_test_{next(self._numbers)}")
        self._admin.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {} STRATEGY FILE_COPY").format(
                sql.Identifier(clone.name), sql.Identifier(template.name), sql.Identifier(clone.owner)
            )
        )
        return clone

    def drop(self, database: Database) -> None:
        """Remove a database, cutting off whoever is still connected."""
        self._admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database.name)))

    def close(self) -> None:
        self._admin.close()


def migrate_in_process(service: str, database: Database) -> None:
    """Run the migrations of `tiaochu_<service>` as its own `migrate` command does, without the second that a new process takes."""
    settings = MigrationSettings(database_owner_url=database.owner_url, database_owner_password_file=database.owner_password_file)
    migrations.migrate(settings, f"tiaochu_{service}")
