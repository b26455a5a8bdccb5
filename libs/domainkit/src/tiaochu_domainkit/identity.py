"""Checks of what identifies persons and organisations. Each returns the normalised value or raises FIELD_INVALID with a frozen reason.

No error text holds the value refused: it is personal data.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import Enum

from tiaochu_domainkit.errors import invalid
from tiaochu_domainkit.quantities import past_date
from tiaochu_domainkit.regions import PROVINCES

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"
_ID_PROVINCES = PROVINCES | {"83"}
"""83: residence permit of Taiwan residents (港澳台居民居住证), same 18 digits."""
_OLDEST = 150

_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_ORG_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_ORG_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Sex(Enum):
    """As the number tells it."""

    MALE = "male"
    FEMALE = "female"


class PaperKind(Enum):
    """Papers a person can show (证件种类); NONE must be possible: an old person without a card at a village station."""

    RESIDENT_ID = "resident_id"
    PASSPORT = "passport"
    HK_MACAO_PERMIT = "hk_macao_permit"
    TAIWAN_PERMIT = "taiwan_permit"
    FOREIGN_RESIDENCE = "foreign_residence"
    NONE = "none"


_PAPER_FORMS = {
    PaperKind.PASSPORT: r"[A-Z0-9]{5,15}",
    PaperKind.HK_MACAO_PERMIT: r"[HM]\d{8}(\d{2})?",
    PaperKind.TAIWAN_PERMIT: r"\d{8}(\d{2})?",
    PaperKind.FOREIGN_RESIDENCE: r"[A-Z]{3}\d{12}|9\d{16}[\dX]",
}


@dataclass(frozen=True)
class ResidentId:
    """A checked resident identity number (GB 11643) and what it tells. `repr` hides the number."""

    number: str
    birth_date: date
    sex: Sex

    def age_on(self, day: date) -> int:
        """Full years on `day`; born on 29 February, one is a year older on 1 March of a common year."""
        return day.year - self.birth_date.year - ((day.month, day.day) < (self.birth_date.month, self.birth_date.day))

    def __repr__(self) -> str:
        return "ResidentId(…)"


def birth_date(path: str, value: str, today: date) -> date:
    """A day of birth as text; who is old was born before 1949. Reasons: as `quantities.past_date`."""
    return past_date(path, value, today, earliest=date(today.year - _OLDEST, 1, 1))


def resident_id(path: str, value: str, today: date, *, birth_date: date | None = None, sex: Sex | None = None) -> ResidentId:
    """Check a number as of `today`, and against a stated birth date or sex where given.

    Reasons: ID_FORMAT, ID_REGION, ID_BIRTH_DATE (unreal, or over 150 years ago), ID_BIRTH_FUTURE, ID_CHECKSUM,
    ID_BIRTH_MISMATCH, ID_SEX_MISMATCH.
    """
    number = _compact(value)
    if re.fullmatch(r"\d{17}[\dX]", number, re.ASCII) is None:
        raise invalid(path, "ID_FORMAT", "身份证号码应为18位,末位可为X")
    if number[:2] not in _ID_PROVINCES or number[2:6] == "0000":
        raise invalid(path, "ID_REGION", "身份证号码的地区部分不存在")
    born = _day(number[6:14])
    if born is None or born.year < today.year - _OLDEST:
        raise invalid(path, "ID_BIRTH_DATE", "身份证号码中的出生日期不存在")
    if born > today:
        raise invalid(path, "ID_BIRTH_FUTURE", "身份证号码中的出生日期晚于当前日期")
    if id_check_digit(number[:17]) != number[17]:
        raise invalid(path, "ID_CHECKSUM", "身份证号码校验位不符,请核对")
    held = Sex.MALE if int(number[16]) % 2 else Sex.FEMALE
    if birth_date is not None and birth_date != born:
        raise invalid(path, "ID_BIRTH_MISMATCH", "出生日期与身份证号码不一致")
    if sex is not None and sex is not held:
        raise invalid(path, "ID_SEX_MISMATCH", "性别与身份证号码不一致")
    return ResidentId(number, born, held)


def id_check_digit(first17: str) -> str:
    """The 18th digit (ISO 7064 MOD 11-2)."""
    return _ID_CHECKS[sum(int(d) * w for d, w in zip(first17, _ID_WEIGHTS, strict=True)) % 11]


def paper(path: str, kind: PaperKind, number: str, today: date) -> str:
    """Check any paper's number; `NONE` needs an empty one. Reasons: those of `resident_id`, PAPER_FORMAT, PAPER_NUMBER_WITHOUT_KIND."""
    if kind is PaperKind.RESIDENT_ID:
        return resident_id(path, number, today).number
    text = _compact(number)
    if kind is PaperKind.NONE:
        if text:
            raise invalid(path, "PAPER_NUMBER_WITHOUT_KIND", "填写证件号码时须选择证件种类")
        return ""
    if re.fullmatch(_PAPER_FORMS[kind], text, re.ASCII) is None:
        raise invalid(path, "PAPER_FORMAT", "证件号码格式不正确")
    return text


def credit_code(path: str, value: str) -> str:
    """Unified social credit code (统一社会信用代码, GB 32100) with the organisation code inside it (GB 11714).

    Reasons: CREDIT_FORMAT, CREDIT_REGION, CREDIT_ORG_CHECKSUM, CREDIT_CHECKSUM.
    """
    code = _compact(value)
    if re.fullmatch(rf"[1-9A-GY][{_CREDIT_ALPHABET}]\d{{6}}[{_CREDIT_ALPHABET}]{{10}}", code, re.ASCII) is None:
        raise invalid(path, "CREDIT_FORMAT", "统一社会信用代码应为18位,且不含I、O、S、V、Z")
    if code[2:4] not in PROVINCES and code[2:8] != "100000":
        raise invalid(path, "CREDIT_REGION", "统一社会信用代码的登记机关区划不存在")
    if credit_check_digit(code[:17]) != code[17]:
        raise invalid(path, "CREDIT_CHECKSUM", "统一社会信用代码校验位不符,请核对")
    if org_check_digit(code[8:16]) != code[16]:
        raise invalid(path, "CREDIT_ORG_CHECKSUM", "统一社会信用代码中的组织机构代码校验位不符")
    return code


def credit_check_digit(first17: str) -> str:
    """The 18th character of a credit code."""
    total = sum(_CREDIT_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(first17))
    return _CREDIT_ALPHABET[-total % 31]


def org_check_digit(first8: str) -> str:
    """The 9th character of an organisation code."""
    total = sum(_ORG_ALPHABET.index(c) * w for c, w in zip(first8, _ORG_WEIGHTS, strict=True))
    return "0123456789X0"[11 - total % 11]


HOTLINES = frozenset(
    {"110", "119", "120", "122", "12305", "12309", "12315", "12320", "12333", "12337", "12338", "12345", "12348", "12351"}
    | {"12355", "12368", "12388", "12389", "12393"},
)
"""Short public numbers; a centre may be reached, or a case come, by one of them."""


def phone(path: str, value: str) -> str:
    """A mobile (`13800001234`), landline (`0523-84800000`, extension `-123`), 400/800, hotline or foreign number (`+852…`).

    Reason: PHONE_FORMAT.
    """
    text = re.sub(r"[\s()]", "", re.sub("[‐-―−]", "-", _narrow(value)))
    text = re.sub(r"^(?:\+|00)86-?", "", text)
    digits = text.replace("-", "")
    if digits in HOTLINES or re.fullmatch(r"1[3-9]\d{9}|[48]00\d{7}", digits, re.ASCII):
        return digits
    if foreign := re.fullmatch(r"\+([1-9]\d{6,14})", digits, re.ASCII):
        return "+" + foreign[1]
    landline = re.fullmatch(r"(010|02\d|0[3-9]\d\d)-?([2-9]\d{6,7})(?:(?:-|转|#)(\d{1,6}))?", text, re.ASCII)
    if landline is None:
        raise invalid(path, "PHONE_FORMAT", "电话号码格式不正确;固定电话须带区号")
    area, number, extension = landline.groups()
    return f"{area}-{number}" + (f"-{extension}" if extension else "")


def name(path: str, value: str, max_chars: int = 100) -> str:
    """A person's or an organisation's name; rare characters of every plane are welcome, also those Python's tables do not know yet.

    Reasons: NAME_EMPTY, NAME_TOO_LONG, NAME_CHARACTER (control, format, private-use, lone surrogate, noncharacter), NAME_NO_LETTER.
    """
    if any(_refused_in_name(c) for c in value):
        raise invalid(path, "NAME_CHARACTER", "名称含有不能使用的字符(控制字符、自造字等)")
    text = " ".join(unicodedata.normalize("NFC", value).split())
    text = _DOTS.sub("·", text)
    if not text:
        raise invalid(path, "NAME_EMPTY", "名称不能为空")
    if len(text) > max_chars:
        raise invalid(path, "NAME_TOO_LONG", f"名称不能超过{max_chars}个字")
    if not any(unicodedata.category(c)[0] == "L" or _is_han(c) for c in text):
        raise invalid(path, "NAME_NO_LETTER", "名称中没有文字")
    return text


_HAN = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003fffd〇"
"""Ideographs by block, so that extensions newer than Python's tables count."""
_DOTS = re.compile(f"(?<=[{_HAN}])[•‧・●.](?=[{_HAN}])")
"""What people type for the dot in 阿卜杜拉·买买提."""


def _refused_in_name(c: str) -> bool:
    if ord(c) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(c) <= 0xFDEF:
        return True
    return unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


def _is_han(c: str) -> bool:
    return re.fullmatch(f"[{_HAN}]", c) is not None


def _narrow(value: str) -> str:
    """Full-width digits and signs as ASCII."""
    return unicodedata.normalize("NFKC", value)


def _compact(value: str) -> str:
    return re.sub(r"[\s-]", "", _narrow(value)).upper()


def _day(digits: str) -> date | None:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return None
