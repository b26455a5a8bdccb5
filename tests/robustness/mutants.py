"""`python -m robustness.mutants [FOLDER]`: whether the campaign can fail. Each patch is a bug; applied to a copy of HEAD, the campaign must find it.

A patch may begin with `Promise:` (what it breaks) and `Faults:` (names, separated by commas: the shortest campaign that can show it); without faults it
meets `DEFAULT`. The patches are made without lines around the change, so that they go on applying while the code about them moves.
"""
# ruff: noqa: T201 - a program that talks to people

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
OWN = HERE / "mutants"
SOURCES = ("libs", "services", "deploy", "protos")
DEFAULT = (
    *("kill intake", "kill mediation at command.committed", "kill routing at log.sequenced", "kill reporting at batch.applied"),
    *("kill routing at timer.due", "kill docking at call.made", "kill docking at webhook.delivered", "nats purged", "sessions ended"),
)
LONGEST_SECONDS = 900.0


class Unusable(Exception):
    """A patch that does not apply, or a campaign that could not be run."""


@dataclass(frozen=True)
class Mutant:
    """A planted bug."""

    patch: Path
    promise: str = ""
    faults: tuple[str, ...] = DEFAULT

    @property
    def name(self) -> str:
        return self.patch.stem

    @classmethod
    def read(cls, patch: Path) -> "Mutant":
        """A patch and what its header says."""
        header = patch.read_text().partition("--- ")[0]
        told = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in header.splitlines())}
        faults = tuple(name.strip() for name in told.get("Faults", "").split(",") if name.strip())
        return cls(patch, told.get("Promise", ""), faults or DEFAULT)

    def apply(self, tree: Path, *, dry: bool = False) -> None:
        """Change `tree`, or only see whether that is possible. Raises `Unusable`."""
        command = ["git", "apply", "--unidiff-zero", *(["--check"] if dry else []), str(self.patch.resolve())]
        # Inside another repository git would pass over what it does not know.
        outside = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tree.resolve().parent)}
        done = subprocess.run(command, cwd=tree, env=outside, check=False, capture_output=True, text=True)
        if done.returncode:
            raise Unusable(f"does not apply: {done.stderr.strip()}")


def mutants(folder: Path) -> list[Mutant]:
    """All patches of a folder. Raises `Unusable` where there are none: nothing would be shown."""
    found = [Mutant.read(patch) for patch in sorted(folder.glob("*.patch"))]
    if not found:
        raise Unusable(f"no patches in {folder}")
    return found


def fresh(tree: Path) -> None:
    """The sources of HEAD in `tree`."""
    tree.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", "HEAD", *SOURCES], cwd=ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", str(tree)], input=archive, check=True)


def findings(tree: Path, faults: Sequence[str], folder: Path) -> tuple[list[str], list[str]]:
    """What the campaign with these faults finds in a tree, and which of them did not strike. Raises `Unusable` when it does not come to its end."""
    result, log = folder / "result.json", folder / "campaign.log"
    command = [sys.executable, "-m", "robustness", "--tree", str(tree), "--folder", str(folder / "stage")]
    command += ["campaign", "--faults", ",".join(faults), "--json", str(result)]
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, "PYTHONPATH": str(HERE.parent)})
        try:
            process.wait(LONGEST_SECONDS)
        except subprocess.TimeoutExpired:
            raise Unusable(f"no end after {LONGEST_SECONDS:.0f} s") from None
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)  # it takes its stack down
                process.wait()
    if not result.exists():
        raise Unusable(f"the campaign could not be run: {log.read_text().strip()[-400:]}")
    told = json.loads(result.read_text())
    return told["findings"], [f"{struck['name']} ({struck['outcome']})" for struck in told["struck"] if struck["outcome"] != "done"]


def said(found: Sequence[str]) -> str:
    """The finding that tells most: the checker's before that something took too long."""
    return min(found, key=lambda finding: finding.startswith("after '"))


def main() -> int:
    """Exit code 0 when the control finds nothing and every bug is found."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))
    known = mutants(Path(sys.argv[1]) if len(sys.argv) > 1 else OWN)
    every = tuple(dict.fromkeys(fault for mutant in known for fault in mutant.faults))
    print("| bug | found | seconds | by |\n|---|---|---|---|", flush=True)
    well = _row("(none: the control)", None, every)
    for mutant in known:
        well = _row(mutant.name, mutant, mutant.faults) and well
    return 0 if well else 1


def _row(name: str, mutant: Mutant | None, faults: Sequence[str]) -> bool:
    """One campaign and its line; whether it ended as it should."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        tree = Path(folder) / "tree"
        fresh(tree)
        try:
            if mutant:
                mutant.apply(tree)
            found, missed = findings(tree, faults, Path(folder))
        except Unusable as why:
            verdict, by, well = "ERROR", str(why), False
        else:
            well = bool(found) == bool(mutant)
            verdict = ("yes" if found else "NOT CAUGHT") if mutant else ("FALSE ALARM" if found else "nothing")
            by = f"{said(found)} ({len(found)} findings)" if found else "; ".join(missed)
    line = by.replace("\n", " ").replace("|", "/")
    print(f"| {name} | {verdict} | {time.monotonic() - began:.0f} | {line} |", flush=True)
    return well


if __name__ == "__main__":
    sys.exit(main())
