"""Real PostgreSQL, NATS and S3 for tests, and databases cloned from migrated templates."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import httpx2
import psycopg
from psycopg import sql

from tiaochu_embedded.nats import Nats
from tiaochu_embedded.ports import HOST, free_port
from tiaochu_embedded.postgres import Database, Postgres
from tiaochu_embedded.process import Child, Launch, Part, script, wait_until
from tiaochu_embedded.vault import Vault
from tiaochu_kit import migrations
from tiaochu_kit.settings import MigrationSettings


class S3(Part[Child]):
    """A real S3 server (SeaweedFS) on the loopback interface, for whoever shows `access_key` and `secret_key`. Buckets are made when first used."""

    access_key = "tests"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self.secret_key = Vault(folder / "secrets").password("s3").read_text()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._port}"

    def start(self) -> None:
        """Start it and return when it answers."""
        data, identities = self._folder / "s3", self._folder / "s3.json"
        data.mkdir(parents=True, exist_ok=True)
        credentials = [{"accessKey": self.access_key, "secretKey": self.secret_key}]
        identities.write_text(json.dumps({"identities": [{"name": "tests", "credentials": credentials, "actions": ["Admin"]}]}))
        listening = {f"{part}.port{kind}": free_port() for part in ("master", "volume", "filer") for kind in ("", ".grpc")}
        listening |= {"s3.port": self._port, "s3.port.grpc": free_port(), "s3.port.iceberg": 0, "s3.port.lance": 0}
        options = {"dir": data, "ip": HOST, "ip.bind": HOST, "s3.config": identities, "master.volumeSizeLimitMB": 64, "volume.max": 20}
        command = [str(script("weed")), "server", "-s3", *(f"-{name}={value}" for name, value in {**options, **listening}.items())]
        self._child = Launch(command, self._folder / "s3.log", bound=True).start()
        if not wait_until(lambda: self._answers() or not self.running(), 60.0) or not self.running():
            raise RuntimeError(f"the S3 server did not start: {self._child.last_words()}")

    def stop(self) -> None:
        """At once: it would take half a minute to leave gently."""
        self.kill()

    def _answers(self) -> bool:
        try:
            return httpx2.get(self.url, timeout=1).status_code < 500
        except httpx2.HTTPError:
            return False


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


class Templates:
    """Migrated databases to clone, one for each service and way of migrating it. A run of several packages has several ways."""

    def __init__(self, server: Postgres) -> None:
        self.server = server
        self._made: dict[tuple[str, Migrate], Database] = {}
        self._numbers = itertools.count(1)
        self._admin = psycopg.connect(server.admin_dsn(), autocommit=True)

    def of(self, service: str, migrate: Migrate) -> Database:
        """The template of a service. Nobody may stay connected to it."""
        key = service, migrate
        if key not in self._made:
            self.server.provision([service])
            template = self.clone(self.server.database(service), service)
            migrate(service, template)
            self._made[key] = template
        return self._made[key]

    def clone(self, template: Database, service: str) -> Database:
        """A copy under a new name: some 20 ms."""
        copy = self.server.database(service, f"{service}_{next(self._numbers)}")
        self._admin.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {} STRATEGY FILE_COPY").format(
                sql.Identifier(copy.name), sql.Identifier(template.name), sql.Identifier(copy.owner)
            )
        )
        return copy

    def drop(self, database: Database) -> None:
        """Remove a database, cutting off whoever is still connected."""
        self._admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database.name)))

    def close(self) -> None:
        self._admin.close()


class Databases:
    """Databases for the tests of one package."""

    def __init__(self, templates: Templates, migrate: Migrate) -> None:
        self._templates = templates
        self._migrate = migrate

    def template(self, service: str) -> Database:
        """The migrated template of a service. Nobody may stay connected to it."""
        return self._templates.of(service, self._migrate)

    def create(self, service: str) -> Database:
        """A new database of a service, migrated and empty."""
        return self._templates.clone(self.template(service), service)

    def drop(self, database: Database) -> None:
        """Remove a database, cutting off whoever is still connected."""
        self._templates.drop(database)


def migrate_in_process(service: str, database: Database) -> None:
    """Run the migrations of `tiaochu_<service>` as its own `migrate` command does, without the second that a new process takes."""
    settings = MigrationSettings(database_owner_url=database.owner_url, database_owner_password_file=database.owner_password_file)
    migrations.migrate(settings, f"tiaochu_{service}")
