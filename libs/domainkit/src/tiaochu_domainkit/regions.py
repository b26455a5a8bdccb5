"""Region codes: GB/T 2260 county, GB/T 10114 town, village, and the grid or villager group below it.

Written forms: county and above 6 digits (`321282`), town and village 12 (`321282100000`, `321282100201`), grid 15.
A unit without a national code (non-statutory zone, 园区) carries a local part `Zdd` in place of the three digits, so that the
prefix still tells the county: `321282Z01000`, and a village in it `321282Z01201`. The code says where a unit was numbered; whose
subordinate it is today is the directory's to say, because units are re-parented and keep their codes.
"""

import re
from dataclasses import dataclass
from enum import IntEnum

from tiaochu_domainkit.errors import invalid

PROVINCES = frozenset(
    str(n)
    for first, last in ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71), (81, 82))
    for n in range(first, last + 1)
)
"""First two digits of GB/T 2260."""

_FORM = re.compile(r"(\d{6})(?:(\d{3}|Z\d{2})(\d{3}|Z\d{2})(\d{3})?)?", re.ASCII)


class Level(IntEnum):
    """Tier of a code, from the top."""

    PROVINCE = 1
    CITY = 2
    COUNTY = 3
    TOWN = 4
    VILLAGE = 5
    GRID = 6


class UnitKind:
    """What the ranges of the town and village parts stand for."""

    SUBDISTRICT = "subdistrict"
    TOWN = "town"
    TOWNSHIP = "township"
    TOWN_LIKE = "town_like"
    NEIGHBOURHOOD = "neighbourhood"
    VILLAGE = "village"
    NEIGHBOURHOOD_LIKE = "neighbourhood_like"
    VILLAGE_LIKE = "village_like"
    LOCAL = "local"


_TOWN_RANGES = (
    (1, 99, UnitKind.SUBDISTRICT),
    (100, 199, UnitKind.TOWN),
    (200, 399, UnitKind.TOWNSHIP),
    (400, 599, UnitKind.TOWN_LIKE),
)
_VILLAGE_RANGES = (
    (1, 199, UnitKind.NEIGHBOURHOOD),
    (200, 399, UnitKind.VILLAGE),
    (400, 499, UnitKind.NEIGHBOURHOOD_LIKE),
    (500, 599, UnitKind.VILLAGE_LIKE),
)


@dataclass(frozen=True, order=True)
class Region:
    """A valid code. Make it with `parse`."""

    code: str

    @property
    def level(self) -> Level:
        """The tier."""
        if len(self.code) == 15:
            return Level.GRID
        if len(self.code) == 12:
            return Level.TOWN if self.code.endswith("000") else Level.VILLAGE
        if self.code.endswith("0000"):
            return Level.PROVINCE
        return Level.CITY if self.code.endswith("00") else Level.COUNTY

    @property
    def county(self) -> str:
        """The district: the six digits of the county. Meaningless (and refused with ValueError) above a county."""
        if self.level < Level.COUNTY:
            raise ValueError(f"{self.code} is above a county")
        return self.code[:6]

    @property
    def parent(self) -> "Region | None":
        """The next code up; None above a province."""
        match self.level:
            case Level.GRID:
                return Region(self.code[:12])
            case Level.VILLAGE:
                return Region(self.code[:9] + "000")
            case Level.TOWN:
                return Region(self.code[:6])
            case Level.COUNTY:
                return Region(self.code[:4] + "00")
            case Level.CITY:
                return Region(self.code[:2] + "0000")
        return None

    @property
    def kind(self) -> str | None:
        """A `UnitKind` for towns and villages, else None."""
        if self.level is Level.TOWN:
            return _kind(self.code[6:9], _TOWN_RANGES)
        if self.level is Level.VILLAGE:
            return _kind(self.code[9:12], _VILLAGE_RANGES)
        return None

    def is_within(self, other: "Region") -> bool:
        """True for the unit itself and everything numbered below it."""
        return self.code.startswith(other.prefix)

    def ancestors(self) -> tuple["Region", ...]:
        """Every code above, nearest first."""
        found: list[Region] = []
        step = self.parent
        while step is not None:
            found.append(step)
            step = step.parent
        return tuple(found)

    @property
    def prefix(self) -> str:
        """What every code numbered below this one begins with."""
        lengths = {Level.PROVINCE: 2, Level.CITY: 4, Level.COUNTY: 6, Level.TOWN: 9, Level.VILLAGE: 12, Level.GRID: 15}
        return self.code[: lengths[self.level]]

    def __str__(self) -> str:
        return self.code


def parse(value: str, path: str = "region") -> Region:
    """Check and take a code; a county written with twelve digits, as statistics list it, is taken by its six.

    Reasons: REGION_FORMAT, REGION_PROVINCE (no such province), REGION_RANGE (part outside the standard).
    """
    code = value.strip().upper()
    match = _FORM.fullmatch(code)
    if match is None:
        raise invalid(path, "REGION_FORMAT", "区划代码应为6、12或15位")
    county, town, village, grid = match.groups()
    if county[:2] not in PROVINCES or (county[2:4] == "00" and county[4:] != "00"):
        raise invalid(path, "REGION_PROVINCE", "区划代码的省、市部分不存在")
    if town is None:
        return Region(code)
    if code.endswith("000000") and len(code) == 12:
        return Region(county)
    if county.endswith("00") or _kind(town, _TOWN_RANGES) is None:
        raise invalid(path, "REGION_RANGE", "区划代码的乡镇部分超出国家标准的范围")
    if (village != "000" or grid is not None) and _kind(village, _VILLAGE_RANGES) is None:
        raise invalid(path, "REGION_RANGE", "区划代码的村居部分超出国家标准的范围")
    if grid == "000":
        raise invalid(path, "REGION_RANGE", "网格代码不能是000")
    return Region(code)


def district(value: str, path: str = "district") -> str:
    """Check and take a district: a code of exactly six digits at county level. Reason besides those of `parse`: REGION_NOT_COUNTY."""
    region = parse(value, path)
    if region.level is not Level.COUNTY:
        raise invalid(path, "REGION_NOT_COUNTY", "此处应填写6位县级区划代码")
    return region.code


def _kind(part: str, ranges: tuple[tuple[int, int, str], ...]) -> str | None:
    if part.startswith("Z"):
        return UnitKind.LOCAL if part != "Z00" else None
    number = int(part)
    return next((kind for low, high, kind in ranges if low <= number <= high), None)
