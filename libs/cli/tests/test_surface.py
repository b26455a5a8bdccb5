"""The public surface: names, options, JSON keys and the pages that describe them."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tiaochu_cli import audit
from tiaochu_cli.command import COMMON_OPTIONS
from tiaochu_cli.reference import commands, reference

DOCS = Path(__file__).parents[3] / "docs" / "cli"
NAMED_BY_THE_REGISTER_OF_REQUIREMENTS = {
    *(f"case {name}" for name in ("register", "classify", "show", "timeline", "responsible", "search")),
    "register import",
    *(f"transfer {name}" for name in ("offer", "sign", "return")),
    *(f"clock {name}" for name in ("rules", "preview", "advance")),
    "report month",
    *(f"audit {name}" for name in ("verify", "consistency")),
    *(f"journal {name}" for name in ("export", "show")),
    *(f"parked {name}" for name in ("list", "show", "replay", "drop")),
    *(f"directory {name}" for name in ("import", "list")),
    *(f"docking {name}" for name in ("exchanges", "dead-letters", "replay")),
    "mediator rank",
    "actions",
    "token",
}


def test_the_reference_is_what_the_commands_say() -> None:
    assert (DOCS / "commands.md").read_text(encoding="utf-8") == reference(), "python -m tiaochu_cli.reference > docs/cli/commands.md"


def test_every_promised_command_exists() -> None:
    assert {" ".join(path) for path, _, _ in commands()} >= NAMED_BY_THE_REGISTER_OF_REQUIREMENTS


@pytest.mark.parametrize(("path", "command"), [(path, command) for path, command, _ in commands()], ids=lambda value: str(value)[:40])
def test_every_command_has_the_common_options_and_says_what_it_does(path: tuple[str, ...], command: object) -> None:
    options = {name for parameter in getattr(command, "params") for name in parameter.opts}  # noqa: B009
    assert options >= set(COMMON_OPTIONS), path
    assert " · " in str(getattr(command, "help")), f"{path}: help in English and Chinese"  # noqa: B009


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (("case", "classify", "--risk", "o"), ["orange"]),
        (("case", "classify", "--category", "020"), ["0201", "0202", "0203"]),
        (("transfer", "return", "--ground", "out"), ["outside_territory"]),
        (("transfer", "offer", "--kind", "e"), ["escalate"]),
        (("clock", "preview", "--rule", "TRI"), ["TRIAGE"]),
        (("journal", "heads", "--service", "r"), ["routing", "reporting"]),
    ],
)
def test_a_shell_offers_codes(run: Callable[..., Any], typed: tuple[str, ...], offered: list[str]) -> None:
    words = " ".join(("tiaochu", *typed))
    told = run(COMP_WORDS=words, COMP_CWORD=str(len(typed)), _TIAOCHU_COMPLETE="complete_bash")
    assert set(offered) <= {line.split("\t")[0] for line in told.out.split()}


def test_every_reason_of_an_audit_is_described() -> None:
    sources = "".join(file.read_text(encoding="utf-8") for file in Path(str(audit.__file__)).parent.glob("*.py"))
    reasons = set(re.findall(r'(?:Finding|_finding|yield)\(?\s*"([A-Z][A-Z_]{2,})"', sources)) | {"RESPONSIBLE_TWICE"}
    described = set(re.findall(r"`([A-Z][A-Z_]{2,})`", (DOCS / "README.md").read_text(encoding="utf-8")))
    assert reasons - described == set()
