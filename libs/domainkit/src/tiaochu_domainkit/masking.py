"""What is shown of personal data to somebody without cause to see all of it (GB/T 35273). Never raises: the unknown is hidden."""

import re
import unicodedata

from tiaochu_domainkit.identity import HOTLINES

HIDDEN = "***"


def name(value: str, *, minor: bool = False) -> str:
    """`张三丰` → `张**`, whatever its length; a minor's name (未成年人保护法 103) is hidden altogether."""
    text = value.strip()
    if minor or not text:
        return HIDDEN
    end = 1
    while end < len(text) and unicodedata.category(text[end])[0] == "M":
        end += 1
    return text[:end] + "**"


def id_number(value: str) -> str:
    """`321282200001011234` → `321282********1234`; other papers keep the first character and the last two."""
    text = value.strip()
    if len(text) == 18:
        return f"{text[:6]}********{text[-4:]}"
    return f"{text[0]}{'*' * (len(text) - 3)}{text[-2:]}" if len(text) >= 7 else HIDDEN


def phone(value: str) -> str:
    """`13800001234` → `138****1234`; a landline keeps area code and last four; a public hotline is shown."""
    text = value.strip()
    if text in HOTLINES:
        return text
    if re.fullmatch(r"1\d{10}", text, re.ASCII):
        return f"{text[:3]}****{text[-4:]}"
    if landline := re.fullmatch(r"(0\d{2,3})-?\d{3,4}(\d{4})(?:-\d+)?", text, re.ASCII):
        return f"{landline[1]}-****{landline[2]}"
    return f"{text[:3]}****{text[-2:]}" if len(text) >= 9 else HIDDEN


_COUNTY = re.compile(r"(?:[^\d]{2,10}?(?:省|自治区))?(?:[^\d]{2,10}?(?:自治州|地区|盟|市))?(?:[^\d]{1,10}?(?:自治县|县|(?<!小)区|旗|市))?")
_TOWN = re.compile(r"[^\d]{1,12}?(?:街道|镇|乡|园区|新区|开发区|工业园)")
_VILLAGE = re.compile(r"[^\d]{1,12}?(?:村民委员会|居民委员会|村委会|居委会|社区|村)(?![路街巷弄里])")


def address(value: str) -> str:
    """Kept down to the village or community: `江苏省靖江市新桥镇德胜村三组12号` → `江苏省靖江市新桥镇德胜村***`.

    Where no village is told, down to the town, else the county. A region code with the house apart needs no guess: show the region.
    """
    text = unicodedata.normalize("NFKC", "".join(value.split()))
    end = 0
    for pattern in (_COUNTY, _TOWN, _VILLAGE):
        found = pattern.match(text, end)
        end = found.end() if found else end
    return text[:end] + HIDDEN
