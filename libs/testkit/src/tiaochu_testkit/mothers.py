"""Object mothers: synthetic people and organisations whose numbers pass every check, equal for equal seeds.

The check digits are computed here independently of the product's own checks, so that a test compares two readings of
GB 11643 and GB 32100.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

COUNTY = "321282"
"""The demonstration's county-level city (靖江市)."""

_COUNTY_SINCE = ((1997, COUNTY), (1994, "321086"), (1984, "321024"), (0, "322424"))
"""The codes the county had before; a number keeps the code of its time, so that older people carry older ones."""

_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许邓冯韩曹"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂英华玉萍红建国志梅春生䶮㛃"
_TRADES = ("食品", "机械", "纺织", "物业管理", "建筑工程", "电子商务", "运输", "装饰装潢")
_FIRST_BIRTH = date(1940, 1, 1)
_LAST_BIRTH = date(2005, 12, 31)

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"
_ORGAN_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@dataclass(frozen=True)
class Person:
    """A synthetic natural person (自然人)."""

    name: str
    id_number: str
    born: date
    sex: str
    """`male` or `female`, as the 17th digit of the number says."""
    phone: str
    address: str


@dataclass(frozen=True)
class Organisation:
    """A synthetic legal person (法人)."""

    name: str
    credit_code: str
    representative: Person
    address: str


def person(seed: int = 0, *, born: date | None = None, sex: str | None = None, county: str | None = None) -> Person:
    """A person; the same arguments give the same person. Without `county`, the number bears the city's code of its year."""
    random = Random(f"person-{seed}")
    drawn = _FIRST_BIRTH + timedelta(days=random.randrange((_LAST_BIRTH - _FIRST_BIRTH).days + 1))
    sex = sex or random.choice(("male", "female"))
    name = random.choice(_SURNAMES) + "".join(random.choices(_GIVEN, k=random.choice((1, 2, 2))))
    birth = born or drawn
    county = county or next(code for year, code in _COUNTY_SINCE if birth.year >= year)
    order = random.randrange(50) * 20 + random.randrange(0, 20, 2) + (1 if sex == "male" else 0)
    return Person(
        name=name,
        id_number=id_number(county, birth, order),
        born=birth,
        sex=sex,
        phone=f"199{random.randrange(10**8):08d}",
        address=f"江苏省靖江市测试镇和谐路{random.randrange(1, 400)}号",
    )


def organisation(seed: int = 0, *, county: str = COUNTY) -> Organisation:
    """An enterprise; the same arguments give the same enterprise."""
    random = Random(f"organisation-{seed}")
    body = "MA" + "".join(random.choices("0123456789ABCDEFGHJKLMNPQRTUWXY", k=6))
    name = f"靖江市{''.join(random.choices(_GIVEN, k=2))}{random.choice(_TRADES)}有限公司"
    address = f"江苏省靖江市测试镇工业路{random.randrange(1, 200)}号"
    return Organisation(name, credit_code(f"91{county}", body), person(10_000_000 + seed), address)


def id_number(county: str, born: date, order: int) -> str:
    """A citizen's number of GB 11643: county code, birth date, order code (odd = male) and check digit."""
    digits = f"{county}{born:%Y%m%d}{order:03d}"
    return digits + _ID_CHECKS[sum(int(d) * w for d, w in zip(digits, _ID_WEIGHTS, strict=True)) % 11]


def credit_code(prefix: str, organ: str) -> str:
    """A unified credit code of GB 32100 from its first 8 characters and the 8 of the organisation code (GB 11714)."""
    rest = 11 - sum(_organ_value(c) * w for c, w in zip(organ, _ORGAN_WEIGHTS, strict=True)) % 11
    body = prefix + organ + {10: "X", 11: "0"}.get(rest, str(rest))
    total = sum(_CREDIT_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return body + _CREDIT_ALPHABET[(31 - total % 31) % 31]


def _organ_value(character: str) -> int:
    """GB 11714 counts A as 10 to Z as 35, unlike the credit code's own alphabet."""
    return int(character, 36)
