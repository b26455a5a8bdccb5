"""The spine on two toy services: a command, its event, the other's reaction; replays, conflicts, lost messages, poison."""

import asyncio

import psycopg
import pytest

from tiaochu_domainkit.errors import DomainError, Kind
from tiaochu_kit.ids import new_id
from tiaochu_testkit.services import Cell, Running
from tiaochu_testkit.toy import alpha, beta
from tiaochu_testkit.toy.protos import AddToThingRequest, GetThingRequest, OpenThingRequest
from tiaochu_testkit.waiting import eventually

OPEN = "tiaochu.alpha.v1.ThingService/OpenThing"
ADD = "tiaochu.alpha.v1.ThingService/AddToThing"
GET = "tiaochu.alpha.v1.ThingService/GetThing"


async def opened(running: Running) -> str:
    answer = await running.call(OPEN, OpenThingRequest(district="329901"))
    return str(answer.case_id)


async def echo_total(running: Running, case_id: str) -> int | None:
    async with running.kit.database.transaction() as tx:
        rows = await tx.rows(beta.ECHOES.select_sql(), ([case_id],))
    return beta.ECHOES.decode(rows[0][0]).total if rows else None


async def test_a_command_changes_the_document_and_its_event_reaches_the_other_service(cell: Cell) -> None:
    async with cell.running("alpha", "toy", alpha.build) as a, cell.running("beta", "toy", beta.build) as b:
        case_id = await opened(a)
        answer = await a.call(ADD, AddToThingRequest(case_id=case_id, amount=5))
        assert (answer.total, answer.etag) == (5, "2")
        assert (await a.call(GET, GetThingRequest(case_id=case_id))).total == 5

        async def heard() -> bool:
            return await echo_total(b, case_id) == 5

        await eventually(heard)


async def test_the_same_key_answers_the_same_and_refuses_another_request(cell: Cell) -> None:
    async with cell.running("alpha", "toy", alpha.build, work=False) as a:
        case_id = await opened(a)
        key = new_id()
        first = await a.call(ADD, AddToThingRequest(case_id=case_id, amount=5), request_id=key)
        again = await a.call(ADD, AddToThingRequest(case_id=case_id, amount=5), request_id=key)
        assert first == again
        assert (await a.call(GET, GetThingRequest(case_id=case_id))).total == 5
        with pytest.raises(DomainError) as refusal:
            await a.call(ADD, AddToThingRequest(case_id=case_id, amount=6), request_id=key)
        assert refusal.value.reason == "REQUEST_ID_REUSED"


async def test_who_reads_the_document_after_the_same_command_changed_it_gets_its_answer(cell: Cell) -> None:
    async with cell.running("alpha", "toy", alpha.build, work=False) as a:
        request, key = AddToThingRequest(case_id=await opened(a), amount=5, etag="1"), new_id()
        first = await a.call(ADD, request, request_id=key)
        with psycopg.connect(cell.databases["alpha"].owner_dsn) as owner, owner.cursor() as cursor:
            # As if the first were not committed yet: its key cannot be seen, and its document not be read.
            row = cursor.execute("DELETE FROM request_keys WHERE key = %s RETURNING *", (key,)).fetchone()
            owner.commit()
            cursor.execute("LOCK TABLE things IN ACCESS EXCLUSIVE MODE")
            second = asyncio.ensure_future(a.call(ADD, request, request_id=key))
            await eventually(lambda: cursor.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone())
            cursor.execute("INSERT INTO request_keys VALUES (%s, %s, %s, %s, %s, %s)", row)
            owner.commit()
        assert await second == first


async def test_of_two_saving_with_one_etag_one_wins_and_the_other_learns_the_new_version(cell: Cell) -> None:
    async with cell.running("alpha", "toy", alpha.build, work=False) as a:
        case_id = await opened(a)
        requests = [AddToThingRequest(case_id=case_id, amount=n, etag="1") for n in (1, 2)]
        answers = await asyncio.gather(*(a.call(ADD, r) for r in requests), return_exceptions=True)
        [lost] = [x for x in answers if isinstance(x, DomainError)]
        assert (lost.kind, lost.reason, lost.metadata["etag"]) == (Kind.CONFLICT, "VERSION_CHANGED", "2")


async def test_without_an_etag_racing_commands_all_count(cell: Cell) -> None:
    async with cell.running("alpha", "toy", alpha.build, work=False) as a:
        case_id = await opened(a)
        await asyncio.gather(*(a.call(ADD, AddToThingRequest(case_id=case_id, amount=1)) for _ in range(3)))
        assert (await a.call(GET, GetThingRequest(case_id=case_id))).total == 3


async def test_a_refusal_stores_nothing_and_its_key_can_be_used_again(cell: Cell) -> None:
    async with cell.running("alpha", "toy", alpha.build, work=False) as a:
        case_id = await opened(a)
        key = new_id()
        with pytest.raises(DomainError) as refusal:
            await a.call(ADD, AddToThingRequest(case_id=case_id, amount=-1), request_id=key)
        assert refusal.value.reason == "AMOUNT_NOT_POSITIVE"
        assert (await a.call(ADD, AddToThingRequest(case_id=case_id, amount=1), request_id=key)).total == 1


async def test_what_the_broker_lost_comes_by_catch_up(cell: Cell) -> None:
    async with cell.running("alpha", "toy", alpha.build) as a, cell.running("beta", "toy", beta.build) as b:
        case_id = await opened(a)
        cell.nats.kill()
        cell.nats.wipe()
        await a.call(ADD, AddToThingRequest(case_id=case_id, amount=7))

        async def heard() -> bool:
            return await echo_total(b, case_id) == 7

        await eventually(heard, timeout=15)
        cell.nats.start()
        await a.call(ADD, AddToThingRequest(case_id=case_id, amount=1))

        async def heard_again() -> bool:
            return await echo_total(b, case_id) == 8

        await eventually(heard_again, timeout=15)


async def test_an_event_that_cannot_be_applied_parks_its_thing_alone_and_replay_applies_in_order(
    cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with cell.running("alpha", "toy", alpha.build) as a, cell.running("beta", "toy", beta.build) as b:
        sick, healthy = await opened(a), await opened(a)
        poison = beta.POISON
        for amount in (poison, 1):
            await a.call(ADD, AddToThingRequest(case_id=sick, amount=amount))
        await a.call(ADD, AddToThingRequest(case_id=healthy, amount=2))

        async def moved_on() -> bool:
            return await echo_total(b, healthy) == 2

        await eventually(moved_on)
        assert await echo_total(b, sick) == 0
        monkeypatch.setattr(beta, "POISON", None)
        assert await b.kit.consumers["alpha"].replay(sick) == 2
        assert await echo_total(b, sick) == poison + 1
        async with b.kit.database.transaction() as tx:
            assert await tx.rows("SELECT count(*) FROM parked_events") == [(0,)]


async def test_a_connection_that_believes_in_lost_statements_is_replaced_without_a_word(cell: Cell) -> None:
    async with cell.running("alpha", "toy", alpha.build, work=False, database_pool=1) as a:
        case_id = await opened(a)
        for _ in range(4):  # often enough for the driver to prepare every statement
            await a.call(ADD, AddToThingRequest(case_id=case_id, amount=1))
        async with a.kit.database._pool.connection() as connection:
            await connection.execute("DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$")  # so that the driver does not notice
        assert (await a.call(ADD, AddToThingRequest(case_id=case_id, amount=1))).total == 5
