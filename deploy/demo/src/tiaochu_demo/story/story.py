"""One case and its way: which steps in which order. The steps stand in the modules of their stage."""

from dataclasses import replace
from datetime import timedelta

from tiaochu_demo.driver import Clerk, Mediator
from tiaochu_demo.scenario import CasePlan, Path
from tiaochu_demo.story import afterwards, at_the_table, before
from tiaochu_demo.story.stages import Stage
from tiaochu_demo.story.world import World
from tiaochu_domainkit.clocks import beijing

_BEFORE_THE_TABLE = ("party_refused", "unreachable", "withdrawn")
"""Endings that come before the case is accepted."""


class Story:
    """The way of one case."""

    def __init__(self, world: World, plan: CasePlan) -> None:
        self.world = world
        self.plan = plan
        self.case_id = self.case_number = ""

    async def tell(self) -> None:
        """From the door to the end."""
        clerk = await self._come_in()
        match self.plan.path:
            case Path.MERGED:
                await before.merge(self.world, self.plan, clerk)
            case Path.DECLINED:
                await before.classify(self.world, self.plan, clerk)
                await before.decline(self.world, self.plan, clerk)
            case Path.ON_THE_SPOT:
                await self._on_the_spot(clerk)
            case Path.ENDED if self.plan.ending in _BEFORE_THE_TABLE:
                await before.classify(self.world, self.plan, clerk)
                await before.end_early(self.world, self.plan, clerk)
            case Path.ENDED:
                await at_the_table.fail(self.world, self.plan, await self._to_the_table(clerk))
            case Path.OPEN:
                await self._stay_open(clerk)
            case _:
                await self._agree(clerk)

    async def _come_in(self) -> Clerk:
        world, plan = self.world, self.plan
        door = plan.door
        if plan.path is Path.OPEN and door == "staff" and plan.key not in world.masters:
            await world.pace.until(world.ends_at - timedelta(days=2))
            today = beijing(world.pace.now()).date()
            self.plan = plan = replace(plan, case=replace(plan.case, received_on=today, occurred_on=today))
        elif door != "register":
            days, rest = plan.case.registered_after.days, plan.case.registered_after - timedelta(days=plan.case.registered_after.days)
            await world.pace.until(world.pace.moment(days, 9 if rest < timedelta(hours=12) else 14) if days else world.started_at)
        clerk = await world.doors[door](plan)
        self.case_id, self.case_number = clerk.matter.case_id, clerk.matter.case_number
        world.matter(plan.key).set_result(clerk.matter)
        world.reached(Stage.REGISTERED)
        return clerk

    async def _to_the_table(self, clerk: Clerk) -> Mediator:
        await before.classify(self.world, self.plan, clerk)
        unit = await before.bring_to_lead(self.world, self.plan, clerk)
        await before.win_consent(self.world, self.plan, clerk)
        await self.world.pace.pause()
        await unit.accept()
        self.world.reached(Stage.DECIDED)
        return await at_the_table.seat(self.world, self.plan, clerk, unit)

    async def _on_the_spot(self, clerk: Clerk) -> None:
        await before.classify(self.world, self.plan, clerk)
        mediator, draft = await at_the_table.settle_on_the_spot(self.world, self.plan, clerk)
        await afterwards.perform(self.world, self.plan, mediator, draft)
        await afterwards.visit_and_close(self.world, self.plan, mediator)

    async def _agree(self, clerk: Clerk) -> None:
        mediator = await self._to_the_table(clerk)
        draft = await at_the_table.agree(self.world, self.plan, mediator)
        if self.plan.path is Path.CONFIRMED:
            await afterwards.confirm(self.world, mediator, draft)
        await afterwards.perform(self.world, self.plan, mediator, draft)
        await afterwards.visit_and_close(self.world, self.plan, mediator)

    async def _stay_open(self, clerk: Clerk) -> None:
        """Taken up in the last days of the month and left where a clock runs out soon."""
        world, plan = self.world, self.plan
        await world.pace.until(world.ends_at - timedelta(days=1))
        if plan.open_at == "classification":
            return
        await before.classify(world, plan, clerk)
        if plan.open_at == "transfer":
            await before.offer_to_lead(clerk)
            return
        unit = await before.bring_to_lead(world, plan, clerk)
        if plan.open_at == "consent":
            return
        await before.win_consent(world, plan, clerk)
        await unit.accept()
        world.reached(Stage.DECIDED)
        await at_the_table.stay(world, plan, clerk, unit)
