"""Checks of the district a command names."""

from tiaochu_domainkit.errors import denied
from tiaochu_domainkit.regions import district as checked
from tiaochu_kit.principal import ALL_DISTRICTS, Principal
from tiaochu_kit.usecase import Work


def works_in(principal: Principal, district: str) -> bool:
    """Whether the principal has a post in the district, or acts for all of them."""
    return principal.is_service or ALL_DISTRICTS in principal.districts or district in principal.districts


def own_district(work: Work, district: str) -> str:
    """The district, when the caller works in it; FIELD_INVALID for a malformed one, DISTRICT_FOREIGN for another's."""
    code = checked(district)
    if not works_in(work.actor, code):
        raise denied("DISTRICT_FOREIGN", "the caller does not work in this district", "您没有该地区的权限", district=code)
    return code
