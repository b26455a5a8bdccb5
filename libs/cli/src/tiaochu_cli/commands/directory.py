"""`tiaochu directory`: organs and people of a district."""

from pathlib import Path
from typing import Annotated

import typer

from tiaochu.routing.v1 import directory_service_pb2 as pb
from tiaochu.routing.v1 import rule_service_pb2 as rules_pb
from tiaochu_cli.command import command
from tiaochu_cli.completion import codes
from tiaochu_cli.directory_files import read_directory, read_rules
from tiaochu_cli.districts import ask_in_district
from tiaochu_cli.names import Names, zh
from tiaochu_cli.output import Screen
from tiaochu_cli.session import Session

app = typer.Typer(no_args_is_help=True, help="Organs, staff and routing rules. · 组织目录")

Needed = Annotated[str, typer.Option("--district", metavar="CODE", help="Six digits. · 辖区")]
District = Annotated[str, typer.Option("--district", metavar="CODE", help="Six digits; the caller's own if left out. · 辖区")]


@command(app, "import", pb.ImportDirectoryResponse)
def import_directory(
    session: Session,
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", exists=True, file_okay=False, help="regions, organs, staff, posts, mediators as CSV. · 目录文件夹"),
    ],
    *,
    district: Needed,
    valid_from: Annotated[str, typer.Option(metavar="DATE", help="First day of what is new. · 生效日期")] = "2020-01-01",
) -> None:
    """Bring the directory of a district up to what the files say; the same files again change nothing. · 导入组织目录"""
    answer = session.wire.call(read_directory(folder, district, valid_from), timeout=120)
    counts = (
        ("区划", answer.regions),
        ("单位", answer.organs),
        ("人员", answer.staff),
        ("任职", answer.posts),
        ("调解员", answer.mediators),
    )
    session.answer(answer, lambda screen: screen.pairs(counts))


@command(app, "rules", rules_pb.ImportRoutingRulesResponse)
def import_rules(
    session: Session,
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="Routing rules as CSV. · 分流规则文件")],
    *,
    district: Needed,
) -> None:
    """Put the routing rules of a file, all or none; the same file again changes nothing. · 导入分流规则"""
    answer = session.wire.call(rules_pb.ImportRoutingRulesRequest(district=district, rules=read_rules(file)), timeout=120)
    session.answer(answer, lambda screen: screen.pairs((("新规则", answer.put), ("未变", answer.unchanged))))


@command(app, "list", pb.ListOrgansResponse)
def list_organs(
    session: Session,
    *,
    district: District = "",
    kind: Annotated[str, typer.Option(help="Only this kind of organ. · 单位种类")] = "",
    on: Annotated[str, typer.Option(metavar="DATE", help="As placed on this day; today if left out. · 日期")] = "",
    page_token: Annotated[str, typer.Option(metavar="TOKEN", help="next_page_token of the last answer. · 翻页标记")] = "",
) -> None:
    """Organs by their place in the tree. · 单位"""
    answer = ask_in_district(session, pb.ListOrgansRequest(district=district, kind=kind, on=on, page_size=1000, page_token=page_token))

    def show(screen: Screen) -> None:
        rows = (
            ("  " * (o.organ_path.count("/") - 2) + (o.short_name or o.name), zh("organ_kind", o.kind), o.region_code, o.code, o.organ_id)
            for o in answer.organs
        )
        screen.table(("单位", "种类", "区划", "代码", "标识"), rows)
        if answer.next_page_token:
            screen.line(f"--page-token {answer.next_page_token}", "dim")

    session.answer(answer, show)


@command(app, "staff", pb.ListStaffResponse)
def list_staff(session: Session, organ_id: Annotated[str, typer.Argument(metavar="ORGAN", help="The organ. · 单位标识")]) -> None:
    """Staff of an organ with their posts. · 人员"""
    answer = session.wire.call(pb.ListStaffRequest(organ_id=organ_id))

    def show(screen: Screen) -> None:
        rows = ((s.name, s.login, "、".join(p.role for p in s.posts), s.phone, s.person_id) for s in answer.staff)
        screen.table(("姓名", "账号", "任职", "电话", "标识"), rows)

    session.answer(answer, show)


@command(app, "deputies", pb.ListDeputiesResponse)
def list_deputies(session: Session, organ_id: Annotated[str, typer.Argument(metavar="ORGAN", help="The organ. · 单位标识")]) -> None:
    """Who stands in for whom in an organ: in force, to come, and over within the last month. · 代理"""
    answer = session.wire.call(pb.ListDeputiesRequest(organ_id=organ_id))

    def show(screen: Screen) -> None:
        names = Names(session.wire)
        names.learn(person for d in answer.deputations for person in (d.principal_id, d.deputy_id))
        rows = (
            (
                names.person(d.principal_id),
                d.role,
                names.person(d.deputy_id),
                d.valid_from_on,
                d.valid_to_on,
                zh("deputy_end_ground", d.end_ground) if d.end_ground else zh("deputy_ground", d.ground),
                d.deputation_id,
            )
            for d in answer.deputations
        )
        screen.table(("被代理人", "任职", "代理人", "开始", "结束(不含)", "事由", "标识"), rows)

    session.answer(answer, show)


PostId = Annotated[str, typer.Argument(metavar="POST", help="The post, from `directory staff --json`. · 任职标识")]


@command(app, "appoint-deputy", pb.AppointDeputyResponse)
def appoint_deputy(
    session: Session,
    post_id: PostId,
    deputy_id: Annotated[str, typer.Argument(metavar="DEPUTY", help="The person who stands in. · 代理人标识")],
    *,
    district: Needed,
    valid_from: Annotated[str, typer.Option("--from", metavar="DATE", help="First day. · 开始日期")],
    valid_to: Annotated[str, typer.Option("--to", metavar="DATE", help="First day without the deputy. · 结束日期(不含)")],
    ground: Annotated[str, typer.Option(help="Code of the ground. · 事由代码", autocompletion=codes("deputy_ground"))] = "leave",
) -> None:
    """Let somebody stand in for the person of a post for some days. · 安排代理"""
    request = pb.AppointDeputyRequest(
        district=district, post_id=post_id, deputy_id=deputy_id, valid_from_on=valid_from, valid_to_on=valid_to, ground=ground
    )
    answer = session.wire.call(request)
    session.answer(answer, lambda screen: screen.pairs((("代理标识", answer.deputation_id),)))


@command(app, "end-deputy", pb.EndDeputyResponse)
def end_deputy(
    session: Session,
    post_id: PostId,
    deputation_id: Annotated[str, typer.Argument(metavar="DEPUTATION", help="From `directory deputies`. · 代理标识")],
    *,
    district: Needed,
    valid_to: Annotated[str, typer.Option("--to", metavar="DATE", help="First day without the deputy; today if left out. · 结束日期")] = "",
) -> None:
    """End a deputation before its time. · 提前结束代理"""
    request = pb.EndDeputyRequest(district=district, post_id=post_id, deputation_id=deputation_id, valid_to_on=valid_to)
    answer = session.wire.call(request)
    session.answer(answer, lambda screen: screen.line("代理已结束"))
