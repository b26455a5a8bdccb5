"""The parties to a dispute (当事人) and those who act for them, as the forms F1 and F2 know them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date

from tiaochu_domainkit import identity, regions, text
from tiaochu_domainkit.errors import invalid
from tiaochu_domainkit.identity import PaperKind, Sex
from tiaochu_domainkit.sealing import Sealed

APPLICANT, RESPONDENT = "applicant", "respondent"
PERSON, ORGANISATION = "person", "organisation"
AGENT, GUARDIAN, LEGAL_REPRESENTATIVE = "agent", "guardian", "legal_representative"
CREDIT_CODE = "credit_code"

CARE = ("minor", "elderly", "disabled", "migrant_worker")
FULL_AGE = 18
"""民法典 17."""
GUARDED_AGE = 16
"""From 16 a minor who lives by own labour has full capacity (民法典 18)."""
ELDERLY_AGE = 60
"""老年人权益保障法 2."""
MAX_PARTIES = 40
"""A larger group is one case with a person list."""


@dataclass(frozen=True)
class Particulars:
    """A party or representative as typed; nothing checked yet, numbers in clear. Lives in memory only."""

    party_id: str
    kind: str
    name: str
    id_type: str = ""
    id_number: str = ""
    phone: str = ""
    identity_note: str = ""
    sex: str = ""
    born_on: str = ""
    ethnicity: str = ""
    occupation: str = ""
    region_code: str = ""
    address: str = ""
    electronic_address: str = ""
    care: tuple[str, ...] = ()
    relation: str = ""
    authority: str = ""
    power_of_attorney_file_id: str = ""
    representatives: tuple["Particulars", ...] = ()

    def __repr__(self) -> str:
        return f"Particulars({self.kind})"


@dataclass(frozen=True)
class Representative:
    """Somebody who acts for a party (代理人、监护人、法定代表人)."""

    id: str
    kind: str
    name: str
    id_type: str
    id_number: Sealed | None
    phone: Sealed | None
    relation: str
    authority: str
    power_of_attorney_file_id: str


@dataclass(frozen=True)
class Party:
    """A party as stored: paper number and phone sealed."""

    id: str
    kind: str
    name: str
    id_type: str
    id_number: Sealed | None
    phone: Sealed | None
    identity_note: str = ""
    sex: str = ""
    born_on: date | None = None
    ethnicity: str = ""
    occupation: str = ""
    region_code: str = ""
    address: str = ""
    electronic_address: str = ""
    care: tuple[str, ...] = ()
    representatives: tuple[Representative, ...] = ()
    withdrawn: bool = False

    @property
    def indexes(self) -> tuple[str, ...]:
        """Blind indexes by which the same person is found again."""
        return tuple(sealed.index for sealed in (self.id_number, self.phone) if sealed is not None)

    @property
    def is_minor(self) -> bool:
        """Under 18 when last written down; hidden from everybody outside the case (未成年人保护法 103)."""
        return "minor" in self.care


@dataclass(frozen=True)
class Checked:
    """Particulars found in order and normalised; still in clear."""

    typed: Particulars
    born_on: date | None = None
    care: tuple[str, ...] = ()
    representatives: tuple["Checked", ...] = field(default=())


def check_party(path: str, typed: Particulars, today: date, *, applies: bool) -> Checked:
    """Check and normalise a party. `applies`: on the applying side, where somebody must know who it is.

    Reasons: those of `identity` and `text`, KIND_UNKNOWN, ID_TYPE_UNKNOWN, ID_NUMBER_REQUIRED, IDENTITY_NOTE_REQUIRED, CARE_UNKNOWN,
    GUARDIAN_REQUIRED, and those of dates and regions.
    """
    if typed.kind not in (PERSON, ORGANISATION):
        raise invalid(f"{path}.kind", "KIND_UNKNOWN", "当事人应为自然人或单位")
    known, sex, born = _identified(path, typed, today)
    if applies and typed.kind == PERSON and known.id_type == PaperKind.NONE.value and not typed.identity_note.strip():
        raise invalid(f"{path}.identity_note", "IDENTITY_NOTE_REQUIRED", "没有证件的申请人须说明身份由谁、如何核实")
    normal = replace(
        known,
        sex=sex,
        identity_note=text.clean(f"{path}.identity_note", typed.identity_note, 200, lines=False),
        ethnicity=text.clean(f"{path}.ethnicity", typed.ethnicity, 20, lines=False),
        occupation=text.clean(f"{path}.occupation", typed.occupation, 60, lines=False),
        region_code=regions.parse(typed.region_code, f"{path}.region_code").code if typed.region_code else "",
        address=text.clean(f"{path}.address", typed.address, 200, lines=False),
        electronic_address=text.clean(f"{path}.electronic_address", typed.electronic_address, 120, lines=False),
    )
    acting = tuple(_check_representative(f"{path}.representatives[{n}]", r, today) for n, r in enumerate(typed.representatives))
    age = _age(born, today)
    if applies and age is not None and age < GUARDED_AGE and not any(r.typed.kind == GUARDIAN for r in acting):
        raise invalid(f"{path}.representatives", "GUARDIAN_REQUIRED", "未满十六周岁的申请人须由监护人代理")
    return Checked(normal, born, _care(path, typed.care, age), acting)


def _check_representative(path: str, typed: Particulars, today: date) -> Checked:
    """Reasons besides those of a party: AUTHORITY_REQUIRED (一般授权 or 特别授权, 民事诉讼法 62)."""
    if typed.kind not in (AGENT, GUARDIAN, LEGAL_REPRESENTATIVE):
        raise invalid(f"{path}.kind", "KIND_UNKNOWN", "代理人类型不在代码表中")
    if typed.kind == AGENT and typed.authority not in ("general", "special"):
        raise invalid(f"{path}.authority", "AUTHORITY_REQUIRED", "委托代理人须注明一般授权或特别授权")
    known, _, born = _identified(path, replace(typed, kind=PERSON), today)
    age = _age(born, today)
    if typed.kind in (AGENT, GUARDIAN) and age is not None and age < FULL_AGE:
        raise invalid(path, "REPRESENTATIVE_MINOR", "代理人、监护人须年满十八周岁")
    return Checked(replace(known, kind=typed.kind, relation=text.clean(f"{path}.relation", typed.relation, 40, lines=False)), born)


def _identified(path: str, typed: Particulars, today: date) -> tuple[Particulars, str, date | None]:
    """Name, paper and phone checked, and what the paper tells of sex and birth."""
    id_type = typed.id_type or PaperKind.NONE.value
    sex, born = typed.sex, identity.birth_date(f"{path}.born_on", typed.born_on, today) if typed.born_on else None
    number = typed.id_number
    if typed.kind == ORGANISATION:
        if id_type not in (CREDIT_CODE, PaperKind.NONE.value):
            raise invalid(f"{path}.id_type", "ID_TYPE_UNKNOWN", "单位的证件应为统一社会信用代码")
        number = _credit_code(path, id_type, number)
    else:
        kind = _paper_kind(path, id_type)
        if kind is not PaperKind.NONE and not number.strip():
            raise invalid(f"{path}.id_number", "ID_NUMBER_REQUIRED", "选择了证件种类,须填写证件号码")
        if kind is PaperKind.RESIDENT_ID:
            told = identity.resident_id(f"{path}.id_number", number, today, birth_date=born, sex=_sex(sex))
            number, born, sex = told.number, told.birth_date, told.sex.name.lower()
        else:
            number = identity.paper(f"{path}.id_number", kind, number, today)
    phone = identity.phone(f"{path}.phone", typed.phone) if typed.phone.strip() else ""
    return replace(typed, name=identity.name(f"{path}.name", typed.name), id_type=id_type, id_number=number, phone=phone), sex, born


def _credit_code(path: str, id_type: str, number: str) -> str:
    if id_type == CREDIT_CODE:
        return identity.credit_code(f"{path}.id_number", number)
    if number.strip():
        raise invalid(f"{path}.id_number", "PAPER_NUMBER_WITHOUT_KIND", "填写证件号码时须选择证件种类")
    return ""


def _paper_kind(path: str, id_type: str) -> PaperKind:
    try:
        return PaperKind(id_type)
    except ValueError:
        raise invalid(f"{path}.id_type", "ID_TYPE_UNKNOWN", "证件种类不在代码表中") from None


def _sex(value: str) -> Sex | None:
    return Sex[value.upper()] if value else None


def _age(born: date | None, today: date) -> int | None:
    return None if born is None else today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def _care(path: str, stated: tuple[str, ...], age: int | None) -> tuple[str, ...]:
    """What was stated and what the age tells, in the order of the code list."""
    unknown = set(stated) - set(CARE)
    if unknown:
        raise invalid(f"{path}.care", "CARE_UNKNOWN", "照顾标识不在代码表中")
    told = set(stated) - ({"minor", "elderly"} if age is not None else set())
    if age is not None and age < FULL_AGE:
        told.add("minor")
    if age is not None and age >= ELDERLY_AGE:
        told.add("elderly")
    return tuple(c for c in CARE if c in told)


def changed_fields(before: Party, after: Party) -> tuple[str, ...]:
    """Names of the fields that differ; a number counts as changed when it is another number, not when it is sealed anew."""
    return tuple(f.name for f in fields(Party) if _comparable(getattr(before, f.name)) != _comparable(getattr(after, f.name)))


def _comparable(value: object) -> object:
    if isinstance(value, Sealed):
        return value.index
    if isinstance(value, Representative):
        return tuple(_comparable(getattr(value, f.name)) for f in fields(Representative))
    if isinstance(value, tuple):
        return tuple(_comparable(v) for v in value)
    return value


def check_sides(applicants: Sequence[Party], respondents: Sequence[Party], *, own_initiative: bool) -> None:
    """Two sides, nobody on both or twice on one. Without an applicant only where the centre acts by itself (主动调解).

    Reasons: APPLICANT_REQUIRED, RESPONDENT_REQUIRED, PARTIES_TOO_MANY, PARTY_BOTH_SIDES, PARTY_TWICE.
    """
    if not applicants and not own_initiative:
        raise invalid("applicants", "APPLICANT_REQUIRED", "依申请或受委托的案件须有申请人")
    if not respondents:
        raise invalid("respondents", "RESPONDENT_REQUIRED", "须有被申请人")
    if len(applicants) + len(respondents) > MAX_PARTIES:
        raise invalid("respondents", "PARTIES_TOO_MANY", f"当事人合计不能超过{MAX_PARTIES}人,人数更多的请按群体案件登记")
    seen: dict[str, str] = {}
    for side, parties in ((APPLICANT, applicants), (RESPONDENT, respondents)):
        for n, party in enumerate(parties):
            key = party.id_number.index if party.id_number is not None else ""
            if key and key in seen:
                twice = seen[key] == side
                reason, zh = ("PARTY_TWICE", "同一当事人重复填写") if twice else ("PARTY_BOTH_SIDES", "同一人不能既是申请人又是被申请人")
                raise invalid(f"{side}s[{n}].id_number", reason, zh)
            seen[key] = side
