"""One case as those who work on it carry it about: its ids, its parties, and which service has yet to hear of what another wrote."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from tiaochu_cli.rpcs import is_mutation, method_of, service_of
from tiaochu_demo.driver.cast import Actor, Cast
from tiaochu_demo.driver.wire import Wire

_T = TypeVar("_T")
SERVICES = ("intake", "routing", "mediation", "docking", "reporting")
EVENTUALLY_SECONDS = 60.0


class Late(Exception):
    """What one service was to learn from another did not arrive in time."""


class Matter:
    """A case. A service called next is asked to read what the others wrote before (`tiaochu-after`).

    `barred` are the persons recused from it, who no longer see it.
    """

    def __init__(self, wire: Wire, cast: Cast, case_id: str) -> None:
        self.wire = wire
        self.cast = cast
        self.case_id = case_id
        self.case_number = ""
        self.receipt_code = ""
        self.applicants: list[str] = []
        self.respondents: list[str] = []
        self.barred: set[str] = set()
        self._unheard: dict[str, set[str]] = defaultdict(set)

    @property
    def parties(self) -> list[str]:
        """Both sides, applicants first."""
        return [*self.applicants, *self.respondents]

    def now(self) -> datetime:
        """The stack's time."""
        return self.wire.now()

    async def ask(self, actor: Actor, request: Message) -> Any:
        """Call an RPC about this case. Raises `Refused`."""
        method = method_of(request)
        service = service_of(method)
        response = await self.wire.ask(actor, request, after=self._unheard.pop(service, set()))
        if is_mutation(method):
            self.wrote(service)
        return response

    def wrote(self, service: str) -> None:
        """Something was written there that the others will hear of, and itself: who may see a case is read from the logs there too."""
        for listener in SERVICES:
            self._unheard[listener].add(service)

    async def until(self, look: Callable[[], Awaitable[_T]], holds: Callable[[_T], bool], what: str) -> _T:
        """Look again and again until it holds. Raises `Late`."""
        return await until(look, holds, f"{self.case_number or self.case_id}: {what}")


async def until(look: Callable[[], Awaitable[_T]], holds: Callable[[_T], bool], what: str, seconds: float = EVENTUALLY_SECONDS) -> _T:
    """Look again and again, with growing pauses, until it holds. Raises `Late`."""
    loop = asyncio.get_running_loop()
    end, pause = loop.time() + seconds, 0.02
    while True:
        seen = await look()
        if holds(seen):
            return seen
        if loop.time() > end:
            raise Late(f"{what} did not come within {seconds:g} s; last seen: {str(seen)[:400]}")
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.5)


def stamp(moment: datetime) -> Timestamp:
    """A moment as the protos have it."""
    result = Timestamp()
    result.FromDatetime(moment)
    return result
