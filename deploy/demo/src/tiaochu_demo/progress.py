"""Live progress: a bar with rate and counts a stage on a terminal, a line now and then elsewhere."""

import sys
import time
from collections import Counter
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from tiaochu_demo.story import Stage

_LINE_SECONDS = 5.0


class _Rate(ProgressColumn):
    """Cases a second since the stage began."""

    def render(self, task: Task) -> Text:
        elapsed = task.elapsed or 0.0
        return Text(f"{task.completed / elapsed:5.1f} 件/秒" if elapsed > 0.5 and task.completed else "      –", style="cyan")


class Stages:
    """Counts cases by stage and shows them; `with Stages({...}) as stages: stages.reached(Stage.AGREED)`."""

    def __init__(self, totals: Mapping[Stage, int], console: Console | None = None) -> None:
        self.counts: Counter[Stage] = Counter()
        self._totals = totals
        self._console = console or Console(file=sys.stdout, soft_wrap=True)
        self._bars = Progress(
            TextColumn("  {task.description}"),
            BarColumn(bar_width=40),
            MofNCompleteColumn(),
            _Rate(),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._tasks: dict[Stage, TaskID] = {}
        self._started = self._told = 0.0

    def __enter__(self) -> Self:
        self._started = self._told = time.monotonic()
        self._bars.start()
        self._tasks = {stage: self._bars.add_task(stage.value, total=total) for stage, total in self._totals.items()}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bars.stop()
        if not self._console.is_terminal:
            self._line()

    def reached(self, stage: Stage) -> None:
        """One more case has come so far."""
        self.counts[stage] += 1
        self._bars.advance(self._tasks[stage])
        if not self._console.is_terminal and time.monotonic() - self._told > _LINE_SECONDS:
            self._told = time.monotonic()
            self._line()

    def _line(self) -> None:
        seconds = max(time.monotonic() - self._started, 0.001)
        counts = " · ".join(f"{stage.value} {self.counts[stage]}/{total}" for stage, total in self._totals.items())
        self._console.print(f"  {seconds:5.0f} s · {counts} · {self.counts[Stage.REGISTERED] / seconds:.1f} 件/秒")
