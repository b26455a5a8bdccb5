"""ListAllowedActions: every command, and whether the caller may give it now, from the same tables the commands obey."""

from collections.abc import Mapping

from tiaochu.mediation.v1 import mediation_pb2 as shown
from tiaochu.mediation.v1 import mediation_service_pb2 as pb
from tiaochu.options.v1 import options_pb2
from tiaochu_domainkit.errors import DomainError, InvalidTransition, denied
from tiaochu_kit.principal import Principal
from tiaochu_kit.usecase import Context, query
from tiaochu_mediation.domain.mediation import Mediation
from tiaochu_mediation.usecases.acting import WHERE_A_PARTY_SPEAKS, outsider
from tiaochu_mediation.usecases.ports import Reads

COMMANDS: Mapping[str, str] = {
    "ChooseMediator": "choose_mediator",
    "AcceptAssignment": "accept_assignment",
    "DeclineAssignment": "decline_assignment",
    "RaiseRecusal": "raise_recusal",
    "DecideRecusal": "decide_recusal",
    "AcknowledgeNotice": "acknowledge_notice",
    "RecordSafetyCheck": "record_safety_check",
    "ScheduleSession": "schedule_session",
    "ApproveSession": "approve_session",
    "HoldSession": "hold_session",
    "SuspendMediation": "suspend",
    "ResumeMediation": "resume",
    "DraftAgreement": "draft_agreement",
    "SignAgreement": "sign_agreement",
    "TerminateMediation": "terminate",
    "RequestConfirmation": "request_confirmation",
    "RecordPerformance": "record_performance",
    "RecordFollowUp": "record_follow_up",
    "CloseCase": "close",
}
"""RPC → command of the table, in the order of the case's life."""


class ActionQueries:
    """So that no page ever guesses a rule."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    @query
    async def list_allowed_actions(self, ctx: Context, r: pb.ListAllowedActionsRequest) -> pb.ListAllowedActionsResponse:
        """One answer a command."""
        mediation = await self._reads.mediation(ctx, r.case_id)
        actions = [_action(rpc, refusal_of(mediation, rpc, ctx.principal)) for rpc in COMMANDS]
        return pb.ListAllowedActionsResponse(actions=actions, etag=str(mediation.version))


def refusal_of(mediation: Mediation, rpc: str, principal: Principal) -> DomainError | None:
    """Why the caller's command would be refused, as far as that can be told without its fields."""
    if not principal.roles.intersection(_roles(rpc)):
        return denied("ROLE_MISSING", "the caller has none of the roles this needs", "您没有办理此事项的权限", rpc=rpc)
    command = COMMANDS[rpc]
    if command not in mediation.allowed_commands():
        return InvalidTransition(command, mediation.status, mediation.allowed_commands())
    elsewhere = None if rpc in WHERE_A_PARTY_SPEAKS else outsider(mediation, principal)
    return elsewhere or mediation.refusal(command, principal.id)


def _roles(rpc: str) -> frozenset[str]:
    method = pb.DESCRIPTOR.services_by_name["MediationService"].methods_by_name[rpc]
    return frozenset(method.GetOptions().Extensions[options_pb2.access].roles)


def _action(rpc: str, refusal: DomainError | None) -> shown.AllowedAction:
    if refusal is None:
        return shown.AllowedAction(action=rpc, allowed=True)
    return shown.AllowedAction(action=rpc, allowed=False, reason=refusal.reason, reason_zh=refusal.zh)
