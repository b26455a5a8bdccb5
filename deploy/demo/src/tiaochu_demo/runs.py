"""How often the demonstration ran in this stack: each run brings new people and new numbers; the register is the same file every time."""

import json
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

SEED = 20261124


@dataclass(frozen=True)
class Run:
    """One run. The register belongs to the day of the first one."""

    number: int
    first_day: date

    @property
    def seed(self) -> int:
        """What makes this run's people differ from those of other runs."""
        return SEED + self.number


def begin_run(folder: Path, today: date) -> Run:
    """Count one more run, so that one that was killed is never taken up with the same numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "runs.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    run = Run(known.get("number", 0) + 1, date.fromisoformat(known["first_day"]) if known else today)
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps({**asdict(run), "first_day": run.first_day.isoformat()}))
    fresh.replace(file)
    return run
