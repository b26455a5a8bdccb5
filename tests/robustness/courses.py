"""The ways a case goes in the campaign: together they give every command of the main job. Each is told by one client at a time, from the door to its end."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from random import Random

from robustness.clients import NotYet, RememberingWire, persist
from robustness.history import History
from tiaochu.mediation.v1 import mediation_service_pb2 as mediation
from tiaochu_demo.directory import CITY, load_directory
from tiaochu_demo.driver import Cast, Clerk, Court, Matter, Mediator, Refused, Unit
from tiaochu_demo.driver.mediator import Draft, Promise
from tiaochu_demo.synthetic.casebook import Casebook
from tiaochu_demo.synthetic.court import CourtOffer, court_offers
from tiaochu_demo.synthetic.model import SyntheticCase
from tiaochu_domainkit.clocks import beijing
from tiaochu_domainkit.errors import Kind

VILLAGES, TOWN = ("v001001", "v001002"), "t001"
"""Villages keep what comes in, their town hands it down."""
NEIGHBOURS = "0201"
"""相邻关系: a village's own affair."""
_PAPERS = 2


class Courses:
    """Staff of the city and the court, and what they do with one case."""

    def __init__(self, wire: RememberingWire, history: History, rng: Random) -> None:
        self.wire, self.history, self.rng = wire, history, rng
        self.cast = Cast(load_directory(CITY))
        self.court = Court(wire, self.cast)
        self._book = Casebook(self.cast.directory, rng, beijing(wire.now()).date())
        self._written = 0

    async def close(self) -> None:
        """Hang up."""
        await self.court.close()
        await self.wire.close()

    # --- ways of a case

    async def on_the_spot(self) -> None:
        """Accepted, agreed, performed, visited and closed in one go."""
        _, unit = await self._classified(self.rng.choice(VILLAGES), papers=_PAPERS)
        await unit.accept(on_the_spot=True)
        mediator = Mediator(unit.matter, unit.actor(mediation.DraftAgreementRequest).person_id, unit.organ.id)
        await mediator.tell_rights()
        draft = await mediator.draft((self._promise(),), form="oral")
        await mediator.sign(draft)
        await self._performed(mediator, draft)

    async def agreed(self) -> None:
        """Handed down, a session, an interruption, a written agreement, performed and closed."""
        mediator = await self._seated(TOWN)
        await mediator.suspend()
        await mediator.resume()
        await self._performed(mediator, await self._agreement(mediator))

    async def confirmed(self) -> None:
        """The court confirms the agreement."""
        mediator = await self._seated(self.rng.choice(VILLAGES))
        draft = await self._agreement(mediator)
        await mediator.apply_for_confirmation(draft, self.court.agency_id)

        async def ruled() -> None:
            agreement = await mediator.agreement(draft.agreement_id)
            if not agreement.confirmations[-1].ruling:
                raise NotYet(draft.agreement_id)

        await persist(ruled)
        await self._performed(mediator, draft)

    async def not_agreed(self) -> None:
        """Two sessions and no agreement."""
        mediator = await self._seated(TOWN)
        await self._sit(mediator, "not_agreed")
        await self._sit(mediator, "not_agreed", study="争议焦点已研究")
        await mediator.terminate("not_agreed")
        await mediator.visit("not_applicable", satisfaction=4)
        await mediator.close()

    async def returned(self) -> None:
        """Returned once, then signed for; the unit that gave it away may do nothing more, whatever it does at the same moment."""
        _, holder = await self._classified(TOWN)
        lead = Unit(holder.matter, await self._lead(holder))
        await lead.give_back(await holder.offer(lead.organ.id))
        transfer = await holder.offer(lead.organ.id)
        signed, declined = await asyncio.gather(
            self._signed(lead, transfer), self._allowed(holder.decline("already_handled")), return_exceptions=True
        )
        if declined is True and isinstance(signed, Refused):
            return  # it declined while it still could
        for outcome in (signed, declined):
            if isinstance(outcome, BaseException):
                raise outcome
        if await self._allowed(holder.decline("already_handled")):
            self.history.broken.append(f"{lead.matter.case_id}: the unit that gave the case away declined it")

    async def recused(self) -> None:
        """A party does not want the mediator, who is replaced in the middle of the work and may do nothing more."""
        clerk, unit = await self._accepted(self.rng.choice(VILLAGES))
        stranger = await self._seat(unit, own=False)
        party = clerk.matter.applicants[0]
        _, was_told = await asyncio.gather(clerk.raise_recusal(stranger.person_id, party), self._allowed(stranger.tell_rights((party,))))
        if await self._allowed(stranger.suspend()):
            self.history.broken.append(f"{clerk.matter.case_id}: a recused mediator suspended the mediation")
        clerk.matter.barred.add(stranger.person_id)
        mediator = await self._seat(unit)
        later = await clerk.raise_recusal(mediator.person_id, party)
        await unit.decide_recusal(later.recusal_id, replaced=False, besides=mediator.person_id)
        await mediator.tell_rights([p for p in clerk.matter.parties if p != party or not was_told])
        await self._performed(mediator, await self._agreement(mediator))

    async def corrected(self) -> None:
        """Papers are asked for and come; then the case is declined."""
        clerk, unit = await self._classified(self.rng.choice(VILLAGES))
        await clerk.ask_for_papers("evidence")
        await clerk.take_papers()
        await unit.decline("already_handled")

    async def withdrawn(self) -> None:
        """The applicant withdraws while the unit accepts; after that nobody may accept, although routing was not asked to wait for the news."""
        clerk, holder = await self._classified(TOWN)
        unit = await self._hand_over(holder)
        await clerk.win_consent()
        blind = Unit(Matter(self.wire, self.cast, clerk.matter.case_id), unit.organ.id)
        _, accepted = await asyncio.gather(clerk.withdraw(), self._allowed(blind.accept()))
        if not accepted and await self._allowed(blind.accept()):
            self.history.broken.append(f"{clerk.matter.case_id} was accepted after its application was withdrawn")

    async def merged(self) -> None:
        """The same dispute at two windows becomes one case."""
        case = self._write(self.rng.choice(VILLAGES))
        first, second = await self._registered(case), await self._registered(replace(case, key=f"{case.key}:twin"))
        await first.classify(case)
        await second.classify(case)
        *_, centre = self.cast.upwards(second.organ_id)
        await Clerk(second.matter, centre.id).propose_merge(first.matter.case_id)
        await Unit(second.matter, centre.id).confirm_merge(first.matter.case_id)

    async def offered_and_declined(self) -> None:
        """A matter of the court; its receiver declines it, and the court hears so over a webhook."""
        _, exchange_id, unit, _ = await self._offered()
        await unit.decline("already_handled")
        await self._heard(exchange_id, "return")

    async def offered_and_agreed(self) -> None:
        """A matter of the court is mediated; the court hears that somebody does it, and the result."""
        clerk, exchange_id, holder, _ = await self._offered()
        unit = await self._hand_over(holder)
        await clerk.win_consent()
        await unit.accept()
        mediator = await self._seat(unit)
        await self._heard(exchange_id, "sign")
        await mediator.tell_rights()
        await self._agreement(mediator)
        await self._heard(exchange_id, "result")

    async def left_waiting(self) -> None:
        """Left somewhere on its way, where a clock runs out: a transfer nobody signs, a mediator who does not answer, a promise not kept."""
        match self.rng.randrange(4):
            case 0:
                _, holder = await self._classified(TOWN)
                await holder.offer(await self._lead(holder))
            case 1:
                _, unit = await self._accepted(self.rng.choice(VILLAGES))
                await unit.choose_mediator((await unit.ranked())[0].mediator_id)
            case 2:
                await self._agreement(await self._seated(self.rng.choice(VILLAGES)))
            case _:
                await self._seated(TOWN)

    # --- pieces of them

    def _write(self, receiver: str, papers: int = 0) -> SyntheticCase:
        self._written += 1
        case = self._book.write(
            f"campaign:{self._written}",
            NEIGHBOURS,
            "window",
            self.cast.directory.organs_by_code[receiver],
            received_on=beijing(self.wire.now()).date(),
            difficulty="simple",
            risk="none",
        )
        alone = replace(case, applicants=case.applicants[:1], respondents=case.respondents[:1])
        return replace(alone, scale="01", flags=(), single_legal_relation=True, files=case.files[:papers])

    async def _registered(self, case: SyntheticCase) -> Clerk:
        clerk = await Clerk.register(self.wire, self.cast, case)
        self.history.holders[clerk.matter.case_id] = clerk.organ_id
        return clerk

    async def _classified(self, receiver: str, papers: int = 0) -> tuple[Clerk, Unit]:
        case = self._write(receiver, papers)
        clerk = await self._registered(case)
        await clerk.classify(case)
        unit = Unit(clerk.matter, clerk.organ_id)
        await self._lead(unit)
        return clerk, unit

    async def _lead(self, unit: Unit) -> str:
        return await persist(unit.lead)

    async def _signed(self, taking: Unit, transfer: str) -> None:
        await taking.sign(transfer)
        self.history.holders[taking.matter.case_id] = taking.organ.id

    async def _hand_over(self, unit: Unit) -> Unit:
        """Where the rules name another unit, it signs for the case."""
        lead = Unit(unit.matter, await self._lead(unit))
        if lead.organ.id == unit.organ.id:
            return unit
        await self._signed(lead, await unit.offer(lead.organ.id))
        return lead

    async def _accepted(self, receiver: str) -> tuple[Clerk, Unit]:
        clerk, holder = await self._classified(receiver)
        unit = await self._hand_over(holder)
        await clerk.win_consent()
        await unit.accept()
        return clerk, unit

    async def _seat(self, unit: Unit, *, own: bool = True) -> Mediator:
        """Somebody of the unit accepts, or somebody from elsewhere."""
        ranked = await unit.ranked()
        fitting = [m for m in ranked if unit.has(m.mediator_id) is own]
        mediator = Mediator(unit.matter, self.rng.choice((fitting or ranked)[:3]).mediator_id, unit.organ.id)
        await unit.choose_mediator(mediator.person_id)
        await mediator.accept()
        return mediator

    async def _seated(self, receiver: str) -> Mediator:
        _, unit = await self._accepted(receiver)
        mediator = await self._seat(unit)
        await mediator.tell_rights()
        return mediator

    async def _sit(self, mediator: Mediator, result: str, study: str = "") -> None:
        begins = self.wire.now() + timedelta(seconds=2)
        session = await mediator.appoint(begins, waived=True, study=study)
        await asyncio.sleep(max(0.0, (begins - self.wire.now()).total_seconds()))  # a session is held after it began
        await mediator.hold(session, result)

    async def _agreement(self, mediator: Mediator) -> Draft:
        await self._sit(mediator, "agreed")
        draft = await mediator.draft((self._promise(),))
        await mediator.sign(draft)
        return draft

    async def _performed(self, mediator: Mediator, draft: Draft) -> None:
        await mediator.perform(draft, 0)
        await mediator.visit("performed")
        await mediator.close()

    def _promise(self) -> Promise:
        return Promise("pay", 100 * self.rng.randrange(100, 5_000), beijing(self.wire.now()).date() + timedelta(days=6))

    async def _offered(self) -> tuple[Clerk, str, Unit, CourtOffer]:
        offer = self._offer()
        exchange_id = await persist(lambda: self.court.offer(offer))
        case_id = await persist(lambda: self.court.case_of(exchange_id))
        self.history.offers[exchange_id] = case_id
        clerk = await Clerk.take_up(self.wire, self.cast, case_id, offer.case.first_receiver_organ_id)
        self.history.holders[case_id] = clerk.organ_id
        await clerk.classify(offer.case)
        unit = Unit(clerk.matter, clerk.organ_id)
        await self._lead(unit)
        return clerk, exchange_id, unit, offer

    def _offer(self) -> CourtOffer:
        today = beijing(self.wire.now()).date()
        while True:
            offers = court_offers(self.cast.directory, self.rng.randrange(10**9), today, round_number=self.rng.randrange(10, 10**6))
            for offer in offers:
                case = offer.case
                if (offer.channel, case.received_on, len(case.parties), case.difficulty) == ("push", today, 2, "simple"):
                    return replace(offer, case=replace(case, flags=()))

    async def _heard(self, exchange_id: str, kind: str) -> None:
        async def heard() -> None:
            packets = await self.court.packets(exchange_id)
            if not any(p["direction"] == "in" and p["kind"] == kind for p in packets):
                raise NotYet(f"{kind} of {exchange_id}")

        await persist(heard)

    async def _allowed(self, act: Awaitable[None]) -> bool:
        """Whether somebody may do what they lose the right to at this moment."""
        try:
            await act
        except Refused as refused:
            if refused.error.kind in (Kind.PERMISSION_DENIED, Kind.NOT_FOUND, Kind.PRECONDITION_FAILED, Kind.CONFLICT):
                return False
            raise
        return True


Course = Callable[[Courses], Awaitable[None]]
COURSES: Mapping[str, tuple[Course, int]] = {
    "on the spot": (Courses.on_the_spot, 4),
    "agreed": (Courses.agreed, 3),
    "confirmed": (Courses.confirmed, 3),
    "not agreed": (Courses.not_agreed, 1),
    "returned": (Courses.returned, 2),
    "recused": (Courses.recused, 2),
    "corrected": (Courses.corrected, 1),
    "withdrawn": (Courses.withdrawn, 1),
    "merged": (Courses.merged, 1),
    "offered and declined": (Courses.offered_and_declined, 2),
    "offered and agreed": (Courses.offered_and_agreed, 2),
    "left waiting": (Courses.left_waiting, 3),
}
"""Each course and its share."""
