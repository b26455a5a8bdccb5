"""A register far larger than a centre's is answered at once and costs the service little."""

import json
import time
from pathlib import Path

import pytest

from e2e.office import Office
from tiaochu_demo.synthetic.hostile import many_rows
from tiaochu_demo.synthetic.register import build_register
from tiaochu_domainkit.clocks import beijing
from tiaochu_embedded.stack import Stack

ROWS = 50_000
MEGABYTE = 1024 * 1024
MEMORY = 64 * MEGABYTE
"""What reading it may add to the service, at most."""
SECONDS = 60


@pytest.mark.req("IN9")
@pytest.mark.timeout(300)
async def test_a_register_of_fifty_thousand_rows_is_refused_whole_with_the_limit_and_within_bounds(
    office: Office, stack: Stack, tmp_path: Path
) -> None:
    register = build_register(office.cast.directory, office.book.rng.randrange(10**9), beijing(office.now()).date())
    workbook = many_rows(tmp_path / "五万行.xlsx", register, ROWS)
    process = Path("/proc") / str(stack.servers["intake"].pid)
    (process / "clear_refs").write_text("5")  # the highest mark begins anew
    before, began = _memory(process, "VmRSS"), time.monotonic()
    dispatcher = office.cast.role("dispatcher").person_id
    told = office.shell(dispatcher, "register", "import", str(workbook), "--open", "--json")
    took, grew = time.monotonic() - began, _memory(process, "VmHWM") - before
    assert told.exit_code == 1
    error = json.loads(told.stdout)["error"]
    assert [(v["path"], v["reason"]) for v in error["violations"]] == [("file", "ROWS_TOO_MANY")]
    assert error["zh"]
    assert took < SECONDS
    assert grew < MEMORY


def _memory(process: Path, name: str) -> int:
    line = next(line for line in (process / "status").read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024
