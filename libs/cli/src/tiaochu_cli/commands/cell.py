"""`tiaochu cell`: the cell as a whole."""

from typing import Annotated

import httpx2
import typer

from tiaochu_cli.cell import unreachable
from tiaochu_cli.command import command
from tiaochu_cli.output import Screen
from tiaochu_cli.services import chosen
from tiaochu_cli.session import Session

app = typer.Typer(no_args_is_help=True, help="The cell as a whole. · 整套系统")

_SECONDS = 10.0


@command(app, "check", {"serving": "string", "edge": "string"})
def check(
    session: Session,
    *,
    edge: Annotated[str, typer.Option(metavar="URL", help="Also ask the docking gateway's edge for agencies. · 同时检查对接网关")] = "",
) -> None:
    """Whether every service serves, seen by a caller with a certificate. · 检查各服务是否可用"""
    services = chosen(session)
    for service in services:
        if not session.wire.serves(service):
            raise unreachable("NOT_SERVING", f"{service} does not serve", f"服务 {service} 未就绪")
    if edge:
        _ask_edge(edge)

    def show(screen: Screen) -> None:
        screen.pairs([(service, "可用") for service in services] + ([("对接网关", "可用")] if edge else []))

    session.answer({"serving": services, "edge": edge}, show)


def _ask_edge(edge: str) -> None:
    try:
        httpx2.get(f"{edge}/docking/v1/openapi.json", timeout=_SECONDS).raise_for_status()
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise unreachable("EDGE_UNREACHABLE", f"{edge} does not answer: {error}", f"对接网关 {edge} 无响应") from error
