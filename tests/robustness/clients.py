"""Clients as real ones are: each gives a command again under the same key while nobody answers, some press a button twice, and all remember what they were told."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from random import Random
from typing import Any, TypeVar

import grpc
import httpx2
from google.protobuf.message import Message

from robustness.history import ACKNOWLEDGED, REFUSED, UNANSWERED, History, Told
from tiaochu_cli.rpcs import is_mutation, method_of, service_of
from tiaochu_demo.driver import Actor, Refused, Wire
from tiaochu_demo.driver.matter import Late
from tiaochu_demo.driver.wire import AWAY
from tiaochu_embedded.client import RunningStack
from tiaochu_kit.ids import new_id

T = TypeVar("T")
PATIENCE_SECONDS = 150.0
"""Longer than any fault lasts, so that a client that gives up has been left alone too long."""
TWICE, LATER = 0.08, 0.08
"""Shares of commands that are given twice at once, and again after they were acknowledged."""
_PAUSE_SECONDS = 0.3


class RememberingWire(Wire):
    """A client that remembers what it was told."""

    def __init__(self, stack: RunningStack, history: History, rng: Random) -> None:
        super().__init__(stack)
        self._history, self._rng = history, rng

    async def ask(
        self, actor: Actor | None, request: Message, *, service: str = "", after: Iterable[str] = (), patience: float = PATIENCE_SECONDS
    ) -> Any:
        """See `Wire`. A command may be given twice, at once or later, always under its one key: the answers must be the same."""
        method = method_of(request)
        if not is_mutation(method):
            return await self._as_known(actor, request, tuple(after), service)
        setattr(request, "request_id", getattr(request, "request_id", "") or new_id())  # noqa: B010 - every mutation has the field
        after, chance = tuple(after), self._rng.random()
        if chance < TWICE:
            first, second = await asyncio.gather(*(self._command(actor, request, after) for _ in range(2)), return_exceptions=True)
            if isinstance(first, BaseException):
                raise first
            self._compare(method.name, request, first, second)
            return first
        answer = await self._command(actor, request, after)
        if chance > 1 - LATER:
            self._compare(method.name, request, answer, await self._as_known(actor, request, after))
        return answer

    async def send(self, actor: Actor, requests: Sequence[Message]) -> Any:
        """See `Wire`. An upload that was cut off is begun again."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    return await super().send(actor, requests)
                except Refused as refused:
                    if refused.code not in AWAY:
                        raise
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _command(self, actor: Actor | None, request: Message, after: tuple[str, ...]) -> Any:
        began = self._history.now()
        try:
            answer = await self._as_known(actor, request, after)
        except Refused as refused:
            outcome = UNANSWERED if refused.code in AWAY else REFUSED
            await self._note(actor, request, outcome, refused.reason, "", began)
            raise
        await self._note(actor, request, ACKNOWLEDGED, "", answer.SerializeToString(deterministic=True).hex(), began)
        return answer

    async def _as_known(self, actor: Actor | None, request: Message, after: tuple[str, ...], service: str = "") -> Any:
        """A token that ended on the way, since days passed in between, is replaced."""
        try:
            return await super().ask(actor, request, service=service, after=after, patience=PATIENCE_SECONDS)
        except Refused as refused:
            if refused.code is not grpc.StatusCode.UNAUTHENTICATED:
                raise
            return await super().ask(actor, request, service=service, after=after, patience=PATIENCE_SECONDS)

    async def _note(self, actor: Actor | None, request: Message, outcome: str, reason: str, answer: str, began: float) -> None:
        method = method_of(request)
        person, organ = (actor.person_id, actor.organ_id) if actor else ("", "")
        ident, case = getattr(request, "request_id", ""), getattr(request, "case_id", "")
        where = (service_of(method), method.name, ident, person, organ, case)
        await self._history.note(Told(*where, outcome, reason, answer, began, self._history.now()))

    def _compare(self, rpc: str, request: Message, first: Any, second: Any) -> None:
        if first != second:
            key = getattr(request, "request_id", "")
            self._history.broken.append(f"{rpc} {key} was answered twice and differently: {first!s:.200} / {second!s:.200}")


class NotYet(Exception):
    """What was asked for did not arrive so far."""


async def persist(act: Callable[[], Awaitable[T]], seconds: float = PATIENCE_SECONDS) -> T:
    """Do something over plain HTTP, or look for something, as its caller would: again while nobody answers and nothing has come."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                return await act()
            except httpx2.HTTPStatusError as error:
                if error.response.status_code < 500:
                    raise
            except (httpx2.TransportError, NotYet, Late):
                pass
            await asyncio.sleep(_PAUSE_SECONDS)
