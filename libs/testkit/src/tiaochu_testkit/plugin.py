"""The pytest plugin. Every server is real; each worker of a parallel run has its own.

A service's `conftest.py` overrides `service`; a library that brings its own tables overrides `migrate`.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tiaochu_embedded.nats import Nats
from tiaochu_embedded.ports import free_port as _free_port
from tiaochu_embedded.postgres import Database, Postgres
from tiaochu_testkit.servers import S3, Databases, Migrate, Templates, migrate_in_process, start_nats, start_postgres
from tiaochu_testkit.services import Cell

# The servers are forked while gRPC's threads run; its fork handlers would close the child's descriptors under it.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")

NATS_USERS = ("intake", "routing", "mediation", "docking", "reporting", "alpha", "beta")
"""The services, and two names for tests that need a producer and a consumer without a domain."""


@pytest.fixture(scope="session")
def servers_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the servers of this session keep data, secrets and logs."""
    return tmp_path_factory.mktemp("servers")


@pytest.fixture(scope="session")
def postgres_server(servers_folder: Path) -> Iterator[Postgres]:
    """PostgreSQL for the whole session."""
    server = start_postgres(servers_folder)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def nats_server(servers_folder: Path) -> Iterator[Nats]:
    """NATS for the whole session: for tests that share it and use subjects of their own."""
    server = start_nats(servers_folder, NATS_USERS)
    yield server
    server.stop()


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[Nats]:
    """An empty NATS of this test's own (20 ms): it may be stopped, killed and wiped."""
    server = start_nats(tmp_path, NATS_USERS)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """An S3 server for the whole session: for tests that use buckets or names of their own."""
    server = S3(tmp_path_factory.mktemp("s3"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def service() -> str:
    """The service under test; override it in the service's `conftest.py`."""
    raise pytest.UsageError("define a session fixture `service` that names the service under test")


@pytest.fixture(scope="session")
def migrate() -> Migrate:
    """How an empty database becomes a service's; override it where there is no service."""
    return migrate_in_process


@pytest.fixture(scope="session")
def templates(postgres_server: Postgres) -> Iterator[Templates]:
    """Migrated databases to clone."""
    templates = Templates(postgres_server)
    yield templates
    templates.close()


@pytest.fixture(scope="module")
def databases(templates: Templates, migrate: Migrate) -> Databases:
    """For tests that need databases of several services. A module's, since another package may migrate otherwise."""
    return Databases(templates, migrate)


@pytest.fixture(scope="module")
def database_template(databases: Databases) -> Callable[[str], Database]:
    """`database_template(service)`: the service's template, migrated once a session."""
    return databases.template


@pytest.fixture
def make_database(databases: Databases) -> Iterator[Callable[[str], Database]]:
    """`make_database(service)`: a migrated, empty database, dropped after the test."""
    made: list[Database] = []

    def make(service: str) -> Database:
        made.append(databases.create(service))
        return made[-1]

    yield make
    for database in made:
        databases.drop(database)


@pytest.fixture
def database(service: str, make_database: Callable[[str], Database]) -> Database:
    """A migrated, empty database of the service under test."""
    return make_database(service)


@pytest.fixture
def free_port() -> Callable[[], int]:
    """A function that finds a loopback port nobody listens on."""
    return _free_port


@pytest.fixture
def cell(tmp_path: Path, nats: Nats, make_database: Callable[[str], Database]) -> Iterator[Cell]:
    """Services in this test's process, with an empty NATS of their own: `async with cell.running("intake", "tiaochu_intake", build) as intake:`."""
    made = Cell(tmp_path, nats, make_database)
    yield made
    made.close()
