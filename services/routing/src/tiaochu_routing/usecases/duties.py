"""What routing does after a commit or at a time: each duty looks up what it concerns and runs one command."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from google.protobuf.message import Message

from tiaochu.routing.v1 import duties_pb2 as duties
from tiaochu_kit.duties import CallHandler, TimerHandler
from tiaochu_kit.ids import new_id
from tiaochu_kit.principal import Context, service_principal
from tiaochu_routing.usecases.case_reactions import NAME_LEAD
from tiaochu_routing.usecases.clock_reactions import CLOCK_TIMER, STOP_CLOCKS
from tiaochu_routing.usecases.clocks import REPLAN_CLOCKS, ClockCommands
from tiaochu_routing.usecases.deputies import REVIEW_DEPUTIES, DeputyCommands
from tiaochu_routing.usecases.directory import MOVE_SUBTREE, DirectoryCommands
from tiaochu_routing.usecases.responsibility import ResponsibilityCommands

BATCH = 50


class Concerned(Protocol):
    """Which aggregates a duty concerns."""

    async def clocks_of_case(self, case_id: str) -> Sequence[str]:
        """Clocks of a case that still run, except those that outlive it."""

    async def provisional(self, district: str) -> Sequence[str]:
        """Running clocks of a district that rest on an unpublished year."""

    async def subtree(self, organ_id: str) -> tuple[Sequence[str], Sequence[str]]:
        """An organ and everything below it, parents first, and the posts in all of them."""

    async def posts_of_deputies(self, district: str) -> Sequence[str]:
        """Posts of a district that have a deputy, and the deputies' own."""

    async def open_cases(self, organ_ids: Sequence[str]) -> Sequence[str]:
        """Cases that go on and that one of these organs holds, is asked to sign for or must designate."""


Run = Callable[[Any, Message, Context, type[Message]], Awaitable[Message]]
"""kit's executor."""


class Duties:
    """The handlers of timers and durable calls. `read_logs` brings every log this service reads to its head."""

    def __init__(
        self,
        run: Run,
        now: Callable[[], datetime],
        concerned: Concerned,
        read_logs: Callable[[str], Awaitable[None]],
        *,
        responsibility: ResponsibilityCommands,
        clocks: ClockCommands,
        directory: DirectoryCommands,
        deputies: DeputyCommands,
    ) -> None:
        self._run = run
        self._now = now
        self._concerned = concerned
        self._read_logs = read_logs
        self._responsibility = responsibility
        self._clocks = clocks
        self._directory = directory
        self._deputies = deputies

    @property
    def timers(self) -> Mapping[str, TimerHandler]:
        """Timer kind → handler."""
        return {CLOCK_TIMER: self.fire_clock, MOVE_SUBTREE: self.move_subtree}

    @property
    def calls(self) -> Mapping[str, CallHandler]:
        """Call kind → handler."""
        return {
            NAME_LEAD: self.name_lead,
            STOP_CLOCKS: self.stop_clocks,
            REPLAN_CLOCKS: self.replan_clocks,
            REVIEW_DEPUTIES: self.review_deputies,
        }

    async def fire_clock(self, key: str, district: str, _due_at: datetime) -> None:
        """A warning or an end is due: first read what has happened meanwhile, anywhere; it may have stopped the clock."""
        case_id, clock_id = key.split(":")
        await self._read_logs(district)
        await self._do(self._clocks.fire_clock, duties.FireClockDuty(clock_id=clock_id, case_id=case_id), new_id())

    async def move_subtree(self, organ_id: str, _district: str, _due_at: datetime) -> None:
        """An organ stands at its new place from today on."""
        organ_ids, post_ids = await self._concerned.subtree(organ_id)
        await self._do(self._directory.move_subtree, duties.MoveSubtreeDuty(organ_ids=organ_ids, post_ids=post_ids), new_id())
        for batch in _batches(await self._concerned.open_cases(organ_ids)):
            await self._do(self._responsibility.follow_units, duties.FollowUnitsDuty(case_ids=batch, organ_ids=organ_ids), new_id())

    async def name_lead(self, call_id: str, case_id: str, _district: str) -> None:
        """A case was classified."""
        await self._do(self._responsibility.name_lead, duties.NameLeadDuty(case_id=case_id), call_id)

    async def stop_clocks(self, call_id: str, case_id: str, _district: str) -> None:
        """A case ended."""
        clock_ids = await self._concerned.clocks_of_case(case_id)
        if clock_ids:
            await self._do(self._clocks.stop_clocks, duties.StopClocksDuty(case_id=case_id, clock_ids=clock_ids), call_id)

    async def replan_clocks(self, _call_id: str, district: str, _district: str) -> None:
        """A year was loaded. A batch that was planned already is no longer provisional, so doing it twice is harmless."""
        for batch in _batches(await self._concerned.provisional(district)):
            await self._do(self._clocks.replan_clocks, duties.ReplanClocksDuty(district=district, clock_ids=batch), new_id())

    async def review_deputies(self, call_id: str, district: str, _district: str) -> None:
        """A post was vacated, or a deputy appointed who may have left meanwhile."""
        post_ids = await self._concerned.posts_of_deputies(district)
        if post_ids:
            await self._do(self._deputies.review_deputies, duties.ReviewDeputiesDuty(district=district, post_ids=post_ids), call_id)

    async def _do(self, command: Any, request: Message, request_id: str) -> None:
        method = f"duty/{command.__name__}"
        context = Context(service_principal("routing"), method, self._now(), request_id)
        await self._run(command, request, context, duties.DutyDone)


def _batches(idents: Sequence[str]) -> Sequence[Sequence[str]]:
    return [idents[start : start + BATCH] for start in range(0, len(idents), BATCH)]
