"""Whose figures a caller may ask for: a district he works in, and there his own unit and the units below it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tiaochu_domainkit.errors import not_found
from tiaochu_kit.principal import Principal
from tiaochu_kit.usecase import Context
from tiaochu_reporting.domain.books import Cut, cut
from tiaochu_reporting.domain.figures import WHOLE, Organ, ids
from tiaochu_reporting.domain.periods import Period, parse_period
from tiaochu_reporting.usecases.instants import moment
from tiaochu_reporting.usecases.ports import Reading

FOREVER = datetime(9999, 12, 31, tzinfo=UTC)


def unit_of(caller: Principal, asked: str, organs: Mapping[str, Organ]) -> Organ:
    """The unit asked for, else the caller's own, else the whole district. NOT_FOUND for one that is unknown or not below the caller's."""
    above_all = caller.is_service or caller.organ_path == "/"
    if not asked and above_all:
        return WHOLE
    own = caller.organ_id
    organ = organs.get(asked or own) or (Organ(own, caller.organ_path, "", "") if (asked or own) == own and own else None)
    if organ is None or not (above_all or own in ids(organ.organ_path)):
        raise not_found("organ", asked)
    return organ


@dataclass(frozen=True)
class Question:
    """What a query asks, checked: district, period, cut and the unit."""

    district: str
    period: Period
    cut: Cut
    unit: Organ
    organs: Mapping[str, Organ]
    as_of: datetime


async def question(reading: Reading, ctx: Context, r: Any) -> Question:
    """The common part of `GetMonthTable` and `ListFigureCases`."""
    district = ctx.principal.own_district(r.district)
    period = parse_period(r.period)
    shown, known = moments(ctx, r)
    books = await reading.books(ctx, district)
    organs = await reading.organs(ctx, district, period.last, known)
    made = cut(books.locks if books else (), period, known)
    return Question(district, period, made, unit_of(ctx.principal, r.organ_id, organs), organs, shown)


def moments(ctx: Context, r: Any) -> tuple[datetime, datetime]:
    """(what the answer says, up to when facts count). Now means everything known, also what a service with a faster clock recorded."""
    asked = moment("as_of", r.as_of) if r.HasField("as_of") else None
    if asked is None or asked >= ctx.now:
        return ctx.now, FOREVER
    return asked, asked
