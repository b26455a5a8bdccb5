"""How a command fails: exit codes, and the reason in Chinese and English."""

from typing import Any

from rich.markup import escape

from tiaochu_cli.output import Screen
from tiaochu_domainkit.errors import DomainError, Kind
from tiaochu_kit.errors import CODES

OK, REFUSED, USAGE, UNAVAILABLE = 0, 1, 2, 3
"""Exit codes of every command."""

_LATER = (Kind.UNAVAILABLE, Kind.RESOURCE_EXHAUSTED)
"""The same request may succeed later."""


def exit_code(error: DomainError) -> int:
    """1 for what will be refused again, 3 for what may succeed later."""
    return UNAVAILABLE if error.kind in _LATER else REFUSED


def error_dict(error: DomainError) -> dict[str, Any]:
    """The failure as `--json` prints it."""
    return {
        "error": {
            "code": CODES[error.kind][0].name,
            "reason": error.reason,
            "message": error.message,
            "zh": error.zh,
            "metadata": dict(error.metadata),
            "violations": [{"path": v.path, "reason": v.reason, "zh": v.zh} for v in error.violations],
        }
    }


def show_error(screen: Screen, error: DomainError) -> None:
    """The failure for people, on standard error."""
    screen.err.print(f"[bold red]{escape(error.zh)}[/]  [red]{escape(error.reason)}[/]", soft_wrap=True)
    screen.err.print(escape(error.message), style="dim", soft_wrap=True)
    for violation in error.violations:
        screen.err.print(f"  {escape(violation.path)}: {escape(violation.zh)}  {escape(violation.reason)}", soft_wrap=True)
    told = {name: value for name, value in error.metadata.items() if name != "field" and value}
    if told:
        screen.err.print("  " + escape(", ".join(f"{name}={value}" for name, value in told.items())), style="dim", soft_wrap=True)
