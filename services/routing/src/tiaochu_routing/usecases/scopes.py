"""The district a command names."""

from tiaochu_domainkit.regions import district as checked
from tiaochu_kit.principal import Principal


def own_district(principal: Principal, asked: str) -> str:
    """The district asked for, or the caller's only one. Reasons besides those of `Principal.own_district`: a malformed code's."""
    return principal.own_district(checked(asked) if asked else "")
