"""The relay: contiguous positions whatever runs at once, and nobody waits for a process that stands still."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import psycopg
import pytest

from tiaochu.log.v1.log_service_pb2 import LoggedEvent
from tiaochu_kit import database, relay
from tiaochu_kit.database import Database
from tiaochu_kit.ids import new_id
from tiaochu_kit.log import GENESIS, read_range
from tiaochu_kit.principal import Context, service_principal
from tiaochu_kit.relay import Relay
from tiaochu_kit.runner import Kit
from tiaochu_testkit.services import Cell
from tiaochu_testkit.toy import alpha
from tiaochu_testkit.toy.protos import AddToThingRequest, OpenThingRequest, ThingResponse
from tiaochu_testkit.waiting import eventually

OPEN, ADD = "tiaochu.alpha.v1.ThingService/OpenThing", "tiaochu.alpha.v1.ThingService/AddToThing"
DISTRICTS = ("329901", "329902")


class Paper:
    """What was published, in order."""

    def __init__(self) -> None:
        self.events: list[LoggedEvent] = []
        self.broken = False

    async def publish(self, events: Sequence[LoggedEvent]) -> None:
        if self.broken:
            raise TimeoutError
        self.events += events


@pytest.fixture
async def kit(cell: Cell) -> AsyncIterator[Kit]:
    async with cell.running("alpha", "toy", alpha.build, work=False) as a:
        case_ids = [(await a.call(OPEN, OpenThingRequest(district=d))).case_id for d in DISTRICTS for _ in range(3)]
        for _ in range(4):
            await asyncio.gather(*(a.call(ADD, AddToThingRequest(case_id=c, amount=1)) for c in case_ids))
        yield a.kit


async def whole(base: Database, district: str) -> list[LoggedEvent]:
    async with base.transaction() as tx:
        return await read_range(tx, district, 0)


def assert_sound(events: Sequence[LoggedEvent], count: int) -> None:
    assert [e.position for e in events] == list(range(1, count + 1))
    assert [e.previous_hash for e in events] == [GENESIS, *(e.hash for e in events[:-1])]
    versions: dict[str, int] = {}
    for event in events:
        assert event.version == versions.get(event.aggregate_id, 0) + 1
        versions[event.aggregate_id] = event.version


async def test_relays_at_once_give_every_event_one_place_and_leave_no_gap(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "_UNPOSITIONED_SQL", relay._UNPOSITIONED_SQL.replace("LIMIT 500", "LIMIT 2"))
    relays = [Relay(kit.database, Paper()) for _ in range(4)]  # type: ignore[arg-type]

    async def work(one: Relay) -> None:
        while await one.sequence_all():
            pass

    await asyncio.gather(*(work(r) for r in relays))
    for district in DISTRICTS:
        assert_sound(await whole(kit.database, district), 15)


async def test_what_could_not_be_published_is_published_later_in_order(kit: Kit) -> None:
    paper = Paper()
    paper.broken = True
    one = Relay(kit.database, paper)  # type: ignore[arg-type]
    await one.sequence_all()
    with pytest.raises(TimeoutError):
        await one.publish_all()
    paper.broken = False
    while await one.publish_all():
        pass
    for district in DISTRICTS:
        assert_sound([e for e in paper.events if e.district == district], 15)


async def test_a_relay_frozen_while_it_holds_the_log_is_passed_and_cannot_write_when_it_wakes(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "IDLE_SECONDS", 1)
    frozen, awake = Relay(kit.database, Paper()), Relay(kit.database, Paper())  # type: ignore[arg-type]
    await awake.sequence_all()
    asleep, wake = asyncio.Event(), asyncio.Event()
    lock = frozen._lock

    async def lock_and_sleep(tx: database.Tx, district: str) -> Any:
        head = await lock(tx, district)
        asleep.set()
        await wake.wait()
        return head

    monkeypatch.setattr(frozen, "_lock", lock_and_sleep)
    await _one_more(kit)
    sleeping = asyncio.ensure_future(frozen.sequence(DISTRICTS[0]))
    await asleep.wait()
    assert await asyncio.wait_for(awake.sequence(DISTRICTS[0]), 10) == 1
    wake.set()
    with pytest.raises(psycopg.OperationalError):
        await sleeping
    assert_sound(await whole(kit.database, DISTRICTS[0]), 16)


async def _one_more(kit: Kit) -> None:
    ctx = Context(service_principal("test"), "OpenThing", kit.clock.now(), request_id=new_id())
    await kit.executor.run(alpha.ThingCommands().open_thing, OpenThingRequest(district=DISTRICTS[0]), ctx, ThingResponse)


async def test_a_caller_who_gives_up_leaves_the_pool_whole(kit: Kit) -> None:
    async def slow() -> None:
        async with kit.database.transaction() as tx:
            await tx.rows("SELECT pg_sleep(30)")

    for _ in range(kit.settings.database_pool + 1):
        call = asyncio.ensure_future(slow())

        async def running() -> bool:
            async with kit.database.transaction() as tx:
                return bool(await tx.rows("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%%' AND state = 'active'"))

        await eventually(running)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
    await _one_more(kit)
