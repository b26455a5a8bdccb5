"""Reads the live tables. A table is one statement over the totals, with the postings of the week in which its cut falls; a list is one keyset page."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Select,
    Text,
    and_,
    cast,
    column,
    func,
    literal,
    or_,
    select,
    table,
    text,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.ext.asyncio import AsyncConnection

from tiaochu_kit.access import visible
from tiaochu_kit.database import Database
from tiaochu_kit.principal import Context
from tiaochu_reporting.domain.books import Books, Cut, books_id
from tiaochu_reporting.domain.facts import Fact
from tiaochu_reporting.domain.figures import BODY, STORED, Figure, Organ, Tally, body_of, values
from tiaochu_reporting.domain.ledger import postings
from tiaochu_reporting.store.ledger import fact_of
from tiaochu_reporting.store.totals import WEEK, begins, column_of, week_of
from tiaochu_reporting.usecases.ports import FigureCase
from tiaochu_reporting.usecases.tables import BOOKS

_P = table(
    "postings",
    *(column(name, Text) for name in ("district", "act", "organ_id", "organ_path", "source", "moj_type", "form")),
    *(column(name, BigInteger) for name in ("lineage", "sign", "parties", "amount_fen", "agreed_fen")),
    *(column(name, Boolean) for name in ("agreed", "difficult")),
    column("month", Date),
    column("recorded_at", DateTime(timezone=True)),
    column("case_id", UUID(as_uuid=False)),
)
_C = table(
    "counted_cases", column("lineage"), column("case_id", UUID(as_uuid=False)), column("case_number", Text), column("organ_path", Text)
)
_T = table(
    "month_totals",
    *(column(name, Text) for name in ("district", "organ_id", "organ_path")),
    *(column(column_of(f), BigInteger) for f in STORED),
    column("lineage", BigInteger),
    column("month", Date),
    column("week", Date),
)
_LIVE = text("SELECT lineage FROM lineages WHERE state = 'live'")
_PLACES = text(
    "SELECT organ_id, organ_path, kind, tier, valid_from FROM organ_places WHERE lineage = :lineage AND district = :district AND recorded_at <= :as_of "
    "ORDER BY organ_id, valid_from, position"
)
_BOOKS = text("SELECT doc::text FROM books WHERE id = :id")
_FACTS = text(
    "SELECT case_id::text, district, producer, position, kind, occurred_at, recorded_at, data FROM facts "
    "WHERE lineage = :lineage AND district = :district AND recorded_at <= :until ORDER BY case_id"
)


class LiveTables:
    """See `usecases.ports.Reading`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def books(self, ctx: Context, district: str) -> Books | None:
        """See the port."""
        async with self._database.read(ctx) as connection:
            doc = (await connection.execute(_BOOKS, {"id": books_id(district)})).scalar()
        return BOOKS.decode(doc) if doc else None

    async def tallies(self, ctx: Context, district: str, cut: Cut) -> list[Tally]:
        """See the port."""
        async with self._database.read(ctx) as connection:
            lineage = await _live(connection)
            parts = union_all(_whole_weeks(lineage, district, cut), _cut_weeks(lineage, district, cut)).subquery()
            keys = [parts.c.organ_id, parts.c.organ_path, parts.c.adjustment]
            statement = select(*keys, *(func.sum(parts.c[column_of(f)]) for f in STORED)).group_by(*keys)
            rows = (await connection.execute(statement)).all()
        return [_tally(tuple(row)) for row in rows]

    async def recounted(self, ctx: Context, district: str, cut: Cut) -> tuple[int, list[Tally]]:
        """See the port."""
        counted, found = 0, []
        async with self._database.read(ctx) as connection:
            sought = {"lineage": await _live(connection), "district": district, "until": cut.until}
            async for facts in _by_case(connection, sought):
                counted += 1
                shown = [p for p in postings(facts) if cut.shows(p.entry.month, p.recorded_at)]
                found += [
                    Tally(p.entry.organ_id, p.entry.organ_path, p.entry.month < cut.period.first, values(p.entry, p.sign)) for p in shown
                ]
        return counted, found

    async def organs(self, ctx: Context, district: str, day: date, as_of: datetime) -> dict[str, Organ]:
        """See the port."""
        async with self._database.read(ctx) as connection:
            return await _organs(connection, await _live(connection), district, day, as_of)

    async def cases(
        self, ctx: Context, district: str, cut: Cut, organ_id: str, figure: Figure, after: Sequence[Any] | None, limit: int
    ) -> list[FigureCase]:
        """See the port."""
        measure = _measured(figure)
        key = [_P.c.case_id, _P.c.month, _P.c.organ_id]
        async with self._database.read(ctx) as connection:
            lineage = await _live(connection)
            organs = await _organs(connection, lineage, district, cut.period.last, cut.until)
            conditions = [
                _shown(lineage, district, cut),
                _counts(figure),
                *_by_body(figure, organs),
                *_below(organ_id),
                *_after(key, after),
            ]
            conditions.append(visible(ctx.principal, cast(_C.c.case_id, Text), _C.c.organ_path))
            statement = (
                select(*key, func.max(_C.c.case_number), func.max(_P.c.organ_path), func.sum(measure))
                .join(_C, and_(_C.c.lineage == _P.c.lineage, _C.c.case_id == _P.c.case_id))
                .where(*conditions)
                .group_by(*key)
                .having(func.sum(measure) != 0)
                .order_by(*key)
                .limit(limit)
            )
            rows = (await connection.execute(statement)).all()
        return [
            FigureCase(str(case), str(number), str(unit), str(path), month, int(value), month < cut.period.first)
            for case, month, unit, number, path, value in (tuple(row) for row in rows)
        ]


def _whole_weeks(lineage: int, district: str, cut: Cut) -> Select[Any]:
    """The totals of the weeks that lie in the cut from end to end."""
    t = _T.c
    shown: ColumnElement[bool] = t.month.between(cut.period.first, cut.period.last)
    if cut.corrections_after is not None:
        shown = or_(shown, and_(t.month < cut.period.first, t.week > week_of(cut.corrections_after)))
    return select(t.organ_id, t.organ_path, (t.month < cut.period.first).label("adjustment"), *(t[column_of(f)] for f in STORED)).where(
        t.lineage == lineage, t.district == district, t.week < week_of(cut.until), shown
    )


def _cut_weeks(lineage: int, district: str, cut: Cut) -> Select[Any]:
    """What the postings add of the weeks that the cut divides."""
    in_weeks: ColumnElement[bool] = _P.c.recorded_at >= begins(week_of(cut.until))
    adjustment = _P.c.month < cut.period.first
    if cut.corrections_after is not None:
        divided = begins(week_of(cut.corrections_after)) + WEEK
        in_weeks = or_(in_weeks, and_(adjustment, _P.c.recorded_at < divided))
    sums = [func.coalesce(func.sum(_measured(f)).filter(_counts(f)), 0).label(column_of(f)) for f in STORED]
    keys = [_P.c.organ_id, _P.c.organ_path, adjustment.label("adjustment")]
    return select(*keys, *sums).where(_shown(lineage, district, cut), in_weeks).group_by(*keys)


def _shown(lineage: int, district: str, cut: Cut) -> ColumnElement[bool]:
    """`Cut.shows` in SQL."""
    own: ColumnElement[bool] = _P.c.month.between(cut.period.first, cut.period.last)
    if cut.corrections_after is not None:
        own = or_(own, and_(_P.c.month < cut.period.first, _P.c.recorded_at > cut.corrections_after))
    return and_(_P.c.lineage == lineage, _P.c.district == district, _P.c.recorded_at <= cut.until, own)


def _measured(figure: Figure) -> ColumnElement[Any]:
    return _P.c.sign * _P.c[figure.measure] if figure.measure else _P.c.sign


def _counts(figure: Figure) -> ColumnElement[bool]:
    return and_(_P.c.act == figure.act, *(_P.c[name].in_(accepted) for name, accepted in figure.where.items()))


def _by_body(figure: Figure, organs: Mapping[str, Organ]) -> list[ColumnElement[bool]]:
    """Units of the figure's handling body. Whoever the directory does not know stands where `body_of` puts an unknown kind."""
    if figure.group != "body":
        return []
    body = figure.code.removeprefix(BODY)
    others = [o.organ_id for o in organs.values() if body_of(o.kind) != body]
    mine = [o.organ_id for o in organs.values() if body_of(o.kind) == body]
    return [_P.c.organ_id.not_in(others) if body_of("") == body else _P.c.organ_id.in_(mine)]


def _below(organ_id: str) -> list[ColumnElement[bool]]:
    return [_P.c.organ_path.contains(f"/{organ_id}/", autoescape=True)] if organ_id else []


def _after(key: Sequence[ColumnElement[Any]], after: Sequence[Any] | None) -> list[ColumnElement[bool]]:
    if after is None:
        return []
    case_id, month, organ_id = after
    last = tuple_(literal(case_id, UUID(as_uuid=False)), literal(date.fromisoformat(month), Date), literal(organ_id, Text))
    return [tuple_(*key) > last]


async def _live(connection: AsyncConnection) -> int:
    return int((await connection.execute(_LIVE)).scalar_one())


async def _organs(connection: AsyncConnection, lineage: int, district: str, day: date, as_of: datetime) -> dict[str, Organ]:
    """The place valid on the day; the first one for an organ founded later."""
    rows = await connection.execute(_PLACES, {"lineage": lineage, "district": district, "as_of": as_of})
    found: dict[str, Organ] = {}
    for organ_id, path, kind, tier, valid_from in rows:
        if organ_id not in found or valid_from <= day:
            found[organ_id] = Organ(organ_id, path, kind, tier)
    return found


async def _by_case(connection: AsyncConnection, values: Mapping[str, Any]) -> AsyncIterator[list[Fact]]:
    facts: list[Fact] = []
    async with connection.stream(_FACTS, values) as rows:
        async for row in rows:
            fact = fact_of(row)
            if facts and facts[0].case_id != fact.case_id:
                yield facts
                facts = []
            facts.append(fact)
    if facts:
        yield facts


def _tally(row: Sequence[Any]) -> Tally:
    organ_id, organ_path, adjustment, *sums = row
    found = {f.code: int(value) for f, value in zip(STORED, sums, strict=True) if value}
    return Tally(organ_id, organ_path, adjustment, found)
