"""What follows an agreement: confirmation by the court, performance, breach, visits, closing."""

from datetime import date, datetime, timedelta

from tiaochu_demo.driver import Mediator
from tiaochu_demo.driver.mediator import Draft
from tiaochu_demo.pace import at
from tiaochu_demo.scenario import CasePlan
from tiaochu_demo.story.stages import Stage
from tiaochu_demo.story.world import World
from tiaochu_domainkit.clocks import beijing

GRACE = timedelta(days=10)
"""After the last day of an obligation, before it counts as breached."""


async def confirm(world: World, mediator: Mediator, draft: Draft) -> None:
    """The parties apply jointly; the court rules; its ruling stands on the agreement."""
    await world.pace.working_day(1)
    await mediator.apply_for_confirmation(draft, world.agency_id)

    async def ruling() -> str:
        agreement = await mediator.agreement(draft.agreement_id)
        return str(agreement.confirmations[-1].ruling)

    await mediator.matter.until(ruling, bool, "the court's ruling")


async def perform(world: World, plan: CasePlan, mediator: Mediator, draft: Draft) -> None:
    """Keep what was promised: at once, in time, in parts, late, or not at all."""
    match plan.performance:
        case "on_the_spot":
            await _all(mediator, draft)
        case "breached" | "breached_then_performed":
            await _wait(world, _last_day(draft) + GRACE)
            await mediator.matter.until(mediator.status, lambda s: s == "breached", "the breach")
            await world.pace.pause()
            await mediator.visit("not_performed", satisfaction=2, side="respondent")
            if plan.performance == "breached_then_performed":
                await world.pace.working_day(1, hour=14)
                await _all(mediator, draft)
        case _:
            for index, promise in enumerate(draft.promises):
                if promise.due_on is not None:
                    await _until_before(world, promise.due_on)
                await mediator.perform(draft, index)


async def visit_and_close(world: World, plan: CasePlan, mediator: Mediator) -> None:
    """A visit when things have calmed down, and the case is closed."""
    if plan.performance == "breached":
        await mediator.close(court_route="enforcement" if plan.path == "confirmed" else "suit")
    else:
        await world.pace.working_day(7, hour=14)
        await mediator.visit("performed")
        await mediator.close()
    world.reached(Stage.CLOSED)


async def _all(mediator: Mediator, draft: Draft) -> None:
    for index in range(len(draft.promises)):
        await mediator.perform(draft, index)


def _last_day(draft: Draft) -> date:
    return max(p.due_on for p in draft.promises if p.due_on is not None)


async def _until_before(world: World, due_on: date) -> None:
    """The last working moment before the last day ends; at once when that has come."""
    await world.pace.until(min(at(due_on, 16), _worked(world, due_on)))


def _worked(world: World, day: date) -> datetime:
    while not world.pace.calendar.is_working_day(day) and at(day, 16) > world.pace.now():
        day -= timedelta(days=1)
    return at(day, 14)


async def _wait(world: World, day: date) -> None:
    """Until the grace that ends on `day`, or on the next working day, is over."""
    ends = world.pace.calendar.first_working_day_from(day) + timedelta(days=1)
    await world.pace.until(at(ends, 1))
    assert beijing(world.pace.now()).date() >= ends  # noqa: S101 - the clock was stepped
