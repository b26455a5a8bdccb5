"""Calls between services: spread over replicas, retried within a budget, undisturbed when connections are renewed."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest

from tiaochu_domainkit.errors import DomainError, Kind
from tiaochu_kit.ids import new_id
from tiaochu_kit.peers import ATTEMPTS, BUDGET, Peers
from tiaochu_testkit.services import Cell
from tiaochu_testkit.toy import alpha
from tiaochu_testkit.toy.protos import OpenThingRequest, ThingResponse

OPEN = "tiaochu.alpha.v1.ThingService/OpenThing"


class Replica:
    """A server of one RPC that answers, or does not, and counts who asked."""

    def __init__(self) -> None:
        self.answering = True
        self.callers: Counter[str] = Counter()

    @asynccontextmanager
    async def listening(self, port: int = 0, **options: int) -> AsyncIterator[int]:
        server = grpc.aio.server(options=[(f"grpc.{name}", value) for name, value in options.items()])
        handler: Any = grpc.unary_unary_rpc_method_handler(
            self._answer, request_deserializer=OpenThingRequest.FromString, response_serializer=lambda m: m.SerializeToString()
        )
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(OPEN.split("/", maxsplit=1)[0], {"OpenThing": handler}),))
        bound = server.add_insecure_port(f"127.0.0.1:{port}")
        await server.start()
        yield bound
        await server.stop(1)

    async def _answer(self, _request: Any, context: Any) -> Any:
        self.callers[context.peer()] += 1
        if not self.answering:
            await context.abort(grpc.StatusCode.UNAVAILABLE)
        return ThingResponse()


async def call(peers: Peers) -> Any:
    return await peers.call("alpha", OPEN, OpenThingRequest(district="329901"), request_id=new_id())


@pytest.fixture
def settings(cell: Cell) -> Any:
    return lambda address: cell.settings("beta", peers={"alpha": address})


@pytest.mark.req("PF4")
async def test_calls_go_to_every_replica_in_turn(settings: Any) -> None:
    one, two = Replica(), Replica()
    async with one.listening() as first, two.listening() as second:
        peers = Peers(settings(f"ipv4:127.0.0.1:{first},127.0.0.1:{second}"))
        # The first calls go to whichever replica is connected first; in turn from when both are.
        while not (one.callers and two.callers):
            await call(peers)
        before = one.callers.total(), two.callers.total()
        for _ in range(20):
            await call(peers)
        await peers.close()
    assert (one.callers.total() - before[0], two.callers.total() - before[1]) == (10, 10)


async def test_when_a_service_keeps_failing_calls_are_no_longer_repeated_until_it_answers_again(settings: Any) -> None:
    replica = Replica()
    async with replica.listening() as port:
        peers = Peers(settings(f"127.0.0.1:{port}"))
        replica.answering = False
        failing = 15
        for _ in range(failing):
            with pytest.raises(DomainError) as refusal:
                await call(peers)
            assert refusal.value.kind is Kind.UNAVAILABLE
        # Half the budget went on attempts, repeated or not; from then on one attempt a call.
        assert failing < replica.callers.total() < failing + BUDGET / 2
        before = replica.callers.total()
        with pytest.raises(DomainError):
            await call(peers)
        assert replica.callers.total() == before + 1
        replica.answering = True
        for _ in range(200):
            await call(peers)
        replica.answering = False
        before = replica.callers.total()
        with pytest.raises(DomainError):
            await call(peers)
        assert replica.callers.total() == before + ATTEMPTS
        await peers.close()


@pytest.mark.req("PF4")
async def test_connections_are_renewed_without_a_caller_noticing(cell: Cell) -> None:
    async with cell.running("alpha", "toy", alpha.build, work=False, connection_age_seconds=1) as a:
        peers = Peers(cell.settings("beta", peers={"alpha": a.address}))
        await call(peers)
        ended = asyncio.ensure_future(peers.channel("alpha").wait_for_state_change(grpc.ChannelConnectivity.READY))
        while not ended.done():
            await call(peers)
        for _ in range(5):
            await call(peers)
        await peers.close()
