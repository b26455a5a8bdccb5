"""The people of one side of a row: names, numbers and phones stand in the same order, and so do the guardians of those who have one."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tiaochu_domainkit.errors import DomainError, invalid
from tiaochu_intake.domain import register_words as words
from tiaochu_intake.domain.parties import CREDIT_CODE, GUARDIAN, ORGANISATION, PERSON, Particulars

_SEPARATORS = re.compile("[、;;,,\n]")
_ORGANISATION = re.compile(
    "(公司|厂|店|行|部|社|院|局|所|站|中心|学校|幼儿园|委员会|银行|集团|商场|超市|协会|合作社|政府|办事处|管委会|工作室|经营户|个体户)$"
)
MAX_PEOPLE = 20
"""On one side of one row."""


@dataclass(frozen=True)
class Side:
    """The cells of one side, each a list; `relations` says what the guardians are to the people."""

    names: Sequence[str]
    numbers: Sequence[str]
    phones: Sequence[str]
    guardians: Sequence[str] = ()
    guardian_numbers: Sequence[str] = ()
    guardian_phones: Sequence[str] = ()
    relations: Sequence[str] = ()

    def people(self, note: str) -> list[Particulars]:
        """Everybody, still unchecked. Reasons: NAME_EMPTY, PARTIES_TOO_MANY, PARTY_COUNT_MISMATCH."""
        most = len(self.names)
        if not most:
            raise invalid("names", "NAME_EMPTY", "名称不能为空")
        if most > MAX_PEOPLE:
            raise invalid("names", "PARTIES_TOO_MANY", f"一行一方不能超过{MAX_PEOPLE}人,请按群体案件登记")
        if max(len(self.numbers), len(self.phones)) > most:
            raise invalid("names", "PARTY_COUNT_MISMATCH", "证件号码或电话的个数多于姓名")
        if max(len(self.guardians), len(self.guardian_numbers), len(self.guardian_phones), len(self.relations)) > most:
            raise invalid("guardians", "PARTY_COUNT_MISMATCH", "监护人的个数多于申请人")
        return [self._person(n, name, note) for n, name in enumerate(self.names)]

    def _person(self, n: int, name: str, note: str) -> Particulars:
        person = _particulars(name, _at(self.numbers, n), _at(self.phones, n), note)
        called = _at(self.guardians, n)
        if not called:
            return person
        guardian = _particulars(called, _at(self.guardian_numbers, n), _at(self.guardian_phones, n), note)
        return replace(person, representatives=(replace(guardian, kind=GUARDIAN, relation=_at(self.relations, n)),))


def split(written: str) -> list[str]:
    """The parts of a cell that names several; none where it says that there is nobody."""
    parts = [part.strip() for part in _SEPARATORS.split(written)]
    return parts if any(p not in words.NONE_WORDS for p in parts) or len(parts) > 1 else []


def column_of(side: str, error: DomainError) -> str:
    """The field of the register that a fault of somebody on a side is about."""
    path = error.violations[0].path if error.violations else ""
    whose = "guardian" if ".representatives" in path or path == "guardians" else side
    column = {"id_number": "numbers", "id_type": "numbers", "phone": "phones", "relation": "relations"}.get(path.rpartition(".")[2])
    return f"{whose}_{column}" if column else f"{whose}s"


def _at(values: Sequence[str], n: int) -> str:
    value = values[n] if n < len(values) else ""
    return "" if value in words.NONE_WORDS else value


def _particulars(name: str, number: str, phone: str, note: str) -> Particulars:
    """A person or an organisation, told by the number, else by the name."""
    compact = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", number)).upper()
    person = Particulars(party_id="", kind=PERSON, name=name, phone=phone)
    if re.fullmatch(r"\d{17}[\dX]", compact) and not _ORGANISATION.search(name):
        return replace(person, id_type="resident_id", id_number=compact)
    if _ORGANISATION.search(name) or re.fullmatch(r"[0-9A-Z]{2}\d{6}[0-9A-Z]{10}", compact):
        return replace(person, kind=ORGANISATION, id_type=CREDIT_CODE if compact else "none", id_number=compact)
    if not compact:
        return replace(person, id_type="none", identity_note=note[:200] or "台账未载证件")
    kinds = ((r"[HM]\d{8,10}", "hk_macao_permit"), (r"[A-Z]{1,2}\d{7,8}", "passport"), (r"\d{8}", "taiwan_permit"))
    id_type = next((kind for pattern, kind in kinds if re.fullmatch(pattern, compact)), "resident_id")
    return replace(person, id_type=id_type, id_number=compact)
