"""`tiaochu report`: the month table and what stands behind it."""

from typing import Annotated

import typer

from tiaochu.reporting.v1 import report_service_pb2 as pb
from tiaochu_cli.command import command, moment_option
from tiaochu_cli.districts import ask_in_district
from tiaochu_cli.failure import REFUSED
from tiaochu_cli.moments import shown, stamp
from tiaochu_cli.names import Names
from tiaochu_cli.output import Screen
from tiaochu_cli.session import Session
from tiaochu_domainkit.clocks import beijing

app = typer.Typer(no_args_is_help=True, help="Statistics. · 统计")

_GROUPS = {
    "flow": "收案",
    "cases": "案件",
    "body": "调解组织",
    "source": "案件来源",
    "type": "纠纷类型",
    "form": "协议形式",
    "outcome": "履行与确认",
}

Period = Annotated[str, typer.Argument(metavar="[PERIOD]", help="2026-11, 2026-Q4, 2026-H2 or 2026; this month if left out. · 统计期间")]
District = Annotated[str, typer.Option("--district", metavar="CODE", help="Six digits; the caller's own if left out. · 辖区")]
Unit = Annotated[str, typer.Option("--unit", metavar="ORGAN", help="The unit; the caller's own if left out. · 单位")]
AsOf = Annotated[str, typer.Option("--as-of", metavar="TIME", help="As it was known then. · 截至某时已知")]


@command(app, "month", pb.GetMonthTableResponse)
def month(
    session: Session,
    period: Period = "",
    *,
    district: District = "",
    unit: Unit = "",
    as_of: AsOf = "",
    levels: Annotated[
        int, typer.Option(min=-1, max=8, help="Tiers of units below with a row of their own: 1 if 0, none if -1. · 下级层数")
    ] = 0,
) -> None:
    """The table 人民调解案件情况统计表 of a unit and the units below it. · 月报表"""
    request = pb.GetMonthTableRequest(district=district, organ_id=unit, period=period or _this_month(session), levels=levels)
    if as_of:
        request.as_of.CopyFrom(stamp(moment_option(as_of, "--as-of")))
    answer = ask_in_district(session, request)
    session.answer(answer, lambda screen: show_table(screen, answer, Names(session.wire, answer.district)))


def show_table(screen: Screen, table: pb.GetMonthTableResponse, names: Names) -> None:
    """Figures as lines, units as columns: the form has some fifty columns, which no screen holds. Lines that are 0 everywhere are left out."""
    units = [row for row in table.rows if any(row.values.values())] or list(table.rows[:1])
    headings = ("分组", "项目", *(names.organ(row.organ_id) if row.organ_id else "全辖区" for row in units))
    lines = []
    for column in table.columns:
        figures = [row.values.get(column.figure, 0) for row in units]
        if any(figures):
            cells = [f"{f / 100:,.2f}" if column.unit == "fen" else str(f) for f in figures]
            lines.append((_GROUPS.get(column.group, column.group), column.name + ("(元)" if column.unit == "fen" else ""), *cells))
    state = "已锁定" if table.locked else "未锁定"
    title = f"人民调解案件情况统计表  {table.district}  {table.period}  截至 {shown(table.as_of)}  {state}"
    screen.table(headings, lines, title, right=tuple(range(2, len(headings))))


@command(app, "cases", pb.ListFigureCasesResponse)
def cases(
    session: Session,
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="2026-11, 2026-Q4, 2026-H2 or 2026. · 统计期间")],
    figure: Annotated[str, typer.Argument(metavar="FIGURE", help="A column of the table, such as total or source.court. · 项目代码")],
    *,
    district: District = "",
    unit: Unit = "",
    as_of: AsOf = "",
    limit: Annotated[int, typer.Option(min=1, max=200, help="Cases a page. · 每页件数")] = 50,
    page_token: Annotated[str, typer.Option(metavar="TOKEN", help="next_page_token of the last answer. · 翻页标记")] = "",
) -> None:
    """The cases behind one figure. · 数字对应的案件"""
    request = pb.ListFigureCasesRequest(
        district=district, organ_id=unit, period=period, figure=figure, page_size=limit, page_token=page_token
    )
    if as_of:
        request.as_of.CopyFrom(stamp(moment_option(as_of, "--as-of")))
    answer = ask_in_district(session, request)

    def show(screen: Screen) -> None:
        names = Names(session.wire, request.district)
        rows = ((c.case_number, names.organ(c.organ_id), c.month, c.value, "调整" if c.adjustment else "", c.case_id) for c in answer.cases)
        screen.table(("案号", "单位", "月份", "数值", "", "案件标识"), rows, right=(3,))
        if answer.next_page_token:
            screen.line(f"--page-token {answer.next_page_token}", "dim")

    session.answer(answer, show)


@command(app, "reconcile", pb.ReconcileResponse)
def reconcile(session: Session, period: Period = "", *, district: District = "", as_of: AsOf = "") -> None:
    """Prove the table of a period. Exit code 1 when a check does not hold. · 核对报表"""
    request = pb.ReconcileRequest(district=district, period=period or _this_month(session))
    if as_of:
        request.as_of.CopyFrom(stamp(moment_option(as_of, "--as-of")))
    answer = ask_in_district(session, request)

    def show(screen: Screen) -> None:
        screen.table(
            ("核对", "对象", "应为", "实为", ""),
            ((c.name, c.subject, c.expected, c.actual, "" if c.holds else "不符") for c in answer.checks),
            f"重新计算 {answer.cases_recounted} 件",
            right=(2, 3),
        )

    session.answer(answer, show)
    if not answer.balanced:
        raise typer.Exit(REFUSED)


@command(app, "lock", pb.LockMonthResponse)
def lock(
    session: Session,
    month: Annotated[str, typer.Argument(metavar="MONTH", help="2026-11; it must be over. · 月份")],
    *,
    district: Annotated[str, typer.Option("--district", metavar="CODE", help="Six digits. · 辖区")],
) -> None:
    """Make the figures of a month final. · 锁定月份"""
    answer = session.wire.call(pb.LockMonthRequest(district=district, month=month))
    session.answer(answer, lambda screen: screen.pairs((("月份", answer.month), ("数据截至", shown(answer.cut_at)))))


@command(app, "locks", pb.ListMonthLocksResponse)
def locks(session: Session, *, district: District = "") -> None:
    """The locked months of a district. · 已锁定的月份"""
    answer = ask_in_district(session, pb.ListMonthLocksRequest(district=district))

    def show(screen: Screen) -> None:
        rows = ((item.month, shown(item.cut_at), shown(item.locked_at), item.locked_by) for item in answer.locks)
        screen.table(("月份", "数据截至", "锁定", "何人"), rows)

    session.answer(answer, show)


def _this_month(session: Session) -> str:
    return f"{beijing(session.cell.clock.now()):%Y-%m}"
