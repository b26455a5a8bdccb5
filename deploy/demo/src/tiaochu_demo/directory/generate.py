"""Writes the directory files anew: `python -m tiaochu_demo.directory.generate`. Run once; the files are checked in and then edited by hand.

Ids are UUIDv7 with a fixed time and seeded random bits, so that a new run gives the same ids.
"""

import csv
import uuid
from datetime import date
from pathlib import Path
from random import Random

from tiaochu_demo.directory.plan import CITY_ORGANS, COMMITTEES, DISTRICT_PLANS, DistrictPlan, TownPlan
from tiaochu_demo.synthetic.identity import mobile
from tiaochu_demo.synthetic.names import FEMALE, MALE, SURNAMES

DATA = Path(__file__).parent / "data"
_EPOCH_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
_SPECIALTIES = {
    "village": (("02", "01", "04"), ("02", "09", "01"), ("02", "03", "01")),
    "town": (("02", "04", "11"), ("06", "08", "05"), ("01", "02", "09"), ("07", "06", "05")),
}
_LANGUAGES = ("mandarin;wu_dialect", "mandarin;wu_dialect", "mandarin", "mandarin;jianghuai_dialect", "mandarin;sign_language")
_CARE = ("elderly", "minors", "elderly;women", "disabled", "psychology", "")


def stable_id(rng: Random) -> str:
    """A UUIDv7 whose random part comes from the seed."""
    value = (_EPOCH_MS << 80) | (0x7 << 76) | (rng.getrandbits(12) << 64) | (0b10 << 62) | rng.getrandbits(62)
    return str(uuid.UUID(int=value))


class _Writer:
    """Collects one district's rows in the order in which they are read."""

    def __init__(self, plan: DistrictPlan) -> None:
        self.plan = plan
        self.rng = Random(f"directory:{plan.code}")
        self.regions: list[list[str]] = []
        self.organs: list[list[str]] = []
        self.staff: list[list[str]] = []
        self.posts: list[list[str]] = []
        self.mediators: list[list[str]] = []
        self._organ_ids: dict[str, str] = {}
        self._professionals: dict[str, str] = {}
        self._names: set[str] = set()
        self._phone = 80_000_000 + int(plan.code[-1]) * 100_000

    def organ(self, code: str, name: str, short: str, kind: str, tier: str, region: str, parent: str) -> None:
        self._organ_ids[code] = stable_id(self.rng)
        self._phone += 1
        self.organs.append([self._organ_ids[code], code, name, short, kind, tier, region, parent, f"0523-{self._phone}"])

    def person(self, organ: str, roles: tuple[str, ...], tier: str, specialties: tuple[str, ...] | None = None) -> str:
        ident = stable_id(self.rng)
        sex = self.rng.choice(("male", "male", "female"))
        name = self._name(sex)
        login = f"u{self.plan.code}{len(self.staff) + 1:03d}"
        self.staff.append([ident, login, name, sex, mobile(self.rng)])
        since = date(2026, 1, 1) if self.rng.random() < 0.7 else date(2025, self.rng.randint(1, 12), 1)
        self.posts.extend([ident, self._organ_ids[organ], role, since.isoformat()] for role in roles)
        if "professional_mediator" in roles:
            self._professionals[organ] = ident
        if any(r in {"mediator", "village_mediator", "professional_mediator", "court_mediator"} for r in roles):
            special = specialties or self.rng.choice(_SPECIALTIES.get(tier, _SPECIALTIES["town"]))
            term = date(self.rng.choice((2027, 2028)), 12, 31).isoformat()
            load = {"village": 8, "town": 20}.get(tier, 25)
            self.mediators.append([ident, ";".join(special), self.rng.choice(_LANGUAGES), self.rng.choice(_CARE), term, str(load)])
        return ident

    def seat_professional(self, committee: str, parent: str) -> None:
        """The professional mediator of an organ sits in the committee the organ set up."""
        self.posts.append([self._professionals[parent], self._organ_ids[committee], "professional_mediator", "2026-01-01"])

    def station(self, person: str, organ: str) -> None:
        """A mediator of the town also sits in its police station (驻所调解室)."""
        self.posts.append([person, self._organ_ids[organ], "mediator", "2026-01-01"])

    def _name(self, sex: str) -> str:
        while True:
            given = FEMALE if sex == "female" else MALE
            name = self.rng.choice(SURNAMES) + "".join(self.rng.sample(given, self.rng.choice((1, 2, 2))))
            if name not in self._names:
                self._names.add(name)
                return name

    def write(self) -> None:
        folder = DATA / self.plan.code
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / "regions.csv", ["code", "name", "level", "parent", "gb_code"], self.regions)
        _write(folder / "organs.csv", ["id", "code", "name", "short_name", "kind", "tier", "region", "parent", "phone"], self.organs)
        _write(folder / "staff.csv", ["id", "login", "name", "sex", "phone"], self.staff)
        _write(folder / "posts.csv", ["person_id", "organ_id", "role", "since"], self.posts)
        _write(folder / "mediators.csv", ["person_id", "specialties", "languages", "care_skills", "term_end", "max_load"], self.mediators)


def _write(path: Path, heading: list[str], rows: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([heading, *rows])


def _town(w: _Writer, town: TownPlan, large: frozenset[str]) -> None:
    code = f"{w.plan.code}{town.code}000"
    w.regions.append([code, town.name, "town", f"{w.plan.code}000000", "yes"])
    centre = f"t{town.code}"
    w.organ(centre, f"{town.name}矛盾纠纷调处中心", f"{town.name}调处中心", "town_centre", "town", code, "centre")
    w.person(centre, ("centre_director", "leader"), "town")
    w.person(centre, ("centre_deputy", "acceptance_clerk", "archivist"), "town")
    mediator = w.person(centre, ("mediator",), "town")
    w.organ(f"p{town.code}", f"{w.plan.short}公安局{town.short}派出所", f"{town.short}派出所", "police_station", "town", code, "police")
    w.person(f"p{town.code}", ("police_liaison",), "town")
    w.station(mediator, f"p{town.code}")
    for village, name in town.villages:
        region = f"{w.plan.code}{town.code}{village}"
        w.regions.append([region, name, "village", code, "yes"])
        organ = f"v{town.code}{village}"
        w.organ(organ, f"{name}人民调解委员会", f"{name}调委会", "village_committee", "village", region, centre)
        if name in large:
            w.person(organ, ("station_head", "village_mediator"), "village")
            w.person(organ, ("information_officer", "village_mediator"), "village")
        else:
            w.person(organ, ("station_head", "village_mediator", "information_officer"), "village")


def generate(plan: DistrictPlan) -> None:
    w = _Writer(plan)
    county = f"{plan.code}000000"
    w.regions.append([county, plan.name, "county", "", "yes"])
    for organ in CITY_ORGANS:
        if organ.code in plan.organs:
            parent = "" if organ.code == "centre" else "centre"
            w.organ(organ.code, f"{plan.short}{organ.name}", organ.short, organ.kind, "city", county, parent)
            for roles in organ.staff[: plan.staff_per_organ] if organ.code != "centre" else organ.staff[: plan.centre_staff]:
                w.person(organ.code, roles, "city", organ.specialties or None)
    for organ in COMMITTEES:
        if organ.parent in plan.organs and plan.committees:
            w.organ(organ.code, f"{plan.short}{organ.name}", organ.short, organ.kind, "city", county, organ.parent)
            w.seat_professional(organ.code, organ.parent)
    for town in plan.towns:
        _town(w, town, plan.large_villages)
    for number, (name, parent) in enumerate(plan.zones, 1):
        w.regions.append([f"{plan.code}Z{number:02d}000", name, "zone", parent, "no"])
    w.write()


if __name__ == "__main__":
    for district in DISTRICT_PLANS:
        generate(district)
