"""Queries on one case's responsibility."""

from collections.abc import Mapping
from datetime import UTC

from tiaochu.options.v1 import options_pb2
from tiaochu.routing.v1 import clock_service_pb2
from tiaochu.routing.v1 import responsibility_service_pb2 as pb
from tiaochu_domainkit.errors import DomainError, invalid, not_found
from tiaochu_kit.database import Database
from tiaochu_kit.principal import Principal
from tiaochu_kit.usecase import Context, query
from tiaochu_routing.domain.allowed import allowed_actions, may_extend
from tiaochu_routing.domain.case_facts import CaseFacts
from tiaochu_routing.domain.clock import Clock
from tiaochu_routing.domain.responsibility import Responsibility
from tiaochu_routing.domain.transfer import Holding, Transfer
from tiaochu_routing.store.documents import decoded, organ_names, stamp, visible_case
from tiaochu_routing.usecases.responsibility import KINDS, acting_unit
from tiaochu_routing.usecases.tables import CLOCKS

_NOTES_SQL = "SELECT transfer_id::text, kind, text FROM transfer_notes WHERE case_id = %s"
_NOTICE_SQL = "SELECT id::text, ground, text, version, sha256, salt, served_at, served_by FROM decline_notices WHERE case_id = %s"
_KIND_CODES = {code: number for number, code in KINDS.items()}
_RUNNING_SQL = "SELECT doc::text FROM clocks WHERE case_id = %s AND status = 'running'"
_METHODS = {
    method.name: method
    for service in (pb.DESCRIPTOR.services_by_name["ResponsibilityService"], clock_service_pb2.DESCRIPTOR.services_by_name["ClockService"])
    for method in service.methods
}


class ResponsibilityQueries:
    """Who is, was and may."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @query
    async def get_responsible_unit(self, ctx: Context, r: pb.GetResponsibleUnitRequest) -> pb.GetResponsibleUnitResponse:
        """Exactly one unit. INSTANT_IN_FUTURE, NOT_YET_REGISTERED."""
        async with self._database.transaction(ctx.principal.scope) as tx:
            case, _ = await visible_case(tx, ctx.principal, r.case_id)
            at = r.at.ToDatetime(tzinfo=UTC) if r.HasField("at") else ctx.now
            if at > ctx.now:
                raise invalid("at", "INSTANT_IN_FUTURE", "不能查询将来的责任单位")
            holding, until = case.held_at(at)
            names = await organ_names(tx, [holding.unit.id])
        return pb.GetResponsibleUnitResponse(
            organ_id=holding.unit.id,
            organ_name=names.get(holding.unit.id, ""),
            organ_path=holding.unit.path,
            since_at=stamp(holding.since),
            until_at=stamp(until),
            responsibility_version=holding.version,
            by=holding.by,
        )

    @query
    async def get_responsibility(self, ctx: Context, r: pb.GetResponsibilityRequest) -> pb.GetResponsibilityResponse:
        """The whole of it."""
        async with self._database.transaction(ctx.principal.scope) as tx:
            case, facts = await visible_case(tx, ctx.principal, r.case_id)
            names = await organ_names(tx, [h.unit.id for h in case.holdings])
            notes = {(transfer, kind): text for transfer, kind, text in await tx.rows(_NOTES_SQL, (case.id,))}
        return pb.GetResponsibilityResponse(responsibility=_message(case, facts, names, notes))

    @query
    async def get_decline_notice(self, ctx: Context, r: pb.GetDeclineNoticeRequest) -> pb.GetDeclineNoticeResponse:
        """The notice as served; NOT_FOUND for a case that was not declined."""
        async with self._database.transaction(ctx.principal.scope) as tx:
            case, _ = await visible_case(tx, ctx.principal, r.case_id)
            rows = await tx.rows(_NOTICE_SQL, (case.id,))
        if not rows:
            raise not_found("decline notice", r.case_id)
        ident, ground, text, version, sha256, salt, served_at, served_by = rows[0]
        return pb.GetDeclineNoticeResponse(
            notice_id=ident,
            ground=ground,
            text=text,
            remedies_version=version,
            remedies_sha256=sha256,
            salt=salt,
            served_at=stamp(served_at),
            served_by=served_by,
        )

    @query
    async def list_allowed_actions(self, ctx: Context, r: pb.ListAllowedActionsRequest) -> pb.ListAllowedActionsResponse:
        """Every command with the reason why not, as state, unit and role decide."""
        async with self._database.transaction(ctx.principal.scope) as tx:
            case, facts = await visible_case(tx, ctx.principal, r.case_id)
            clocks: list[Clock] = decoded(CLOCKS, await tx.rows(_RUNNING_SQL, (case.id,)))
        by = acting_unit(ctx.principal)
        found = [(action.rpc, refusal) for action, refusal in allowed_actions(case, by, facts)]
        found.append(("ExtendClock", may_extend(clocks, by, case.holder)))
        actions = [_action(ctx.principal, rpc, refusal) for rpc, refusal in found]
        return pb.ListAllowedActionsResponse(actions=actions, etag=str(case.version))


def _action(principal: Principal, rpc: str, refusal: DomainError | None) -> pb.AllowedAction:
    roles = _METHODS[rpc].GetOptions().Extensions[options_pb2.access].roles
    if not principal.roles.intersection(roles):
        return pb.AllowedAction(action=rpc, reason="ROLE_MISSING", zh="您没有办理此事项的权限")
    if refusal is not None:
        return pb.AllowedAction(action=rpc, reason=refusal.reason, zh=refusal.zh)
    return pb.AllowedAction(action=rpc, allowed=True)


def _message(case: Responsibility, facts: CaseFacts, names: Mapping[str, str], notes: Mapping[tuple[str, str], str]) -> pb.Responsibility:
    lead = case.lead
    return pb.Responsibility(
        case_id=case.id,
        status=case.status,
        holdings=[_holding(h, names) for h in case.holdings],
        transfers=[_transfer(t, notes) for t in case.transfers],
        lead_organ_id=lead.unit.id if lead else "",
        co_organ_ids=[u.id for u in lead.co_units] if lead else [],
        rule_id=lead.rule_id if lead else "",
        sole_competent=bool(lead and lead.sole),
        returns=case.returns,
        designating_organ_id=case.designating.id if case.designating else "",
        pending_master_case_id=case.pending_merge(facts),
        master_case_id=case.master_case_id,
        decline_ground=case.decline_ground,
        etag=str(case.version),
        category=facts.category,
    )


def _holding(holding: Holding, names: Mapping[str, str]) -> pb.Holding:
    return pb.Holding(
        organ_id=holding.unit.id,
        organ_name=names.get(holding.unit.id, ""),
        organ_path=holding.unit.path,
        since_at=stamp(holding.since),
        by=holding.by,
        responsibility_version=holding.version,
    )


def _transfer(transfer: Transfer, notes: Mapping[tuple[str, str], str]) -> pb.Transfer:
    return pb.Transfer(
        transfer_id=transfer.id,
        kind=_KIND_CODES[transfer.kind],
        from_organ_id=transfer.sender.id,
        to_organ_id=transfer.receiver.id,
        reason=transfer.reason,
        status=transfer.status,
        offered_at=stamp(transfer.offered_at),
        answered_at=stamp(transfer.answered_at),
        ground=transfer.ground,
        suggested_organ_id=transfer.suggested_organ_id,
        proposal=notes.get((transfer.id, "proposal"), ""),
        answer_note=notes.get((transfer.id, "answer"), ""),
    )
