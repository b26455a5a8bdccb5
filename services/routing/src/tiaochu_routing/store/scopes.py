"""Which district a query is about."""

from tiaochu_domainkit.errors import denied, invalid
from tiaochu_domainkit.regions import district as checked
from tiaochu_kit.principal import ALL_DISTRICTS, Context
from tiaochu_routing.usecases.scopes import works_in


def readable_district(ctx: Context, asked: str) -> str:
    """The district asked for, or the caller's only one. DISTRICT_FOREIGN for another's, FIELD_INVALID where none follows."""
    mine = ctx.principal.districts
    if not asked:
        if len(mine) != 1 or ALL_DISTRICTS in mine:
            raise invalid("district", "DISTRICT_REQUIRED", "请指定地区")
        return next(iter(mine))
    code = checked(asked)
    if not works_in(ctx.principal, code):
        raise denied("DISTRICT_FOREIGN", "the caller does not work in this district", "您没有该地区的权限", district=code)
    return code
