"""`python -m bench.explain --stack DIR`: asks everything of a loaded stack and names the statements that will not do. Exit code 1 when there are any."""

import argparse
import asyncio
import sys
from collections import defaultdict
from pathlib import Path

from e2e.office import Office

from bench.plans import Watch
from bench.questions import LISTS, Asked, Questions
from tiaochu.intake.v1 import case_queries_pb2 as intake
from tiaochu_embedded.client import RunningStack
from tiaochu_embedded.daemon import stop, up

SAMPLES = 6


def main() -> int:
    """Ask, and judge the plans."""
    parser = argparse.ArgumentParser(prog="bench.explain", description=__doc__)
    parser.add_argument("--stack", type=Path, required=True)
    parser.add_argument("--keep", action="store_true", help="leave the stack running")
    arguments = parser.parse_args()
    up(arguments.stack, None, lambda doing: None)
    try:
        return asyncio.run(_explain(RunningStack(arguments.stack)))
    finally:
        if not arguments.keep:
            stop(arguments.stack, lambda doing: None)


async def _explain(stack: RunningStack) -> int:
    async with Office.opened(stack, seed="explain") as office:
        with Watch(stack) as watch:
            asked = await Questions(office, await _samples(office)).ask_all()
            plans = watch.plans()
            large = {plan.service: watch.large(plan.service) for plan in plans}
    _unanswered(asked)
    faults: dict[tuple[str, str], list[float]] = defaultdict(list)
    statements: dict[tuple[str, str], str] = {}
    for plan in plans:
        for fault in plan.faults(large[plan.service]):
            key = (f"{plan.service}: {fault}", " ".join(plan.statement.split())[:160])
            faults[key].append(plan.milliseconds)
            statements[key] = " ".join(plan.statement.split())
    print(
        f"{len(plans)} plans of {len({p.statement for p in plans})} statements, {len(asked)} questions; {len(faults)} statements at fault"
    )
    for key, times in sorted(faults.items(), key=lambda item: -max(item[1])):
        print(f"  {key[0]} ({len(times)} ×, up to {max(times):.0f} ms)\n    {statements[key]}")
    missing = {a.rpc for a in asked if a.rpc.startswith(LISTS)} - {a.rpc for a in asked if not a.refusal}
    for rpc in sorted(missing):
        print(f"  {rpc} was never answered")
    return 1 if faults or missing else 0


async def _samples(office: Office) -> list[str]:
    """Some cases, old and new, by what is searched."""
    leader = office.cast.role("dispatcher")
    newest = await office.wire.ask(leader, intake.ListCasesRequest(page_size=SAMPLES // 2))
    older = await office.wire.ask(leader, intake.ListCasesRequest(page_size=SAMPLES // 2, order_by="received_at"))
    return [c.case_id for c in (*newest.cases, *older.cases)]


def _unanswered(asked: list[Asked]) -> None:
    for refusal in sorted({f"{a.rpc}: {a.refusal}" for a in asked if a.refusal}):
        print(f"  not answered: {refusal}")


if __name__ == "__main__":
    sys.exit(main())
