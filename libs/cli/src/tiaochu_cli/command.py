"""Turns a function over a `Session` into a command with the options that all commands share."""

import inspect
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer
from google.protobuf.message import Message

from tiaochu_cli.failure import error_dict, exit_code, show_error
from tiaochu_cli.moments import parse_moment
from tiaochu_cli.output import print_json
from tiaochu_cli.session import Caller, Session
from tiaochu_domainkit.errors import DomainError

_PANEL = "Common options · 通用选项"

Json = Annotated[bool, typer.Option("--json", help="Answer with one JSON document. · 以 JSON 输出", rich_help_panel=_PANEL)]
As = Annotated[
    str,
    typer.Option(
        "--as", metavar="PERSON", envvar="TIAOCHU_AS", help="Act as this person (embedded stack). · 以何人身份", rich_help_panel=_PANEL
    ),
]
Organ = Annotated[
    str,
    typer.Option(
        "--organ", metavar="ORGAN", envvar="TIAOCHU_ORGAN", help="In the post at this organ. · 以何单位任职身份", rich_help_panel=_PANEL
    ),
]
Stack = Annotated[
    Path,
    typer.Option(
        "--stack", metavar="DIR", envvar="TIAOCHU_STACK", help="Run folder of an embedded stack. · 内嵌环境目录", rich_help_panel=_PANEL
    ),
]
Address = Annotated[
    list[str] | None,
    typer.Option(
        "--address",
        metavar="SERVICE=HOST:PORT",
        envvar="TIAOCHU_ADDRESS",
        help="A service's gRPC address instead of --stack; repeat. · 服务地址,可重复",
        rich_help_panel=_PANEL,
    ),
]
Tls = Annotated[
    Path | None,
    typer.Option(
        "--tls",
        exists=True,
        file_okay=False,
        metavar="DIR",
        envvar="TIAOCHU_TLS",
        help="With --address: ca.crt, tls.crt, tls.key. · 证书目录",
        rich_help_panel=_PANEL,
    ),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        exists=True,
        dir_okay=False,
        metavar="FILE",
        envvar="TIAOCHU_TOKEN_FILE",
        help="With --address: the bearer token. · 令牌文件",
        rich_help_panel=_PANEL,
    ),
]

_COMMON = {
    "json": (Json, False),
    "as_": (As, "operator"),
    "organ": (Organ, ""),
    "stack": (Stack, Path(".run")),
    "address": (Address, None),
    "tls": (Tls, None),
    "token_file": (TokenFile, None),
}
ANSWERS = "json_answer"
"""Attribute of a command's function that holds its `Answer`."""
COMMON_OPTIONS = ("--json", "--as", "--organ", "--stack", "--address", "--tls", "--token-file")


Answer = type[Message] | Mapping[str, object]
"""What a command prints with `--json`: a message, or keys with what stands in them (a text, a message, a list of one of these)."""


def command(app: typer.Typer, name: str, answers: Answer) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register `act(session, …)` as command `name` of `app`; `answers` is what the reference in `docs/cli/` says of its JSON.

    The common options are added to its own. A refusal ends with exit code 1, a service that does not answer with 3; what the command
    line itself gets wrong ends with 2 before `act` is called or by `typer.BadParameter`.
    """

    def decorate(act: Callable[..., None]) -> Callable[..., None]:
        @wraps(act)
        def run(**given: Any) -> None:
            session = Session(_caller(given), json=given.pop("json"))
            try:
                act(session, **given)
            except DomainError as error:
                print_json(error_dict(error)) if session.json else show_error(session.screen, error)
                raise typer.Exit(exit_code(error)) from error
            finally:
                session.close()

        own = list(inspect.signature(act, eval_str=True).parameters.values())[1:]
        common = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            for name, (annotation, default) in _COMMON.items()
        ]
        keyword_only = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
        setattr(run, "__signature__", inspect.Signature([*keyword_only, *common]))  # noqa: B010 - typer reads it, no type says so
        setattr(run, ANSWERS, answers)
        app.command(name)(run)
        return run

    return decorate


def _caller(given: dict[str, Any]) -> Caller:
    taken = {name: given.pop(name) for name in _COMMON if name != "json"}
    addresses = tuple(part for text in taken["address"] or () for part in text.split(",") if part)
    for address in addresses:
        if not re.fullmatch(r"[a-z]+=[^=]+:\d+", address):
            raise usage(f"{address}: SERVICE=HOST:PORT", "--address")
    return Caller(taken["as_"], taken["organ"], taken["stack"], addresses, taken["tls"], taken["token_file"])


def usage(text: str, name: str = "") -> typer.BadParameter:
    """A mistake on the command line; exit code 2."""
    return typer.BadParameter(text, param_hint=name or None)


def moment_option(text: str, name: str) -> datetime:
    """A time from the command line."""
    try:
        return parse_moment(text)
    except ValueError as error:
        raise usage(f"{text}: 2026-04-14, 2026-04-14T09:30", name) from error
