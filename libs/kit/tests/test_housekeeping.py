"""Months are made before they are needed, and what is old goes."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tiaochu_kit.housekeeping import Housekeeping
from tiaochu_kit.log import read_range
from tiaochu_testkit.services import Cell, Running
from tiaochu_testkit.toy import alpha
from tiaochu_testkit.toy.protos import AddToThingRequest, OpenThingRequest

THINGS = "tiaochu.alpha.v1.ThingService"


@pytest.fixture
async def a(cell: Cell) -> AsyncIterator[Running]:
    async with cell.running("alpha", "toy", alpha.build, work=False) as running:
        yield running


async def rows(a: Running, table: str) -> int:
    async with a.kit.database.transaction() as tx:
        return int((await tx.rows(f"SELECT count(*) FROM {table}"))[0][0])


async def events(a: Running, partition: str) -> int:
    """Events of one partition; it is closed to whoever does not come by the journal."""
    return await rows(a, f"journal WHERE tableoid = to_regclass('{partition}')")


async def test_events_lie_in_their_month_and_the_default_partition_stays_empty(a: Running) -> None:
    await a.call(f"{THINGS}/OpenThing", OpenThingRequest(district="329901"))
    assert await events(a, f"journal_{a.kit.clock.now():%Y%m}") == 1
    assert await events(a, "journal_default") == 0


async def test_events_that_came_before_their_month_was_made_move_into_it_and_stay_readable(cell: Cell, a: Running) -> None:
    case_id = (await a.call(f"{THINGS}/OpenThing", OpenThingRequest(district="329901"))).case_id
    cell.step_clock(timedelta(days=200).total_seconds())
    await a.call(f"{THINGS}/AddToThing", AddToThingRequest(case_id=case_id, amount=1))
    await a.kit.relay.sequence_all()
    assert await events(a, "journal_default") == 1
    keeper = Housekeeping(a.kit.database, a.kit.clock.now)
    for _ in range(2):
        await keeper.tidy()
    assert await events(a, "journal_default") == 0
    assert await events(a, f"journal_{a.kit.clock.now():%Y%m}") == 1
    assert await events(a, f"journal_{a.kit.clock.now() + timedelta(days=31):%Y%m}") == 0
    await a.call(f"{THINGS}/AddToThing", AddToThingRequest(case_id=case_id, amount=1))
    await a.kit.relay.sequence_all()
    async with a.kit.database.transaction() as tx:
        assert [e.position for e in await read_range(tx, "329901", 0)] == [1, 2, 3]


async def test_keys_and_answered_calls_go_after_thirty_days_refused_calls_stay(cell: Cell, a: Running) -> None:
    await a.call(f"{THINGS}/OpenThing", OpenThingRequest(district="329901"))
    async with a.kit.database.transaction() as tx:
        await tx.queue("""INSERT INTO calls (id, kind, key, district, next_at, done_at, error)
            SELECT gen_random_uuid(), 'tell', '', '329901', now(), done_at, error
            FROM (VALUES (now(), NULL), (now(), 'REFUSED'), (NULL, NULL)) AS x(done_at, error)""")
    keeper = Housekeeping(a.kit.database, a.kit.clock.now)
    cell.step_clock(timedelta(days=29).total_seconds())
    await keeper.tidy()
    assert (await rows(a, "request_keys"), await rows(a, "calls")) == (1, 3)
    cell.step_clock(timedelta(days=2).total_seconds())
    await keeper.tidy()
    assert (await rows(a, "request_keys"), await rows(a, "calls")) == (0, 2)
