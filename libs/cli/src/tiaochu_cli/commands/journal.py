"""`tiaochu journal`: the logs of the services and their durable calls."""

from pathlib import Path
from typing import Annotated, Any

import typer
from google.protobuf.message import DecodeError

from tiaochu.log.v1 import log_service_pb2 as pb
from tiaochu_cli.command import command, usage
from tiaochu_cli.events import decode, name_of
from tiaochu_cli.moments import shown
from tiaochu_cli.output import Screen, message_dict
from tiaochu_cli.services import OneService, Service, chosen, known
from tiaochu_cli.session import Session

app = typer.Typer(no_args_is_help=True, help="Journals. · 日志")

District = Annotated[str, typer.Argument(metavar="DISTRICT", help="Six digits; 000000 is the cell's own log. · 辖区")]


@command(app, "heads", {"services": [{"service": "string", "heads": [pb.Head]}]})
def heads(session: Session, *, service: OneService = "") -> None:
    """Where each log stands. · 各日志的位置"""
    found = {name: session.wire.call(pb.ReadHeadsRequest(), service=name) for name in chosen(session, service)}
    content = {"services": [{"service": name, **message_dict(answer)} for name, answer in found.items()]}

    def show(screen: Screen) -> None:
        rows = ((name, h.district, h.position, h.hash.hex()[:16]) for name, answer in found.items() for h in answer.heads)
        screen.table(("服务", "辖区", "位置", "哈希"), rows, right=(2,))

    session.answer(content, show)


@command(app, "show", {"events": [{"body": "the event's message", "…": pb.LoggedEvent}]})
def show_log(
    session: Session,
    service: Service,
    district: District,
    *,
    after: Annotated[int, typer.Option(min=0, metavar="POSITION", help="Events after this position. · 起始位置")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=500, help="At most so many. · 条数")] = 50,
) -> None:
    """Events of one log. · 查看事件"""
    answer = session.wire.call(pb.ReadLogRequest(district=district, after=after, limit=limit), service=known(service))
    content = {"events": [{**message_dict(e), "body": _body(e)} for e in answer.events]}

    def show(screen: Screen) -> None:
        rows = ((e.position, shown(e.record_time), name_of(e.type), e.subject or e.aggregate_id, _short(_body(e))) for e in answer.events)
        screen.table(("位置", "登记时间", "事件", "案件", "内容"), rows, right=(0,))

    session.answer(content, show)


@command(app, "export", {"service": "string", "district": "string", "file": "string", "lines": "number"})
def export(
    session: Session,
    service: Service,
    district: District,
    file: Annotated[Path, typer.Argument(metavar="FILE", dir_okay=False, help="Where to write. · 输出文件")],
) -> None:
    """Write one whole log with its signed heads; `tiaochu audit verify` checks the file. · 导出日志"""
    request = pb.ExportLogRequest(district=district)
    fresh = file.with_name(file.name + ".part")
    written = 0
    try:
        with fresh.open("w", encoding="utf-8") as out, session.screen.err.status(f"{service}/{district}"):
            for answer in session.wire.stream((), request, service=known(service)):
                out.write(answer.lines)
                written += answer.lines.count("\n")
        fresh.replace(file)
    except OSError as error:
        raise usage(f"{file}: {error.strerror}", "FILE") from error
    finally:
        fresh.unlink(missing_ok=True)
    content = {"service": service, "district": district, "file": str(file), "lines": written}
    session.answer(content, lambda screen: screen.line(f"已导出 {written} 行到 {file}"))


@command(app, "calls", {"services": [{"service": "string", "calls": [pb.DurableCall]}]})
def calls(
    session: Session,
    *,
    service: OneService = "",
    refused: Annotated[bool, typer.Option("--refused", help="Those refused for good instead of open ones. · 已被拒绝的")] = False,
    kind: Annotated[str, typer.Option(help="Only calls of this kind. · 种类")] = "",
) -> None:
    """Durable calls between services. · 服务间调用"""
    request = pb.ListCallsRequest(refused=refused, kind=kind)
    found = {name: session.wire.call(request, service=name) for name in chosen(session, service)}
    content = {"services": [{"service": name, **message_dict(answer)} for name, answer in found.items()]}

    def show(screen: Screen) -> None:
        rows = (
            (name, c.kind, c.key, c.district, c.attempts, shown(c.next_time), c.error, c.id) for name, a in found.items() for c in a.calls
        )
        screen.table(("服务", "种类", "对象", "辖区", "次数", "下次", "原因", "标识"), rows, right=(4,))

    session.answer(content, show)


@command(app, "retry", pb.RetryCallResponse)
def retry(session: Session, service: Service, call_id: Annotated[str, typer.Argument(metavar="CALL", help="The call. · 调用标识")]) -> None:
    """Make a durable call again, now. · 立即重试"""
    answer = session.wire.call(pb.RetryCallRequest(id=call_id), service=known(service))
    session.answer(answer, lambda screen: screen.line("已重新发起"))


def _body(event: pb.LoggedEvent) -> dict[str, Any]:
    """The event's message; empty for a type this release does not know."""
    try:
        return message_dict(decode(event.type, event.payload))
    except (KeyError, DecodeError):
        return {}


def _short(body: dict[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in body.items() if value and name != "case_id" and not name.endswith("_path"))
