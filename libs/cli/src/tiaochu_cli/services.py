"""The services that keep a journal, and how a command names one."""

from typing import Annotated

import typer

from tiaochu_cli.command import usage
from tiaochu_cli.session import Session

PRODUCERS = ("intake", "routing", "mediation", "docking", "reporting")
"""Services with a journal, in the order facts flow."""


def _complete(incomplete: str) -> list[str]:
    return [name for name in PRODUCERS if name.startswith(incomplete)]


Service = Annotated[
    str, typer.Argument(metavar="SERVICE", help="intake, routing, mediation, docking, reporting. · 服务", autocompletion=_complete)
]
OneService = Annotated[str, typer.Option("--service", metavar="SERVICE", help="One service only. · 只看一个服务", autocompletion=_complete)]


def known(service: str) -> str:
    """The name, or a usage error."""
    if service not in PRODUCERS:
        raise usage(f"{service}: {', '.join(PRODUCERS)}", "SERVICE")
    return service


def chosen(session: Session, service: str = "") -> list[str]:
    """The one named, or all that the cell has."""
    return [known(service)] if service else [name for name in PRODUCERS if name in session.cell.addresses]
