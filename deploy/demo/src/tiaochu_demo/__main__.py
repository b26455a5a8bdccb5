"""`python -m tiaochu_demo [--run-dir .run]`: starts the embedded stack unless it runs, and shows one month of a centre's work."""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import httpx2
from rich.console import Console
from rich.table import Table

from tiaochu_cli.main import app as operator
from tiaochu_demo import ending
from tiaochu_demo.demonstration import Demonstration, Failed, Outcome
from tiaochu_demo.driver import Actor, Refused, Wire
from tiaochu_demo.driver.matter import Late
from tiaochu_demo.feed import Unexpected
from tiaochu_demo.runs import begin_run
from tiaochu_demo.story import Story
from tiaochu_domainkit.clocks import beijing
from tiaochu_embedded.client import RunningStack
from tiaochu_embedded.daemon import up
from tiaochu_embedded.problem import Problem, from_os_error


def main() -> int:
    """Exit code 0 when every case went as planned, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="tiaochu_demo", description=__doc__)
    parser.add_argument("--run-dir", type=Path, default=Path(".run"), help="run folder of the stack (default: .run)")
    run_dir: Path = parser.parse_args().run_dir
    began = time.monotonic()
    try:
        say("启动系统 starting the stack")
        up(run_dir, None, lambda doing: say(f"  … {doing}"))
        ready = time.monotonic() - began
        say(f"  就绪 ready: {ready:.1f} s")
        asyncio.run(_demonstrate(run_dir, began))
    except KeyboardInterrupt:
        print("\n已中断,系统仍在运行 interrupted, the stack still runs", file=sys.stderr)
        return 130
    except (Problem, Failed, Unexpected, Refused, Late, httpx2.HTTPError) as error:
        print(f"\n演示中止 the demonstration stopped: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(from_os_error(error, str(error.filename or run_dir)), file=sys.stderr)
        return 1
    return 0


def say(text: str) -> None:
    """One line, at once."""
    print(text, flush=True)


async def _demonstrate(run_dir: Path, began: float) -> None:
    wire = Wire(RunningStack(run_dir))
    try:
        folder = wire.stack.run_dir / "demo"
        run = begin_run(folder, beijing(wire.now()).date())
        say(f"演示第 {run.number} 次 run {run.number} · 系统时间 {beijing(wire.now()):%Y-%m-%d %H:%M}")
        demonstration = Demonstration(wire, run, folder, lambda text: say(f"  {text}"))
        outcome = await demonstration.tell()
        story = ending.told_case(outcome)
        trace = await ending.trace_of(wire, demonstration.cast, story.case_id)
        leader = demonstration.cast.role("dispatcher")
        tables = [await ending.units_table(wire, demonstration.cast, period) for period in ending.months(outcome)]
    finally:
        await wire.close()
    await asyncio.to_thread(_show, run_dir, [t for t in tables if t], leader, story, ending.months(outcome))
    _where(wire.stack, outcome, story.case_id, trace, began)


def _show(run_dir: Path, tables: Sequence[Table], leader: Actor, story: Story, months: Sequence[str]) -> None:
    whose = ("--stack", str(run_dir), "--as", leader.person_id, "--organ", leader.organ_id)
    screen = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    for period in months[:1]:
        say("")
        operator(["report", "month", period, "--levels", "-1", *whose], prog_name="tiaochu", standalone_mode=False)
    for table in tables:
        screen.print()
        screen.print(table)
    say(f"\n一个案件的经过 one case, told: {story.case_number}")
    operator(["case", "timeline", story.case_id, *whose], prog_name="tiaochu", standalone_mode=False)


def _where(stack: RunningStack, outcome: Outcome, case_id: str, trace: str, began: float) -> None:
    addresses = stack.addresses
    cases = len(outcome.stories)
    first = f" · 首件 first case {outcome.first_case_at - began:.1f} s" if outcome.first_case_at else ""
    say(
        f"\n{cases} 件 cases · {cases / outcome.seconds:.1f} 件/秒 · {outcome.world.wire.calls} 次调用 calls · {outcome.seconds:.0f} s{first}"
    )
    say(f"  链路 trace        {addresses['traces']}/trace/{trace}" if trace else f"  链路 traces       {addresses['traces']}/?q={case_id}")
    say(f"  接口文档 OpenAPI  {addresses['http']['docking']}/docking/v1/docs")
    say(f"  查看案件          tiaochu case show {case_id}")
    say("  停止系统          make stop")


if __name__ == "__main__":
    sys.exit(main())
