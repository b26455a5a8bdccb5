"""Timers fire once and again after a failure; durable calls keep their id, their refusals and their patience."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from tiaochu.log.v1 import log_service_pb2 as pb
from tiaochu_domainkit.errors import DomainError, Kind, refused
from tiaochu_kit.duties import Calls, Timers
from tiaochu_kit.errors import unavailable
from tiaochu_kit.operators import Operations
from tiaochu_kit.principal import Context, service_principal
from tiaochu_testkit.services import Cell, Running
from tiaochu_testkit.toy import alpha
from tiaochu_testkit.toy.protos import OpenThingRequest, PlanThingRequest

THINGS = "tiaochu.alpha.v1.ThingService"


class Desk:
    """Where timers ring and calls arrive; fails as often as asked."""

    def __init__(self) -> None:
        self.rung: list[tuple[str, datetime]] = []
        self.called: list[str] = []
        self.failures: list[Exception] = []

    async def remind(self, key: str, _district: str, due_at: datetime) -> None:
        self.rung.append((key, due_at))
        if self.failures:
            raise self.failures.pop(0)

    async def tell(self, ident: str, _key: str, _district: str) -> None:
        self.called.append(ident)
        if self.failures:
            raise self.failures.pop(0)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def a(cell: Cell) -> AsyncIterator[Running]:
    async with cell.running("alpha", "toy", alpha.build, work=False) as running:
        yield running


def timers(a: Running, desk: Desk) -> Timers:
    return Timers(a.kit.database, a.kit.clock.now, {"remind": desk.remind})


def calls(a: Running, desk: Desk) -> Calls:
    return Calls(a.kit.database, a.kit.clock.now, {"tell": desk.tell})


async def planned(a: Running, **plan: object) -> str:
    case_id = str((await a.call(f"{THINGS}/OpenThing", OpenThingRequest(district="329901"))).case_id)
    await a.call(f"{THINGS}/PlanThing", PlanThingRequest(case_id=case_id, **plan))
    return case_id


async def test_a_timer_fires_when_due_and_once(cell: Cell, a: Running, desk: Desk) -> None:
    case_id = await planned(a, remind_after_seconds=3600)
    assert not await timers(a, desk).fire_due()
    cell.step_clock(3601)
    assert await timers(a, desk).fire_due()
    assert not await timers(a, desk).fire_due()
    assert [key for key, _ in desk.rung] == [case_id]


async def test_a_later_command_moves_a_timer_or_takes_it_away(cell: Cell, a: Running, desk: Desk) -> None:
    moved, gone = await planned(a, remind_after_seconds=60), await planned(a, remind_after_seconds=60)
    await a.call(f"{THINGS}/PlanThing", PlanThingRequest(case_id=moved, remind_after_seconds=7200))
    await a.call(f"{THINGS}/PlanThing", PlanThingRequest(case_id=gone, forget=True))
    cell.step_clock(3600)
    assert not await timers(a, desk).fire_due()
    cell.step_clock(3601)
    await timers(a, desk).fire_due()
    assert [key for key, _ in desk.rung] == [moved]


async def test_a_timer_whose_handler_failed_fires_again_with_its_own_due_time(cell: Cell, a: Running, desk: Desk) -> None:
    await planned(a, remind_after_seconds=60)
    desk.failures = [RuntimeError(), RuntimeError()]
    cell.step_clock(61)
    for _ in range(3):
        await timers(a, desk).fire_due()
        cell.step_clock(60)
    assert len(desk.rung) == 3
    assert len({due_at for _, due_at in desk.rung}) == 1
    assert not await timers(a, desk).fire_due()


async def test_a_timer_that_keeps_failing_does_not_hold_up_the_others(cell: Cell, a: Running, desk: Desk) -> None:
    await planned(a, remind_after_seconds=60)
    desk.failures = [RuntimeError()]
    healthy = await planned(a, remind_after_seconds=61)
    cell.step_clock(62)
    await timers(a, desk).fire_due()
    assert desk.rung[-1][0] == healthy


async def test_a_timer_survives_a_process_that_dies_after_the_act(cell: Cell, a: Running, desk: Desk) -> None:
    await planned(a, remind_after_seconds=60)
    cell.step_clock(61)

    class Crash(BaseException):
        pass

    desk.failures = [Crash()]  # type: ignore[list-item]
    with pytest.raises(Crash):
        await timers(a, desk).fire_due()
    assert await timers(a, desk).fire_due()
    assert len(desk.rung) == 2


async def test_a_call_that_finds_nobody_is_made_again_under_the_same_id_and_then_no_more(cell: Cell, a: Running, desk: Desk) -> None:
    await planned(a, tell=True)
    desk.failures = [unavailable("the court"), RuntimeError()]
    for _ in range(4):
        await calls(a, desk).make_open()
        cell.step_clock(60)
    assert len(desk.called) == 3
    assert len(set(desk.called)) == 1


async def test_a_refused_call_is_kept_with_its_reason_until_an_operator_has_it_made_again(a: Running, desk: Desk) -> None:
    await planned(a, tell=True)
    desk.failures = [refused("COURT_CLOSED", "the court is closed", "法院已关闭")]
    await calls(a, desk).make_open()
    assert not await calls(a, desk).make_open()
    woken: list[bool] = []
    operators = Operations(a.kit.database, {}, a.kit.clock.now, lambda: woken.append(True))
    ctx = Context(service_principal("test"), "test", a.kit.clock.now())
    [kept] = (await operators.list_calls(ctx, pb.ListCallsRequest(refused=True))).calls
    assert (kept.kind, kept.error, kept.id) == ("tell", "COURT_CLOSED", desk.called[0])
    assert not (await operators.list_calls(ctx, pb.ListCallsRequest())).calls
    await operators.retry_call(ctx, pb.RetryCallRequest(id=kept.id))
    assert woken
    assert await calls(a, desk).make_open()
    assert desk.called == [kept.id, kept.id]
    with pytest.raises(DomainError) as done:
        await operators.retry_call(ctx, pb.RetryCallRequest(id=kept.id))
    assert done.value.kind is Kind.NOT_FOUND


async def test_a_longer_outage_makes_attempts_rarer_but_never_ends_them(cell: Cell, a: Running, desk: Desk) -> None:
    await planned(a, tell=True)
    desk.failures = [unavailable("the court")] * 60
    for _ in range(60):
        await calls(a, desk).make_open()
        cell.step_clock(timedelta(minutes=10).total_seconds() + 1)
    assert len(desk.called) == 60
    await calls(a, desk).make_open()
    assert not await calls(a, desk).make_open()
