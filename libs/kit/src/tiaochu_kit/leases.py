"""Leases: who does a piece of background work now. A lease only saves work; nothing is wrong if two hold one for a moment."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from tiaochu_kit.database import Database

LEASE_SECONDS = 10
RENEW_SECONDS = 3.0

log = structlog.get_logger()

_TAKE_SQL = """
INSERT INTO leases (name, holder, until) VALUES (%s, %s, now() + make_interval(secs => %s))
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until WHERE leases.until < now() OR leases.holder = excluded.holder
RETURNING holder
"""
_DROP_SQL = "DELETE FROM leases WHERE holder = ANY(%s)"
_HOLDERS_SQL = "SELECT DISTINCT holder FROM leases"


class Leases:
    """Runs work while this process holds its lease, on the database's clock."""

    def __init__(self, database: Database, holder: str) -> None:
        self._database = database
        self._holder = holder

    async def inherit(self) -> None:
        """Take what a process of this host held that is gone: who was killed and started again need not wait for its own leases to run out."""
        async with self._database.transaction() as tx:
            gone = [holder for (holder,) in await tx.rows(_HOLDERS_SQL) if _is_gone(holder)]
            await tx.queue(_DROP_SQL, (gone,))

    async def hold(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """For ever: when the lease is ours run `work`, when it is lost stop it."""
        while True:
            if await self._take(name):
                await self._while_held(name, work)
            else:
                await asyncio.sleep(RENEW_SECONDS)

    async def _while_held(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.ensure_future(work())
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=RENEW_SECONDS)
                if not task.done() and not await self._take(name):
                    return
            if task.exception() is not None:
                log.error("lease.work_failed", lease=name, error=type(task.exception()).__name__)
                await asyncio.sleep(1)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _take(self, name: str) -> bool:
        try:
            async with self._database.transaction() as tx:
                return bool(await tx.rows(_TAKE_SQL, (name, self._holder, LEASE_SECONDS)))
        except Exception as error:  # noqa: BLE001 - a database that is away loses the lease, not the process
            log.warning("lease.unknown", lease=name, error=type(error).__name__)
            return False

    async def drop_all(self) -> None:
        """Give all leases back at a graceful stop, so that the next holder need not wait."""
        async with self._database.transaction() as tx:
            await tx.queue(_DROP_SQL, ([self._holder],))


def holder_name(service: object) -> str:
    """What a running service in this process is called as a holder."""
    return f"{socket.gethostname()}-{os.getpid()}-{id(service):x}"


def _is_gone(holder: str) -> bool:
    """Whether it was a process of this host and runs no more. A container's only process has the number of the one before it."""
    host, _, rest = holder.rpartition("-")[0].rpartition("-")
    if host != socket.gethostname() or not rest.isdigit():
        return False
    return int(rest) == os.getpid() == 1 or not Path(f"/proc/{rest}").exists()
