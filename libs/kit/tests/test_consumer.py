"""What a consumer does with gaps, forks, strangers and poison. The producer is a log on paper, the database is real."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from tiaochu.log.v1 import log_service_pb2 as pb
from tiaochu_domainkit.errors import DomainError, Kind
from tiaochu_kit import parking
from tiaochu_kit.consumer import Consumer, Gap
from tiaochu_kit.ids import new_id
from tiaochu_kit.operators import Operations
from tiaochu_kit.principal import Context, Principal
from tiaochu_kit.runner import Kit
from tiaochu_testkit.services import Cell
from tiaochu_testkit.toy import beta
from tiaochu_testkit.toy.paperlog import PaperLog
from tiaochu_testkit.toy.protos import AmountAdded, ThingOpened
from tiaochu_testkit.waiting import eventually

OPENED, ADDED = "tiaochu.alpha.events.v1.ThingOpened", "tiaochu.alpha.events.v1.AmountAdded"
DISTRICT = "329901"
ADMIN = Context(Principal("admin-1", frozenset({"system_admin"}), districts=frozenset({"*"})), "test", datetime(2026, 11, 24, tzinfo=UTC))


@pytest.fixture
async def kit(cell: Cell) -> AsyncIterator[Kit]:
    kit = Kit(cell.settings("beta"), "toy")
    await kit.database.open()
    yield kit
    await kit.database.close()


@pytest.fixture
def paper() -> PaperLog:
    return PaperLog("alpha", DISTRICT)


@pytest.fixture
def make_consumer(kit: Kit, paper: PaperLog) -> Callable[[], Consumer]:
    def make() -> Consumer:
        return Consumer("beta", paper, kit.database, kit.journal, kit.codec, [beta.EchoReactions()], kit.clock.now, lambda: None)

    return make


@pytest.fixture
def consumer(make_consumer: Callable[[], Consumer]) -> Consumer:
    return make_consumer()


def opened(paper: PaperLog) -> str:
    case_id = new_id()
    paper.write(OPENED, case_id, ThingOpened(case_id=case_id))
    return case_id


def added(paper: PaperLog, case_id: str, amount: int) -> pb.LoggedEvent:
    return paper.write(ADDED, case_id, AmountAdded(case_id=case_id, amount=amount))


async def total(kit: Kit, case_id: str) -> int | None:
    async with kit.database.transaction() as tx:
        rows = await tx.rows(beta.ECHOES.select_sql(), ([case_id],))
    return beta.ECHOES.decode(rows[0][0]).total if rows else None


async def cursor(kit: Kit) -> int:
    async with kit.database.transaction() as tx:
        rows = await tx.rows("SELECT position FROM cursors WHERE producer = 'alpha'")
    return int(rows[0][0]) if rows else 0


async def parked(kit: Kit) -> list[tuple[int, str]]:
    async with kit.database.transaction() as tx:
        rows = await tx.rows("SELECT position, error FROM parked_events WHERE dropped_at IS NULL ORDER BY position")
    return [(position, error.split(":")[0]) for position, error in rows]


async def test_an_event_delivered_again_changes_nothing(kit: Kit, paper: PaperLog, consumer: Consumer) -> None:
    case_id = opened(paper)
    added(paper, case_id, 5)
    for _ in range(3):
        await consumer.handle(paper.events)
    assert (await total(kit, case_id), await cursor(kit)) == (5, 2)


async def test_a_gap_is_filled_from_the_producers_journal(kit: Kit, paper: PaperLog, consumer: Consumer) -> None:
    case_id = opened(paper)
    *_, last = [added(paper, case_id, amount) for amount in (1, 2, 3, 4)]
    with pytest.raises(Gap):
        await consumer.apply(DISTRICT, [last])
    await consumer.handle([last])
    assert (await total(kit, case_id), await cursor(kit)) == (10, 5)


async def test_events_out_of_order_and_of_several_districts_are_applied_in_order(kit: Kit, paper: PaperLog, consumer: Consumer) -> None:
    case_id = opened(paper)
    added(paper, case_id, 1)
    other = PaperLog("alpha", "329902")
    elsewhere = opened(other)
    await consumer.handle([*reversed(paper.events), *other.events])
    assert (await total(kit, case_id), await total(kit, elsewhere)) == (1, 0)


async def test_a_log_with_another_past_stops_its_district_and_no_other(
    kit: Kit, paper: PaperLog, make_consumer: Callable[[], Consumer]
) -> None:
    case_id = opened(paper)
    added(paper, case_id, 1)
    await make_consumer().handle(paper.events)
    paper.events = paper.events[:1]
    third = [added(paper, case_id, amount) for amount in (5, 6)][-1]
    consumer = make_consumer()
    await consumer.handle([third])
    assert consumer.stopped == "alpha/329901: another hash at the same position"
    other = PaperLog("alpha", "329902")
    elsewhere = opened(other)
    await consumer.handle([third, *other.events])
    assert (await total(kit, case_id), await total(kit, elsewhere)) == (1, 0)
    with pytest.raises(DomainError) as refusal:
        await consumer.catch_up(DISTRICT)
    assert refusal.value.kind is Kind.UNAVAILABLE


async def test_what_the_broker_still_holds_of_a_lost_past_stops_nobody(kit: Kit, paper: PaperLog, consumer: Consumer) -> None:
    case_id = opened(paper)
    lost = [added(paper, case_id, amount) for amount in (5, 6)]
    paper.events = paper.events[:1]
    added(paper, case_id, 7)
    await consumer.handle(paper.events)
    await consumer.handle(lost[1:])
    assert (consumer.stopped, await total(kit, case_id)) == (None, 7)


async def test_a_log_that_ends_before_the_cursor_or_differs_at_its_head_stops(
    paper: PaperLog, make_consumer: Callable[[], Consumer]
) -> None:
    case_id = opened(paper)
    added(paper, case_id, 5)
    await make_consumer().handle(paper.events)
    whole, paper.events = paper.events, paper.events[:1]
    shorter = make_consumer()
    await shorter.catch_up_all()
    assert shorter.stopped == "alpha/329901: the log ends before the cursor"
    added(paper, case_id, 6)
    other = make_consumer()
    await other.catch_up_all()
    assert other.stopped == "alpha/329901: another hash at the same position"
    paper.events = whole
    same = make_consumer()
    await same.catch_up_all()
    assert same.stopped is None


async def test_a_type_nobody_handles_only_moves_the_cursor(kit: Kit, paper: PaperLog, consumer: Consumer) -> None:
    case_id = opened(paper)
    paper.write("tiaochu.beta.events.v1.EchoHeard", case_id, b"")
    added(paper, case_id, 5)
    await consumer.handle(paper.events)
    assert (await total(kit, case_id), await cursor(kit), await parked(kit)) == (5, 3, [])


async def test_a_type_that_no_contract_has_parks_its_aggregate(kit: Kit, paper: PaperLog, consumer: Consumer) -> None:
    sick, healthy = opened(paper), opened(paper)
    paper.write("tiaochu.alpha.events.v1.NeverHeardOf", sick, b"\xff\xff")
    added(paper, sick, 5)
    added(paper, healthy, 2)
    await consumer.handle(paper.events)
    assert (await total(kit, sick), await total(kit, healthy), await cursor(kit)) == (0, 2, 5)
    assert await parked(kit) == [(3, "UnknownEvent"), (4, "WAITS")]


async def test_a_body_that_does_not_decode_parks_its_aggregate_and_what_follows_waits(
    kit: Kit, paper: PaperLog, consumer: Consumer
) -> None:
    sick, healthy = opened(paper), opened(paper)
    paper.write(ADDED, sick, b"\xff\xff\xff")
    added(paper, healthy, 2)
    added(paper, sick, 3)
    await consumer.handle(paper.events)
    assert (await total(kit, sick), await total(kit, healthy), await cursor(kit)) == (0, 2, 5)
    assert await parked(kit) == [(3, "DecodeError"), (5, "WAITS")]


async def test_replay_is_all_or_none_and_a_dropped_event_lets_the_next_pass(kit: Kit, paper: PaperLog, consumer: Consumer) -> None:
    case_id = opened(paper)
    paper.write(ADDED, case_id, b"\xff\xff\xff")
    added(paper, case_id, 3)
    await consumer.handle(paper.events)
    operators = Operations(kit.database, {"alpha": consumer}, kit.clock.now, lambda: None)
    with pytest.raises(DomainError) as refusal:
        await operators.replay_parked(ADMIN, pb.ReplayParkedRequest(producer="alpha", aggregate_id=case_id))
    assert refusal.value.reason == "STILL_NOT_APPLICABLE"
    assert [p[0] for p in await parked(kit)] == [2, 3]
    drop = pb.DropParkedRequest(producer="alpha", district=DISTRICT, position=2, reason="the producer wrote nonsense")
    await operators.drop_parked(ADMIN, drop)
    answer = await operators.replay_parked(ADMIN, pb.ReplayParkedRequest(producer="alpha", aggregate_id=case_id))
    assert (answer.applied, await total(kit, case_id)) == (1, 3)
    [kept] = (await operators.list_parked(ADMIN, pb.ListParkedRequest(dropped=True))).parked
    assert (kept.event.position, kept.dropped_by, kept.drop_reason) == (2, "admin-1", "the producer wrote nonsense")
    assert not (await operators.list_parked(ADMIN, pb.ListParkedRequest())).parked
    with pytest.raises(DomainError) as twice:
        await operators.drop_parked(ADMIN, drop)
    assert twice.value.reason == "NOT_FOUND"


async def test_too_many_parked_events_stop_the_consumer_until_a_person_has_dealt_with_them(
    kit: Kit, paper: PaperLog, consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parking, "PARKED_LIMIT", 2)
    first, second = opened(paper), opened(paper)
    for case_id in (first, second):
        added(paper, case_id, beta.POISON)
    await consumer.handle(paper.events)
    assert consumer.stopped == "alpha/*: too many parked events"
    later = opened(paper)
    await consumer.handle(paper.events[-1:])
    await consumer.catch_up_all()
    assert await total(kit, later) is None
    monkeypatch.setattr(beta, "POISON", None)
    await consumer.replay(first)
    await consumer.catch_up_all()
    assert not consumer.stops
    assert await total(kit, later) == 0


async def test_a_reaction_that_loses_against_commands_is_not_parked(kit: Kit, paper: PaperLog, consumer: Consumer) -> None:
    case_id = opened(paper)
    await consumer.handle(paper.events)
    added(paper, case_id, 5)
    lost = 0
    load = kit.journal.load

    async def overtaken(tx: Any, work: Any, reads: Any) -> None:
        nonlocal lost
        await load(tx, work, reads)
        if lost < 5:
            lost += 1
            async with kit.database.transaction() as faster:
                await faster.queue("UPDATE echoes SET version = version + 1, doc = jsonb_set(doc, '{version}', to_jsonb(version + 1))")

    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setattr(kit.journal, "load", overtaken)
    await consumer.handle(paper.events)
    monkeypatch.undo()
    assert (lost, await total(kit, case_id), await parked(kit)) == (5, 5, [])


async def test_a_producer_that_cannot_be_read_to_its_head_is_not_fresh(paper: PaperLog, consumer: Consumer) -> None:
    opened(paper)
    paper.readable = False
    with pytest.raises(DomainError) as refusal:
        await consumer.catch_up(DISTRICT)
    assert refusal.value.kind is Kind.UNAVAILABLE
    paper.readable = True
    await consumer.catch_up(DISTRICT)


async def test_a_log_counts_as_checked_only_while_its_producer_answers(
    kit: Kit, paper: PaperLog, consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tiaochu_kit.consumer.CATCH_UP_SECONDS", 0.01)
    consumer.trust_seconds = 0.3

    async def trusted() -> bool:
        async with kit.database.transaction() as tx:
            return await tx.rows("SELECT good_until > now() FROM log_checks WHERE producer = 'alpha'") == [(True,)]

    opened(paper)
    reading = asyncio.ensure_future(consumer.run_catch_up())
    await eventually(trusted)
    opened(paper)
    paper.readable = False

    async def doubted() -> bool:
        return not await trusted()

    await eventually(doubted)
    paper.readable = True
    await eventually(trusted)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)


async def test_a_stopped_consumer_shows_in_readiness(cell: Cell) -> None:
    async with cell.running("alpha", "toy", beta.build) as running, httpx2.AsyncClient() as client:
        running.kit.consumers["alpha"].stops[DISTRICT] = "another hash at the same position"

        async def told() -> bool:
            answer = await client.get(f"http://{running.http_address}/ready")
            return bool(answer.json()["stopped_consumers"] == ["alpha/329901: another hash at the same position"])

        await eventually(told, retry=(httpx2.HTTPError,))
