"""The machine, the settings, and who used how much of it."""

import os
import platform
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tiaochu_embedded.client import RunningStack

_TICK = os.sysconf("SC_CLK_TCK")


def describe() -> str:
    """Processor, memory, kernel, and what else ran."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    assert memory
    return (
        f"{os.cpu_count()} cores ({cpu[1] if cpu else platform.machine()}), {int(memory[1]) / 2**20:.0f} GB, Linux {platform.release()}, "
        f"Python {platform.python_version()}; load of the machine at the beginning {os.getloadavg()[0]:.1f}"
    )


def commit() -> str:
    """What was measured."""
    asked = subprocess.run(["git", "describe", "--always", "--dirty"], check=False, capture_output=True, text=True)
    return asked.stdout.strip() or "unknown"


def settings(stack: RunningStack) -> str:
    """What durability and tracing cost is part of the figures."""
    database = stack.addresses["databases"]["intake"]
    with psycopg.connect(database["url"], password=Path(database["password_file"]).read_text()) as connection:
        names = ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size")
        shown = ", ".join(f"{name} {connection.execute(f'SHOW {name}').fetchone()[0]}" for name in names)  # type: ignore[index]
    nats = (stack.run_dir / "nats.conf").read_text() if (stack.run_dir / "nats.conf").exists() else ""
    sync = re.search(r"sync_interval:?\s*\"?(\w+)", nats)
    return f"PostgreSQL: {shown}. NATS sync_interval {sync[1] if sync else 'always'}. Tracing at kit's default sampling, spans exported to the stack's collector."


def seconds_of(pid: int) -> float:
    """Processor seconds a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def family(pid: int) -> list[int]:
    """A process and its children."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += family(int(child))
    return found


def pss(pid: int) -> int:
    """Proportional share of memory in bytes."""
    match = re.search(r"Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text())
    return int(match[1]) * 1024 if match else 0


@dataclass
class Usage:
    """Processor seconds by part of the stack and of the load generator, since it was made."""

    stack: RunningStack
    before: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.before = self._now()

    def _now(self) -> dict[str, float]:
        used = {"load generator": sum(os.times()[:4])}
        for name, pid in pids(self.stack).items():
            used[name] = 0.0
            for member in family(pid):
                try:
                    used[name] += seconds_of(member)
                except FileNotFoundError:
                    continue
        return used

    def since(self) -> Mapping[str, float]:
        """Seconds used by each part."""
        return {name: max(0.0, used - self.before.get(name, 0.0)) for name, used in self._now().items()}


def pids(stack: RunningStack) -> dict[str, int]:
    """The processes of a stack that work for it; the nursery forks them all and is counted by itself."""
    return {name: p["pid"] for name, p in stack.addresses["processes"].items() if name != "nursery"}


def memory(stack: RunningStack) -> dict[str, int]:
    """PSS by part of the stack."""
    found: dict[str, int] = {}
    for name, pid in (*pids(stack).items(), ("nursery", stack.addresses["processes"]["nursery"]["pid"])):
        members = [pid] if name == "nursery" else family(pid)
        found[name] = sum(pss(member) for member in members if Path(f"/proc/{member}").exists())
    return found


def shown(value: Any) -> str:
    """A figure with as many digits as it deserves."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
