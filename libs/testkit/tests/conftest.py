import psycopg
import pytest

from tiaochu_embedded.postgres import Database
from tiaochu_testkit.servers import Migrate


@pytest.fixture(scope="session")
def service() -> str:
    return "alpha"


@pytest.fixture(scope="session")
def migrate() -> Migrate:
    def create_notes(service: str, database: Database) -> None:
        with psycopg.connect(database.owner_dsn) as owner:
            owner.execute("CREATE TABLE note (id bigint GENERATED ALWAYS AS IDENTITY, text text)")
            owner.execute("CREATE FUNCTION shout(text) RETURNS text LANGUAGE sql AS 'SELECT upper($1)'")

    return create_notes
