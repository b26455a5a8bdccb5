"""Databases cloned for tests: migrated, empty, apart from each other, and with the service's narrow rights."""

from collections.abc import Callable

import psycopg
import pytest

from tiaochu_embedded.postgres import Database


def test_the_service_role_reads_and_writes_tables_of_the_owner(database: Database) -> None:
    with psycopg.connect(database.dsn) as service:
        service.execute("INSERT INTO note (text) VALUES ('一')")
        assert service.execute("SELECT text, shout('a') FROM note").fetchall() == [("一", "A")]


OWNERS_STATEMENTS = ["CREATE TABLE mine (id int)", "DROP TABLE note", "TRUNCATE note", "ALTER TABLE note ADD COLUMN x int"]


@pytest.mark.parametrize("statement", OWNERS_STATEMENTS)
def test_the_service_role_owns_nothing(database: Database, statement: str) -> None:
    with psycopg.connect(database.dsn) as service, pytest.raises(psycopg.errors.InsufficientPrivilege):
        service.execute(statement)


def test_each_database_is_empty_and_apart(make_database: Callable[[str], Database]) -> None:
    first, second = make_database("alpha"), make_database("alpha")
    with psycopg.connect(first.dsn) as one, psycopg.connect(second.dsn) as two:
        one.execute("INSERT INTO note (text) VALUES ('only here')")
        one.commit()
        assert two.execute("SELECT count(*) FROM note").fetchone() == (0,)


def test_a_wrong_password_is_refused(database: Database) -> None:
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(database.url, password="guess")
