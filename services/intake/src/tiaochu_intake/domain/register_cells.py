"""What a cell of a register says: a date, an amount, a door, a class."""

import re
import unicodedata
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import Enum

from tiaochu_domainkit import quantities
from tiaochu_domainkit.categories import category
from tiaochu_domainkit.errors import invalid
from tiaochu_intake.domain import register_words as words


class Odd(Enum):
    """A cell that holds no value of its own."""

    FORMULA = "FORMULA"
    MERGED = "MERGED_CELL"


Cell = str | int | float | bool | date | datetime | Odd | None

ODD_ZH = {Odd.FORMULA: "此格是公式,请改为数值或文字", Odd.MERGED: "此格被合并,请取消合并单元格并逐行填写"}
_SERIAL_DAY_ZERO = date(1899, 12, 30)


def canonical(cell: Cell) -> str:
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return " ".join(str(cell).split()) if cell is not None else ""


def channel(said: str) -> str:
    code = words.channel_words().get(said)
    if code is None:
        raise invalid("channel", "CODE_UNKNOWN", "受理渠道不在代码表中")
    return code


def category_of(said: str) -> str:
    """A code (`0201`, `0201 用水排水…`), the name of a leaf or a group, or a type of the ministry's list."""
    if code := re.match(r"(\d{4}|99)(?!\d)", said):
        return category(code[1]).code
    plain = said.removesuffix("纠纷").removesuffix("类")
    found = words.category_words().get(plain) or words.category_words().get(said)
    if found is None:
        raise invalid("category", "CATEGORY_UNKNOWN", "纠纷类别不在分类表中")
    return found


def amount(cell: Cell) -> str:
    """Yuan as text, empty for none. `1,200元` and `1.5万元` are understood."""
    if cell is None or (isinstance(cell, str) and cell.strip() in words.NONE_WORDS):
        return ""
    written = re.sub(r"[\s,¥¥元]", "", unicodedata.normalize("NFKC", str(cell)))
    times = 10_000 if written.endswith("万") else 1
    try:
        value = Decimal(written.removesuffix("万")) * times
        plain = format(value.normalize() if value == value.to_integral_value() else value, "f") if value.is_finite() else written
    except InvalidOperation:
        plain = written
    return quantities.yuan(quantities.money_fen("amount", plain))


def iso_date(field: str, cell: Cell) -> str:
    """A date as people and spreadsheets write it, as an ISO date."""
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, (int, float)) and not isinstance(cell, bool) and 1 <= cell < 100_000:
        return (_SERIAL_DAY_ZERO + timedelta(days=int(cell))).isoformat()
    written = unicodedata.normalize("NFKC", canonical(cell))
    if not written:
        raise invalid(field, "DATE_REQUIRED", "日期不能为空")
    parts = re.fullmatch(r"(\d{4})(?:[-/.年](\d{1,2})[-/.月](\d{1,2})日?|(\d{2})(\d{2}))(?:\s.*)?", written, re.ASCII)
    if parts is None:
        return written
    year, month, day = parts[1], parts[2] or parts[4], parts[3] or parts[5]
    return f"{year}-{int(month):02d}-{int(day):02d}"
