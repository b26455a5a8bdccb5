"""Clients that ask as fast as they are answered, or at a given rate; what they were told and how long it took."""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

Job = Callable[[int], Awaitable[object]]


@dataclass
class Told:
    """What clients saw."""

    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        """Jobs a second."""
        return len(self.times) / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """Milliseconds within which this share was answered."""
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000 if ordered else float("nan")


async def closed_loop(job: Job, clients: int, seconds: float) -> Told:
    """So many clients, each with its next job when the last is done."""
    told, begun = Told(), time.perf_counter()
    numbers = iter(range(10**9))

    async def client() -> None:
        while time.perf_counter() - begun < seconds:
            await _timed(job, next(numbers), told)

    await asyncio.gather(*(client() for _ in range(clients)))
    told.seconds = time.perf_counter() - begun
    return told


async def open_loop(job: Job, rate: float, seconds: float) -> Told:
    """Jobs begin at a fixed rate, whether or not earlier ones are done; the time counts from when a job was due."""
    told, begun = Told(), time.perf_counter()
    tasks = []
    for number in range(int(rate * seconds)):
        due = begun + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(_timed(job, number, told, due)))
    await asyncio.gather(*tasks)
    told.seconds = time.perf_counter() - begun
    return told


async def _timed(job: Job, number: int, told: Told, since: float | None = None) -> None:
    start = since if since is not None else time.perf_counter()
    try:
        await job(number)
    except Exception as error:  # noqa: BLE001 - errors are what is counted here
        told.errors[getattr(error, "reason", "") or type(error).__name__] += 1
    else:
        told.times.append(time.perf_counter() - start)


def median(values: list[float]) -> float:
    """The middle one of several runs."""
    return statistics.median(values)
