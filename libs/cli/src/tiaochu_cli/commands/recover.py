"""`tiaochu status` and `tiaochu recover`: how far everybody has read everybody, and the ways out after a restore."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import typer

from tiaochu.log.v1 import log_service_pb2 as pb
from tiaochu_cli.command import command, moment_option
from tiaochu_cli.failure import REFUSED
from tiaochu_cli.moments import stamp
from tiaochu_cli.output import Screen, message_dict
from tiaochu_cli.services import Service, chosen, known
from tiaochu_cli.session import Session

app = typer.Typer(no_args_is_help=True, help="After a restore. · 恢复")

STANDS_STILL = {
    "head_behind_cursor": "对方日志比已读位置短:对方恢复到了更早的时刻",
    "another_hash": "对方日志在已读位置的哈希不同:对方恢复到更早的时刻后又有新记录",
    "new_lineage": "对方日志已开启新的分支,正在重做副本",
    "parked": "搁置的事件过多",
}
"""States of a cursor in which nothing is read."""
FORKED = ("head_behind_cursor", "another_hash")
WAYS_OUT = ("tiaochu recover same-moment TIME", "tiaochu recover accept-loss SERVICE --restored-to TIME")
RUNBOOK = "docs/operations/head-behind-cursor.md"

_CURSORS = [{"service": "string", "cursors": [pb.Cursor]}]
_LINEAGES = [{"service": "string", "lineages": [pb.StartedLineage]}]
_FORK = {"consumer": "string", "producer": "string", "district": "string", "position": "string", "head": "string", "state": "string"}
_OUTCOME = {
    "carried_out": "boolean",
    "services": _LINEAGES,
    "forks": [_FORK],
    "rebuilds": ["string, the services that make copies again"],
}

CarryOut = Annotated[bool, typer.Option("--carry-out", help="Do it; otherwise only show what would be done. · 执行,否则仅预演")]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why; stands in the logs; no personal data. · 原因")]
Found = dict[str, pb.ListCursorsResponse]


def add_to(root: typer.Typer) -> None:
    """Add the command that stands by itself."""
    command(root, "status", {"ok": "boolean", "services": _CURSORS, "forks": [_FORK], "ways_out": ["string"]})(_status)


def _status(session: Session) -> None:
    """How far every service has read the logs of the others; exit code 1 when one stands still until a person acts. · 运行状态"""
    found = _read(session)
    stopped = [fork for fork in _standing(found) if fork["state"] != "new_lineage"]
    forked = any(fork["state"] in FORKED for fork in stopped)
    content = {
        "ok": not stopped,
        "services": [{"service": name, **message_dict(answer)} for name, answer in found.items()],
        "forks": list(_standing(found)),
        "ways_out": list(WAYS_OUT) if forked else [],
    }

    def show(screen: Screen) -> None:
        rows = (
            (name, c.producer, c.district, c.position, c.head if c.head >= 0 else "?", c.state)
            for name, answer in found.items()
            for c in answer.cursors
        )
        screen.table(("服务", "日志", "辖区", "已读", "末尾", "状态"), rows, right=(3, 4))
        _show_forks(screen, found)
        if forked:
            screen.line(f"处理办法(见 {RUNBOOK}):", "bold")
            for way in WAYS_OUT:
                screen.line(f"  {way}")

    session.answer(content, show)
    if stopped:
        raise typer.Exit(REFUSED)


@command(app, "accept-loss", _OUTCOME)
def accept_loss(
    session: Session,
    service: Service,
    *,
    restored_to: Annotated[str, typer.Option("--restored-to", metavar="TIME", help="The moment it was restored to. · 恢复到的时刻")],
    reason: Reason = "",
    carry_out: CarryOut = False,
) -> None:
    """Accept what a service restored to an older moment lost: its logs go on, its readers make copies again. · 接受丢失,开启新分支"""
    moment = stamp(moment_option(restored_to, "--restored-to"))
    found = _read(session)
    mine = [fork for fork in _standing(found) if fork["producer"] == known(service)]
    lost = sorted({fork["district"] for fork in mine if fork["head"] == "0"})
    request = pb.StartLineageRequest(restored_time=moment, reason=reason, districts=lost, dry_run=not carry_out)
    begun = session.wire.call(request, service=service)
    _tell(session, {service: begun}, mine, found, carried_out=carry_out)


@command(app, "same-moment", _OUTCOME)
def same_moment(
    session: Session,
    moment: Annotated[str, typer.Argument(metavar="TIME", help="The moment all databases were restored to. · 全部数据库恢复到的时刻")],
    *,
    reason: Reason = "",
    carry_out: CarryOut = False,
) -> None:
    """All services were restored to one moment: check that no reader is ahead of a log, mark the cut in each. · 全部恢复到同一时刻

    Exit code 1, and nothing is done, while a reader is ahead.
    """
    restored = stamp(moment_option(moment, "TIME"))
    found = _read(session)
    forks = [fork for fork in _standing(found) if fork["state"] in FORKED]
    carried_out = carry_out and not forks
    request = pb.StartLineageRequest(restored_time=restored, reason=reason, dry_run=not carried_out)
    begun = {name: session.wire.call(request, service=name) for name in found}
    _tell(session, begun, forks, found, carried_out=carried_out)
    if forks:
        raise typer.Exit(REFUSED)


def _read(session: Session) -> Found:
    return {name: session.wire.call(pb.ListCursorsRequest(), service=name) for name in chosen(session)}


def _standing(found: Found) -> Iterator[dict[str, str]]:
    for name, answer in found.items():
        for c in answer.cursors:
            if c.state in STANDS_STILL:
                place = {"producer": c.producer, "district": c.district, "position": str(c.position), "head": str(c.head)}
                yield {"consumer": name, **place, "state": c.state}


def _tell(
    session: Session, begun: dict[str, pb.StartLineageResponse], forks: Iterable[dict[str, str]], found: Found, *, carried_out: bool
) -> None:
    after = {(name, one.district): one.lineage.after for name, answer in begun.items() for one in answer.lineages}
    rebuilds = sorted(
        {
            name
            for name, answer in found.items()
            for c in answer.cursors
            if c.state in FORKED and c.position > after.get((c.producer, c.district), c.position)
        }
    )
    content: dict[str, Any] = {
        "carried_out": carried_out,
        "services": [{"service": name, **message_dict(answer)} for name, answer in begun.items()],
        "forks": list(forks),
        "rebuilds": rebuilds,
    }

    def show(screen: Screen) -> None:
        rows = ((name, o.district, o.lineage.after, o.kept) for name, answer in begun.items() for o in answer.lineages)
        screen.table(("服务", "辖区", "分支始于位置", "保留其后"), rows, right=(2, 3))
        _show_forks(screen, found)
        if rebuilds:
            screen.line(f"重做副本的服务:{'、'.join(rebuilds)}")
        screen.line("已执行" if carried_out else "仅预演,未作任何更改(--carry-out 执行)", "bold")

    session.answer(content, show)


def _show_forks(screen: Screen, found: Found) -> None:
    for fork in _standing(found):
        text = f"{fork['consumer']} 读 {fork['producer']}/{fork['district']} 到 {fork['position']},末尾 {fork['head']}:{STANDS_STILL[fork['state']]}"
        screen.line(text, "red")
