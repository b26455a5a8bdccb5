"""What the tests of reporting share: the service itself, and producers that have nothing but a journal."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from tiaochu_embedded.postgres import Database
from tiaochu_kit.migrations import create_kit_tables
from tiaochu_kit.runner import App, Kit
from tiaochu_reporting.app import PRODUCERS, build
from tiaochu_testkit.servers import Migrate, migrate_in_process
from tiaochu_testkit.services import Cell, Running


@pytest.fixture(scope="session")
def service() -> str:
    """The service under test."""
    return "reporting"


@pytest.fixture(scope="session")
def migrate() -> Migrate:
    """Reporting as its own migrations make it; a producer needs kit's tables only."""

    def connect(database: Database) -> Any:
        return psycopg.connect(database.owner_url, password=database.owner_password_file.read_text().strip())

    def make(service: str, database: Database) -> None:
        if service == "reporting":
            migrate_in_process(service, database)
            return
        engine = sa.create_engine("postgresql+psycopg://", creator=lambda: connect(database), poolclass=sa.NullPool)
        with engine.begin() as connection:
            create_kit_tables(Operations(MigrationContext.configure(connection)))

    return make


@pytest.fixture
async def reporting(cell: Cell) -> AsyncIterator[Running]:
    """The service answering calls; its logs are fed by the test."""
    for producer in PRODUCERS:
        cell.port(producer)
    async with cell.running("reporting", "tiaochu_reporting", build, work=False) as running:
        yield running


@pytest.fixture
async def producers(cell: Cell) -> AsyncIterator[Mapping[str, Running]]:
    """The other services' journals, empty and answering."""
    async with AsyncExitStack() as stack:
        yield {name: await stack.enter_async_context(cell.running(name, "toy", _bare, work=False)) for name in PRODUCERS}


def _bare(_kit: Kit) -> App:
    return App(rpcs={})
