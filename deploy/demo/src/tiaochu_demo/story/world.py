"""What all stories share."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from tiaochu_demo.driver import Cast, Matter, Wire
from tiaochu_demo.driver.clerk import Clerk
from tiaochu_demo.pace import Pace
from tiaochu_demo.scenario import CasePlan
from tiaochu_demo.story.stages import Stage

Door = Callable[[CasePlan], Awaitable[Clerk]]
"""Brings a case in and answers the clerk who has it."""


@dataclass
class World:
    """The stack, its people, its time. `ends_at` is when the demonstration's month is over; `agency_id` the court's;
    `masters` the keys of cases that others will be merged into.
    """

    wire: Wire
    cast: Cast
    pace: Pace
    reached: Callable[[Stage], None]
    doors: dict[str, Door]
    started_at: datetime
    ends_at: datetime
    masters: frozenset[str] = frozenset()
    agency_id: str = ""
    matters: dict[str, "asyncio.Future[Matter]"] = field(default_factory=dict)

    def matter(self, key: str) -> "asyncio.Future[Matter]":
        """The case behind a key of the scenario, once it is registered."""
        if key not in self.matters:
            self.matters[key] = asyncio.get_running_loop().create_future()
        return self.matters[key]
