"""Queries about one case."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tiaochu.intake.v1 import case_queries_pb2 as pb
from tiaochu.intake.v1 import case_service_pb2
from tiaochu.options.v1 import options_pb2
from tiaochu_domainkit.errors import denied
from tiaochu_domainkit.stages import NAMES, Stage
from tiaochu_intake.domain import numbers
from tiaochu_intake.domain.elsewhere import ZH, Elsewhere
from tiaochu_intake.domain.unmasking import Unmasking
from tiaochu_intake.store import showing
from tiaochu_intake.store.books import DistrictBooks
from tiaochu_intake.store.loading import CaseFolder, files_of, load, load_where
from tiaochu_intake.store.tables import CASES, SUBJECT
from tiaochu_intake.usecases.documents import UNMASKINGS
from tiaochu_intake.usecases.particulars import Sealer
from tiaochu_kit import access
from tiaochu_kit.database import Database
from tiaochu_kit.usecase import Context, query

COMMANDS: dict[str, str] = {
    "CorrectParty": "correct_party",
    "WithdrawApplication": "withdraw_application",
    "ClassifyCase": "classify_case",
    "ProposeMerge": "propose_merge",
    "RequestCorrection": "request_correction",
    "SupplyCorrection": "supply_correction",
    "RecordConsentAttempt": "record_consent_attempt",
    "AttachFile": "attach_file",
}
"""RPC → command of the transitions."""


class CaseQueries:
    """`GetCase`, `GetParties`, `GetProgress`, `GetReceipt`, `ListAllowedActions`."""

    def __init__(self, database: Database, sealer: Sealer, books: DistrictBooks) -> None:
        self._database = database
        self._sealer = sealer
        self._books = books
        self._showing = showing.Showing(sealer)

    @query
    async def get_case(self, ctx: Context, r: pb.GetCaseRequest) -> pb.GetCaseResponse:
        """One case; numbers whole only with a permission of this caller for this case."""
        policies = await self._books.snapshot()
        async with self._database.read(ctx) as connection:
            folder = await load(connection, ctx, r.case_id)
            opens = await self._opens(connection, ctx, r)
            files = await files_of(connection, r.case_id)
            merged = await _merged_into(connection, ctx, r.case_id)
        persistence = policies.on(folder.case.district, ctx.now).persistence
        shown = self._showing.case(folder, opens, persistence)
        shown.files.extend(showing.file(f) for f in files if showing.readable(f, ctx.principal.id, ctx.principal.roles))
        shown.merged_case_ids.extend(merged)
        return pb.GetCaseResponse(case=shown)

    async def _opens(self, connection: AsyncConnection, ctx: Context, r: pb.GetCaseRequest) -> showing.Opens:
        if not r.unmasking_id:
            return showing.masked
        rows = await connection.execute(sa.text("SELECT doc::text FROM unmaskings WHERE id = :id"), {"id": r.unmasking_id})
        doc = rows.scalar_one_or_none()
        permission: Unmasking | None = UNMASKINGS.decode(doc) if doc else None
        if permission is None or not permission.opens(case_id=r.case_id, person_id=ctx.principal.id, now=ctx.now):
            raise denied("UNMASKING_INVALID", "not this caller's permission for this case, or over", "查看权限无效或已过期,请重新申请")
        return lambda party_id: not permission.party_ids or party_id in permission.party_ids

    @query
    async def get_parties(self, ctx: Context, r: pb.GetPartiesRequest) -> pb.GetPartiesResponse:
        """Names for a document or a packet. Numbers in full for services only: people unmask, and say why."""
        if r.with_numbers and not ctx.principal.is_service:
            raise denied("UNMASKING_REQUIRED", "people see whole numbers by UnmaskParticulars only", "查看完整证件号码须说明用途")
        async with self._database.read(ctx) as connection:
            folder = await load(connection, ctx, r.case_id)
        case = folder.case
        whole = (lambda _party_id: True) if r.with_numbers else showing.masked
        return pb.GetPartiesResponse(
            case_number=case.entry.number,
            parties=[self._showing.party(case, p, whole) for p in case.parties if not p.withdrawn],
            region_code=case.entry.region_code,
            facts=folder.text("facts"),
            claims=self._showing.claims(folder),
        )

    @query
    async def get_receipt(self, ctx: Context, r: pb.GetReceiptRequest) -> pb.GetReceiptResponse:
        """The receipt code, drawn again."""
        async with self._database.read(ctx) as connection:
            folder = await load(connection, ctx, r.case_id, texts=False)
        code = numbers.receipt_code(self._sealer.receipt_secret(r.case_id))
        return pb.GetReceiptResponse(case_number=folder.case.entry.number, receipt_code=numbers.printed(code))

    @query
    async def get_progress(self, _ctx: Context, r: pb.GetProgressRequest) -> pb.GetProgressResponse:
        """How far a case is, for whoever holds the code; nobody is named. A merged entry shows how far its master is."""
        index = self._sealer.receipt_index(numbers.parse_receipt_code("receipt_code", r.receipt_code))
        async with self._database.read_scope() as connection:
            folder = await load_where(connection, CASES.c.receipt_index == index, "receipt", texts=False)
            master = None
            if folder.case.slice().merged and folder.case.merge_state is not None:
                master = await load_where(connection, CASES.c.id == folder.case.merge_state.master_case_id, "master", texts=False)
        return _progress(folder, master)

    @query
    async def list_allowed_actions(self, ctx: Context, r: pb.ListAllowedActionsRequest) -> pb.ListAllowedActionsResponse:
        """Every command with whether the caller may give it now: state from the transitions, facts of other services, roles from the options."""
        async with self._database.read(ctx) as connection:
            folder = await load(connection, ctx, r.case_id, texts=False)
        actions = [_action(rpc, command, folder, ctx.principal.roles) for rpc, command in COMMANDS.items()]
        actions.append(_unmasking_action(ctx.principal.roles))
        return pb.ListAllowedActionsResponse(actions=actions, stage=int(folder.stage))


async def _merged_into(connection: AsyncConnection, ctx: Context, case_id: str) -> list[str]:
    visible = access.visible(ctx.principal, SUBJECT, CASES.c.organ_path)
    rows = await connection.execute(
        sa.select(CASES.c.id).where(CASES.c.master_case_id == case_id, CASES.c.own_stage == Stage.VOID, visible).order_by(CASES.c.id)
    )
    return list(rows.scalars())


def _progress(folder: CaseFolder, master: CaseFolder | None) -> pb.GetProgressResponse:
    case, leading = folder.case, master or folder
    steps = _steps(leading)
    shown = pb.GetProgressResponse(
        case_number=case.entry.number,
        stage=int(leading.stage),
        stage_name=NAMES[leading.stage],
        missing_papers=case.correction.items if case.correction and case.correction.state == "open" else (),
        merged_into_case_number=master.case.entry.number if master else "",
    )
    showing.stamp(shown, "registered_at", case.entry.registered_at)
    showing.stamp(shown, "updated_at", steps[-1][1])
    for stage, at in steps:
        showing.stamp(shown.steps.add(stage=int(stage), stage_name=NAMES[stage]), "reached_at", at)
    return shown


def _steps(folder: CaseFolder) -> list[tuple[Stage, datetime]]:
    """Stages passed and when, oldest first."""
    case = folder.case
    found = [(Stage.REGISTERED, case.entry.registered_at)]
    if case.correction is not None:
        found.append((Stage.SUPPLEMENT, case.correction.requested_at))
    if case.classification is not None:
        found.append((Stage.CLASSIFIED, case.classification.at))
    if case.attempts:
        found.append((Stage.CONSENT_PENDING, case.attempts[0].at))
    for copy in (folder.routing, folder.mediation):
        found += [(Stage(r.stage), r.at) for r in copy.reached] if copy else []
    ordered = sorted(found, key=lambda step: step[1])
    return [step for n, step in enumerate(ordered) if n == 0 or step[0] != ordered[n - 1][0]]


def _action(rpc: str, command: str, folder: CaseFolder, roles: frozenset[str]) -> pb.AllowedAction:
    elsewhere: Elsewhere = folder.elsewhere
    fact = elsewhere.forbidden_by(command)
    if not _has_role(rpc, roles):
        return _forbidden(rpc, "ROLE_MISSING", "您没有办理此事项的权限")
    if command not in folder.case.allowed_commands():
        return _forbidden(rpc, "STATE_FORBIDS", f"当前状态({NAMES[folder.stage]})不能执行该操作")
    if fact is not None:
        return _forbidden(rpc, "STATE_FORBIDS", ZH[fact])
    if command == "request_correction" and folder.case.correction is not None:
        return _forbidden(rpc, "CORRECTION_ASKED_BEFORE", "补正只能要求一次")
    if command == "propose_merge" and folder.case.merge_state is not None and folder.case.merge_state.state == "proposed":
        return _forbidden(rpc, "MERGE_PENDING", "已提出合并,等待确认")
    return pb.AllowedAction(action=rpc, allowed=True)


def _unmasking_action(roles: frozenset[str]) -> pb.AllowedAction:
    if _has_role("UnmaskParticulars", roles):
        return pb.AllowedAction(action="UnmaskParticulars", allowed=True)
    return _forbidden("UnmaskParticulars", "ROLE_MISSING", "您没有办理此事项的权限")


def _forbidden(rpc: str, reason: str, zh: str) -> pb.AllowedAction:
    return pb.AllowedAction(action=rpc, allowed=False, reason=reason, reason_zh=zh)


def _has_role(rpc: str, roles: frozenset[str]) -> bool:
    """What the proto option says; the server asks the same."""
    service = case_service_pb2.DESCRIPTOR.services_by_name["CaseService"]
    wanted = service.methods_by_name[rpc].GetOptions().Extensions[options_pb2.access].roles
    return bool(roles.intersection(wanted))
