"""What the tests of mediation share besides the mothers."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace

import psycopg
import pytest
import pytest_asyncio
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from tiaochu_embedded.postgres import Database
from tiaochu_kit.migrations import create_document_table, create_kit_tables
from tiaochu_testkit.plugin import NATS_USERS
from tiaochu_testkit.servers import Databases, migrate_in_process, start_nats
from tiaochu_testkit.services import Cell

from .centre import Case, Centre, People, centre_in  # noqa: TID252 - tests of one package


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


@pytest.fixture(scope="module")
def module_cell(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> Iterator[Cell]:
    """A cell for the tests of one module: what they do is apart by case, so one start serves them all."""
    folder = tmp_path_factory.mktemp("cell")
    nats = start_nats(folder, NATS_USERS)
    made: list[Database] = []

    def make_database(service: str) -> Database:
        made.append(databases.create(service))
        return made[-1]

    cell = Cell(folder, nats, make_database)
    yield cell
    cell.close()
    nats.stop()
    for database in made:
        databases.drop(database)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def module_centre(module_cell: Cell) -> AsyncIterator[Centre]:
    """Mediation at work among its neighbours."""
    async with centre_in(module_cell) as running:
        yield running


@pytest.fixture
def centre(module_centre: Centre) -> Centre:
    """The same centre with people of this test's own."""
    return replace(module_centre, people=People())


@pytest_asyncio.fixture(loop_scope="module")
async def agreed(centre: Centre) -> tuple[Centre, Case]:
    """A session ended in agreement; nothing is written yet."""
    return centre, await centre.agreed()
