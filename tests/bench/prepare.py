"""Makes the stack that cases are loaded into: `python -m bench.prepare --stack DIR`. The demonstration is told in it and a register of history is imported.

It is left stopped.
"""

import argparse
import asyncio
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from tiaochu.intake.v1 import register_import_service_pb2 as register_pb
from tiaochu_demo import feed
from tiaochu_demo.directory import CITY, load_directory
from tiaochu_demo.driver import Cast, Wire
from tiaochu_demo.settling import Settling
from tiaochu_demo.synthetic.register import build_register
from tiaochu_domainkit.clocks import beijing
from tiaochu_embedded.client import RunningStack
from tiaochu_embedded.daemon import stop, up

_SEED = 20_000


def main() -> int:
    """Exit code 0 when the stack holds every template."""
    parser = argparse.ArgumentParser(prog="bench.prepare", description=__doc__)
    parser.add_argument("--stack", type=Path, required=True)
    prepare(parser.parse_args().stack)
    return 0


def prepare(stack: Path) -> None:
    """Bring the run folder of a stack to where `bench.load` begins."""
    if not (stack / "demo" / "runs.json").exists():
        subprocess.run([sys.executable, "-m", "tiaochu_demo", "--run-dir", str(stack)], check=True, stdout=subprocess.DEVNULL)
    up(stack, None, lambda doing: None)
    try:
        asyncio.run(_import_history(stack))
    finally:
        stop(stack, lambda doing: None)


async def _import_history(stack: Path) -> None:
    wire = Wire(RunningStack(stack))
    try:
        directory = load_directory(CITY)
        cast = Cast(directory)
        today = beijing(wire.now()).date()
        workbook = build_register(directory, _SEED, today - timedelta(days=62), history=True).save(stack / "demo" / "历史台账.xlsx")
        imported = await feed.import_register(wire, cast.role("dispatcher"), workbook, mode=register_pb.IMPORT_MODE_HISTORY)
        if not imported.cases:
            raise feed.Unexpected(f"no row of the register of history became a case: {imported.refused}")
        await Settling(wire, cast).settle()
    finally:
        await wire.close()


if __name__ == "__main__":
    sys.exit(main())
