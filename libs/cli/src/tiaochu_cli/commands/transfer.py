"""`tiaochu transfer`: a case from unit to unit."""

from typing import Annotated

import typer

from tiaochu.routing.v1 import responsibility_service_pb2 as pb
from tiaochu_cli.command import command, usage
from tiaochu_cli.commands.case import CaseId
from tiaochu_cli.completion import codes
from tiaochu_cli.output import Screen
from tiaochu_cli.session import Session

app = typer.Typer(no_args_is_help=True, help="Transfers between units. · 移送")

_KINDS = {"refer": pb.TRANSFER_KIND_REFER, "escalate": pb.TRANSFER_KIND_ESCALATE, "delegate": pb.TRANSFER_KIND_DELEGATE}


def _kinds(incomplete: str) -> list[str]:
    return [kind for kind in _KINDS if kind.startswith(incomplete)]


TransferId = Annotated[
    str, typer.Argument(metavar="[TRANSFER]", help="The transfer; the pending one if left out. · 移送标识,默认为待签收的一件")
]
Etag = Annotated[str, typer.Option(help="Version that was read. · 版本")]


@command(app, "offer", pb.OfferTransferResponse)
def offer(
    session: Session,
    case_id: CaseId,
    *,
    to: Annotated[str, typer.Option("--to", metavar="ORGAN", help="The unit asked. · 接收单位")],
    kind: Annotated[str, typer.Option(help="refer (移送), escalate (上交), delegate (交办).", autocompletion=_kinds)] = "refer",
    reason: Annotated[str, typer.Option(help="Code of the reason. · 理由代码", autocompletion=codes("transfer_reason"))] = "not_competent",
    proposal: Annotated[str, typer.Option(metavar="TEXT", help="Proposal; required to escalate. · 处理意见")] = "",
    etag: Etag = "",
) -> None:
    """Offer the case to another unit; responsibility stays until it signs. · 提出移送"""
    if kind not in _KINDS:
        raise usage(f"{kind}: {', '.join(_KINDS)}", "--kind")
    request = pb.OfferTransferRequest(case_id=case_id, to_organ_id=to, kind=_KINDS[kind], reason=reason, proposal=proposal, etag=etag)
    answer = session.wire.call(request)
    session.answer(answer, lambda screen: screen.pairs((("移送标识", answer.transfer_id), ("版本", answer.etag))))


@command(app, "sign", pb.SignTransferResponse)
def sign(session: Session, case_id: CaseId, transfer_id: TransferId = "", *, etag: Etag = "") -> None:
    """Sign for the case: the caller's unit is responsible from now on. · 签收"""
    request = pb.SignTransferRequest(case_id=case_id, transfer_id=transfer_id or _pending(session, case_id), etag=etag)
    answer = session.wire.call(request)
    session.answer(answer, lambda screen: screen.pairs((("第几任责任单位", answer.responsibility_version), ("版本", answer.etag))))


@command(app, "return", pb.ReturnTransferResponse)
def give_back(
    session: Session,
    case_id: CaseId,
    transfer_id: TransferId = "",
    *,
    ground: Annotated[
        str, typer.Option(help="Code of the ground. · 退回理由代码", autocompletion=codes("return_ground"))
    ] = "not_competent",
    suggest: Annotated[str, typer.Option("--suggest", metavar="ORGAN", help="The unit held competent. · 建议单位")] = "",
    note: Annotated[str, typer.Option(metavar="TEXT", help="Explanation; required with ground other. · 说明")] = "",
    etag: Etag = "",
) -> None:
    """Return an offer with a ground. The second return calls for designation. · 退回"""
    request = pb.ReturnTransferRequest(
        case_id=case_id,
        transfer_id=transfer_id or _pending(session, case_id),
        ground=ground,
        suggested_organ_id=suggest,
        note=note,
        etag=etag,
    )
    answer = session.wire.call(request)
    shown = (("退回次数", answer.returns), ("应由其指定", answer.designating_organ_id), ("版本", answer.etag))
    session.answer(answer, lambda screen: screen.pairs(shown))


@command(app, "designate", pb.DesignateUnitResponse)
def designate(
    session: Session,
    case_id: CaseId,
    *,
    to: Annotated[str, typer.Option("--to", metavar="ORGAN", help="The unit that is to be responsible. · 被指定单位")],
    ground: Annotated[str, typer.Option(help="call_up or jurisdiction_dispute, where none is due. · 理由代码")] = "",
    note: Annotated[str, typer.Option(metavar="TEXT", help="Explanation. · 说明")] = "",
    etag: Etag = "",
) -> None:
    """Designate the responsible unit; binding at once. · 指定管辖"""
    answer = session.wire.call(pb.DesignateUnitRequest(case_id=case_id, organ_id=to, ground=ground, note=note, etag=etag))

    def show(screen: Screen) -> None:
        screen.pairs((("第几任责任单位", answer.responsibility_version), ("版本", answer.etag)))

    session.answer(answer, show)


def _pending(session: Session, case_id: str) -> str:
    """The transfer that waits for an answer, empty when none does: the service then says so."""
    found = session.wire.call(pb.GetResponsibilityRequest(case_id=case_id)).responsibility
    waiting = [t.transfer_id for t in found.transfers if t.status == "offered"]
    if not waiting:
        raise usage("no transfer waits for an answer; name one · 没有待签收的移送,请指明", "TRANSFER")
    return str(waiting[-1])
