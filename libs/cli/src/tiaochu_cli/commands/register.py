"""`tiaochu register`: old registers (台账) come in as workbooks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from google.protobuf.message import Message
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tiaochu.intake.v1 import register_import_service_pb2 as pb
from tiaochu_cli.command import command, usage
from tiaochu_cli.failure import REFUSED
from tiaochu_cli.inputs import chunks
from tiaochu_cli.output import Screen, message_dict
from tiaochu_cli.session import Session

app = typer.Typer(no_args_is_help=True, help="Registers as workbooks. · 台账")

_OUTCOMES = {"accepted": "登记", "present": "已有", "refused": "拒绝"}


@command(app, "import", {"rows": [pb.RowReport], "summary": pb.RegisterSummary})
def import_register(
    session: Session,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, readable=True, help="The workbook (.xlsx). · 台账文件")
    ],
    *,
    open_: Annotated[bool, typer.Option("--open", help="Open cases; clocks start now. · 在办案件")] = False,
    history: Annotated[bool, typer.Option("--history", help="Finished cases; no clocks. · 历史案件")] = False,
    preview: Annotated[bool, typer.Option("--preview", help="The same checks; stores nothing. · 只检查")] = False,
    receiver: Annotated[str, typer.Option(metavar="ORGAN", help="First receiver of rows that name none. · 首接单位")] = "",
    region: Annotated[str, typer.Option(help="Region of rows without a place. · 默认发生地")] = "",
    sheet: Annotated[str, typer.Option(help="The sheet; the first if left out. · 工作表")] = "",
) -> None:
    """Take a register in, row by row. The same file again changes nothing. · 导入台账

    Good rows come in, others are refused one by one; exit code 1 when no row at all was good.
    """
    if open_ == history:
        raise usage("one of --open and --history · 请在 --open 与 --history 中选择一个")
    mode = pb.IMPORT_MODE_OPEN if open_ else pb.IMPORT_MODE_HISTORY
    header = pb.RegisterHeader(name=file.name, mode=mode, organ_id=receiver, region_code=region, sheet=sheet)
    request = pb.PreviewRegisterRequest if preview else pb.ImportRegisterRequest
    rows, summary = _run(session, file, header, request)

    def show(screen: Screen) -> None:
        for row in rows:
            for problem in row.problems:
                screen.line(f"第 {row.row_number} 行 {problem.column}:{problem.zh}  {problem.reason}", "red")
        word = "检查" if preview else "导入"
        screen.line(f"{word} {summary.rows} 行:登记 {summary.accepted},已有 {summary.present},拒绝 {summary.refused}")
        if summary.unknown_headings:
            screen.line("未识别的列:" + "、".join(summary.unknown_headings), "yellow")

    session.answer({"rows": [message_dict(r) for r in rows], "summary": message_dict(summary)}, show)
    if summary.refused and not summary.accepted + summary.present:
        raise typer.Exit(REFUSED)


def _run(session: Session, file: Path, header: pb.RegisterHeader, request: type[Any]) -> tuple[list[pb.RowReport], pb.RegisterSummary]:
    def requests() -> Iterator[Message]:
        yield request(header=header)
        for piece in chunks(file):
            yield request(chunk=piece)

    rows: list[pb.RowReport] = []
    summary = pb.RegisterSummary()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(
        *columns, console=session.screen.err, disable=session.json or not session.screen.err.is_terminal, transient=True
    ) as progress:
        task = progress.add_task(file.name, total=None)
        for answer in session.wire.stream(requests(), request()):
            if answer.HasField("summary"):
                summary = answer.summary
            else:
                rows.append(answer.row)
                progress.update(task, advance=1, description=f"{file.name} {_OUTCOMES.get(answer.row.outcome, '')}")
    return rows, summary
