"""`tiaochu mediator`, `tiaochu actions`, `tiaochu token`."""

from typing import Annotated, Any

import typer

from tiaochu.docking.v1 import docking_service_pb2 as docking
from tiaochu.intake.v1 import case_queries_pb2 as intake
from tiaochu.mediation.v1 import mediation_service_pb2 as mediation
from tiaochu.routing.v1 import responsibility_service_pb2 as routing
from tiaochu_cli.cell import cell_of_stack
from tiaochu_cli.command import command
from tiaochu_cli.commands.case import CaseId
from tiaochu_cli.names import stage_zh
from tiaochu_cli.output import Screen, message_dict
from tiaochu_cli.session import Session
from tiaochu_domainkit.errors import DomainError, Kind

ACTIONS = {
    "services": [
        {
            "service": "string",
            "actions": [{"action": "string", "allowed": "boolean", "reason": "string", "…": "reason_zh or zh; stage or etag beside"}],
        }
    ],
    "exchanges": [{"exchange_id": "string", "actions": [docking.AllowedAction]}],
}

mediators = typer.Typer(no_args_is_help=True, help="Mediators. · 调解员")


@command(mediators, "rank", routing.RankMediatorsResponse)
def rank(
    session: Session,
    case_id: CaseId,
    *,
    language: Annotated[list[str] | None, typer.Option(help="A language the parties need; repeat. · 语言")] = None,
    limit: Annotated[int, typer.Option(min=1, max=50, help="At most so many. · 人数")] = 10,
) -> None:
    """Mediators for a case, best first, each with the score explained. · 推荐调解员"""
    answer = session.wire.call(routing.RankMediatorsRequest(case_id=case_id, languages=language or (), limit=limit))

    def show(screen: Screen) -> None:
        rows = (
            (
                m.name,
                m.organ_name,
                m.score,
                "、".join(f"{p.zh} {p.points}/{p.of}" for p in m.parts) or m.excluded,
                f"{m.open_cases}/{m.max_load}",
                m.mediator_id,
            )
            for m in answer.mediators
        )
        screen.table(("姓名", "单位", "分数", "理由", "在办", "标识"), rows, right=(2,))

    session.answer(answer, show)


def add_to(app: typer.Typer) -> None:
    """Add the commands that stand by themselves."""
    command(app, "actions", ACTIONS)(_actions)
    command(app, "token", {"person": "string", "access_token": "string"})(_token)


def _actions(session: Session, case_id: CaseId) -> None:
    """Every command of every service on a case: allowed now, or why not. · 可办事项"""
    answers: dict[str, Any] = {
        "intake": session.wire.call(intake.ListAllowedActionsRequest(case_id=case_id)),
        "routing": session.wire.call(routing.ListAllowedActionsRequest(case_id=case_id)),
        "mediation": session.wire.call(mediation.ListAllowedActionsRequest(case_id=case_id)),
    }
    exchanges = _exchanges(session, case_id)
    content = {
        "services": [{"service": name, **message_dict(a)} for name, a in answers.items()],
        "exchanges": [{"exchange_id": exchange_id, **message_dict(a)} for exchange_id, a in exchanges.items()],
    }

    def show(screen: Screen) -> None:
        screen.line(f"阶段 {stage_zh(answers['intake'].stage)}")
        rows = []
        for name, answer in answers.items():
            rows += [(name, a.action, "可以" if a.allowed else "", a.reason, _why(a)) for a in answer.actions]
        for exchange_id, answer in exchanges.items():
            rows += [(f"docking {exchange_id[-12:]}", a.command, "可以" if a.allowed else "", a.reason, "") for a in answer.actions]
        screen.table(("服务", "事项", "", "代码", "原因"), rows)

    session.answer(content, show)


def _why(action: Any) -> str:
    """The services call the Chinese reason `reason_zh` or `zh`."""
    return str(getattr(action, "reason_zh", "") or getattr(action, "zh", ""))


def _exchanges(session: Session, case_id: str) -> dict[str, docking.ListAllowedActionsResponse]:
    """What may be done on the exchanges of the case, where the gateway shows them to the caller."""
    if "docking" not in session.cell.addresses:
        return {}
    try:
        found = session.wire.call(docking.ListExchangesRequest(case_id=case_id)).exchanges
    except DomainError as error:
        if error.kind is Kind.PERMISSION_DENIED:
            return {}
        raise
    return {x.exchange_id: session.wire.call(docking.ListAllowedActionsRequest(exchange_id=x.exchange_id)) for x in found}


def _token(session: Session, person: Annotated[str, typer.Argument(metavar="PERSON", help="A person's id. · 人员标识")]) -> None:
    """A bearer token of a person, from the issuer of an embedded stack. · 取得令牌"""
    token = cell_of_stack(session.caller.stack).token(person)
    session.answer({"person": person, "access_token": token}, lambda screen: screen.out.print(token, soft_wrap=True, markup=False))
