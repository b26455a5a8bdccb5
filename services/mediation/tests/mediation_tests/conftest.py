"""What the tests of mediation share besides the mothers."""

from collections.abc import AsyncIterator, Callable

import psycopg
import pytest
import pytest_asyncio
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from tiaochu_embedded.postgres import Database
from tiaochu_kit.migrations import create_document_table, create_kit_tables
from tiaochu_testkit.servers import migrate_in_process
from tiaochu_testkit.services import Cell

from .centre import Case, Centre, centre_in  # noqa: TID252 - tests of one package


@pytest.fixture(scope="session")
def service() -> str:
    return "mediation"


@pytest.fixture(scope="session")
def migrate() -> Callable[[str, Database], None]:
    """Mediation gets its real tables; neighbours a journal and what they say."""

    def make(service: str, database: Database) -> None:
        if service == "mediation":
            migrate_in_process(service, database)
            return
        password = database.owner_password_file.read_text().strip()
        engine = sa.create_engine(
            "postgresql+psycopg://", creator=lambda: psycopg.connect(database.owner_url, password=password), poolclass=sa.NullPool
        )
        with engine.begin() as connection:
            op = Operations(MigrationContext.configure(connection))
            create_kit_tables(op)
            create_document_table(op, "voices")

    return make


@pytest_asyncio.fixture
async def centre(cell: Cell) -> AsyncIterator[Centre]:
    """Mediation at work among its neighbours."""
    async with centre_in(cell) as running:
        yield running


@pytest_asyncio.fixture
async def agreed(centre: Centre) -> tuple[Centre, Case]:
    """A session ended in agreement; nothing is written yet."""
    return centre, await centre.agreed()
