"""`tiaochu audit`: proofs for third parties, and the books compared with each other."""

from pathlib import Path
from typing import Annotated

import typer

from tiaochu_cli.audit.consistency import check_all, consistent
from tiaochu_cli.audit.finding import Check
from tiaochu_cli.audit.reading import Reader
from tiaochu_cli.command import command, usage
from tiaochu_cli.failure import REFUSED
from tiaochu_cli.output import Screen
from tiaochu_cli.services import PRODUCERS, chosen
from tiaochu_cli.session import Session
from tiaochu_kit.audit import Report
from tiaochu_kit.audit import verify as verify_export

app = typer.Typer(no_args_is_help=True, help="Proofs. · 审计")

VERIFIED = {
    "ok": "boolean",
    "service": "string",
    "district": "string",
    "events": "number",
    "position": "number",
    "hash": "string, hex",
    "signatures": [{"position": "number", "signed_at": "number, microseconds since 1970"}],
    "problems": [{"position": "number", "reason": "string"}],
}
FINDING = {"reason": "string", "district": "string", "case_id": "string", "detail": "string"}
CONSISTENCY = {
    "consistent": "boolean",
    "events": "number",
    "services": ["string"],
    "districts": ["string"],
    "checks": [{"name": "string", "zh": "string", "looked_at": "number", "holds": "boolean", "findings": [FINDING]}],
}
SHOWN = 20
"""Findings shown of one check; `--json` has them all."""


@command(app, "verify", VERIFIED)
def verify(
    session: Session,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", exists=True, dir_okay=False, readable=True, help="Made by `tiaochu journal export`. · 导出文件"),
    ],
    *,
    public_key: Annotated[
        Path | None,
        typer.Option(
            "--public-key", metavar="FILE", exists=True, dir_okay=False, help="PEM; the embedded stack's own if left out. · 公钥文件"
        ),
    ] = None,
) -> None:
    """Prove an export of a log with nothing but the service's public key. Exit code 1 when it does not hold. · 验证日志导出"""
    report = _verified(file, public_key or _key_of_stack(session, file))
    content: dict[str, object] = {
        "ok": report.ok,
        "service": report.service,
        "district": report.district,
        "events": report.events,
        "position": report.position,
        "hash": report.hash,
        "signatures": [{"position": position, "signed_at": signed_at} for position, signed_at in report.signatures],
        "problems": [{"position": p.position, "reason": p.reason} for p in report.problems],
    }

    def show(screen: Screen) -> None:
        for problem in report.problems[:SHOWN]:
            screen.line(f"位置 {problem.position}:{problem.reason}", "red")
        verdict = ("验证通过", "green") if report.ok else (f"验证不通过:{len(report.problems)} 处", "bold red")
        screen.line(f"{report.service}/{report.district}  {report.events} 条,签名 {len(report.signatures)} 个  {verdict[0]}", verdict[1])

    session.answer(content, show)
    if not report.ok:
        raise typer.Exit(REFUSED)


def _verified(file: Path, key: Path) -> Report:
    try:
        return verify_export(file, key.read_bytes())
    except (ValueError, TypeError) as error:
        raise usage(f"{key}: {error}", "--public-key") from error


def _key_of_stack(session: Session, file: Path) -> Path:
    """The public key of the service whose log the file says it is."""
    with file.open(encoding="utf-8", errors="replace") as lines:
        first = lines.readline()
    service = next((name for name in PRODUCERS if f'"{name}"' in first), "")
    key = session.caller.stack / "secrets" / "log-signing" / f"{service}.pub"
    if not service or not key.is_file():
        raise usage("name the service's public key · 请指明该服务的公钥", "--public-key")
    return key


@command(app, "consistency", CONSISTENCY)
def consistency(
    session: Session,
    *,
    district: Annotated[str, typer.Option("--district", metavar="CODE", help="One district only. · 只查一个辖区")] = "",
    settle: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="How long the services may need to agree. · 等待一致的时间")
    ] = 15.0,
) -> None:
    """Recompute from the journals of all services: hashes, responsibility, clocks, deliveries, effects, statistics. · 一致性核对

    Exit code 1 when anything differs.
    """
    screen = session.screen
    with screen.err.status("读取日志") as status:

        def told(log: str, read: int, head: int) -> None:
            status.update(f"读取日志 {log} {read}/{head}")

        journals, checks = check_all(Reader(session.wire, chosen(session), district), settle, told)
    content: dict[str, object] = {
        "consistent": consistent(checks),
        "events": journals.count,
        "services": sorted(journals.services),
        "districts": journals.districts,
        "checks": [check.as_dict() for check in checks],
    }
    session.answer(content, lambda shown: _show(shown, checks, journals.count))
    if not consistent(checks):
        raise typer.Exit(REFUSED)


def _show(screen: Screen, checks: list[Check], events: int) -> None:
    rows = ((c.zh, c.name, c.looked_at, len(c.findings), "一致" if c.holds else "不一致") for c in checks)
    screen.table(("核对", "代码", "数量", "差异", "结果"), rows, f"共 {events} 个事件", right=(2, 3))
    for check in checks:
        for finding in check.findings[:SHOWN]:
            screen.line(f"{check.name} {finding.reason} {finding.district} {finding.case_id} {finding.detail}", "red")
        if len(check.findings) > SHOWN:
            screen.line(f"{check.name}: …{len(check.findings) - SHOWN} (--json)", "red")
