"""Who sees what: Python and SQL give one answer; the wall between districts holds and lets indexes be used."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql

from tiaochu_domainkit import access as kinds
from tiaochu_domainkit.errors import DomainError, Kind
from tiaochu_embedded.postgres import Database
from tiaochu_kit import access, directory_log
from tiaochu_kit.ids import new_id
from tiaochu_kit.principal import ALL_DISTRICTS, Principal
from tiaochu_kit.runner import Kit
from tiaochu_testkit.services import Cell, Running
from tiaochu_testkit.toy import alpha
from tiaochu_testkit.toy.protos import AddToThingRequest, GetThingRequest, ListThingsRequest, OpenThingRequest

THINGS = "tiaochu.alpha.v1.ThingService"
# Few names, so that they meet; the hostile ones are wildcards and escapes of LIKE.
SEGMENT = st.sampled_from(["city", "town", "to", "t%", "t_wn", "a\\b", "镇"])
PATH = st.lists(SEGMENT, max_size=3).map(lambda parts: "/" + "".join(f"{p}/" for p in parts))
PERSON = st.sampled_from(["p1", "p2", "p%"])
MARK = st.one_of(st.tuples(st.just(kinds.ORGAN), PATH), st.tuples(st.just(kinds.PERSON), PERSON), st.tuples(st.just(kinds.BARRED), PERSON))


@pytest.fixture
def owner(make_database: object, cell: Cell) -> Iterator[psycopg.Connection]:
    cell.settings("alpha")
    database: Database = cell.databases["alpha"]
    with psycopg.connect(database.owner_dsn, autocommit=True) as connection:
        yield connection


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(organ_path=PATH, own=st.one_of(st.just(""), PATH), person=PERSON, marks=st.lists(MARK, max_size=4), service=st.booleans())
def test_python_and_sql_agree(
    owner: psycopg.Connection, organ_path: str, own: str, person: str, marks: list[tuple[str, str]], service: bool
) -> None:
    principal = Principal("service:x" if service else person, organ_path=own)
    subject = new_id()
    for kind, value in set(marks):
        owner.execute("INSERT INTO case_access VALUES (%s, %s, %s, 'test')", (subject, kind, value))
    condition = access.visible(principal, sa.literal(subject), sa.literal(organ_path))
    found = owner.execute(f"SELECT count(*) FROM (SELECT 1) AS one WHERE {as_text(condition)}".encode()).fetchone()
    assert found is not None
    assert access.allows(principal, organ_path, marks) == (found[0] == 1)


def as_text(condition: sa.ColumnElement[bool]) -> str:
    return str(
        condition.compile(
            dialect=postgresql.dialect(),  # type: ignore[no-untyped-call]
            compile_kwargs={"literal_binds": True},
        )
    ).replace("%%", "%")


@pytest.fixture
async def a(cell: Cell) -> AsyncIterator[Running]:
    async with cell.running("alpha", "toy", alpha.build, work=False) as running:
        yield running


def clerk(number: int, path: str, *districts: str) -> Principal:
    return Principal(f"clerk-{number}", frozenset({"clerk"}), f"organ-{number}", path, frozenset(districts))


NEAR, TOWN, FAR = clerk(1, "/city/town/", "329901"), clerk(2, "/city/town2/", "329901"), clerk(3, "/city/", "329902")


async def test_a_person_sees_what_lies_below_and_nothing_else_for_get_and_list(a: Running) -> None:
    case_id = (await a.call(f"{THINGS}/OpenThing", OpenThingRequest(district="329901"), by=NEAR)).case_id
    add = AddToThingRequest(case_id=case_id, amount=1)
    assert (await a.call(f"{THINGS}/AddToThing", add, by=NEAR)).total == 1
    for other in (TOWN, FAR):
        with pytest.raises(DomainError) as refusal:
            await a.call(f"{THINGS}/AddToThing", add, by=other)
        assert refusal.value.kind is Kind.NOT_FOUND
        assert not (await a.call(f"{THINGS}/ListThings", ListThingsRequest(), by=other)).things
    [listed] = (await a.call(f"{THINGS}/ListThings", ListThingsRequest(), by=NEAR)).things
    assert listed.case_id == case_id


async def test_an_assignment_opens_a_case_and_a_recusal_closes_it(a: Running) -> None:
    case_id = (await a.call(f"{THINGS}/OpenThing", OpenThingRequest(district="329901"), by=NEAR)).case_id
    add = AddToThingRequest(case_id=case_id, amount=1)
    await marked(a.kit, case_id, kinds.PERSON, TOWN.id)
    assert (await a.call(f"{THINGS}/AddToThing", add, by=TOWN)).total == 1
    await marked(a.kit, case_id, kinds.BARRED, TOWN.id)
    with pytest.raises(DomainError):
        await a.call(f"{THINGS}/AddToThing", add, by=TOWN)
    assert not (await a.call(f"{THINGS}/ListThings", ListThingsRequest(), by=TOWN)).things


async def test_what_an_assignment_opened_is_closed_while_its_log_was_not_read(a: Running) -> None:
    case_id = (await a.call(f"{THINGS}/OpenThing", OpenThingRequest(district="329901"), by=NEAR)).case_id
    async with a.kit.database.transaction() as tx:
        await tx.queue("INSERT INTO case_access VALUES (%s, 'person', %s, 'assignment:1', 'mediation')", (case_id, TOWN.id))
    add = AddToThingRequest(case_id=case_id, amount=1)

    async def seen(by: Principal) -> tuple[bool, bool]:
        listed = bool((await a.call(f"{THINGS}/ListThings", ListThingsRequest(), by=by)).things)
        try:
            return listed, bool(await a.call(f"{THINGS}/AddToThing", add, by=by))
        except DomainError:
            return listed, False

    for good_until, opens in (("now() + interval '5 s'", True), ("now() - interval '1 s'", False), ("now() + interval '5 s'", True)):
        async with a.kit.database.transaction() as tx:
            await tx.queue(
                f"INSERT INTO log_checks VALUES ('mediation', {good_until}) ON CONFLICT (producer) DO UPDATE SET good_until = excluded.good_until"
            )
        assert await seen(TOWN) == (opens, opens)
        assert await seen(NEAR) == (True, True)


async def marked(kit: Kit, subject: str, kind: str, value: str) -> None:
    async with kit.database.transaction() as tx:
        await tx.queue("INSERT INTO case_access VALUES (%s, %s, %s, 'test')", (subject, kind, value))


async def test_a_row_of_another_district_is_neither_seen_nor_written(a: Running) -> None:
    elsewhere = (await a.call(f"{THINGS}/OpenThing", OpenThingRequest(district="329902"))).case_id
    with pytest.raises(DomainError) as unseen:
        await a.call(f"{THINGS}/GetThing", GetThingRequest(case_id=elsewhere), by=NEAR)
    assert unseen.value.kind is Kind.NOT_FOUND
    with pytest.raises(DomainError) as unwritten:
        await a.call(f"{THINGS}/OpenThing", OpenThingRequest(district="329902"), by=NEAR)
    assert (unwritten.value.kind, unwritten.value.reason) == (Kind.PERMISSION_DENIED, "OUTSIDE_DISTRICT")


async def test_the_wall_stands_in_both_ways_of_reading_and_ends_with_the_transaction(a: Running) -> None:
    for district in ("329901", "329902", "329902"):
        await a.call(f"{THINGS}/OpenThing", OpenThingRequest(district=district))
    count = "SELECT count(*) FROM things"
    seen = {}
    for scope in ("329901", "329902", "329901,329902", "329903", "", ALL_DISTRICTS):
        async with a.kit.database.transaction(scope) as tx:
            seen[scope] = (await tx.rows(count))[0][0]
        async with a.kit.database.read_scope(scope) as reading:
            assert (await reading.execute(sa.text(count))).scalar_one() == seen[scope]
    assert seen == {"329901": 1, "329902": 2, "329901,329902": 3, "329903": 0, "": 0, ALL_DISTRICTS: 3}


def test_without_a_scope_the_service_role_sees_nothing_and_owns_nothing(cell: Cell, owner: psycopg.Connection) -> None:
    owner.execute("INSERT INTO things (id, district, status, version, doc) VALUES (gen_random_uuid(), '329901', 'open', 1, '{}')")
    with psycopg.connect(cell.databases["alpha"].dsn) as role:
        assert role.execute("SELECT count(*) FROM things").fetchone() == (0,)
        owned = role.execute("SELECT count(*) FROM pg_tables WHERE tableowner = current_user").fetchone()
        assert owned == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            role.execute("ALTER TABLE things DISABLE ROW LEVEL SECURITY")


def test_the_wall_lets_an_index_be_used(cell: Cell, owner: psycopg.Connection) -> None:
    owner.execute("""INSERT INTO things (id, district, status, version, organ_path, doc)
        SELECT gen_random_uuid(), '3299' || lpad((n % 50)::text, 2, '0'), 'open', 1, '/city/' || n || '/', '{}' FROM generate_series(1, 20000) n""")
    owner.execute("CREATE INDEX things_path ON things (organ_path text_pattern_ops)")
    owner.execute("ANALYZE things")
    condition = access.below(NEAR, sa.column("organ_path"))
    with psycopg.connect(cell.databases["alpha"].dsn) as role:
        role.execute("SELECT set_config('tiaochu.districts', '329901', true)")
        plan = role.execute(f"EXPLAIN (FORMAT JSON) SELECT * FROM things WHERE {as_text(condition)}".encode()).fetchone()
    assert "things_path" in str(plan)


async def test_scopes_of_calls_at_once_do_not_mix(a: Running) -> None:
    districts = [f"3299{n:02}" for n in range(1, 9)]
    await asyncio.gather(*(a.call(f"{THINGS}/OpenThing", OpenThingRequest(district=d)) for d in districts))

    async def seen(district: str) -> set[str]:
        async with a.kit.database.transaction(district) as tx:
            return {row[0] for row in await tx.rows("SELECT district FROM things")}

    assert await asyncio.gather(*(seen(d) for d in districts * 5)) == [{d} for d in districts * 5]


async def test_access_stands_as_if_each_change_of_a_batch_had_happened_alone(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    told = [("a", True), ("b", True), ("a", False), ("c", False), ("a", True), ("b", True), ("b", False)]
    changes = [kinds.AccessChange("case-1", source, granted, value=f"/{source}/{number}/") for number, (source, granted) in enumerate(told)]
    monkeypatch.setattr(directory_log, "access_changes", lambda _type, change: [change])
    events: list[Any] = [SimpleNamespace(type="", body=change, producer="routing") for change in changes]
    async with cell.running("alpha", "toy", alpha.build, work=False) as a:
        for batches in ([events], [[event] for event in events]):
            async with a.kit.database.transaction() as tx:
                await tx.queue("DELETE FROM case_access")
                for batch in batches:
                    await directory_log.AccessLog().apply(tx, batch)
                assert await tx.rows("SELECT source, value FROM case_access ORDER BY value") == [("a", "/a/4/")]
