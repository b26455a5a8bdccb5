"""One month of a centre's work on a running stack: prepared, fed, told to the end."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from tiaochu.intake.v1 import register_import_service_pb2 as register_pb
from tiaochu_demo import feed, prepare
from tiaochu_demo.directory import CITY, DISTRICTS, load_directory
from tiaochu_demo.driver import Cast, Court, Wire
from tiaochu_demo.pace import HOURS, Pace, at
from tiaochu_demo.progress import Stages
from tiaochu_demo.runs import SEED, Run
from tiaochu_demo.scenario import CasePlan, Scenario, build_scenario
from tiaochu_demo.scenario import Path as Way
from tiaochu_demo.settling import Settling
from tiaochu_demo.story import Stage, Story, World
from tiaochu_demo.synthetic.register import build_register
from tiaochu_domainkit.clocks import beijing

DAYS = 37
"""Length of the month that is told: thirty days to conclude, and a few before and after."""
WIDTH = 8
"""Cases worked on at once."""
Say = Callable[[str], None]


class Failed(Exception):
    """A case did not go the way the scenario says."""

    def __init__(self, story: Story, cause: Exception) -> None:
        number = f" {story.case_number}" if story.case_number else ""
        super().__init__(f"{story.plan.key}{number} ({story.plan.path}): {type(cause).__name__} {cause}")


@dataclass
class Outcome:
    """What the demonstration leaves behind."""

    scenario: Scenario
    world: World
    stories: list[Story]
    counts: Counter[Stage] = field(default_factory=Counter)
    first_case_at: float = 0.0
    seconds: float = 0.0


class Demonstration:
    """Tells one run on a running stack. Raises `Failed` for the first case that goes otherwise than planned."""

    def __init__(self, wire: Wire, run: Run, folder: Path, say: Say) -> None:
        self._wire, self._run, self._folder, self._say = wire, run, folder, say
        self.directory = load_directory(CITY)
        self.cast = Cast(self.directory)
        self.court = Court(wire, self.cast)
        self._first_case_at = 0.0

    async def tell(self) -> Outcome:
        """Prepare, feed and tell every case to its end."""
        today = beijing(self._wire.now()).date()
        await self._prepare()
        scenario = self._scenario()
        imported = await self._import_register(scenario)
        settling = Settling(self._wire, self.cast)
        calendar = await prepare.load_calendar(self._wire, self.cast, today + timedelta(days=2 * DAYS))
        pace = Pace(self._wire.clock, calendar, width=WIDTH, settle=settling.settle)
        started = self._begin_day(pace)
        await pace.step_to(started)
        plans = self._told(scenario, imported)
        await self.court.dock()
        doors = feed.Doors(self._wire, self.cast, scenario, imported, self.court)
        with Stages(totals(plans)) as stages:
            world = World(
                wire=self._wire,
                cast=self.cast,
                pace=pace,
                reached=lambda stage: self._reached(stages, stage),
                doors={"register": doors.register, "staff": doors.staff, "court": doors.court},
                started_at=started,
                ends_at=pace.moment(DAYS, HOURS[-1]),
                agency_id=self.court.agency_id,
                masters=frozenset(p.case.twin_of for p in plans if p.case.twin_of),
            )
            stories = [Story(world, plan) for plan in plans]
            began = time.monotonic()
            await pace.run(self._guarded(story) for story in stories)
            return Outcome(scenario, world, stories, stages.counts, self._first_case_at, time.monotonic() - began)

    async def _prepare(self) -> None:
        for district in DISTRICTS:
            directory = load_directory(district)
            cast = Cast(directory)
            put = await prepare.import_directory(self._wire, directory)
            rules = await prepare.import_rules(self._wire, directory)
            await prepare.known_everywhere(self._wire, cast)
            await prepare.import_keywords(self._wire, cast)
            self._say(
                f"{directory.name}: {put.organs} 单位 {put.staff} 人 {put.posts} 岗位 {rules.put} 分流规则"
                if put.organs or rules.put
                else f"{directory.name}: 目录和规则已在,无变化"
            )

    def _scenario(self) -> Scenario:
        today = beijing(self._wire.now()).date()
        taken_in = build_register(self.directory, SEED + 1, self._run.first_day) if self._run.number > 1 else None
        return build_scenario(self.directory, self._run.seed, today, register=taken_in, round_number=self._run.number)

    async def _import_register(self, scenario: Scenario) -> feed.Imported:
        workbook = scenario.register.save(self._folder / "台账.xlsx")
        imported = await feed.import_register(self._wire, self.cast.role("dispatcher"), workbook, each=self._row)
        feed.check_faults(scenario.register, imported)
        counts = imported.outcomes
        self._say(
            f"台账 {workbook.name}: 新收 {counts.get(feed.ACCEPTED, 0)} 件,已在 {counts.get(feed.PRESENT, 0)} 件,"
            f"退回 {counts.get(feed.REFUSED, 0)} 行(均按预期)"
        )
        return imported

    def _row(self, row: register_pb.RowReport) -> None:
        if row.outcome == feed.ACCEPTED:
            self._note_first_case()

    def _note_first_case(self) -> None:
        self._first_case_at = self._first_case_at or time.monotonic()

    def _reached(self, stages: Stages, stage: Stage) -> None:
        self._note_first_case()
        stages.reached(stage)

    def _begin_day(self, pace: Pace) -> datetime:
        """Nine o'clock of the next working day, so that a run looks the same at any hour."""
        now = pace.now()
        day = pace.calendar.first_working_day_from(beijing(now).date())
        return at(day, HOURS[0]) if at(day, HOURS[0]) > now else pace.next_moment()

    def _told(self, scenario: Scenario, imported: feed.Imported) -> list[CasePlan]:
        """New cases only: rows that were there already have gone their way in an earlier run."""
        return [p for p in scenario.plans if p.door != "register" or imported.is_new]

    async def _guarded(self, story: Story) -> None:
        try:
            await story.tell()
        except Exception as error:
            raise Failed(story, error) from error


def totals(plans: list[CasePlan]) -> dict[Stage, int]:
    """How many cases come how far, by the plan."""
    ways = Counter(p.path for p in plans)
    count = len(plans)
    early = sum(p.path is Way.ENDED and p.ending in ("party_refused", "unreachable", "withdrawn") for p in plans)
    unclassified = sum(p.open_at == "classification" for p in plans)
    undecided = sum(p.open_at in ("classification", "transfer", "consent") for p in plans)
    agreed = sum(ways[w] for w in (Way.AGREED, Way.ON_THE_SPOT, Way.CONFIRMED, Way.RETURNED)) + sum(
        p.open_at == "performance" for p in plans
    )
    return {
        Stage.REGISTERED: count,
        Stage.CLASSIFIED: count - unclassified,
        Stage.DECIDED: count - ways[Way.MERGED] - early - undecided,
        Stage.AGREED: agreed,
        Stage.CLOSED: count - ways[Way.OPEN] - ways[Way.MERGED],
    }
