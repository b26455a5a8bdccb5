"""Who acts, and in which call."""

from dataclasses import dataclass, field
from datetime import datetime

from tiaochu_domainkit.errors import denied, invalid

ALL_DISTRICTS = "*"


@dataclass(frozen=True)
class Principal:
    """A person in a post, or a service (`service:<name>`).

    `organ_path` is the path of organ ids from the root (`/city/town/village/`); what a person sees lies below it.
    """

    id: str
    roles: frozenset[str] = frozenset()
    organ_id: str = ""
    organ_path: str = ""
    districts: frozenset[str] = frozenset()
    deputised_post: str = ""
    """The post of somebody else in which this person acts as its deputy (代理); empty in a post of their own."""

    @property
    def is_service(self) -> bool:
        """Whether a service acts for itself."""
        return self.id.startswith("service:")

    @property
    def district(self) -> str:
        """The one district this principal acts in, for figures and fairness; empty for a service, `*` for a person of several."""
        if self.is_service:
            return ""
        return next(iter(self.districts)) if len(self.districts) == 1 else ALL_DISTRICTS

    def works_in(self, district: str) -> bool:
        """Whether this principal has a post in the district, or acts for all of them."""
        return self.is_service or ALL_DISTRICTS in self.districts or district in self.districts

    def own_district(self, asked: str = "") -> str:
        """The district asked for, else the only one this principal works in. Reasons: OUTSIDE_DISTRICT, DISTRICT_REQUIRED."""
        if asked:
            if not self.works_in(asked):
                raise denied("OUTSIDE_DISTRICT", "the caller does not work in this district", "您无权办理其他地区的事项", district=asked)
            return asked
        if len(self.districts) != 1 or ALL_DISTRICTS in self.districts:
            raise invalid("district", "DISTRICT_REQUIRED", "请指定地区")
        return next(iter(self.districts))

    @property
    def scope(self) -> str:
        """The districts whose rows this principal's transactions may touch, as the row policies read it."""
        return ALL_DISTRICTS if self.is_service else ",".join(sorted(self.districts))


def service_principal(name: str) -> Principal:
    """The principal of a service acting for itself."""
    return Principal(id=f"service:{name}", roles=frozenset({f"service:{name}", "service:*"}))


@dataclass(frozen=True)
class Context:
    """One call: who, what, when, under which request id and trace."""

    principal: Principal
    method: str
    now: datetime
    request_id: str = ""
    traceparent: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
