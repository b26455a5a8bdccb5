"""Many clients at once: each takes the next case and brings it where its course ends, while whatever happens, happens."""

import asyncio
import traceback
from random import Random

from robustness.clients import RememberingWire
from robustness.courses import COURSES, Courses
from robustness.history import History
from tiaochu_demo.driver import Refused
from tiaochu_embedded.client import RunningStack

BY_THE_CLOCK = frozenset({"STARTS_BEFORE_OPENING", "OCCURRED_IN_FUTURE"})
"""What a wrong clock somewhere makes another service refuse: said clearly, and nothing is done. The case is left where it is."""


class Crowd:
    """The clients of a campaign. Which courses are drawn in which order is the seed's."""

    def __init__(self, stack: RunningStack, history: History, seed: str) -> None:
        self.history = history
        self._rng = Random(seed)
        self.courses = Courses(RememberingWire(stack, history, self._rng), history, self._rng)
        self._pile: list[str] = []
        self._over = asyncio.Event()
        self.told: dict[str, int] = dict.fromkeys(COURSES, 0)

    async def work(self, clients: int) -> None:
        """Take case after case until `finish`; then bring those in hand to their ends."""
        self._over.clear()
        async with asyncio.TaskGroup() as group:
            for _ in range(clients):
                group.create_task(self._client())

    async def once(self) -> None:
        """Every course once, all at the same time."""
        await asyncio.gather(*(self._tell(name) for name in COURSES))

    def finish(self) -> None:
        """Begin no new case."""
        self._over.set()

    async def close(self) -> None:
        """Hang up."""
        await self.courses.close()

    async def _client(self) -> None:
        while not self._over.is_set():
            await self._tell(self._next())

    async def _tell(self, name: str) -> None:
        """A course that ends otherwise than it should is a finding, not the end of the campaign."""
        try:
            await COURSES[name][0](self.courses)
        except Exception as error:  # noqa: BLE001 - as said
            if isinstance(error, Refused) and error.reason in BY_THE_CLOCK:
                return
            place = traceback.extract_tb(error.__traceback__)
            step = next((f.name for f in reversed(place) if f.filename.endswith("courses.py")), "")
            self.history.broken.append(f"the course '{name}' stopped in {step}: {type(error).__name__} {str(error)[:300]}")
        else:
            self.told[name] += 1

    def _next(self) -> str:
        if not self._pile:
            self._pile = [name for name, (_, share) in COURSES.items() for _ in range(share)]
            self._rng.shuffle(self._pile)
        return self._pile.pop()
