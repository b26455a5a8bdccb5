"""Builds one case after the other: parties that fit the template, facts, claims, grades, papers."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from random import Random

from tiaochu_demo.directory.model import Directory, Organ, Region
from tiaochu_demo.synthetic import papers
from tiaochu_demo.synthetic.channels import source_of
from tiaochu_demo.synthetic.model import Claim, Party, SyntheticCase, SyntheticFile
from tiaochu_demo.synthetic.narrative import Template, compose, render, templates
from tiaochu_demo.synthetic.people import People, family_name

_CLAIM_WORDS = (
    ("pay", ("支付", "赔偿", "退款", "补发", "给付", "退还押金", "分担", "归还借款", "返还彩礼", "退还费用", "退还手续费", "按保单赔付")),
    ("repair", ("修复", "修好", "返修", "恢复原", "恢复排水", "恢复管网", "恢复坟墓")),
    ("return", ("返还", "退还", "归还", "恢复居住")),
    ("refrain", ("停止", "不得", "保证")),
    ("apology", ("道歉", "恢复名誉", "澄清")),
    ("confirm", ("确认", "确定", "明确", "核定", "公开", "公示")),
)
_DIFFICULTY = (("simple", 64), ("ordinary", 23), ("complex", 10), ("major", 3))
_RISK = {
    "simple": (("none", 85), ("blue", 15)),
    "ordinary": (("none", 45), ("blue", 35), ("yellow", 20)),
    "complex": (("blue", 30), ("yellow", 45), ("orange", 25)),
    "major": (("orange", 55), ("red", 45)),
}


def pick(choices: Sequence[tuple[str, int]], rng: Random) -> str:
    return rng.choices([c for c, _ in choices], [w for _, w in choices])[0]


class Casebook:
    """Writes cases of one district; same generator and day, same cases."""

    def __init__(self, directory: Directory, rng: Random, today: date) -> None:
        self.directory = directory
        self.rng = rng
        self.today = today
        self.people = People(directory, rng, today)
        self._templates: dict[str, Template] = {}
        self.villages = tuple(r for r in directory.regions if r.level == "village")

    def write(
        self,
        key: str,
        leaf: str,
        channel: str,
        receiver: Organ,
        *,
        received_on: date,
        registered_after: timedelta = timedelta(0),
        template: Template | None = None,
        applicant: Party | None = None,
        difficulty: str = "",
        risk: str = "",
        files: int = 0,
    ) -> SyntheticCase:
        """A case of `leaf` received by `receiver`; what is not given is drawn."""
        rng = self.rng
        template = template or rng.choice(templates()[leaf])
        region = self.village_for(receiver)
        applicants, respondents = self._sides(template, region, applicant)
        amount = self._amount(template)
        difficulty = difficulty or self._difficulty(template, amount)
        risk = risk or ("red" if leaf.startswith("16") else pick(_RISK[difficulty], rng))
        occurred_on = received_on - timedelta(days=rng.choice((0, 0, 1, 1, 2, 3, 5, 9, 16, 30)))
        slots = self._slots(applicants, respondents, region, receiver, amount, received_on)
        claims = self._claims(template, slots, amount)
        scale = "03" if template.size and difficulty == "major" else "02" if template.size else "01"
        case = SyntheticCase(
            key=key,
            channel=channel,
            source=source_of(channel),
            first_receiver_organ_id=receiver.id,
            occurred_on=occurred_on,
            received_on=received_on,
            registered_after=registered_after,
            region_code=region.code,
            place=f"{region.name}{rng.choice(('一组', '二组', '三组', '村口', '菜场旁', '河东', '小区内'))}",
            applicants=applicants,
            respondents=respondents,
            facts=compose(template, channel, risk, difficulty, slots, rng),
            claims=claims,
            amount_fen=sum(c.amount_fen for c in claims),
            category=leaf,
            flags=self._flags(template, applicants + respondents),
            difficulty=difficulty,
            scale=scale,
            risk=risk,
            single_legal_relation=difficulty in ("simple", "ordinary") or rng.random() < 0.5,
        )
        self._templates[key] = template
        return replace(case, files=self._files(case, files))

    def twin(self, case: SyntheticCase, key: str, channel: str, receiver: Organ, *, delay: timedelta) -> SyntheticCase:
        """The same dispute through another door: same people, told again to somebody else."""
        region = self.directory.regions_by_code[case.region_code]
        template = self._templates[case.key]
        amount = case.amount_fen // 100
        slots = self._slots(case.applicants, case.respondents, region, receiver, amount, case.received_on + delay)
        return replace(
            case,
            key=key,
            channel=channel,
            source=source_of(channel),
            first_receiver_organ_id=receiver.id,
            received_on=case.received_on + delay,
            registered_after=case.registered_after + delay,
            facts=compose(template, channel, case.risk, case.difficulty, slots, self.rng),
            twin_of=case.key,
            files=(),
        )

    def village_for(self, receiver: Organ) -> Region:
        """A village in the territory of the receiver."""
        inside = (
            receiver.region.rstrip("0") if receiver.tier == "city" else receiver.region[:9] if receiver.tier == "town" else receiver.region
        )
        return self.rng.choice([v for v in self.villages if v.code.startswith(inside)])

    def _sides(self, template: Template, region: Region, applicant: Party | None) -> tuple[tuple[Party, ...], tuple[Party, ...]]:
        rng, people = self.rng, self.people
        respondent: Party | None = None
        if applicant is None and template.relation:
            applicant, respondent = self._relatives(template.relation, region)
        applicant = applicant or self._party(template.applicant, region)
        respondent = respondent or self._party(template.respondent, region)
        applicants, respondents = [applicant], [respondent]
        if template.size:
            applicants += [people.person(region) for _ in range(rng.randint(5, 14))]
        elif applicant.kind == "person" and not template.relation and rng.random() < 0.12:
            applicants.append(people.person(region))
        elif respondent.kind == "person" and not template.relation and rng.random() < 0.1:
            respondents.append(people.person(region))
        if rng.random() < (0.25 if applicant.kind == "organisation" else 0.06):
            applicants[0] = people.with_agent(applicants[0], region)
        return tuple(applicants), tuple(respondents)

    def _relatives(self, relation: str, region: Region) -> tuple[Party, Party]:
        people = self.people
        if relation == "spouse":
            return people.person(region, age=(26, 48), sex="female"), people.person(region, age=(27, 50), sex="male")
        if relation == "parent":
            parent = people.person(region, age=(74, 86))
            return parent, people.person(region, age=(45, 58), sex="male", surname=family_name(parent.name))
        if relation == "inlaw":
            return people.person(region, age=(60, 76), sex="female"), people.person(region, age=(26, 45), sex="female")
        first = people.person(region, age=(38, 66), sex="male")
        return first, people.person(region, age=(36, 68), sex="male", surname=family_name(first.name))

    def _party(self, wanted: str, region: Region) -> Party:
        kind, _, detail = wanted.partition(":")
        if kind == "company":
            return self.people.company(detail, region)
        if kind == "organ":
            return self.people.body(detail, region)
        return self.people.minor(region) if kind == "minor" else self.people.person(region)

    def _amount(self, template: Template) -> int:
        if template.amount is None:
            return 0
        low, high = template.amount
        step = 1000 if high >= 100_000 else 100 if high >= 5_000 else 50
        return self.rng.randint(-(-low // step), high // step) * step

    def _difficulty(self, template: Template, amount: int) -> str:
        if template.size:
            return self.rng.choice(("complex", "major"))
        drawn = pick(_DIFFICULTY, self.rng)
        return "complex" if amount > 150_000 and drawn in ("simple", "ordinary") else drawn

    def _slots(
        self, applicants: tuple[Party, ...], respondents: tuple[Party, ...], region: Region, receiver: Organ, amount: int, written_on: date
    ) -> dict[str, str]:
        year = written_on.year - self.rng.randint(1, 7)
        return {
            "A": applicants[0].name,
            "R": respondents[0].name,
            "place": region.name,
            "town": self.directory.regions_by_code[region.parent].name,
            "organ": receiver.short_name,
            "day": f"{written_on.month}月{written_on.day}日",
            "year": str(year),
            "month": str(self.rng.randint(1, max(1, written_on.month - 1))),
            "amount": str(amount) if amount else "若干",
            "age": str(self._age(applicants[0])),
        }

    def _age(self, party: Party) -> int:
        return self.today.year - party.born_on.year if party.born_on else 0

    def _claims(self, template: Template, slots: dict[str, str], amount: int) -> tuple[Claim, ...]:
        claims, priced = [], False
        for line in template.claims:
            text = render(line, slots, self.rng)
            kind = next((kind for kind, words in _CLAIM_WORDS if any(w in text for w in words)), "act")
            money = amount if "{amount}" in line and not priced else 0
            priced = priced or bool(money)
            if money and kind in ("act", "return", "confirm"):
                kind = "pay"
            claims.append(Claim("other" if kind == "pay" and not money else kind, text, money * 100))
        return tuple(claims)

    def _flags(self, template: Template, parties: tuple[Party, ...]) -> tuple[str, ...]:
        found = set(template.flags) | {c for p in parties for c in p.care if c in ("minor", "elderly", "disabled")}
        if any(p.kind == "organisation" and p.id_number.startswith("91") for p in parties):
            found.add("enterprise_party")
        if any(p.id_type == "passport" for p in parties):
            found.add("foreign")
        for flag, share in (("cross_region", 0.04), ("online", 0.03), ("military", 0.01), ("media_attention", 0.01)):
            if self.rng.random() < share:
                found.add(flag)
        return tuple(sorted(found))

    def _files(self, case: SyntheticCase, count: int) -> tuple[SyntheticFile, ...]:
        if not count:
            return ()
        application = papers.letter("调解申请书.pdf", "application", "人民调解申请书", papers.wrapped(case.facts))
        return (application, *(papers.photo(f"现场照片{n}.{self.rng.choice(('jpg', 'png'))}", self.rng) for n in range(1, count)))
