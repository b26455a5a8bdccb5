"""A campaign: clients work, faults strike one after another, and in the end of each round everything must agree. The seed draws faults and cases."""

import asyncio
import json
import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import psycopg

from robustness import acts
from robustness.books import opened
from robustness.clients import persist
from robustness.crowd import Crowd
from robustness.faults import FAULTS, Fault, Lengths, NotPossible, NotReached
from robustness.history import History
from robustness.recovery import recovered
from robustness.stage import SERVICES, Stage
from tiaochu.docking.v1 import docking_service_pb2 as docking
from tiaochu_demo.furnishing import furnish
from tiaochu_embedded.client import RunningStack
from tiaochu_embedded.stack import Stack

SETTLE_SECONDS = 60.0
RETRIES_SECONDS = 600.0
"""The stack's clock is moved on by that much while things settle: deliveries that failed are tried again after minutes."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Struck:
    """A fault and what came of it: `done`, `not reached` or `not possible`; seconds to recover."""

    name: str
    kind: str
    outcome: str
    recovery: float | None


@dataclass
class Result:
    """What a campaign found."""

    seed: int
    seconds: float = 0.0
    struck: list[Struck] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    acknowledged: int = 0
    refused: int = 0
    unanswered: int = 0
    cases: int = 0
    lost: int = 0
    doubled: int = 0
    courses: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class Campaign:
    """Runs faults on a stage while a crowd works."""

    def __init__(self, stage: Stage, seed: int, lengths: Lengths, *, clients: int = 6, say: Say = print) -> None:
        self.stage, self.seed, self._lengths, self._clients, self._say = stage, seed, lengths, clients, say
        self.history = History()
        self.result = Result(seed)
        self._until = math.inf
        self._seen: dict[tuple[str, str, int], bytes] = {}

    async def run(self, rounds: Sequence[Sequence[Fault]], *, seconds: float = math.inf) -> Result:
        """Every round: work, be struck, come to rest, be checked. The first round that leaves something wrong is the last.

        When `seconds` have passed the round ends, and no other begins.
        """
        began = time.monotonic()
        self._until = began + seconds
        running = RunningStack(self.stage.stack.folder.path)
        for service in SERVICES:
            if proxy := self.stage.proxies.get(f"clients→{service}"):
                running.addresses["grpc"][service] = f"{proxy.host}:{proxy.port}"
        crowd = Crowd(running, self.history, f"crowd:{self.seed}")
        try:
            await self._dock(crowd)
            for number, faults in enumerate(rounds, 1):
                self._say(f"round {number} of {len(rounds)}: {len(faults)} faults")
                await self._round(crowd, faults)
                self.result.findings += [*await unsettled(self.stage.stack, self._look), *self.history.broken]
                if self.result.findings or time.monotonic() > self._until:
                    break
        finally:
            self._count()
            await crowd.close()
            self.history.save(self.stage.folder / "history.jsonl")
        self.result.courses, self.result.seconds = crowd.told, time.monotonic() - began
        self.result.notes += self.stage.notes
        return self.result

    async def _dock(self, crowd: Crowd) -> None:
        court = crowd.courses.court
        await persist(court.dock)
        if proxy := self.stage.proxies.get("docking→sandbox"):
            url = f"http://{proxy.host}:{proxy.port}/webhooks/main"
            endpoint = docking.Endpoint(endpoint_id="main", channel="push", url=url, preferred=True, network="法院专网")
            request = docking.PutEndpointRequest(agency_id=court.agency_id, endpoint=endpoint)
            await crowd.courses.wire.ask(crowd.courses.cast.role("system_admin"), request)

    async def _round(self, crowd: Crowd, faults: Sequence[Fault]) -> None:
        working = asyncio.create_task(crowd.work(self._clients))
        try:
            await self.history.more(10, 60)
            for fault in faults:
                if time.monotonic() < self._until:
                    await self._strike(fault)
            crowd.finish()
            await working
        finally:
            working.cancel()

    async def _strike(self, fault: Fault) -> None:
        outcome, recovery = "done", None
        try:
            await fault.strike(self.stage, self._lengths)
            recovery = await recovered(self.stage, self.history, fault.part)
            if recovery is None:
                self.result.findings.append(f"after '{fault.name}' not everything worked again in time")
        except NotReached:
            outcome = "not reached"
        except NotPossible as reason:
            outcome = f"not possible: {reason}"
        self.result.struck.append(Struck(fault.name, fault.kind, outcome, recovery))
        told = f"{recovery:.1f} s" if recovery is not None else outcome
        self._say(f"  {fault.name}: {told} ({len(self.history.acknowledged)} acknowledged)")
        await self.history.more(5, 30)

    def _look(self) -> list[str]:
        with opened(self.stage.stack, self._seen) as books:
            self.result.lost, self.result.doubled = acts.lost_and_doubled(books, self.history)
            return books.problems(self.history)

    def _count(self) -> None:
        told = self.history.told
        self.result.acknowledged = len(self.history.acknowledged)
        self.result.refused = sum(t.outcome == "refused" for t in told)
        self.result.unanswered = sum(t.outcome == "unanswered" for t in told)
        self.result.cases = len(self.history.holders)


async def unsettled(stack: Stack, look: Callable[[], list[str]]) -> list[str]:
    """What `look` still finds wrong when everything on its way must have arrived."""
    stack.step_clock(RETRIES_SECONDS)
    until, found = time.monotonic() + SETTLE_SECONDS, ["the books were never seen"]
    while found and time.monotonic() < until:
        await asyncio.sleep(0.5)
        with suppress(psycopg.OperationalError):
            found = await asyncio.to_thread(look)
    return found


def drawn(seed: int, count: int, *, rounds: int, but: Callable[[Fault], bool] = lambda _: False) -> list[list[Fault]]:
    """So many faults in random order, every kind before any kind comes again."""
    rng = Random(f"faults:{seed}")
    kinds: dict[str, list[Fault]] = {}
    for fault in FAULTS.values():
        if not but(fault):
            kinds.setdefault(fault.kind, []).append(fault)
    for members in kinds.values():
        rng.shuffle(members)
    chosen: list[Fault] = []
    while len(chosen) < count and any(kinds.values()):
        line = [members.pop() for members in kinds.values() if members]
        rng.shuffle(line)
        chosen += line
    chosen = chosen[:count]
    size = -(-len(chosen) // rounds) or 1
    return [chosen[start : start + size] for start in range(0, len(chosen), size)]


def links_of(rounds: Sequence[Sequence[Fault]]) -> list[str]:
    """The links that must lead through proxies."""
    return sorted({fault.link for faults in rounds for fault in faults if fault.link})


def as_json(result: Result) -> str:
    """For programs."""
    return json.dumps(result, default=vars, ensure_ascii=False, indent=1)


def stage_for(folder: Path, rounds: Sequence[Sequence[Fault]]) -> Stage:
    """A stage in `folder` on which these faults can strike."""
    disk = any(fault.name == "disk full" for faults in rounds for fault in faults)
    return Stage(folder, lambda stack: asyncio.run(furnish(RunningStack(stack.folder.path))), links=links_of(rounds), small_disk=disk)
