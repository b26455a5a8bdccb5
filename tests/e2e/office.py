"""What every end-to-end test needs: staff of the city, synthetic cases, and cases brought as far as the test wants to begin."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from typer.testing import CliRunner, Result

from tiaochu_cli.main import app
from tiaochu_demo.directory import CITY, NEIGHBOUR, load_directory
from tiaochu_demo.driver import Cast, Clerk, Court, Mediator, Unit, Wire
from tiaochu_demo.driver.mediator import Draft, Promise
from tiaochu_demo.synthetic.casebook import Casebook
from tiaochu_demo.synthetic.court import CourtOffer, court_offers
from tiaochu_demo.synthetic.model import SyntheticCase
from tiaochu_domainkit.clocks import beijing
from tiaochu_embedded.client import RunningStack

VILLAGE, TOWN, CENTRE = "v001001", "t001", "centre"
"""Codes of a village's committee with two members, its town's centre, and the city's."""
NEIGHBOURS = "0201"
"""相邻关系: a village's own affair."""


@dataclass
class Office:
    """The staff of the city (`cast`) and of its neighbour (`others`), and a book that writes cases."""

    wire: Wire
    cast: Cast
    others: Cast
    court: Court
    book: Casebook
    _written: int = 0

    @classmethod
    @asynccontextmanager
    async def opened(cls, stack: RunningStack, seed: str) -> AsyncIterator["Office"]:
        """Open channels; close them at the end."""
        wire = Wire(stack)
        cast = Cast(load_directory(CITY))
        court = Court(wire, cast)
        book = Casebook(cast.directory, Random(f"{seed}:{wire.now().isoformat()}"), beijing(wire.now()).date())
        try:
            yield cls(wire, cast, Cast(load_directory(NEIGHBOUR)), court, book)
        finally:
            await court.close()
            await wire.close()

    # --- time

    def now(self) -> datetime:
        """The stack's time."""
        return self.wire.now()

    def step(self, **length: float) -> None:
        """Move the time of all processes on."""
        self.wire.clock.step(timedelta(**length).total_seconds())

    # --- the command line

    def shell(self, person: str, *arguments: str) -> Result:
        """The operator's command as this person."""
        settings = {"TIAOCHU_STACK": str(self.wire.stack.run_dir), "TIAOCHU_AS": person, "COLUMNS": "200"}
        return CliRunner().invoke(app, arguments, env=settings)

    # --- cases on paper

    def organ(self, code: str) -> str:
        """The id of an organ."""
        return self.cast.directory.organs_by_code[code].id

    def write(self, receiver: str = VILLAGE, *, leaf: str = NEIGHBOURS, channel: str = "window", **changes: Any) -> SyntheticCase:
        """A simple dispute of two people, told at a receiver's window unless said otherwise."""
        self._written += 1
        case = self.book.write(
            f"e2e:{self._written}",
            leaf,
            channel,
            self.cast.directory.organs_by_code[receiver],
            received_on=beijing(self.now()).date(),
            difficulty="simple",
            risk="none",
        )
        parties = {"applicants": case.applicants[:1], "respondents": case.respondents[:1]}
        return replace(case, **{**parties, "scale": "01", "flags": (), "single_legal_relation": True, **changes})

    def delegation(self, channel: str) -> CourtOffer:
        """A simple matter of two people that the court offers today by that channel, under a number of its own."""
        today, rng = beijing(self.now()).date(), self.book.rng
        while True:
            for offer in court_offers(self.cast.directory, rng.randrange(10**9), today, round_number=rng.randrange(10, 10**6)):
                case = offer.case
                if (offer.channel, case.received_on, len(case.parties), case.difficulty) == (channel, today, 2, "simple"):
                    return replace(offer, case=replace(case, flags=()))

    # --- cases brought so far

    async def registered(self, receiver: str = VILLAGE, **changes: Any) -> tuple[SyntheticCase, Clerk]:
        """Registered at the receiver."""
        case = self.write(receiver, **changes)
        return case, await Clerk.register(self.wire, self.cast, case)

    async def classified(self, receiver: str = VILLAGE, **changes: Any) -> tuple[SyntheticCase, Clerk, Unit]:
        """Registered and classified, with its lead named; the receiver is responsible."""
        case, clerk = await self.registered(receiver, **changes)
        await clerk.classify(case)
        unit = Unit(clerk.matter, clerk.organ_id)
        await unit.lead()
        return case, clerk, unit

    async def accepted(self, receiver: str = VILLAGE, **changes: Any) -> tuple[SyntheticCase, Clerk, Unit]:
        """Accepted by its first receiver, with everybody's consent."""
        case, clerk, unit = await self.classified(receiver, **changes)
        await clerk.win_consent()
        await unit.accept()
        return case, clerk, unit

    async def seated(self, receiver: str = VILLAGE, *, told: bool = True, **changes: Any) -> tuple[Clerk, Unit, Mediator]:
        """A mediator of the unit has accepted, and told the parties their rights."""
        _, clerk, unit = await self.accepted(receiver, **changes)
        mediator = await self.seat(unit)
        if told:
            await mediator.tell_rights()
        return clerk, unit, mediator

    async def seat(self, unit: Unit, *, own: bool = True) -> Mediator:
        """Name a mediator of the unit, or one from elsewhere, who accepts. A unit that has none takes the best from elsewhere."""
        ranked = await unit.ranked()
        fitting = [m for m in ranked if unit.has(m.mediator_id) is own]
        chosen = (fitting or ranked)[0].mediator_id
        await unit.choose_mediator(chosen)
        mediator = Mediator(unit.matter, chosen, unit.organ.id)
        await mediator.accept()
        return mediator

    async def sit(self, mediator: Mediator, result: str, *, study: str = "") -> str:
        """A session at once, everybody waiving the day's notice; answers it."""
        session = await mediator.appoint(self.now() + timedelta(seconds=5), waived=True, study=study)
        self.step(minutes=30)
        await mediator.hold(session, result)
        return session

    async def agreed(self, *promises: Promise, receiver: str = VILLAGE, **changes: Any) -> tuple[Unit, Mediator, Draft]:
        """A written agreement that binds: by default 1,000 yuan in six days."""
        _, unit, mediator = await self.seated(receiver, **changes)
        await self.sit(mediator, "agreed")
        draft = await mediator.draft(promises or (self.payment(),))
        assert await mediator.sign(draft)
        return unit, mediator, draft

    def payment(self, fen: int = 100_000, days: int = 6) -> Promise:
        """A sum in some days."""
        return Promise("pay", fen, beijing(self.now()).date() + timedelta(days=days))
