"""`tiaochu clock`: deadline rules, when a period would end, and the time of an embedded stack."""

from typing import Annotated

import typer

from tiaochu.routing.v1 import clock_service_pb2 as pb
from tiaochu_cli.cell import running_stack
from tiaochu_cli.clocks import show_clocks
from tiaochu_cli.command import command, moment_option, usage
from tiaochu_cli.completion import rule_codes
from tiaochu_cli.districts import ask_in_district
from tiaochu_cli.moments import parse_duration, parse_span, shown, stamp
from tiaochu_cli.output import Screen
from tiaochu_cli.session import Session

app = typer.Typer(no_args_is_help=True, help="Periods. · 期限")

District = Annotated[str, typer.Option("--district", metavar="CODE", help="Six digits; the caller's own if left out. · 辖区")]


@command(app, "rules", pb.ListClockRulesResponse)
def rules(
    session: Session,
    *,
    district: District = "",
    on: Annotated[str, typer.Option(metavar="DATE", help="Valid on this day; today if left out. · 日期")] = "",
    history: Annotated[bool, typer.Option("--history", help="Versions of other days too. · 含历史版本")] = False,
) -> None:
    """The deadline rules of a district. · 期限规则"""
    answer = ask_in_district(session, pb.ListClockRulesRequest(district=district, on=on, with_history=history))

    def show(screen: Screen) -> None:
        rows = (
            (r.code, r.zh, r.length, r.valid_from_on, r.valid_to_on, "本地" if r.of_district else "默认", r.legal_basis)
            for r in answer.rules
        )
        screen.table(("代码", "期限", "长度", "生效", "失效", "来源", "依据"), rows)

    session.answer(answer, show)


@command(app, "preview", pb.PreviewClockResponse)
def preview(
    session: Session,
    *,
    rule: Annotated[str, typer.Option("--rule", metavar="CODE", help="Code of the rule. · 规则代码", autocompletion=rule_codes)],
    start: Annotated[str, typer.Option("--start", metavar="TIME", help="The act that starts it; Beijing time. · 起算行为的时间")],
    district: District = "",
    pause: Annotated[
        list[str] | None, typer.Option("--pause", metavar="FROM/TO", help="Time that does not count; repeat. · 不计入的时间")
    ] = None,
    extend: Annotated[list[str] | None, typer.Option("--extend", metavar="LENGTH", help="Such as 30cd; repeat. · 延长")] = None,
) -> None:
    """When a period would end, when somebody is warned, and the rest days passed over. Stores nothing. · 试算期限"""
    request = pb.PreviewClockRequest(
        district=district, rule_code=rule, start_at=stamp(moment_option(start, "--start")), extensions=extend or ()
    )
    for text in pause or ():
        try:
            begins, ends = parse_span(text)
        except ValueError as error:
            raise usage(f"{text}: {error}", "--pause") from error
        request.pauses.add(from_at=stamp(begins), to_at=stamp(ends))
    answer = ask_in_district(session, request)

    def show(screen: Screen) -> None:
        screen.pairs(
            (
                ("最后一日", answer.last_day_on),
                ("届满", shown(answer.due_at)),
                ("暂定", "是(该年节假日安排尚未公布)" if answer.provisional else "否"),
                ("规则版本", answer.rule_version),
                ("跳过的休息日", "、".join(answer.rest_days_skipped)),
            )
        )
        screen.table(("提醒", "日期", "时刻"), ((f"{w.percent}%", w.on, shown(w.at)) for w in answer.warnings))

    session.answer(answer, show)


@command(app, "list", pb.ListClocksResponse)
def list_clocks(
    session: Session,
    case_id: Annotated[str, typer.Argument(metavar="CASE", help="Case id. · 案件标识")],
    *,
    ended: Annotated[bool, typer.Option("--ended", help="Stopped and expired ones too. · 含已结束的")] = False,
) -> None:
    """The clocks of a case. · 案件的期限"""
    answer = session.wire.call(pb.ListClocksRequest(case_id=case_id, with_ended=ended))
    session.answer(answer, lambda screen: show_clocks(screen, answer.clocks))


@command(app, "advance", {"advanced_seconds": "number", "offset_seconds": "number"})
def advance(
    session: Session,
    duration: Annotated[str, typer.Argument(metavar="DURATION", help="3d, 12h, 1d6h, 90m, 45s. · 时长")],
) -> None:
    """Step the time of an embedded stack on; it never goes back. · 推进内嵌环境的时钟"""
    try:
        span = parse_duration(duration)
    except ValueError as error:
        raise usage(f"{duration}: {error}", "DURATION") from error
    offset = running_stack(session.caller.stack).step_clock(span.total_seconds())
    content = {"advanced_seconds": span.total_seconds(), "offset_seconds": offset}
    session.answer(content, lambda screen: screen.line(f"时钟已推进 {span},比实际时间快 {offset:.0f} 秒"))
