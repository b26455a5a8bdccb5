"""`tiaochu case`: a dispute by hand."""

from typing import Annotated

import typer

from tiaochu.intake.v1 import case_commands_pb2 as commands
from tiaochu.intake.v1 import case_pb2 as case_pb
from tiaochu.intake.v1 import case_queries_pb2 as queries
from tiaochu.reporting.v1 import report_service_pb2 as reports
from tiaochu.routing.v1 import clock_service_pb2 as clocks
from tiaochu.routing.v1 import responsibility_service_pb2 as routing
from tiaochu_cli.clocks import show_clocks
from tiaochu_cli.command import command, moment_option, usage
from tiaochu_cli.completion import category_codes, codes
from tiaochu_cli.inputs import merge_json
from tiaochu_cli.moments import shown, stamp
from tiaochu_cli.names import Names, category_zh, stage_zh, zh
from tiaochu_cli.output import Screen, yuan
from tiaochu_cli.session import Session
from tiaochu_cli.timeline import story
from tiaochu_cli.timeline.entries import timeline_of
from tiaochu_domainkit.errors import DomainError

app = typer.Typer(no_args_is_help=True, help="Cases. · 案件")

CaseId = Annotated[str, typer.Argument(metavar="CASE", help="Case id. · 案件标识")]
_ID_LENGTH = 18


@command(app, "register", commands.RegisterCaseResponse)
def register(
    session: Session,
    *,
    file: Annotated[
        str, typer.Option("--file", "-f", metavar="FILE", help="RegisterCaseRequest as JSON; - reads standard input. · JSON 文件")
    ] = "",
    channel: Annotated[str, typer.Option(help="The door, such as window. · 受理渠道", autocompletion=codes("channel"))] = "",
    facts: Annotated[str, typer.Option(help="Brief facts. · 简要案情")] = "",
    applicant: Annotated[list[str] | None, typer.Option(metavar="NAME[/ID[/PHONE]]", help="An applicant; repeat. · 申请人,可重复")] = None,
    respondent: Annotated[
        list[str] | None, typer.Option(metavar="NAME[/ID[/PHONE]]", help="A respondent; repeat. · 被申请人,可重复")
    ] = None,
    region: Annotated[str, typer.Option(help="Where the dispute lies, 12 digits. · 纠纷发生地")] = "",
    receiver: Annotated[str, typer.Option(metavar="ORGAN", help="First receiver; the caller's own organ if left out. · 首接单位")] = "",
    category: Annotated[str, typer.Option(help="Category the registrar thinks of. · 纠纷类别", autocompletion=category_codes)] = "",
    identity_check: Annotated[str, typer.Option(help="How the applicant's identity was checked. · 身份核验方式")] = "original_seen",
    case_id: Annotated[str, typer.Option(metavar="UUID", help="Minted by the caller. · 预先生成的案件标识")] = "",
    request_id: Annotated[str, typer.Option(metavar="UUID", help="Makes repeating harmless. · 请求编号")] = "",
) -> None:
    """Register a case; options are put over what the JSON says. · 登记案件"""
    request = commands.RegisterCaseRequest()
    if file:
        merge_json(request, file)
    given = {
        "channel": channel,
        "facts": facts,
        "region_code": region,
        "first_receiver_organ_id": receiver,
        "category_hint": category,
        "case_id": case_id,
        "request_id": request_id,
    }
    for name, value in given.items():
        if value:
            setattr(request, name, value)
    request.applicants.extend(_party(text) for text in applicant or ())
    request.respondents.extend(_party(text) for text in respondent or ())
    if not request.facts and not request.respondents:
        raise usage("--file, or --channel, --facts, --applicant and --respondent · 请给出 --file 或案情与当事人")
    if request.applicants and not request.HasField("on_behalf_of"):
        request.on_behalf_of.identity_check = identity_check
    answer = session.wire.call(request)

    def show(screen: Screen) -> None:
        screen.pairs(
            (
                ("案号", answer.case_number),
                ("案件标识", answer.case_id),
                ("查询码", answer.receipt_code),
                ("版本", answer.etag),
                ("已登记", "是" if answer.already_registered else ""),
            )
        )

    session.answer(answer, show)


def _party(text: str) -> case_pb.PartyInput:
    """`NAME[/ID[/PHONE]]`: with 18 digits a resident, a credit code where the name is no person's is given by JSON."""
    name, number, phone = (*text.split("/", 2), "", "")[:3]
    party = case_pb.PartyInput(kind="person", name=name.strip(), phone=phone.strip(), id_number=number.strip().upper())
    if party.id_number:
        party.id_type = "resident_id"
        if len(party.id_number) != _ID_LENGTH:
            raise usage(f"{text}: an id number has 18 digits; use --file for other papers · 身份证号码应为 18 位")
    else:
        party.id_type, party.identity_note = "none", "口头陈述,证件待补"
    return party


@command(app, "classify", commands.ClassifyCaseResponse)
def classify(
    session: Session,
    case_id: CaseId,
    *,
    category: Annotated[str, typer.Option(help="Leaf of the classification, four digits or 99. · 纠纷类别", autocompletion=category_codes)],
    difficulty: Annotated[
        str, typer.Option(help="simple, ordinary, complex, major. · 难易程度", autocompletion=codes("difficulty"))
    ] = "simple",
    scale: Annotated[str, typer.Option(help="01, 02, 03. · 规模", autocompletion=codes("scale"))] = "01",
    risk: Annotated[str, typer.Option(help="none, blue, yellow, orange, red. · 风险等级", autocompletion=codes("risk"))] = "none",
    flag: Annotated[
        list[str] | None, typer.Option(help="Care and handling flags; repeat. · 标识,可重复", autocompletion=codes("flag"))
    ] = None,
    detail: Annotated[str, typer.Option(help="Third level, below 0601 only. · 三级分类")] = "",
    single: Annotated[bool, typer.Option("--single/--multiple", help="One legal relation only, or several. · 单一/多种法律关系")] = True,
    etag: Annotated[str, typer.Option(help="Version that was read. · 版本")] = "",
) -> None:
    """Classify a case. · 分类"""
    request = commands.ClassifyCaseRequest(
        case_id=case_id,
        category=category,
        category_detail=detail,
        difficulty=difficulty,
        scale=scale,
        risk=risk,
        flags=flag or (),
        single_legal_relation=single,
        etag=etag,
    )
    answer = session.wire.call(request)
    fits = {"Y": "适于人民调解", "C": "有条件适于调解", "N": "不属于调解范围,应予引导"}

    def show(screen: Screen) -> None:
        screen.pairs(
            (
                ("纠纷类别", category_zh(category)),
                ("统计类型", zh("moj_type", answer.moj_type)),
                ("可调解性", fits.get(answer.mediable, answer.mediable)),
                ("版本", answer.etag),
            )
        )

    session.answer(answer, show)


@command(app, "show", queries.GetCaseResponse)
def show_case(
    session: Session,
    case_id: CaseId,
    *,
    unmasking: Annotated[str, typer.Option(metavar="UUID", help="A permission to see particulars. · 查看许可")] = "",
) -> None:
    """The case as the caller may see it. · 查看案件"""
    answer = session.wire.call(queries.GetCaseRequest(case_id=case_id, unmasking_id=unmasking))
    session.answer(answer, lambda screen: _show_case(screen, answer.case, Names(session.wire, answer.case.region_code[:6])))


def _show_case(screen: Screen, case: case_pb.Case, names: Names) -> None:
    classified = case.classification
    screen.pairs(
        (
            ("案号", case.case_number),
            ("阶段", stage_zh(case.stage)),
            ("版本", case.etag),
            ("受理渠道", zh("channel", case.channel)),
            ("案件来源", zh("source", case.source)),
            ("首接单位", names.organ(case.first_receiver_organ_id)),
            ("责任单位", names.organ(case.responsible_organ_id)),
            ("首次受理", shown(case.first_received_at)),
            ("登记", shown(case.registered_at)),
            ("发生地", f"{case.region_code} {case.place}"),
            ("纠纷类别", category_zh(classified.category or case.category_hint)),
            ("难易程度", zh("difficulty", classified.difficulty) if classified.difficulty else ""),
            ("风险等级", zh("risk", classified.risk) if classified.risk else ""),
            ("标识", "、".join(zh("flag", f) for f in classified.flags)),
            ("涉及金额", yuan(case.amount_fen) if case.amount_fen else ""),
            ("简要案情", case.facts),
            ("主案", case.master_case_id),
        )
    )
    sides = {"applicant": "申请人", "respondent": "被申请人"}
    screen.table(
        ("当事人", "姓名", "证件号码", "电话", "意愿", "标识"),
        ((sides.get(p.side, p.side), p.name, p.id_number, p.phone, p.consent, p.party_id) for p in case.parties),
    )
    if case.files:
        screen.table(("材料", "种类", "字节", "标识"), ((f.name, f.kind, f.size, f.file_id) for f in case.files), right=(2,))


@command(app, "search", queries.SearchCasesResponse)
def search(
    session: Session,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Two characters at least. · 至少两个字")],
    *,
    history: Annotated[bool, typer.Option("--history", help="Old registers too. · 含历史台账")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100, help="Cases a page. · 每页件数")] = 20,
    page_token: Annotated[str, typer.Option(metavar="TOKEN", help="next_page_token of the last answer. · 翻页标记")] = "",
) -> None:
    """Cases whose number, names, place, facts or claims hold the text. · 检索"""
    request = queries.SearchCasesRequest(text=text, include_history=history, page_size=limit, page_token=page_token)
    answer = session.wire.call(request)

    def show(screen: Screen) -> None:
        rows = (
            (
                c.case_number,
                stage_zh(c.stage),
                "、".join(c.applicants),
                "、".join(c.respondents),
                category_zh(c.category),
                shown(c.first_received_at),
                c.case_id,
            )
            for c in answer.cases
        )
        screen.table(("案号", "阶段", "申请人", "被申请人", "类别", "受理时间", "案件标识"), rows, f"{len(answer.cases)} 件")
        if answer.next_page_token:
            screen.line(f"--page-token {answer.next_page_token}", "dim")

    session.answer(answer, show)


@command(app, "responsible", routing.GetResponsibleUnitResponse)
def responsible(
    session: Session,
    case_id: CaseId,
    *,
    at: Annotated[str, typer.Option(metavar="TIME", help="A past instant; now if left out. · 某一时刻")] = "",
) -> None:
    """The one unit responsible, now or at any past instant. · 责任单位"""
    request = routing.GetResponsibleUnitRequest(case_id=case_id)
    if at:
        request.at.CopyFrom(stamp(moment_option(at, "--at")))
    answer = session.wire.call(request)
    ways = {"first_receipt": "首接", "signature": "签收", "designation": "指定"}

    def show(screen: Screen) -> None:
        until = shown(answer.until_at) if answer.HasField("until_at") else "至今"
        screen.pairs(
            (
                ("责任单位", answer.organ_name or answer.organ_id),
                ("单位标识", answer.organ_id),
                ("期间", f"{shown(answer.since_at)} — {until}"),
                ("取得方式", ways.get(answer.by, answer.by)),
                ("第几任", answer.responsibility_version),
            )
        )

    session.answer(answer, show)


@command(app, "timeline", reports.GetCaseTimelineResponse)
def timeline(session: Session, case_id: CaseId) -> None:
    """Who did what, when, where the case was, and every clock. · 案件经过"""
    answer = timeline_of(session.wire, case_id)

    def show(screen: Screen) -> None:
        steps = story.tell(answer.entries, Names(session.wire, story.district_of(answer.entries)))
        screen.table(("时间", "何人", "何事", "责任单位"), ((f"{s.at:%Y-%m-%d %H:%M}", s.who, s.what, s.where) for s in steps))
        try:
            found = session.wire.call(clocks.ListClocksRequest(case_id=case_id, with_ended=True))
        except DomainError as error:
            screen.line(f"期限:{error.zh}", "dim")
            return
        show_clocks(screen, found.clocks)

    session.answer(answer, show)
