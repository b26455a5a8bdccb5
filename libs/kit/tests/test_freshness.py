"""What was written is read elsewhere by whoever asks for it fresh, though nothing works in the background."""

from dataclasses import replace

import pytest

from tiaochu_domainkit.errors import DomainError, Kind
from tiaochu_testkit.services import Cell, Running
from tiaochu_testkit.toy import alpha, beta
from tiaochu_testkit.toy.protos import AddToThingRequest, GetEchoRequest, OpenThingRequest

THINGS, ECHOES = "tiaochu.alpha.v1.ThingService", "tiaochu.beta.v1.EchoService"


async def written(a: Running) -> str:
    case_id = str((await a.call(f"{THINGS}/OpenThing", OpenThingRequest(district="329901"))).case_id)
    await a.call(f"{THINGS}/AddToThing", AddToThingRequest(case_id=case_id, amount=5))
    return case_id


async def test_an_rpc_declared_fresh_sees_what_was_just_written(cell: Cell) -> None:
    async with cell.running("alpha", "toy", alpha.build, work=False) as a, cell.running("beta", "toy", beta.build, work=False) as b:
        case_id = await written(a)
        with pytest.raises(DomainError) as unheard:
            await b.call(f"{ECHOES}/PeekEcho", GetEchoRequest(case_id=case_id))
        assert unheard.value.kind is Kind.NOT_FOUND
        assert (await b.call(f"{ECHOES}/GetEcho", GetEchoRequest(case_id=case_id))).total == 5


async def test_a_caller_may_ask_for_what_it_wrote_elsewhere(cell: Cell) -> None:
    async with cell.running("alpha", "toy", alpha.build, work=False) as a, cell.running("beta", "toy", beta.build, work=False) as b:
        case_id = await written(a)
        assert (await b.call(f"{ECHOES}/PeekEcho", GetEchoRequest(case_id=case_id), tiaochu_after="alpha,nobody")).total == 5


async def test_the_owner_of_the_facts_being_down_makes_it_unavailable_and_only_that(cell: Cell) -> None:
    async with cell.running("alpha", "toy", alpha.build, work=False) as a, cell.running("beta", "toy", beta.build, work=False) as b:
        case_id = await written(a)
        await b.kit.consumers["alpha"].catch_up_all()
        await a.service.stop()
        assert (await b.call(f"{ECHOES}/PeekEcho", GetEchoRequest(case_id=case_id))).total == 5
        with pytest.raises(DomainError) as refusal:
            await b.call(f"{ECHOES}/GetEcho", GetEchoRequest(case_id=case_id))
        assert refusal.value.kind is Kind.UNAVAILABLE


async def test_an_rpc_fresh_of_a_log_that_is_not_read_does_not_start(cell: Cell) -> None:
    with pytest.raises(LookupError, match="GetEcho"):
        async with cell.running("beta", "toy", lambda kit: replace(beta.build(kit), consumers={}), work=False):
            pass
