"""Leases: one works, the other takes over when it dies, at once when it leaves."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator

import pytest

from tiaochu_kit import leases
from tiaochu_kit.leases import Leases, holder_name
from tiaochu_kit.runner import Kit
from tiaochu_testkit.services import Cell
from tiaochu_testkit.waiting import eventually


@pytest.fixture
async def kit(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Kit]:
    monkeypatch.setattr(leases, "LEASE_SECONDS", 1)
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.2)
    kit = Kit(cell.settings("alpha"), "toy")
    await kit.database.open()
    yield kit
    await kit.database.close()


class Worker:
    """One process: its lease loop, and whether it works now."""

    def __init__(self, kit: Kit, name: str) -> None:
        self.leases = Leases(kit.database, name)
        self.works = 0
        self.starts = 0
        self.fail = False
        self.task = asyncio.ensure_future(self.leases.hold("relay", self._work))

    async def _work(self) -> None:
        self.works, self.starts = self.works + 1, self.starts + 1
        try:
            if self.fail:
                self.fail = False
                raise RuntimeError
            await asyncio.Event().wait()
        finally:
            self.works -= 1

    async def die(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def test_one_works_and_the_other_takes_over_within_the_lease_when_it_dies(kit: Kit) -> None:
    first = Worker(kit, "first")
    await eventually(lambda: first.works == 1)
    second = Worker(kit, "second")
    await asyncio.wait({asyncio.ensure_future(eventually(lambda: second.works, timeout=1.5, retry=()))})
    assert (first.works, second.works) == (1, 0)
    await first.die()
    await eventually(lambda: second.works == 1, timeout=3)
    await second.die()


async def test_who_leaves_gives_its_lease_back(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "LEASE_SECONDS", 600)
    first = Worker(kit, "first")
    await eventually(lambda: first.works == 1)
    second = Worker(kit, "second")
    await first.die()
    await first.leases.drop_all()
    await eventually(lambda: second.works == 1, timeout=3)
    await second.die()


async def test_who_finds_its_lease_taken_stops_working(kit: Kit) -> None:
    first = Worker(kit, "first")
    await eventually(lambda: first.works == 1)
    async with kit.database.transaction() as tx:
        await tx.queue("UPDATE leases SET holder = 'second', until = now() + interval '1 hour'")
    await eventually(lambda: first.works == 0, timeout=3)
    await first.die()


async def test_work_that_fails_is_begun_again(kit: Kit) -> None:
    worker = Worker(kit, "first")
    worker.fail = True
    await eventually(lambda: (worker.starts, worker.works) == (2, 1), timeout=5)
    await worker.die()


async def test_what_a_killed_process_of_this_host_held_is_taken_at_once_and_what_another_holds_is_not(kit: Kit) -> None:
    killed = await asyncio.create_subprocess_exec("true")
    await killed.wait()
    host = socket.gethostname()
    async with kit.database.transaction() as tx:
        for name, holder in (("mine", f"{host}-{killed.pid}-1f"), ("alive", f"{host}-{os.getpid()}-2f"), ("elsewhere", "other-host-1-3f")):
            await tx.queue("INSERT INTO leases VALUES (%s, %s, now() + interval '1 hour')", (name, holder))
    await Leases(kit.database, holder_name(kit)).inherit()
    async with kit.database.transaction() as tx:
        left = {name for (name,) in await tx.rows("SELECT name FROM leases WHERE until > now() + interval '1 minute'")}
        await tx.queue("DELETE FROM leases WHERE until > now() + interval '1 minute'")
    assert left == {"alive", "elsewhere"}
