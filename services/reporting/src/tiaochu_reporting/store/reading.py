"""Reads the live tables. One grouped statement a table, whatever the number of columns and units; one keyset page a list."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Text,
    and_,
    bindparam,
    cast,
    column,
    func,
    literal,
    or_,
    select,
    table,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.ext.asyncio import AsyncConnection

from tiaochu_kit.access import visible
from tiaochu_kit.database import Database
from tiaochu_kit.principal import Context
from tiaochu_reporting.domain.books import Books, Cut, books_id
from tiaochu_reporting.domain.facts import Fact
from tiaochu_reporting.domain.figures import Cell, Figure, Organ, body_of
from tiaochu_reporting.domain.ledger import Posting, postings
from tiaochu_reporting.store.ledger import fact_of
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
_MEASURES = ("parties", "amount_fen", "agreed_fen")
_ATTRIBUTES = ("act", "agreed", "source", "moj_type", "form", "difficult")


class LiveTables:
    """See `usecases.ports.Reading`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def books(self, ctx: Context, district: str) -> Books | None:
        """See the port."""
        async with self._database.read(ctx) as connection:
            doc = (await connection.execute(_BOOKS, {"id": books_id(district)})).scalar()
        return BOOKS.decode(doc) if doc else None

    async def cells(self, ctx: Context, district: str, cut: Cut) -> list[Cell]:
        """See the port."""
        adjustment = (_P.c.month < bindparam("first", cut.period.first)).label("adjustment")
        keys = [_P.c.organ_id, _P.c.organ_path, adjustment, *(_P.c[name] for name in _ATTRIBUTES)]
        sums = [func.sum(_P.c.sign), *(func.sum(_P.c.sign * _P.c[name]) for name in _MEASURES)]
        async with self._database.read(ctx) as connection:
            lineage = await _live(connection)
            statement = select(*keys, *sums).where(_shown(lineage, district, cut)).group_by(*keys)
            rows = (await connection.execute(statement)).all()
            kinds = _kinds(await _organs(connection, lineage, district, cut.period.last, cut.until))
        return [_summed(row, body_of(kinds.get(row[0], ""))) for row in rows]

    async def recounted(self, ctx: Context, district: str, cut: Cut) -> tuple[int, list[Cell]]:
        """See the port."""
        async with self._database.read(ctx) as connection:
            lineage = await _live(connection)
            kinds = _kinds(await _organs(connection, lineage, district, cut.period.last, cut.until))
            values = {"lineage": lineage, "district": district, "until": cut.until}
            counted, cells = 0, []
            async for facts in _by_case(connection, values):
                counted += 1
                cells += [_cell(p, cut, kinds) for p in postings(facts) if cut.shows(p.entry.month, p.recorded_at)]
        return counted, cells

    async def organs(self, ctx: Context, district: str, day: date, as_of: datetime) -> dict[str, Organ]:
        """See the port."""
        async with self._database.read(ctx) as connection:
            return await _organs(connection, await _live(connection), district, day, as_of)

    async def cases(
        self, ctx: Context, district: str, cut: Cut, organ_id: str, figure: Figure, after: Sequence[Any] | None, limit: int
    ) -> list[FigureCase]:
        """See the port."""
        measure = _P.c.sign if figure.measure == "cases" else _P.c.sign * _P.c[figure.measure]
        key = [_P.c.case_id, _P.c.month, _P.c.organ_id]
        async with self._database.read(ctx) as connection:
            lineage = await _live(connection)
            organs = await _organs(connection, lineage, district, cut.period.last, cut.until)
            conditions = [_shown(lineage, district, cut), _counts(figure, _kinds(organs)), *_below(organ_id), *_after(key, after)]
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


def _shown(lineage: int, district: str, cut: Cut) -> ColumnElement[bool]:
    """`Cut.shows` in SQL."""
    own: ColumnElement[bool] = _P.c.month.between(cut.period.first, cut.period.last)
    if cut.corrections_after is not None:
        own = or_(own, and_(_P.c.month < cut.period.first, _P.c.recorded_at > cut.corrections_after))
    return and_(_P.c.lineage == lineage, _P.c.district == district, _P.c.recorded_at <= cut.until, own)


def _counts(figure: Figure, kinds: Mapping[str, str]) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = [_P.c.act == figure.act]
    for name, values in figure.where.items():
        if name == "body":
            conditions.append(_bodies(values, kinds))
        else:
            conditions.append(_P.c[name].in_(values))
    return and_(*conditions)


def _bodies(bodies: Sequence[object], kinds: Mapping[str, str]) -> ColumnElement[bool]:
    """Organs of these bodies. Whoever the directory does not know stands where `body_of` puts an unknown kind."""
    others = [organ_id for organ_id, kind in kinds.items() if body_of(kind) not in bodies]
    mine = [organ_id for organ_id, kind in kinds.items() if body_of(kind) in bodies]
    return _P.c.organ_id.not_in(others) if body_of("") in bodies else _P.c.organ_id.in_(mine)


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


def _kinds(organs: Mapping[str, Organ]) -> dict[str, str]:
    return {organ_id: organ.kind for organ_id, organ in organs.items()}


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


def _summed(row: Sequence[Any], body: str) -> Cell:
    values: list[Any] = [*row[:9], body, *(int(value) for value in row[9:])]
    return Cell(*values)


def _cell(p: Posting, cut: Cut, kinds: Mapping[str, str]) -> Cell:
    e = p.entry
    attributes = (e.act, e.agreed, e.source, e.moj_type, e.form, e.difficult)
    sums = (p.sign, p.sign * e.parties, p.sign * e.amount_fen, p.sign * e.agreed_fen)
    return Cell(e.organ_id, e.organ_path, e.month < cut.period.first, *attributes, body_of(kinds.get(e.organ_id, "")), *sums)
