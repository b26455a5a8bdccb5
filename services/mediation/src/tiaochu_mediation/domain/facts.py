"""What intake says about the case, as far as mediation decides by it. Written from intake's log only."""

from dataclasses import dataclass, field

from tiaochu_domainkit.aggregate import Aggregate
from tiaochu_domainkit.categories import categories

DOMESTIC_VIOLENCE = "domestic_violence"
SIMPLE = "simple"


@dataclass(kw_only=True)
class CaseFacts(Aggregate):
    """A copy; its id is the case's. Fields are empty until intake's event came."""

    status: str = "copy"
    channel: str = ""
    category: str = ""
    difficulty: str = ""
    flags: list[str] = field(default_factory=list)
    agency_id: str = ""
    exchange_id: str = ""

    @property
    def is_family(self) -> bool:
        """Class 01, 婚恋家庭: documents on marriage, adoption and succession may not be signed electronically (电子签名法 3)."""
        return self.category.startswith("01")

    @property
    def touches_identity(self) -> bool:
        """A leaf that touches identity, adoption or marriage, which no court confirms (法释〔2011〕5号 4)."""
        leaf = categories().get(self.category)
        return leaf is not None and leaf.status

    @property
    def is_labour(self) -> bool:
        """Class 07, 劳动人事."""
        return self.category.startswith("07")

    @property
    def domestic_violence(self) -> bool:
        """Flagged: nobody is put at one table with his tormentor unchecked."""
        return DOMESTIC_VIOLENCE in self.flags
