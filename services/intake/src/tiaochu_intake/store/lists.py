"""Lists of cases: filters, orders, keyset pages."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from tiaochu.intake.v1 import case_queries_pb2 as pb
from tiaochu_domainkit.errors import invalid
from tiaochu_domainkit.stages import Stage
from tiaochu_intake.store.showing import listed_names, stamp
from tiaochu_intake.store.tables import CASES, JOINED, ROUTING, SUBJECT, TEXTS, stage
from tiaochu_intake.usecases import documents
from tiaochu_intake.usecases.ports import Organs
from tiaochu_kit import access
from tiaochu_kit.database import Database
from tiaochu_kit.paging import PageTokens, page_size
from tiaochu_kit.usecase import Context, query

EXCERPT = 60
NEWEST = "-received_at"
_ORDERS: dict[str, sa.Column[Any]] = {
    "received_at": CASES.c.received_at,
    "case_number": CASES.c.case_number,
    "amount": CASES.c.amount_fen,
}

SUMMARY = (
    sa.cast(CASES.c.doc, sa.Text).label("doc"),
    stage().label("stage"),
    sa.func.coalesce(ROUTING.c.holder_organ_id, "").label("holder"),
    sa.select(sa.func.left(TEXTS.c.body, EXCERPT))
    .where(TEXTS.c.case_id == CASES.c.id, TEXTS.c.kind == "facts", TEXTS.c.ref == "")
    .scalar_subquery()
    .label("excerpt"),
)
"""What a list shows of a case, over `JOINED`."""


def summary(row: Any, excerpt: str = "") -> pb.CaseSummary:
    """A row of `SUMMARY` as it is answered."""
    case = documents.CASES.decode(row.doc)
    entry, c = case.entry, case.classification
    applicants, respondents = listed_names(case)
    shown = pb.CaseSummary(
        case_id=case.id,
        case_number=entry.number,
        stage=row.stage,
        status=case.status,
        applicants=applicants,
        respondents=respondents,
        category=c.category if c else entry.category_hint,
        difficulty=c.difficulty if c else "",
        risk=c.risk if c else "",
        channel=entry.channel,
        region_code=entry.region_code,
        amount_fen=case.amount_fen,
        first_receiver_organ_id=entry.organ_id,
        responsible_organ_id=row.holder,
        excerpt=excerpt or row.excerpt or "",
    )
    stamp(shown, "first_received_at", entry.received_at)
    return shown


class CaseLists:
    """`ListCases`."""

    def __init__(self, database: Database, pages: PageTokens, organs: Organs) -> None:
        self._database = database
        self._pages = pages
        self._organs = organs

    @query
    async def list_cases(self, ctx: Context, r: pb.ListCasesRequest) -> pb.ListCasesResponse:
        """One page of the cases the caller may see. Reason: ORGAN_UNKNOWN."""
        order_by = r.order_by or NEWEST
        column, descending = _ORDERS[order_by.lstrip("-")], order_by.startswith("-")
        size = page_size(r.page_size)
        after = self._pages.read(ctx.principal.id, r)
        wanted = [*_filters(r), *await self._below(r), access.visible(ctx.principal, SUBJECT, CASES.c.organ_path)]
        if after is not None:
            wanted.append(_past(column, after, descending=descending))
        ordered = [column.desc(), CASES.c.id.desc()] if descending else [column, CASES.c.id]
        statement = (
            sa.select(*SUMMARY, column.label("key"), CASES.c.id.label("id"))
            .select_from(JOINED)
            .where(*wanted)
            .order_by(*ordered)
            .limit(size + 1)
        )
        async with self._database.read(ctx) as connection:
            rows = list(await connection.execute(statement))
        more = len(rows) > size
        token = self._pages.write(ctx.principal.id, r, [_plain(rows[size - 1].key), rows[size - 1].id]) if more else ""
        return pb.ListCasesResponse(cases=[summary(row) for row in rows[:size]], next_page_token=token)

    async def _below(self, r: pb.ListCasesRequest) -> list[sa.ColumnElement[bool]]:
        if not r.organ_id:
            return []
        organ = await self._organs.get(r.organ_id)
        if organ is None:
            raise invalid("organ_id", "ORGAN_UNKNOWN", "组织目录中没有这一单位")
        return [CASES.c.organ_path.startswith(organ.organ_path, autoescape=True)]


def _filters(r: pb.ListCasesRequest) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if not r.include_history:
        found.append(CASES.c.status != "history")
    if r.stages:
        found.append(stage().in_([int(Stage(s)) if s in set(Stage) else 0 for s in r.stages]))
    if r.statuses:
        found.append(CASES.c.status.in_(list(r.statuses)))
    found += [CASES.c[name] == getattr(r, name) for name in ("channel", "difficulty", "risk") if getattr(r, name)]
    prefixes = {"category": r.category, "region_code": r.region_prefix, "case_number": r.case_number_prefix}
    found += [CASES.c[name].startswith(value, autoescape=True) for name, value in prefixes.items() if value]
    if r.HasField("received_from"):
        found.append(CASES.c.received_at >= r.received_from.ToDatetime(UTC))
    if r.HasField("received_before"):
        found.append(CASES.c.received_at < r.received_before.ToDatetime(UTC))
    return found


def _past(column: sa.Column[Any], after: list[Any], *, descending: bool) -> sa.ColumnElement[bool]:
    """Rows after the last one shown; equal keys are told apart by the id."""
    value = datetime.fromisoformat(after[0]) if column is CASES.c.received_at else after[0]
    here, there = sa.tuple_(column, CASES.c.id), sa.tuple_(sa.literal(value, column.type), sa.cast(sa.literal(after[1]), CASES.c.id.type))
    return here < there if descending else here > there


def _plain(key: Any) -> Any:
    return key.isoformat() if isinstance(key, datetime) else key
