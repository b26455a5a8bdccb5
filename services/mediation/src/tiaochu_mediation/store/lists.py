"""Lists of mediations, page by page."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID

from tiaochu.mediation.v1 import mediation_pb2 as shown
from tiaochu.mediation.v1 import mediation_service_pb2 as pb
from tiaochu_kit import access
from tiaochu_kit.database import Database
from tiaochu_kit.paging import PageTokens, page_size
from tiaochu_kit.usecase import Context, query
from tiaochu_mediation.usecases.views import instant

_instant = sa.TIMESTAMP(timezone=True)
_M = sa.Table(
    "mediations",
    sa.MetaData(),
    sa.Column("id", UUID(as_uuid=False)),
    sa.Column("status", sa.Text),
    sa.Column("version", sa.BigInteger),
    sa.Column("organ_path", sa.Text),
    sa.Column("organ_id", sa.Text),
    sa.Column("mediator_id", sa.Text),
    sa.Column("opened_at", _instant),
    sa.Column("next_session_at", _instant),
)
_SHOWN = (_M.c.id, _M.c.status, _M.c.version, _M.c.organ_id, _M.c.mediator_id, _M.c.opened_at, _M.c.next_session_at)


class MediationLists:
    """What a unit, or one mediator, has at the table."""

    def __init__(self, database: Database, pages: PageTokens) -> None:
        self._database = database
        self._pages = pages

    @query
    async def list_mediations(self, ctx: Context, r: pb.ListMediationsRequest) -> pb.ListMediationsResponse:
        """Those the caller may see, from acceptance on; by appointment only those that have one."""
        size, key = page_size(r.page_size), self._pages.read(ctx.principal.id, r)
        by = _M.c.next_session_at if r.sort == "next_session" else _M.c.opened_at
        statement = sa.select(*_SHOWN).where(by.is_not(None), access.visible(ctx.principal, sa.cast(_M.c.id, sa.Text), _M.c.organ_path))
        if r.statuses:
            statement = statement.where(_M.c.status.in_(list(r.statuses)))
        if r.mediator_id:
            statement = statement.where(_M.c.mediator_id == r.mediator_id)
        if r.sort == "next_session":
            statement = statement.order_by(by, _M.c.id)
            statement = statement.where(sa.tuple_(by, _M.c.id) > _row(key)) if key else statement
        else:
            statement = statement.order_by(by.desc(), _M.c.id.desc())
            statement = statement.where(sa.tuple_(by, _M.c.id) < _row(key)) if key else statement
        async with self._database.read(ctx) as connection:
            rows = list((await connection.execute(statement.limit(size + 1))).mappings())
        more = len(rows) > size
        token = self._pages.write(ctx.principal.id, r, [rows[size - 1][by.name].isoformat(), rows[size - 1]["id"]]) if more else ""
        return pb.ListMediationsResponse(mediations=[_item(row) for row in rows[:size]], next_page_token=token)


def _row(key: list[Any]) -> Any:
    return sa.tuple_(sa.cast(sa.literal(key[0]), _instant), sa.cast(sa.literal(key[1]), UUID(as_uuid=False)))


def _item(row: Any) -> shown.MediationItem:
    return shown.MediationItem(
        case_id=row["id"],
        status=row["status"],
        organ_id=row["organ_id"],
        mediator_id=row["mediator_id"],
        opened_at=instant(row["opened_at"]),
        next_session_at=instant(row["next_session_at"]),
        etag=str(row["version"]),
    )
