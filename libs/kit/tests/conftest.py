"""The toys' tables, made as a service's migration would."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from tiaochu_embedded.postgres import Database
from tiaochu_kit.migrations import create_document_table, create_kit_tables


@pytest.fixture(scope="session")
def migrate() -> Callable[[str, Database], None]:
    def connect(database: Database) -> Any:
        return psycopg.connect(database.owner_url, password=database.owner_password_file.read_text().strip())

    def make(service: str, database: Database) -> None:
        engine = sa.create_engine("postgresql+psycopg://", creator=lambda: connect(database), poolclass=sa.NullPool)
        with engine.begin() as connection:
            op = Operations(MigrationContext.configure(connection))
            create_kit_tables(op)
            if service == "alpha":
                create_document_table(op, "things", [sa.Column("organ_path", sa.Text)])
            else:
                create_document_table(op, "echoes")
                create_document_table(op, "alpha_copies")
                op.execute("CREATE TABLE amounts (case_id text NOT NULL, amount integer NOT NULL)")
                op.execute("CREATE TABLE heard (position bigint PRIMARY KEY)")

    return make
