"""`tiaochu parked`: events a service could not apply."""

from typing import Annotated

import typer

from tiaochu.log.v1 import log_service_pb2 as pb
from tiaochu_cli.command import command
from tiaochu_cli.moments import shown
from tiaochu_cli.output import Screen, message_dict
from tiaochu_cli.services import OneService, Service, chosen, known
from tiaochu_cli.session import Session

app = typer.Typer(no_args_is_help=True, help="Events put aside. · 搁置的事件")

Producer = Annotated[str, typer.Argument(metavar="PRODUCER", help="The service that recorded the event. · 事件来源")]


@command(app, "list", {"services": [{"service": "string", "parked": [pb.ParkedEvent]}]})
def list_parked(
    session: Session,
    *,
    service: OneService = "",
    producer: Annotated[str, typer.Option(help="Only events of this producer. · 事件来源")] = "",
    aggregate: Annotated[str, typer.Option(help="Only events of this aggregate. · 聚合标识")] = "",
    dropped: Annotated[bool, typer.Option("--dropped", help="Also those that were dropped. · 含已放弃的")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many a service. · 条数")] = 200,
) -> None:
    """Events that were not applied, and those that wait behind them. · 列出"""
    request = pb.ListParkedRequest(producer=producer, aggregate_id=aggregate, dropped=dropped, limit=limit)
    found = {name: session.wire.call(request, service=name) for name in chosen(session, service)}
    content = {"services": [{"service": name, **message_dict(answer)} for name, answer in found.items()]}

    def show(screen: Screen) -> None:
        rows = (
            (
                name,
                p.producer,
                p.event.district,
                p.event.position,
                p.event.type.rpartition(".")[2],
                p.event.aggregate_id,
                p.error,
                shown(p.park_time),
            )
            for name, answer in found.items()
            for p in answer.parked
        )
        screen.table(("服务", "来源", "辖区", "位置", "事件", "聚合", "原因", "搁置时间"), rows, right=(3,))

    session.answer(content, show)


@command(app, "show", pb.ListParkedResponse)
def show_parked(
    session: Session, service: Service, producer: Producer, aggregate: Annotated[str, typer.Argument(metavar="AGGREGATE")]
) -> None:
    """The parked events of one aggregate in full. · 详情"""
    answer = session.wire.call(pb.ListParkedRequest(producer=producer, aggregate_id=aggregate, dropped=True), service=known(service))

    def show(screen: Screen) -> None:
        for p in answer.parked:
            screen.pairs(
                (
                    ("事件", p.event.type),
                    ("位置", f"{p.event.district}/{p.event.position}"),
                    ("发生", shown(p.event.occur_time)),
                    ("登记", shown(p.event.record_time)),
                    ("搁置", shown(p.park_time)),
                    ("原因", p.error),
                    ("放弃", f"{shown(p.drop_time)} {p.dropped_by} {p.drop_reason}".strip()),
                )
            )
            screen.line()

    session.answer(answer, show)


@command(app, "replay", pb.ReplayParkedResponse)
def replay(session: Session, service: Service, producer: Producer, aggregate: Annotated[str, typer.Argument(metavar="AGGREGATE")]) -> None:
    """Apply the parked events of one aggregate in order, all or none. · 重放"""
    answer = session.wire.call(pb.ReplayParkedRequest(producer=producer, aggregate_id=aggregate), service=known(service))
    session.answer(answer, lambda screen: screen.line(f"已应用 {answer.applied} 个事件"))


@command(app, "drop", pb.DropParkedResponse)
def drop(
    session: Session,
    service: Service,
    producer: Producer,
    district: Annotated[str, typer.Argument(metavar="DISTRICT")],
    position: Annotated[int, typer.Argument(metavar="POSITION", min=1)],
    *,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why it will never be applied; no personal data. · 理由")],
) -> None:
    """Give up one parked event for good; it is kept with the reason. · 放弃"""
    request = pb.DropParkedRequest(producer=producer, district=district, position=position, reason=reason)
    answer = session.wire.call(request, service=known(service))
    session.answer(answer, lambda screen: screen.line("已放弃"))
