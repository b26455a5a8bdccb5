"""`python -m bench.run --stack DIR [--lines short,search] [--report docs/benchmarks.md]`: measures a stack that cases were loaded into."""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from e2e.office import Office

from bench import machine
from bench.lines import LINES, Bench, Result
from tiaochu_embedded.client import RunningStack
from tiaochu_embedded.daemon import stop, up

JUDGED = "## What was missed and why"
"""What people wrote under this heading stays when the tables are written anew."""


def main() -> int:
    """Exit code 0 when every line was measured; a missed target is shown, not hidden."""
    parser = argparse.ArgumentParser(prog="bench.run", description=__doc__)
    parser.add_argument("--stack", type=Path, required=True)
    parser.add_argument("--lines", default=",".join(LINES), help=f"some of {','.join(LINES)}")
    parser.add_argument("--seconds", type=float, default=10.0, help="of one run")
    parser.add_argument("--runs", type=int, default=3, help="of which the median counts")
    parser.add_argument("--report", type=Path)
    parser.add_argument("--keep", action="store_true", help="leave the stack running")
    a = parser.parse_args()
    up(a.stack, None, lambda doing: None)
    try:
        results, head = asyncio.run(_measure(a.stack, a.lines.split(","), a.seconds, a.runs))
    finally:
        if not a.keep:
            stop(a.stack, lambda doing: None)
    text = report(results, head)
    print(text)
    if a.report:
        _, heading, judged = a.report.read_text().partition(JUDGED) if a.report.exists() else ("", "", "")
        a.report.write_text(f"{text}\n{heading}{judged}" if heading else text)
    return 0 if len(results) == len(a.lines.split(",")) else 1


async def _measure(stack: Path, lines: Sequence[str], seconds: float, runs: int) -> tuple[list[Result], list[str]]:
    running = RunningStack(stack)
    loaded = json.loads((stack / "loaded.json").read_text())["cases"] if (stack / "loaded.json").exists() else 0
    head = [
        f"Measured {datetime.now(UTC):%Y-%m-%d %H:%M} UTC at commit `{machine.commit()}` with {loaded:,} cases loaded.",
        machine.describe(),
        machine.settings(running),
        f"{runs} runs of {seconds:g} s each, medians. All on one machine: services, PostgreSQL, NATS, collector and the load generator.",
    ]
    results: list[Result] = []
    async with Office.opened(running, seed=f"bench{time.time_ns()}") as office:
        bench = Bench(office, seconds, runs, _villages(office), lambda text: print(text, flush=True))
        await bench.settle()
        for name in lines:
            print(f"… {name}", flush=True)
            try:
                results.append(await asyncio.wait_for(LINES[name](bench), 1200))
            except Exception as error:  # noqa: BLE001 - the other lines are measured all the same
                print(f"  {name} failed: {type(error).__name__} {str(error)[:400]}", flush=True)
                continue
            print(f"  {results[-1].figures} {results[-1].ceiling} {'met' if results[-1].met else 'missed'}", flush=True)
    return results, head


def _villages(office: Office) -> list[str]:
    committees = [o for o in office.cast.directory.organs if o.tier == "village"]
    return [o.code for o in committees if sum(any(p.organ_id == o.id for p in s.posts) for s in office.cast.directory.staff) >= 2][:12]


def report(results: Sequence[Result], head: Sequence[str]) -> str:
    """The page of figures."""
    lines = ["# Benchmarks", "", "Written by `make bench`; do not edit the tables by hand.", "", *(f"- {line}" for line in head), ""]
    lines += ["| measure | figures | target | | ceiling of the same run |", "|---|---|---|---|---|"]
    for r in results:
        figures = ", ".join(f"{name} {value}" for name, value in r.figures.items() if value != "{}")
        lines.append(
            f"| {r.line} | {figures} | {r.target} | {'met' if r.met else 'missed'} | {r.ceiling}{'; ' if r.ceiling and r.note else ''}{r.note} |"
        )
    lines += ["", "## Processor time", "", "Milliseconds a job (a life, a command, a call, a row), the load generator apart.", ""]
    parts = sorted({name for r in results for name in r.cpu})
    lines += [f"| measure | jobs | {' | '.join(parts)} |", f"|---|---|{'---|' * len(parts)}"]
    lines += [f"| {r.line} | {r.jobs} | {' | '.join(f'{r.cpu.get(p, 0):.2f}' for p in parts)} |" for r in results if r.cpu]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
