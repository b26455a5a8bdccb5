"""From the choice of the mediator to the agreement, or to the end without one."""

from datetime import date, timedelta

from tiaochu.mediation.v1 import mediation_service_pb2 as pb
from tiaochu_demo.driver import Clerk, Mediator, Unit
from tiaochu_demo.driver.mediator import Draft, Promise
from tiaochu_demo.scenario import CasePlan, Path
from tiaochu_demo.story.stages import Stage
from tiaochu_demo.story.world import World
from tiaochu_domainkit.clocks import beijing

_STUDY = "中心研究:争议焦点为责任比例与履行期限,建议先分别沟通再共同协商。"
_VIOLENCE = "domestic_violence"
_OBLIGATIONS = ("pay", "return", "repair", "exchange", "act", "refrain", "apology")


async def seat(world: World, plan: CasePlan, clerk: Clerk, unit: Unit) -> Mediator:
    """Name a mediator, who accepts and tells the parties their rights; one whom a party does not want is replaced."""
    if plan.replaced_mediator:
        stranger = await _named(unit, own=False)
        await stranger.accept()
        await clerk.raise_recusal(stranger.person_id, clerk.matter.applicants[0])
        clerk.matter.barred.add(stranger.person_id)
        await world.pace.pause()
    mediator = await _named(unit)
    await mediator.accept()
    await mediator.tell_rights()
    if _VIOLENCE in plan.case.flags:
        await mediator.check_safety()
    return mediator


async def agree(world: World, plan: CasePlan, mediator: Mediator) -> Draft:
    """Sessions until the parties agree; then terms, and everybody signs."""
    await sit(world, plan, mediator, ["not_agreed"] * (max(plan.sessions, 1) - 1) + ["agreed"])
    draft = await mediator.draft(promises(plan, _today(world)))
    if not await mediator.sign(draft):
        raise AssertionError(f"{plan.key}: everybody signed and the agreement does not bind")
    world.reached(Stage.AGREED)
    return draft


async def settle_on_the_spot(world: World, plan: CasePlan, clerk: Clerk) -> tuple[Mediator, Draft]:
    """Both parties are here: accepted, agreed and signed in one go (当场调解)."""
    unit = Unit(clerk.matter, clerk.organ_id)
    await unit.lead()
    await unit.accept(on_the_spot=True)
    world.reached(Stage.DECIDED)
    mediator = Mediator(clerk.matter, unit.actor(pb.DraftAgreementRequest).person_id, unit.organ.id)
    await mediator.tell_rights()
    form = plan.form if unit.organ.tier == "village" else "written"
    draft = await mediator.draft(promises(plan, _today(world)), form=form)
    await mediator.sign(draft)
    world.reached(Stage.AGREED)
    return mediator, draft


async def fail(world: World, plan: CasePlan, mediator: Mediator) -> None:
    """It ends without agreement, as planned; a visit, and the case is closed."""
    party = mediator.matter.respondents[0]
    match plan.ending:
        case "refused_to_sign":
            await sit(world, plan, mediator, ["agreed"])
            await mediator.draft(promises(plan, _today(world)))
            await mediator.terminate("refused_to_sign", party_id=party)
        case "expired" if await _runs_out(mediator):
            await sit(world, plan, mediator, ["not_agreed"])
            await _let_expire(world, mediator)
        case "wide_gap":
            await sit(world, plan, mediator, ["not_agreed", "not_agreed"])
            await mediator.terminate("wide_gap")
        case _:
            await sit(world, plan, mediator, ["not_agreed", "not_agreed"])
            await mediator.terminate("not_agreed")
    await world.pace.working_day(2, hour=14)
    await mediator.visit("not_applicable", satisfaction=4)
    await mediator.close()
    world.reached(Stage.CLOSED)


async def stay(world: World, plan: CasePlan, clerk: Clerk, unit: Unit) -> None:
    """Leave an accepted case where it is planned to stay."""
    if plan.open_at == "assignment":
        await _named(unit)
        return
    mediator = await seat(world, plan, clerk, unit)
    if plan.open_at == "session":
        await sit(world, plan, mediator, ["not_agreed"])
        return
    await agree(world, plan, mediator)


async def sit(world: World, plan: CasePlan, mediator: Mediator, results: list[str]) -> None:
    """Hold the sessions: the second after a study, later ones after an approval."""
    apart = _VIOLENCE in plan.case.flags
    for number, result in enumerate(results, 1):
        if number > 1:
            await world.pace.working_day(1)
        if number > 2:
            unit = Unit(mediator.matter, mediator.organ_id)
            await unit.approve_session("双方仍有调解意愿,批准再次调解。", besides=mediator.person_id)
        # Who lives next door waives the day's notice; others are told a day before.
        waived = plan.case.difficulty in ("simple", "ordinary")
        begins = world.pace.next_moment() if waived else world.pace.moment(2, 9)
        study = _STUDY if number == 2 else ""
        session = await mediator.appoint(begins, separate=apart, waived=waived, study=study)
        await world.pace.until(begins)
        await world.pace.pause()
        await mediator.hold(session, result, separate=apart)


def promises(plan: CasePlan, today: date) -> tuple[Promise, ...]:
    """What the respondent promises: four fifths of what was asked, in instalments where planned, and what else was claimed."""
    due = today + timedelta(days=6)
    asked = [c for c in plan.case.claims if c.amount_fen]
    money = sum(c.amount_fen for c in asked) * 4 // 5 // 100 * 100
    must_pay = plan.path is Path.CONFIRMED or plan.performance == "instalments"
    found = []
    if not money and must_pay:
        money = 50_000
    if money and plan.performance == "instalments":
        first = money // 2 // 100 * 100 or money // 2
        parts = ((first, due - timedelta(days=3)), (money - first, due))
        found += [Promise("pay", fen, day, f"第{n}期", n) for n, (fen, day) in enumerate(parts, 1)]
    elif money:
        found.append(Promise("pay", money, due))
    acts = [c for c in plan.case.claims if not c.amount_fen]
    found += [Promise(c.kind if c.kind in _OBLIGATIONS[1:] else "act", 0, due, c.text) for c in acts[:2]]
    return tuple(found) or (Promise("act", 0, due, "双方和睦相处,不再就此事争执。"),)


async def _named(unit: Unit, *, own: bool = True) -> Mediator:
    """The best of those who can be chosen, of the unit's own where it has any, or from elsewhere as a party wished."""
    ranked = await unit.ranked()
    fitting = [m for m in ranked if unit.has(m.mediator_id) is own]
    chosen = (fitting or ranked)[0]
    await unit.choose_mediator(chosen.mediator_id, chosen_by="ranking" if own else "parties")
    return Mediator(unit.matter, chosen.mediator_id, unit.organ.id)


async def _runs_out(mediator: Mediator) -> bool:
    """Whether a clock ends this mediation by itself."""
    return bool(await _concluding(mediator))


async def _concluding(mediator: Mediator) -> list[str]:
    clocks = await Unit(mediator.matter, mediator.organ_id).clocks()
    return [c.clock_id for c in clocks if c.on_expiry in ("terminate", "return_papers") and c.status == "running" and not c.provisional]


async def _let_expire(world: World, mediator: Mediator) -> None:
    unit = Unit(mediator.matter, mediator.organ_id)
    wanted = await _concluding(mediator)
    due = min(c.due_at.ToDatetime(beijing(world.pace.now()).tzinfo) for c in await unit.clocks() if c.clock_id in wanted)
    await world.pace.until(due + timedelta(hours=1))
    await mediator.matter.until(mediator.status, lambda s: s == "terminated", "the end of the time to conclude")


def _today(world: World) -> date:
    return beijing(world.pace.now()).date()
