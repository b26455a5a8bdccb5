"""What a command costs: two round trips to the database, counted on the wire."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tiaochu_kit.ids import new_id
from tiaochu_kit.principal import Context, Principal
from tiaochu_testkit.services import Cell, Running
from tiaochu_testkit.toy import alpha
from tiaochu_testkit.toy.protos import AddToThingRequest, OpenThingRequest, ThingResponse
from tiaochu_testkit.toy.turns import TurnCounter

THINGS = "tiaochu.alpha.v1.ThingService"
CLERK = Principal("clerk-1", frozenset({"clerk"}), "organ-1", "/city/town/", frozenset({"329901"}))


@pytest.fixture
def counter(cell: Cell) -> Iterator[TurnCounter]:
    at = urlsplit(cell.settings("alpha").database_url)
    assert at.hostname
    assert at.port
    with TurnCounter(at.hostname, at.port) as counter:
        yield counter


def through(cell: Cell, counter: TurnCounter) -> str:
    url = cell.settings("alpha").database_url
    return url.replace(f":{urlsplit(url).port}/", f":{counter.port}/")


async def spent(counter: TurnCounter, running: Running, rpc: str, request: object, by: Principal | str = "service:test") -> int:
    before = counter.turns
    await running.call(f"{THINGS}/{rpc}", request, by=by)  # type: ignore[arg-type]
    return counter.turns - before


@pytest.mark.parametrize("prepare", [True, False], ids=["prepared", "not prepared"])
async def test_a_command_takes_two_round_trips(cell: Cell, counter: TurnCounter, prepare: bool) -> None:
    url = through(cell, counter)
    async with cell.running("alpha", "toy", alpha.build, work=False, database_url=url, database_pool=1, database_prepare=prepare) as a:
        case_id = (await a.call(f"{THINGS}/OpenThing", OpenThingRequest(district="329901"))).case_id
        add = AddToThingRequest(case_id=case_id, amount=1)
        # The third of its kind is the first whose statements are prepared: preparing travels along.
        assert [await spent(counter, a, "AddToThing", add) for _ in range(4)] == [2, 2, 2, 2]


async def test_it_stays_two_with_a_natural_key_and_with_a_person_whose_access_is_looked_up(cell: Cell, counter: TurnCounter) -> None:
    async with cell.running("alpha", "toy", alpha.build, work=False, database_url=through(cell, counter), database_pool=1) as a:
        opening = [await spent(counter, a, "OpenThing", OpenThingRequest(district="329901", external=f"court/{n}")) for n in range(3)]
        assert opening == [2, 2, 2]
        case_id = (await a.call(f"{THINGS}/OpenThing", OpenThingRequest(district="329901"), by=CLERK)).case_id
        add = AddToThingRequest(case_id=case_id, amount=1)
        # Through the executor itself: who somebody is was looked up before, and is remembered for a second.
        ctx = [Context(CLERK, "AddToThing", a.kit.clock.now(), request_id=new_id()) for _ in range(3)]
        trips = []
        for one in ctx:
            before = counter.turns
            await a.kit.executor.run(alpha.ThingCommands().add_to_thing, add, one, ThingResponse, guard_case=True)
            trips.append(counter.turns - before)
        assert trips == [2, 2, 2]
