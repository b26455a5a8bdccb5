"""Reading one case with everything said of it, for whoever may see it."""

from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tiaochu_domainkit.errors import not_found
from tiaochu_domainkit.stages import MediationSlice, RoutingSlice, Stage, case_stage
from tiaochu_intake.domain.case import Case
from tiaochu_intake.domain.elsewhere import Elsewhere
from tiaochu_intake.store.tables import CASES, FILES, JOINED, MEDIATION, ROUTING, SUBJECT, TEXTS
from tiaochu_intake.usecases import documents
from tiaochu_intake.usecases.documents import MediationCopy, RoutingCopy
from tiaochu_kit import access
from tiaochu_kit.usecase import Context


@dataclass(frozen=True)
class CaseFolder:
    """A case, the copies of what others said, and its texts by kind and reference."""

    case: Case
    routing: RoutingCopy | None
    mediation: MediationCopy | None
    texts: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def elsewhere(self) -> Elsewhere:
        """What routing and mediation said."""
        return Elsewhere(
            self.routing.slice if self.routing else RoutingSlice(), self.mediation.slice if self.mediation else MediationSlice()
        )

    @property
    def stage(self) -> Stage:
        """The stage now."""
        said = self.elsewhere
        return case_stage(self.case.slice(), said.routing, said.mediation)

    def text(self, kind: str, ref: str = "") -> str:
        """A free text, empty where there is none."""
        return self.texts.get((kind, ref), "")


async def load(connection: AsyncConnection, ctx: Context, case_id: str, *, texts: bool = True) -> CaseFolder:
    """The case if the caller may see it, else NOT_FOUND."""
    condition = sa.and_(CASES.c.id == case_id, access.visible(ctx.principal, SUBJECT, CASES.c.organ_path))
    return await load_where(connection, condition, case_id, texts=texts)


async def load_where(connection: AsyncConnection, condition: sa.ColumnElement[bool], name: str, *, texts: bool) -> CaseFolder:
    """The one case that meets a condition."""
    docs = [sa.cast(t.c.doc, sa.Text) for t in (CASES, ROUTING, MEDIATION)]
    row = (await connection.execute(sa.select(*docs).select_from(JOINED).where(condition))).one_or_none()
    if row is None:
        raise not_found("case", name)
    case = documents.CASES.decode(row[0])
    written = await _texts(connection, case.id) if texts else {}
    routing = documents.ROUTING_COPIES.decode(row[1]) if row[1] else None
    mediation = documents.MEDIATION_COPIES.decode(row[2]) if row[2] else None
    return CaseFolder(case, routing, mediation, written)


async def _texts(connection: AsyncConnection, case_id: str) -> dict[tuple[str, str], str]:
    rows = await connection.execute(sa.select(TEXTS.c.kind, TEXTS.c.ref, TEXTS.c.body).where(TEXTS.c.case_id == case_id))
    return {(kind, ref): body for kind, ref, body in rows}


async def files_of(connection: AsyncConnection, case_id: str) -> list[Any]:
    """The files of a case, oldest first."""
    return list(await connection.execute(sa.select(FILES).where(FILES.c.case_id == case_id).order_by(FILES.c.attached_at, FILES.c.file_id)))
