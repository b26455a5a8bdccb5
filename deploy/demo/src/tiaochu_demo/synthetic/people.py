"""Persons and organisations of a synthetic district."""

from dataclasses import replace
from datetime import date
from random import Random

from tiaochu_demo.directory.model import Directory, Region
from tiaochu_demo.synthetic.identity import credit_code, mobile, resident_id
from tiaochu_demo.synthetic.model import Party, Representative
from tiaochu_demo.synthetic.names import FEMALE, MALE, RARE, SURNAMES, TRADE_WORDS, TRADES

_OCCUPATIONS = ("务农", "务工", "个体经营", "退休", "企业职员", "驾驶员", "教师", "水产养殖", "自由职业")


def family_name(name: str) -> str:
    """The surname of a generated name, compound ones whole."""
    return next((s for s in SURNAMES if len(s) == 2 and name.startswith(s)), name[0])


class People:
    """Makes parties, each other than the last; every choice comes from the given generator."""

    def __init__(self, directory: Directory, rng: Random, today: date) -> None:
        self._rng = rng
        self._today = today
        self._city = directory.name.removesuffix("(示例)")
        self._district = directory.district
        self._towns = {r.code: r.name for r in directory.regions if r.level == "town"}
        self._rare = list(RARE)
        self._used: set[str] = set()

    def name(self, sex: str, surname: str = "") -> str:
        """A name not yet given to anyone; the rare characters come first, so that a set of any size has them."""
        stock = FEMALE if sex == "female" else MALE
        while True:
            family = surname or self._rng.choice(SURNAMES)
            if self._rare:
                given = self._rare.pop(0) + self._rng.choice(stock)
            elif self._rng.random() < 0.01:
                given = self._rng.choice(RARE)
            else:
                given = "".join(self._rng.sample(stock, self._rng.choice((1, 2, 2))))
            if family + given not in self._used:
                self._used.add(family + given)
                return family + given

    def person(self, region: Region, *, age: tuple[int, int] = (24, 68), sex: str = "", surname: str = "") -> Party:
        """A resident of the region with papers, phone and address."""
        rng = self._rng
        sex = sex or rng.choice(("male", "male", "female"))
        years = rng.randint(*age)
        born = date(self._today.year - years - 1, rng.randint(1, 12), rng.randint(1, 28))
        care = ("elderly",) if years >= 70 else ("minor",) if years < 17 else ()
        origin = self._district if rng.random() < 0.85 else self._district[:5] + "2"
        return Party(
            kind="person",
            name=self.name(sex, surname),
            id_type="resident_id",
            id_number=resident_id(origin, born, sex, rng),
            sex=sex,
            born_on=born,
            phone=mobile(rng),
            region_code=region.code,
            address=self._address(region),
            occupation="学生" if years < 17 else rng.choice(_OCCUPATIONS),
            care=care,
        )

    def minor(self, region: Region) -> Party:
        """A child with a parent as guardian; the phone is the parent's."""
        child = self.person(region, age=(6, 15))
        parent = self.person(region, age=(32, 46), surname=family_name(child.name))
        guardian = Representative(
            "guardian", parent.name, "resident_id", parent.id_number, parent.phone, "父亲" if parent.sex == "male" else "母亲"
        )
        return replace(child, phone="", representatives=(guardian,))

    def without_papers(self, region: Region) -> Party:
        """An old person who has no card at hand and is known to the village."""
        old = self.person(region, age=(81, 90))
        return replace(old, id_type="none", id_number="", phone="", identity_note=f"无身份证件,{region.name}村干部当面证明系本村居民")

    def with_agent(self, party: Party, region: Region) -> Party:
        agent = self.person(region, age=(28, 60))
        relation, authority = self._rng.choice((("律师", "special"), ("亲属", "general"), ("亲属", "special"), ("法律工作者", "special")))
        represented = Representative("agent", agent.name, "resident_id", agent.id_number, agent.phone, relation, authority)
        return replace(party, representatives=(*party.representatives, represented))

    def foreigner(self, region: Region) -> Party:
        person = self.person(region, age=(26, 55))
        return replace(person, id_type="passport", id_number=f"E{self._rng.randrange(10**8):08d}")

    def company(self, trade: str, region: Region) -> Party:
        """A registered enterprise with its legal representative."""
        name = f"{self._city}{''.join(self._rng.sample(TRADE_WORDS, 2))}{self._rng.choice(TRADES[trade])}"
        return self._organisation(name, credit_code(self._district, self._rng), region)

    def body(self, name: str, region: Region) -> Party:
        """A public or self-governing body, such as a villagers' committee."""
        if name.startswith("镇"):
            name = self._towns.get(region.code[:9] + "000", region.name) + name[1:]
        elif name == "村民委员会":
            name = f"{region.name}{'居' if region.name.endswith('社区') else '村'}民委员会"
        else:
            name = self._city + name
        return self._organisation(name, credit_code(self._district, self._rng, kind="11"), region)

    def _organisation(self, name: str, code: str, region: Region) -> Party:
        head = self.person(region, age=(30, 62))
        return Party(
            kind="organisation",
            name=name,
            id_type="credit_code",
            id_number=code,
            phone=f"0523-8{self._rng.randrange(10**7):07d}",
            region_code=region.code,
            address=self._address(region),
            representatives=(Representative("legal_representative", head.name, "resident_id", head.id_number, head.phone, "负责人"),),
        )

    def _address(self, region: Region) -> str:
        town = self._towns.get(region.code[:9] + "000", "")
        if region.name.endswith("社区"):
            place = f"{self._rng.choice(('文汇', '人民', '江平', '康宁', '新桥', '骥江'))}路{self._rng.randint(1, 260)}号{self._rng.randint(1, 30)}幢"
            return f"{self._city}{town}{region.name}{place}{self._rng.randint(1, 6)}0{self._rng.randint(1, 4)}室"
        return f"{self._city}{town}{region.name}{self._rng.randint(1, 18)}组{self._rng.randint(1, 80)}号"
