"""`tiaochu docking`: what passed between us and the agencies."""

from typing import Annotated

import typer

from tiaochu.docking.v1 import docking_service_pb2 as pb
from tiaochu_cli.command import command
from tiaochu_cli.inputs import merge_json, read_text
from tiaochu_cli.moments import shown
from tiaochu_cli.output import Screen
from tiaochu_cli.session import Session

app = typer.Typer(no_args_is_help=True, help="Exchanges with agencies. · 对接")
agency = typer.Typer(no_args_is_help=True, help="Agencies. · 对接单位")
app.add_typer(agency, name="agency")

AgencyId = Annotated[str, typer.Option("--agency", metavar="AGENCY", help="Only this agency. · 对接单位")]
Token = Annotated[str, typer.Option("--page-token", metavar="TOKEN", help="next_page_token of the last answer. · 翻页标记")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=200, help="Rows a page. · 每页条数")]


@command(app, "exchanges", pb.ListExchangesResponse)
def exchanges(
    session: Session,
    *,
    agency_id: AgencyId = "",
    docking: Annotated[str, typer.Option(help="Only this docking, such as court. · 对接种类")] = "",
    state: Annotated[str, typer.Option(help="Only this state. · 状态")] = "",
    case: Annotated[str, typer.Option(metavar="CASE", help="Only this case. · 案件")] = "",
    external_no: Annotated[str, typer.Option(metavar="NUMBER", help="The agency's own number. · 对方编号")] = "",
    limit: Limit = 50,
    page_token: Token = "",
) -> None:
    """Exchanges, newest change first. · 往来"""
    request = pb.ListExchangesRequest(
        agency_id=agency_id, docking=docking, state=state, case_id=case, external_no=external_no, page_size=limit, page_token=page_token
    )
    answer = session.wire.call(request)

    def show(screen: Screen) -> None:
        rows = (
            (x.docking, x.mode, x.state, x.external_no, x.case_number or x.case_id, shown(x.update_time), x.exchange_id)
            for x in answer.exchanges
        )
        screen.table(("对接", "方式", "状态", "对方编号", "案号", "变化", "标识"), rows)
        _more(screen, answer.next_page_token)

    session.answer(answer, show)


@command(app, "exchange", pb.GetExchangeResponse)
def exchange(session: Session, exchange_id: Annotated[str, typer.Argument(metavar="EXCHANGE", help="The exchange. · 往来标识")]) -> None:
    """One exchange with its packets, without what they say. · 一次往来"""
    answer = session.wire.call(pb.GetExchangeRequest(exchange_id=exchange_id))

    def show(screen: Screen) -> None:
        x = answer.exchange
        screen.pairs((("对接", x.docking), ("状态", x.state), ("对方编号", x.external_no), ("案号", x.case_number), ("案件", x.case_id)))
        rows = ((p.direction, p.kind, p.seq, shown(p.record_time), p.receipt_id, p.packet_id) for p in answer.packets)
        screen.table(("方向", "函件", "序号", "登记", "回执", "标识"), rows, right=(2,))

    session.answer(answer, show)


@command(app, "deliveries", pb.ListDeliveriesResponse)
def deliveries(
    session: Session,
    *,
    agency_id: AgencyId = "",
    exchange: Annotated[str, typer.Option(metavar="EXCHANGE", help="Only this exchange. · 往来")] = "",
    state: Annotated[str, typer.Option(help="waiting, receipted, dead, skipped. · 状态")] = "",
    case: Annotated[str, typer.Option(metavar="CASE", help="Only this case. · 案件")] = "",
    limit: Limit = 50,
    page_token: Token = "",
) -> None:
    """Deliveries of our packets. · 投递"""
    request = pb.ListDeliveriesRequest(
        agency_id=agency_id, exchange_id=exchange, state=state, case_id=case, page_size=limit, page_token=page_token
    )
    answer = session.wire.call(request)
    session.answer(answer, lambda screen: _show_deliveries(screen, answer))


@command(app, "dead-letters", pb.ListDeadLettersResponse)
def dead_letters(session: Session, *, agency_id: AgencyId = "", limit: Limit = 50, page_token: Token = "") -> None:
    """Deliveries that a person must look after. · 死信"""
    answer = session.wire.call(pb.ListDeadLettersRequest(agency_id=agency_id, page_size=limit, page_token=page_token))
    session.answer(answer, lambda screen: _show_deliveries(screen, answer))


@command(app, "replay", pb.ReplayDeliveryResponse)
def replay(session: Session, delivery_id: Annotated[str, typer.Argument(metavar="DELIVERY", help="The delivery. · 投递标识")]) -> None:
    """Bring a packet to its agency once more, with the same id and bytes. · 重新投递"""
    answer = session.wire.call(pb.ReplayDeliveryRequest(delivery_id=delivery_id))
    session.answer(answer, lambda screen: screen.line(f"已重新排队 {answer.delivery_id}"))


@command(app, "skip", pb.SkipDeliveryResponse)
def skip(
    session: Session,
    delivery_id: Annotated[str, typer.Argument(metavar="DELIVERY", help="The delivery. · 投递标识")],
    *,
    note: Annotated[str, typer.Option(metavar="TEXT", help="Why, and how the agency was told. · 理由")],
    on_paper: Annotated[bool, typer.Option("--on-paper", help="The agency got it on paper. · 已改为纸质送达")] = False,
) -> None:
    """Let the packets behind a dead one go on. · 跳过"""
    answer = session.wire.call(pb.SkipDeliveryRequest(delivery_id=delivery_id, note=note, on_paper=on_paper))
    session.answer(answer, lambda screen: screen.line(f"已跳过 {answer.delivery_id}"))


@command(agency, "list", pb.ListAgenciesResponse)
def agencies(session: Session, *, kind: Annotated[str, typer.Option(help="Only this kind, such as court. · 种类")] = "") -> None:
    """Agencies with their addresses. · 列出"""
    answer = session.wire.call(pb.ListAgenciesRequest(kind=kind, page_size=200))

    def show(screen: Screen) -> None:
        rows = (
            (a.code, a.name, a.kind, "、".join(a.dockings), "、".join(f"{e.endpoint_id}:{e.channel}" for e in a.endpoints), a.agency_id)
            for a in answer.agencies
        )
        screen.table(("代码", "名称", "种类", "对接", "地址", "标识"), rows)

    session.answer(answer, show)


@command(agency, "add", pb.AddAgencyResponse)
def add_agency(
    session: Session,
    file: Annotated[str, typer.Argument(metavar="FILE", help="AddAgencyRequest as JSON; - reads standard input. · JSON 文件")],
) -> None:
    """Let an agency dock. · 新增"""
    request = pb.AddAgencyRequest()
    merge_json(request, file)
    answer = session.wire.call(request)
    session.answer(answer, lambda screen: screen.pairs((("标识", answer.agency_id), ("版本", answer.etag))))


@command(agency, "credential", pb.IssueCredentialResponse)
def issue_credential(
    session: Session,
    agency_id: Annotated[str, typer.Argument(metavar="AGENCY", help="The agency. · 对接单位")],
    *,
    secret_file: Annotated[str, typer.Option(metavar="FILE", help="A whsec_ secret; - reads standard input. · 密钥文件")],
) -> None:
    """Give an agency a further secret. Nothing becomes invalid by it. · 增加密钥"""
    # By a file or standard input: an argument would stand in the list of processes.
    answer = session.wire.call(pb.IssueCredentialRequest(agency_id=agency_id, secret=read_text(secret_file).strip()))
    session.answer(answer, lambda screen: screen.pairs((("密钥标识", answer.credential_id), ("版本", answer.etag))))


def _show_deliveries(screen: Screen, answer: pb.ListDeliveriesResponse | pb.ListDeadLettersResponse) -> None:
    rows = (
        (d.position, d.kind, d.channel, d.state, d.attempts, d.last_fault, shown(d.next_time), d.note, d.delivery_id)
        for d in answer.deliveries
    )
    screen.table(("序", "函件", "方式", "状态", "次数", "原因", "下次", "说明", "标识"), rows, right=(0, 4))
    _more(screen, answer.next_page_token)


def _more(screen: Screen, token: str) -> None:
    if token:
        screen.line(f"--page-token {token}", "dim")
