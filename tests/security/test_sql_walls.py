"""By SQL as a service's own role: without a district nothing is seen, with one only that district's, and no table is its own."""

from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from security.house import SERVICES, House
from tiaochu_demo.directory import CITY, NEIGHBOUR

_MACHINERY = {
    "alembic_version",
    "case_access",
    "compat",
    "deputations",
    "leases",
    "log_checks",
    "natural_keys",
    "number_series",
    "request_keys",
}
OF_NO_DISTRICT = _MACHINERY | {"breakers", "outbox_heads", "sharing_heads", "lineages"}
"""Ids, codes and numbers; who works where is told by `posts`, which stands behind the wall."""
OPEN_BY_DESIGN = {"search_tokens", "lineage_logs"}
"""Hits of the one are read through the protected table: a policy on it would cost the index. The other says which logs a set of figures reads."""
_TABLES = """
SELECT c.relname, EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'district' AND NOT a.attisdropped)
FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND has_table_privilege(c.oid, 'SELECT')
"""
_OWNED = "SELECT count(*) FROM pg_class WHERE relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)"


def as_the_service(house: House, service: str) -> psycopg.Connection[tuple[object, ...]]:
    told = house.stack.addresses["databases"][service]
    return psycopg.connect(told["url"], password=Path(told["password_file"]).read_text().strip())


def districts(connection: psycopg.Connection[tuple[object, ...]], table: str, scope: str | None) -> set[object]:
    with connection.transaction():
        if scope is not None:
            connection.execute("SELECT set_config('tiaochu.districts', %s, true)", (scope,))
        return {d for (d,) in connection.execute(sql.SQL("SELECT DISTINCT district FROM {}").format(sql.Identifier(table)))}


@pytest.mark.req("PF5")
@pytest.mark.parametrize("service", SERVICES)
def test_every_table_with_a_district_stands_behind_the_wall(house: House, service: str) -> None:
    with as_the_service(house, service) as connection:
        tables = list(connection.execute(_TABLES))
        assert {str(name) for name, walled in tables if not walled} <= OF_NO_DISTRICT
        seen: set[object] = set()
        for name in {str(name) for name, walled in tables if walled} - OPEN_BY_DESIGN:
            assert not districts(connection, name, None), name
            assert not districts(connection, name, ""), name
            assert districts(connection, name, NEIGHBOUR) <= {NEIGHBOUR}, name
            seen |= districts(connection, name, NEIGHBOUR)
            assert districts(connection, name, "329999") == set(), name
        assert NEIGHBOUR in seen, "the look sees what is there"
        [(owned,)] = connection.execute(_OWNED)
        assert owned == 0


@pytest.mark.req("PF5")
@pytest.mark.parametrize("service", SERVICES)
def test_nothing_is_written_into_another_district(house: House, service: str) -> None:
    with as_the_service(house, service) as connection:
        connection.execute("SELECT set_config('tiaochu.districts', %s, false)", (CITY,))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(
                "INSERT INTO timers (kind, key, district, due_at, next_at) VALUES ('x', 'x', %s, now(), now())", (NEIGHBOUR,)
            )
