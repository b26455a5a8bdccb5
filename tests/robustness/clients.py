"""Clients as real ones are: many at once, each giving a command again under the same key while nobody answers, and noting what was acknowledged."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any, TypeVar

import httpx2
from google.protobuf.message import Message

from tiaochu.mediation.v1.mediation_service_pb2 import DraftAgreementRequest
from tiaochu_cli.rpcs import is_mutation, method_of, service_of
from tiaochu_demo.directory import CITY, load_directory
from tiaochu_demo.driver import Actor, Cast, Clerk, Court, Mediator, Unit, Wire
from tiaochu_demo.driver.mediator import Promise
from tiaochu_demo.synthetic.casebook import Casebook
from tiaochu_demo.synthetic.court import court_offers
from tiaochu_demo.synthetic.model import SyntheticCase
from tiaochu_domainkit.clocks import beijing
from tiaochu_embedded.client import RunningStack

T = TypeVar("T")
PATIENCE_SECONDS = 90.0
_PAUSE_SECONDS = 0.2
RECEIVERS = ("v001001", "t001", "v001002", "t001")
"""Villages keep what comes in, their town hands it down."""
NEIGHBOURS = "0201"
"""相邻关系: a village's own affair."""


@dataclass(frozen=True)
class Acknowledged:
    """A command that was answered with success: it must be in the books once."""

    service: str
    rpc: str
    request_id: str
    person_id: str


@dataclass
class Ledger:
    """Everything the clients were told had been done, and who must be responsible for each case in the end."""

    commands: list[Acknowledged] = field(default_factory=list)
    holders: dict[str, str] = field(default_factory=dict)
    """Case → the one unit responsible for it."""
    offers: dict[str, str] = field(default_factory=dict)
    """Exchange of a court's offer → its case."""
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def note(self, command: Acknowledged) -> None:
        """One more."""
        async with self._arrived:
            self.commands.append(command)
            self._arrived.notify_all()

    async def more(self, count: int, feeding: "asyncio.Task[None]") -> None:
        """Wait until that many more commands were acknowledged, in the middle of what is being fed."""
        goal = len(self.commands) + count

        async def reached() -> None:
            async with asyncio.timeout(PATIENCE_SECONDS), self._arrived:
                await self._arrived.wait_for(lambda: len(self.commands) >= goal)

        waiting = asyncio.create_task(reached())
        await asyncio.wait((feeding, waiting), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if feeding.done():
            feeding.result()
            raise AssertionError("all was fed before anything happened")


class NotingWire(Wire):
    """A client that notes acknowledged commands."""

    def __init__(self, stack: RunningStack, ledger: Ledger) -> None:
        super().__init__(stack)
        self._ledger = ledger

    async def ask(
        self, actor: Actor | None, request: Message, *, service: str = "", after: Iterable[str] = (), patience: float = PATIENCE_SECONDS
    ) -> Any:
        """See `Wire`."""
        answer = await super().ask(actor, request, service=service, after=after, patience=patience)
        method = method_of(request)
        if is_mutation(method):
            who = actor.person_id if actor else ""
            await self._ledger.note(Acknowledged(service_of(method), method.name, getattr(request, "request_id", ""), who))
        return answer


class Crowd:
    """Staff of the city with cases of their own, and the court."""

    def __init__(self, stack: RunningStack, ledger: Ledger, seed: str) -> None:
        self.ledger = ledger
        self.wire = NotingWire(stack, ledger)
        self.cast = Cast(load_directory(CITY))
        self.court = Court(self.wire, self.cast)
        self._rng = Random(seed)
        self._book = Casebook(self.cast.directory, self._rng, beijing(self.wire.now()).date())

    async def feed(self, cases: int, offers: int = 0) -> None:
        """So many disputes told at windows and offered by the court, all at once, each brought to where its course ends."""
        written = [self._write(number) for number in range(cases)]
        async with asyncio.TaskGroup() as clients:
            for number, case in enumerate(written):
                clients.create_task(self._dispute(case, on_the_spot=number % 2 == 0))
            for _ in range(offers):
                clients.create_task(self._offer())

    async def close(self) -> None:
        """Hang up."""
        await self.court.close()
        await self.wire.close()

    def _write(self, number: int) -> SyntheticCase:
        receiver = RECEIVERS[number % len(RECEIVERS)]
        case = self._book.write(
            f"crowd:{number}",
            NEIGHBOURS,
            "window",
            self.cast.directory.organs_by_code[receiver],
            received_on=beijing(self.wire.now()).date(),
            difficulty="simple",
            risk="none",
        )
        alone = replace(case, applicants=case.applicants[:1], respondents=case.respondents[:1])
        return replace(alone, scale="01", flags=(), single_legal_relation=True, files=())

    async def _dispute(self, case: SyntheticCase, *, on_the_spot: bool) -> None:
        clerk = await Clerk.register(self.wire, self.cast, case)
        self.ledger.holders[clerk.matter.case_id] = clerk.organ_id
        await clerk.classify(case)
        unit = await self._hand_over(clerk)
        if on_the_spot:
            await self._settle(unit)
            return
        await clerk.win_consent()
        await unit.accept()
        mediator = await self._seat(unit)
        await mediator.tell_rights()

    async def _hand_over(self, clerk: Clerk) -> Unit:
        """Where the rules name another unit, it signs for the case."""
        unit = Unit(clerk.matter, clerk.organ_id)
        lead = await unit.lead()
        if lead == unit.organ.id:
            return unit
        taking = Unit(clerk.matter, lead)
        await taking.sign(await unit.offer(lead))
        self.ledger.holders[clerk.matter.case_id] = lead
        return taking

    async def _settle(self, unit: Unit) -> None:
        """Accepted, agreed, performed, visited and closed in one go."""
        await unit.accept(on_the_spot=True)
        mediator = Mediator(unit.matter, unit.actor(DraftAgreementRequest).person_id, unit.organ.id)
        await mediator.tell_rights()
        draft = await mediator.draft((self._promise(),), form="oral")
        await mediator.sign(draft)
        await mediator.perform(draft, 0)
        await mediator.visit("performed")
        await mediator.close()

    async def _seat(self, unit: Unit) -> Mediator:
        """Somebody of the unit accepts."""
        ranked = await unit.ranked()
        own = [m for m in ranked if unit.has(m.mediator_id)]
        chosen = (own or ranked)[0]
        await unit.choose_mediator(chosen.mediator_id)
        mediator = Mediator(unit.matter, chosen.mediator_id, unit.organ.id)
        await mediator.accept()
        return mediator

    async def _offer(self) -> None:
        """A matter of the court; its receiver declines it, and the court hears so over a webhook."""
        today = beijing(self.wire.now()).date()
        round_number = self._rng.randrange(10, 10**6)
        offers = court_offers(self.cast.directory, self._rng.randrange(10**9), today, round_number=round_number)
        offer = next(o for o in offers if o.channel == "push" and len(o.case.parties) == 2)
        exchange_id = await persist(lambda: self.court.offer(offer))
        case_id = await persist(lambda: self.court.case_of(exchange_id))
        self.ledger.offers[exchange_id] = case_id
        clerk = await Clerk.take_up(self.wire, self.cast, case_id, offer.case.first_receiver_organ_id)
        self.ledger.holders[case_id] = clerk.organ_id
        await clerk.classify(replace(offer.case, flags=()))
        unit = Unit(clerk.matter, clerk.organ_id)
        await unit.lead()
        await unit.decline("already_handled")
        await persist(lambda: self._answered(exchange_id))

    async def _answered(self, exchange_id: str) -> None:
        packets = await self.court.packets(exchange_id)
        if not any(p["direction"] == "in" and p["kind"] == "return" for p in packets):
            raise NotYet(exchange_id)

    def _promise(self) -> Promise:
        return Promise("pay", 100_000, beijing(self.wire.now()).date() + timedelta(days=6))


class NotYet(Exception):
    """What was asked for did not arrive so far."""


async def persist(act: Callable[[], Awaitable[T]]) -> T:
    """Do something over plain HTTP as its caller would: again while nobody answers."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                return await act()
            except httpx2.HTTPStatusError as error:
                if error.response.status_code < 500:
                    raise
            except (httpx2.TransportError, NotYet):
                pass
            await asyncio.sleep(_PAUSE_SECONDS)
