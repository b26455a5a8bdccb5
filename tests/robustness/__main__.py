"""`python -m robustness campaign|prove|soak|faults`: see README.md beside this file."""
# ruff: noqa: T201 - a program that talks to people

import argparse
import asyncio
import math
import os
import signal
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from robustness import campaign, faults, report
from robustness.campaign import Result
from robustness.faults import Fault, Lengths
from robustness.soak import Soak

HERE = Path(__file__).resolve().parent
ROUND = 12
"""Faults between two checks of the whole campaign."""


def main() -> int:
    """Exit code 0 when nothing was found, 1 when something was, 2 when the campaign could not be run."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # take the stack down on the way out
    arguments = _parser().parse_args()
    if arguments.tree is not None:
        _become_tree(arguments.tree)
    return int(COMMANDS[arguments.command](arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="robustness", description=__doc__)
    parser.add_argument("--tree", type=Path, help="test the sources of this copy of the repository instead of this one's")
    parser.add_argument("--folder", type=Path, help="keep everything the campaign writes here (default: a temporary folder)")
    commands = parser.add_subparsers(dest="command", required=True)
    campaign = commands.add_parser("campaign", help="chosen faults, once")
    campaign.add_argument("--seed", type=int, default=1)
    campaign.add_argument("--faults", default="", help="names, separated by commas; a name ending in * stands for all that begin so")
    campaign.add_argument("--count", type=int, default=12, help="how many are drawn where none are named")
    campaign.add_argument("--rounds", type=int, default=1, help="how often everything is brought to rest and checked")
    campaign.add_argument("--clients", type=int, default=6)
    campaign.add_argument("--long", action="store_true", help="faults last as long as in the whole campaign")
    campaign.add_argument("--json", type=Path, help="write the result here")
    prove = commands.add_parser("prove", help="all faults, in an order drawn by the seed; writes docs/robustness.md")
    prove.add_argument("--seed", type=int, default=1)
    prove.add_argument("--minutes", type=float, default=50.0)
    prove.add_argument("--clients", type=int, default=6)
    prove.add_argument("--page", type=Path, default=HERE.parents[1] / "docs" / "robustness.md")
    soak = commands.add_parser("soak", help="steady work for long: memory, connections and files must not grow")
    soak.add_argument("--minutes", type=float, default=30.0)
    soak.add_argument("--rate", type=float, default=20.0, help="cases a second")
    commands.add_parser("faults", help="list them")
    return parser


def _become_tree(tree: Path) -> None:
    """Run again with the other tree's sources in front of ours; traffic, faults and checker stay these here."""
    sources = [str(path) for pattern in ("libs/*/src", "services/*/src", "deploy/*/src") for path in sorted(tree.resolve().glob(pattern))]
    if not sources:
        sys.exit(f"{tree} holds no sources")
    arguments = sys.argv[1:]
    at = next(n for n, word in enumerate(arguments) if word.startswith("--tree"))
    del arguments[at : at + (1 if "=" in arguments[at] else 2)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sources, str(HERE.parent)])}
    os.execve(sys.executable, [sys.executable, "-m", "robustness", *arguments], environment)


def _campaign(arguments: argparse.Namespace) -> int:
    if arguments.faults:
        names = [n.strip() for n in arguments.faults.split(",")]
        chosen = [f for name in names for f in _named(name, faults.FAULTS)]
        size = -(-len(chosen) // arguments.rounds)
        rounds = [chosen[start : start + size] for start in range(0, len(chosen), size)]
    else:
        rounds = campaign.drawn(arguments.seed, arguments.count, rounds=arguments.rounds)
    result = _fought(arguments, rounds, faults.LONG if arguments.long else faults.SHORT)
    if arguments.json:
        arguments.json.write_text(campaign.as_json(result))
    print(report.summary(result))
    return 1 if result.findings else 0


def _named(name: str, known: Mapping[str, Fault]) -> list[Fault]:
    found = [f for n, f in known.items() if n == name or (name.endswith("*") and n.startswith(name[:-1]))]
    if not found:
        sys.exit(f"no such fault: {name}")
    return found


def _prove(arguments: argparse.Namespace) -> int:
    every = sum(1 for _ in faults.FAULTS)
    rounds = campaign.drawn(arguments.seed, every, rounds=-(-every // ROUND))
    lengths = faults.LONG if arguments.minutes >= 45 else faults.MIDDLE
    result = _fought(arguments, rounds, lengths, seconds=arguments.minutes * 60)
    report.write(result, arguments.page)
    print(report.summary(result))
    return 1 if result.findings else 0


def _fought(arguments: argparse.Namespace, rounds: list[list[Fault]], lengths: Lengths, *, seconds: float = math.inf) -> Result:
    with ExitStack() as stay:
        folder = arguments.folder or Path(stay.enter_context(tempfile.TemporaryDirectory(prefix="campaign-")))
        folder.mkdir(parents=True, exist_ok=True)
        stage = stay.enter_context(campaign.stage_for(folder, rounds))
        fight = campaign.Campaign(stage, arguments.seed, lengths, clients=arguments.clients, say=_say)
        return asyncio.run(fight.run(rounds, seconds=seconds))


def _soak(arguments: argparse.Namespace) -> int:
    with ExitStack() as stay:
        folder = arguments.folder or Path(stay.enter_context(tempfile.TemporaryDirectory(prefix="soak-")))
        folder.mkdir(parents=True, exist_ok=True)
        stage = stay.enter_context(campaign.stage_for(folder, []))
        found = asyncio.run(Soak(stage, arguments.rate, arguments.minutes * 60, say=_say).run())
    print("\n".join(found.lines()))
    return 1 if found.broken else 0


def _faults(_: argparse.Namespace) -> int:
    print("\n".join(faults.FAULTS))
    return 0


def _say(text: str) -> None:
    print(text, flush=True)


COMMANDS = {"campaign": _campaign, "prove": _prove, "soak": _soak, "faults": _faults}

if __name__ == "__main__":
    sys.exit(main())
