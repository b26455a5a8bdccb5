"""Real processes: stopped, killed, frozen. What was acknowledged is everywhere exactly once."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx2
import psycopg
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tiaochu_kit.ids import new_id
from tiaochu_testkit.services import Cell
from tiaochu_testkit.toy.protos import AddToThingRequest, OpenThingRequest, ThingResponse
from tiaochu_testkit.waiting import eventually

THINGS = "tiaochu.alpha.v1.ThingService"
AWAY = (grpc.aio.AioRpcError, httpx2.HTTPError, AssertionError)


class Program:
    """One toy as a process of its own."""

    def __init__(self, cell: Cell, service: str, role: str, log: Path, **more: Any) -> None:
        self.settings = cell.settings(service, **more)
        values = self.settings.model_dump(exclude_none=True)
        env = {f"TIAOCHU_{k.upper()}": json.dumps(v) if isinstance(v, dict) else str(v) for k, v in values.items()}
        self.log = log
        with log.open("ab") as output:
            command = [sys.executable, "-m", "tiaochu_testkit.toy", service, role]
            self.process = subprocess.Popen(command, env={**os.environ, **env}, stdout=output, stderr=output)

    async def answers(self) -> None:
        async with httpx2.AsyncClient() as client:

            async def ready() -> bool:
                return (await client.get(f"http://{self.settings.http_listen}/ready")).status_code == 200

            await eventually(ready, timeout=20, retry=AWAY)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def ended(self, timeout: float) -> int:
        return await asyncio.to_thread(self.process.wait, timeout)


@pytest.fixture
def start(cell: Cell, tmp_path: Path) -> Iterator[Callable[..., Program]]:
    programs: list[Program] = []
    for name in ("alpha", "beta"):
        cell.port(name)

    def started(service: str, role: str, **more: Any) -> Program:
        programs.append(Program(cell, service, role, tmp_path / f"{service}.log", **more))
        return programs[-1]

    yield started
    for program in programs:
        if program.process.poll() is None:
            program.process.send_signal(signal.SIGCONT)
            program.process.kill()
            program.process.wait()


class Client:
    """Calls alpha until it is answered, always with the same key."""

    def __init__(self, cell: Cell) -> None:
        self.channel = grpc.aio.insecure_channel(f"127.0.0.1:{cell.port('alpha')}")

    async def call(self, rpc: str, request: Any) -> Any:
        method: Any = self.channel.unary_unary(
            f"/{THINGS}/{rpc}", request_serializer=lambda m: m.SerializeToString(), response_deserializer=ThingResponse.FromString
        )
        metadata = [("tiaochu-request-id", new_id()), ("tiaochu-service", "test")]

        async def once() -> Any:
            return await method(request, timeout=3, metadata=metadata, wait_for_ready=True)

        return await eventually(once, timeout=30, retry=AWAY)


def heard(cell: Cell) -> dict[str, int]:
    with psycopg.connect(cell.databases["beta"].owner_dsn) as owner:
        return dict(owner.execute("SELECT id::text, (doc->>'total')::int FROM echoes").fetchall())


async def test_sigterm_finishes_what_is_in_hand_gives_the_leases_back_and_ends_with_zero(cell: Cell, start: Callable[..., Program]) -> None:
    program = start("alpha", "run")
    await program.answers()
    health = health_pb2_grpc.HealthStub(grpc.aio.insecure_channel(program.settings.grpc_listen))
    assert (await health.Check(health_pb2.HealthCheckRequest(), timeout=3)).status == health_pb2.HealthCheckResponse.SERVING
    client = Client(cell)
    calls = [asyncio.ensure_future(client.call("OpenThing", OpenThingRequest(district="329901"))) for _ in range(20)]
    await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
    began = time.monotonic()
    program.signal(signal.SIGTERM)
    assert await program.ended(25) == 0
    assert time.monotonic() - began < 25
    with psycopg.connect(cell.databases["alpha"].owner_dsn) as owner:
        assert owner.execute("SELECT count(*) FROM leases").fetchone() == (0,)
    start("alpha", "serve")
    assert len({(await call).case_id for call in calls}) == 20


@pytest.mark.req("PF2")
async def test_killed_in_the_middle_and_started_again_nothing_is_lost_or_doubled(cell: Cell, start: Callable[..., Program]) -> None:
    programs = {name: start(name, "run") for name in ("alpha", "beta")}
    client = Client(cell)
    case_ids = [(await client.call("OpenThing", OpenThingRequest(district="329901"))).case_id for _ in range(4)]
    adding = [asyncio.ensure_future(client.call("AddToThing", AddToThingRequest(case_id=c, amount=1))) for c in case_ids for _ in range(5)]
    for name in ("alpha", "beta", "alpha"):
        await asyncio.wait(adding, return_when=asyncio.FIRST_COMPLETED)
        programs[name].process.kill()
        await programs[name].ended(5)
        programs[name] = start(name, "run")
    await asyncio.gather(*adding)
    await eventually(lambda: heard(cell) == dict.fromkeys(case_ids, 5), timeout=40)


@pytest.mark.req("PF2")
@pytest.mark.parametrize("point", ["command.decided", "command.committed"])
async def test_a_process_ends_where_it_is_told_to_and_the_same_key_gets_the_same_answer(
    cell: Cell, start: Callable[..., Program], tmp_path: Path, point: str
) -> None:
    points = tmp_path / "failpoints" / "alpha"
    points.mkdir(parents=True)
    alpha, client = start("alpha", "run", failpoints_dir=points.parent), Client(cell)
    case_id = (await client.call("OpenThing", OpenThingRequest(district="329901"))).case_id
    (points / point).write_text("kill")
    adding = asyncio.ensure_future(client.call("AddToThing", AddToThingRequest(case_id=case_id, amount=1)))
    assert await alpha.ended(10) == -signal.SIGKILL
    assert not list(points.iterdir()), "it acts once"
    start("alpha", "run")
    start("beta", "run")
    await adding
    await eventually(lambda: heard(cell).get(case_id) == 1, timeout=20)


@pytest.mark.req("PF2")
async def test_a_worker_that_is_frozen_is_replaced_and_does_no_harm_when_it_wakes(cell: Cell, start: Callable[..., Program]) -> None:
    start("alpha", "serve")
    first = start("alpha", "work", http_listen=f"127.0.0.1:{cell.port('spare-1')}")
    start("beta", "run")
    client = Client(cell)
    case_id = (await client.call("OpenThing", OpenThingRequest(district="329901"))).case_id
    await eventually(lambda: case_id in heard(cell), timeout=20)
    first.signal(signal.SIGSTOP)
    start("alpha", "work", http_listen=f"127.0.0.1:{cell.port('spare-2')}")
    for _ in range(3):
        await client.call("AddToThing", AddToThingRequest(case_id=case_id, amount=1))
    await eventually(lambda: heard(cell)[case_id] == 3, timeout=40)
    first.signal(signal.SIGCONT)
    for _ in range(3):
        await client.call("AddToThing", AddToThingRequest(case_id=case_id, amount=1))
    await eventually(lambda: heard(cell)[case_id] == 6, timeout=40)
    with psycopg.connect(cell.databases["alpha"].owner_dsn) as owner:
        positions = [p for (p,) in owner.execute("SELECT position FROM journal ORDER BY position").fetchall()]
    assert positions == list(range(1, len(positions) + 1))
