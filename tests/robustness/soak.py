"""Steady work for a long time: what grows and should not."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from robustness.clients import RememberingWire
from robustness.courses import Courses
from robustness.history import History
from robustness.stage import SERVICES, Stage
from tiaochu_embedded.client import RunningStack

SAMPLE_SECONDS = 10.0
WARM_SECONDS = 60.0
"""Pools fill and caches warm up; what is measured begins after."""
_MEGABYTE = 1024 * 1024


@dataclass
class Sample:
    """One look at a service: proportional memory, open files, TCP connections."""

    at: float
    memory: float
    files: int
    connections: int


@dataclass
class Soaked:
    """What was measured."""

    cases: int = 0
    seconds: float = 0.0
    behind: int = 0
    """Cases that were to begin and could not, since so many were under way."""
    broken: list[str] = field(default_factory=list)
    samples: dict[str, list[Sample]] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """As a table in Markdown."""
        lines = [
            f"{self.cases} cases in {self.seconds / 60:.1f} minutes, {self.cases / max(self.seconds, 1):.1f} a second; {self.behind} put off"
        ]
        lines += ["", "| service | memory at first | at last | slope | files | connections |", "|---|---|---|---|---|---|"]
        for service, samples in self.samples.items():
            first, last = samples[0], samples[-1]
            slope = 60 * _slope([(s.at, s.memory) for s in samples])
            files, connections = (f"{getattr(first, n)} → {getattr(last, n)}" for n in ("files", "connections"))
            lines.append(f"| {service} | {first.memory:.0f} MB | {last.memory:.0f} MB | {slope:+.2f} MB/min | {files} | {connections} |")
        return [*lines, "", *(f"BROKEN {error}" for error in self.broken[:20])]


class Soak:
    """Begins so many cases a second, each agreed on the spot, and looks at the services meanwhile."""

    def __init__(self, stage: Stage, rate: float, seconds: float, *, say: Callable[[str], None] = print) -> None:
        self._stage, self._rate, self._seconds, self._say = stage, rate, seconds, say
        self.history = History()

    async def run(self) -> Soaked:
        """Work, and answer what was measured."""
        soaked = Soaked()
        wire = RememberingWire(RunningStack(self._stage.stack.folder.path), self.history, Random("soak"))
        courses = Courses(wire, self.history, Random("soak"))
        looking = asyncio.create_task(self._look(soaked))
        began, under_way = time.monotonic(), set[asyncio.Task[None]]()
        while (gone := time.monotonic() - began) < self._seconds:
            if len(under_way) < 40 * max(1.0, self._rate):
                under_way.add(task := asyncio.create_task(self._case(courses, soaked)))
                task.add_done_callback(under_way.discard)
            else:
                soaked.behind += 1
            begun = soaked.behind + len(under_way) + soaked.cases + len(soaked.broken)
            await asyncio.sleep(max(0.0, begun / self._rate - gone))
        await asyncio.gather(*under_way)
        looking.cancel()
        soaked.seconds = time.monotonic() - began
        soaked.broken += self.history.broken
        await courses.close()
        return soaked

    async def _case(self, courses: Courses, soaked: Soaked) -> None:
        try:
            await courses.on_the_spot()
        except Exception as error:  # noqa: BLE001 - every error counts, none ends the soak
            soaked.broken.append(f"{type(error).__name__} {str(error)[:200]}")
        else:
            soaked.cases += 1

    async def _look(self, soaked: Soaked) -> None:
        began = time.monotonic()
        await asyncio.sleep(min(WARM_SECONDS, self._seconds / 4))
        while True:
            for service in SERVICES:
                sample = _sample(self._stage.pid(service), time.monotonic() - began)
                soaked.samples.setdefault(service, []).append(sample)
            self._say(f"{soaked.cases} cases; " + ", ".join(f"{s} {v[-1].memory:.0f} MB" for s, v in soaked.samples.items()))
            await asyncio.sleep(SAMPLE_SECONDS)


def _sample(pid: int, at: float) -> Sample:
    memory = next(int(line.split()[1]) for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines() if line.startswith("Pss:"))
    targets = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            targets.append(str(entry.readlink()))
        except OSError:
            continue  # closed meanwhile
    sockets = sum(target.startswith("socket:") for target in targets)
    return Sample(at, memory * 1024 / _MEGABYTE, len(targets) - sockets, sockets)


def _slope(points: list[tuple[float, float]]) -> float:
    """Of the straight line that fits best."""
    count = len(points)
    x, y = (sum(p[n] for p in points) / count for n in (0, 1))
    spread = sum((p[0] - x) ** 2 for p in points)
    return sum((p[0] - x) * (p[1] - y) for p in points) / spread if spread else 0.0
