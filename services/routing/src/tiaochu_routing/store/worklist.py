"""The worklist of a unit: what it is responsible for, must sign, must designate or helps with."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, UUID

from tiaochu.routing.v1 import responsibility_service_pb2 as pb
from tiaochu_domainkit.errors import not_found
from tiaochu_kit import access
from tiaochu_kit.database import Database
from tiaochu_kit.paging import PageTokens, page_size
from tiaochu_kit.usecase import Context, query
from tiaochu_routing.store.documents import one, stamp
from tiaochu_routing.usecases.tables import ORGANS

OPEN = ("held", "offered", "designation_due", "accepted")
NO_CLOCK = datetime(9999, 1, 1, tzinfo=UTC)
"""Where cases without a clock stand in the order."""

_instant = sa.TIMESTAMP(timezone=True)
_meta = sa.MetaData()
_R = sa.Table(
    "responsibilities",
    _meta,
    sa.Column("id", UUID(as_uuid=False)),
    sa.Column("status", sa.Text),
    sa.Column("organ_id", sa.Text),
    sa.Column("organ_path", sa.Text),
    sa.Column("to_organ_path", sa.Text),
    sa.Column("designating_path", sa.Text),
    sa.Column("started_at", _instant),
    sa.Column("doc", JSONB),
)
_F = sa.Table(
    "case_facts",
    _meta,
    sa.Column("id", UUID(as_uuid=False)),
    sa.Column("case_number", sa.Text),
    sa.Column("category", sa.Text),
    sa.Column("doc", JSONB),
)
_C = sa.Table("clocks", _meta, sa.Column("case_id", UUID(as_uuid=False)), sa.Column("rule_code", sa.Text), sa.Column("due_at", _instant))
_O = sa.Table("organs", _meta, sa.Column("id", UUID(as_uuid=False)), sa.Column("name", sa.Text))

_NEAREST = (
    sa.select(_C.c.rule_code, _C.c.due_at)
    .where(_C.c.case_id == _R.c.id, _C.c.due_at.is_not(None))
    .order_by(_C.c.due_at)
    .limit(1)
    .lateral("nearest")
)
_DUE = sa.func.coalesce(_NEAREST.c.due_at, sa.literal(NO_CLOCK, _instant))


class Worklist:
    """Pages of a unit's work."""

    def __init__(self, database: Database, tokens: PageTokens) -> None:
        self._database = database
        self._tokens = tokens

    @query
    async def list_worklist(self, ctx: Context, r: pb.ListWorklistRequest) -> pb.ListWorklistResponse:
        """Cases of the caller's unit, or of one below it; NOT_FOUND for any other."""
        organ_id, path = await self._unit(ctx, r.organ_id)
        size = page_size(r.page_size)
        newest = r.sort == pb.WORKLIST_SORT_NEWEST
        parts = _parts(organ_id, path, with_subordinates=r.with_subordinates)
        statement = _statement(parts).where(access.visible(ctx.principal, sa.cast(_R.c.id, sa.Text), _R.c.organ_path), *_filters(r, parts))
        key = self._tokens.read(ctx.principal.id, r)
        if newest:
            statement = statement.order_by(_R.c.started_at.desc(), _R.c.id.desc())
            beyond = sa.tuple_(_R.c.started_at, _R.c.id) < _row(key) if key else None
        else:
            statement = statement.order_by(_DUE, _R.c.id)
            beyond = sa.tuple_(_DUE, _R.c.id) > _row(key) if key else None
        if beyond is not None:
            statement = statement.where(beyond)
        async with self._database.read(ctx) as connection:
            rows = list((await connection.execute(statement.limit(size + 1))).mappings())
        items = [_item(row) for row in rows[:size]]
        if len(rows) <= size:
            return pb.ListWorklistResponse(items=items)
        last = rows[size - 1]
        instant = last["started_at"] if newest else last["due_at"] or NO_CLOCK
        return pb.ListWorklistResponse(
            items=items, next_page_token=self._tokens.write(ctx.principal.id, r, [instant.isoformat(), last["id"]])
        )

    async def _unit(self, ctx: Context, organ_id: str) -> tuple[str, str]:
        if not organ_id or organ_id == ctx.principal.organ_id:
            return ctx.principal.organ_id, ctx.principal.organ_path
        async with self._database.transaction(ctx.principal.scope) as tx:
            organ = await one(tx, ORGANS, organ_id)
        if organ is None or not ctx.principal.organ_path or not organ.latest.path.startswith(ctx.principal.organ_path):
            raise not_found(ORGANS.name, organ_id)
        return organ.id, organ.latest.path


Parts = dict[int, sa.ColumnElement[bool]]


def _below(column: sa.ColumnElement[Any], path: str) -> sa.ColumnElement[bool]:
    # Starts with: unlike LIKE it is leakproof, so that the index serves behind the row policy.
    return column.op("^@", is_comparison=True)(sa.literal(path))


def _parts(organ_id: str, path: str, *, with_subordinates: bool) -> Parts:
    helping = _R.c.doc["lead"]["co_units"].contains(sa.literal([{"id": organ_id}], JSONB))
    if with_subordinates:
        return {
            pb.WORKLIST_PART_TO_SIGN: _below(_R.c.to_organ_path, path),
            pb.WORKLIST_PART_TO_DESIGNATE: _below(_R.c.designating_path, path),
            pb.WORKLIST_PART_RESPONSIBLE: _below(_R.c.organ_path, path),
            pb.WORKLIST_PART_HELPING: helping,
        }
    return {
        pb.WORKLIST_PART_TO_SIGN: _R.c.to_organ_path == path,
        pb.WORKLIST_PART_TO_DESIGNATE: _R.c.designating_path == path,
        pb.WORKLIST_PART_RESPONSIBLE: _R.c.organ_id == organ_id,
        pb.WORKLIST_PART_HELPING: helping,
    }


def _statement(parts: Parts) -> sa.Select[Any]:
    part = sa.case(*((condition, sa.literal(number)) for number, condition in parts.items()), else_=sa.literal(0)).label("part")
    joined = _R.outerjoin(_F, _F.c.id == _R.c.id).outerjoin(_O, sa.cast(_O.c.id, sa.Text) == _R.c.organ_id).outerjoin(_NEAREST, sa.true())
    return sa.select(
        _R.c.id,
        _R.c.status,
        _R.c.organ_id,
        _R.c.started_at,
        _R.c.doc["transfers"][-1].label("transfer"),
        _F.c.case_number,
        _F.c.category,
        _F.c.doc["risk"].astext.label("risk"),
        _F.c.doc["difficulty"].astext.label("difficulty"),
        _O.c.name,
        _NEAREST.c.rule_code,
        _NEAREST.c.due_at,
        part,
    ).select_from(joined)


def _filters(r: pb.ListWorklistRequest, parts: Parts) -> list[sa.ColumnElement[bool]]:
    wanted = [parts[r.part]] if r.part else list(parts.values())
    filters: list[sa.ColumnElement[bool]] = [sa.or_(*wanted), _R.c.status.in_(list(r.statuses) or OPEN)]
    if r.category:
        filters.append(_F.c.category.startswith(r.category, autoescape=True))
    if r.HasField("due_before"):
        filters.append(_NEAREST.c.due_at < r.due_before.ToDatetime(tzinfo=UTC))
    return filters


def _row(key: list[Any]) -> sa.Tuple:
    return sa.tuple_(sa.literal(datetime.fromisoformat(key[0]), _instant), sa.literal(key[1], UUID(as_uuid=False)))


def _item(row: Any) -> pb.WorklistItem:
    pending = row["transfer"] if row["status"] == "offered" else None
    return pb.WorklistItem(
        case_id=row["id"],
        case_number=row["case_number"] or "",
        status=row["status"],
        part=row["part"],
        category=row["category"] or "",
        risk=row["risk"] or "",
        difficulty=row["difficulty"] or "",
        organ_id=row["organ_id"],
        organ_name=row["name"] or "",
        clock_rule_code=row["rule_code"] or "",
        due_at=stamp(row["due_at"]),
        pending_transfer_id=pending["id"] if pending else "",
        registered_at=stamp(row["started_at"]),
    )
