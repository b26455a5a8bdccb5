"""From the door to the decision of the responsible unit."""

import asyncio

from tiaochu.mediation.v1 import mediation_service_pb2 as mediation
from tiaochu_demo.driver import Clerk, Unit
from tiaochu_demo.driver.matter import Matter
from tiaochu_demo.scenario import CasePlan
from tiaochu_demo.story.stages import Stage
from tiaochu_demo.story.world import World

MASTER_SECONDS = 60.0
"""The first door of a dispute came at least a day earlier; more than this means that it never will."""
ATTEMPTS = (("phone", "no_answer"), ("sms", "no_answer"), ("visit", "no_answer"))
"""Three attempts in two ways make a party count as out of reach."""


async def classify(world: World, plan: CasePlan, clerk: Clerk) -> None:
    """Say what it is; where papers are missing, ask for them once and take them a day later."""
    await clerk.classify(plan.case)
    world.reached(Stage.CLASSIFIED)
    if plan.corrected:
        await clerk.ask_for_papers("evidence")
        await world.pace.working_day(1, hour=11)
        await clerk.take_papers()


async def merge(world: World, plan: CasePlan, clerk: Clerk) -> None:
    """The second door of a dispute: found among the duplicates, proposed, confirmed by the centre, which sees the cases of every town."""
    async with asyncio.timeout(MASTER_SECONDS):
        master = await world.matter(plan.case.twin_of)
    await clerk.classify(plan.case)
    world.reached(Stage.CLASSIFIED)
    *_, centre = world.cast.upwards(clerk.organ_id)
    dispatcher = Clerk(clerk.matter, centre.id)
    # The first door is registered by now, but its own clerk may not have said yet what it is; duplicates are of one class.
    await clerk.matter.until(dispatcher.duplicates, lambda found: master.case_id in found, f"{plan.case.twin_of} among the duplicates")
    await dispatcher.propose_merge(master.case_id)
    await Unit(clerk.matter, centre.id).confirm_merge(master.case_id)


async def offer_to_lead(clerk: Clerk) -> tuple[Unit, str, str]:
    """The first receiver offers the case to the unit that leads by rule; answers itself, the lead and the transfer (empty if none is needed)."""
    holder = Unit(clerk.matter, clerk.organ_id)
    lead = await holder.lead()
    if lead == holder.organ.id:
        return holder, lead, ""
    return holder, lead, await holder.offer(lead)


async def bring_to_lead(world: World, plan: CasePlan, clerk: Clerk) -> Unit:
    """Hand the case to its lead unit, with as many returns as planned on the way; answers the unit that is responsible then."""
    holder, lead_id, transfer = await offer_to_lead(clerk)
    lead = Unit(clerk.matter, lead_id)
    if not transfer:
        return holder
    for number in range(plan.returns):
        await world.pace.working_day(1, hour=11)
        answer = await lead.give_back(transfer, ground="papers_missing" if number == 0 else "not_competent")
        if answer.designating_organ_id:
            await world.pace.pause()
            await Unit(clerk.matter, answer.designating_organ_id).designate(lead_id)
            return lead
        await world.pace.pause()
        transfer = await holder.offer(lead_id)
    await lead.sign(transfer)
    return lead


async def win_consent(world: World, plan: CasePlan, clerk: Clerk) -> None:
    """Everybody who must be asked agrees; who was not at home the first time is asked again."""
    asked = await clerk.must_be_asked()
    if plan.case.difficulty not in ("simple", "ordinary"):
        for party_id in asked[:1]:
            await clerk.attempt(party_id, "no_answer", channel="phone")
        await world.pace.pause()
    for party_id in asked:
        await clerk.attempt(party_id, "consented", channel="phone")


async def decline(world: World, plan: CasePlan, clerk: Clerk) -> None:
    """The responsible unit does not take the case, and says which ways stay open."""
    await world.pace.pause()
    await Unit(clerk.matter, clerk.organ_id).decline(plan.decline_ground)
    world.reached(Stage.DECIDED)
    world.reached(Stage.CLOSED)


async def end_early(world: World, plan: CasePlan, clerk: Clerk) -> None:
    """It ends before anybody accepts it: refused, out of reach, or withdrawn."""
    await world.pace.pause()
    if plan.ending == "withdrawn":
        await clerk.withdraw()
    elif plan.ending == "party_refused":
        for party_id in (await clerk.must_be_asked())[:1]:
            await clerk.attempt(party_id, "refused")
    else:
        for channel, outcome in ATTEMPTS:
            for party_id in await clerk.must_be_asked():
                await clerk.attempt(party_id, outcome, channel=channel)
            await world.pace.working_day(1)
    await closed(clerk.matter, clerk.organ_id)
    world.reached(Stage.CLOSED)


async def closed(matter: Matter, organ_id: str) -> None:
    """Wait until mediation has heard that the case ended."""
    actor = matter.cast.above(mediation.GetMediationRequest, organ_id)

    async def status() -> str:
        answer = await matter.ask(actor, mediation.GetMediationRequest(case_id=matter.case_id))
        return str(answer.mediation.status)

    await matter.until(status, lambda s: s in ("closed", "dropped"), "the end of the case")
