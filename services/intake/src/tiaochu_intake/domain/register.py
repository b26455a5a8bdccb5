"""Reading the rows of an old register (台账). Every fault of a row is found, not only the first."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import Enum
from hashlib import sha256
from typing import Any

from tiaochu_domainkit import quantities, text
from tiaochu_domainkit.categories import categories, category
from tiaochu_domainkit.errors import DomainError, invalid
from tiaochu_intake.domain import register_words as words
from tiaochu_intake.domain.history import AGREED, FAILED, ORAL, WRITTEN
from tiaochu_intake.domain.parties import CREDIT_CODE, ORGANISATION, PERSON, Particulars, check_party


class Odd(Enum):
    """A cell that holds no value of its own."""

    FORMULA = "FORMULA"
    MERGED = "MERGED_CELL"


Cell = str | int | float | bool | date | datetime | Odd | None

_ODD_ZH = {Odd.FORMULA: "此格是公式,请改为数值或文字", Odd.MERGED: "此格被合并,请取消合并单元格并逐行填写"}
_SEPARATORS = re.compile("[、;;,,\n]")
_SERIAL_DAY_ZERO = date(1899, 12, 30)
_ORGANISATION = re.compile(
    "(公司|厂|店|行|部|社|院|局|所|站|中心|学校|幼儿园|委员会|银行|集团|商场|超市|协会|合作社|政府|办事处|管委会|工作室|经营户|个体户)$"
)
MAX_PEOPLE = 20
"""On one side of one row."""


@dataclass(frozen=True)
class Headings:
    """Which column holds which field, in the sheet's own words, and the headings nobody knows."""

    columns: Mapping[str, int]
    written: Mapping[str, str]
    unknown: tuple[str, ...]

    def heading(self, field: str) -> str:
        """The sheet's word for a field, else the usual one."""
        return self.written.get(field) or words.HEADINGS[field][0]

    def cell(self, cells: Sequence[Cell], field: str) -> Cell:
        """What a row holds of a field."""
        n = self.columns.get(field)
        return cells[n] if n is not None and n < len(cells) else None


@dataclass(frozen=True)
class Problem:
    """A fault of a row: the heading, a frozen reason, and the text for people."""

    column: str
    reason: str
    zh: str


@dataclass(frozen=True)
class RowResult:
    """The result columns of a finished row."""

    outcome: str
    form: str
    closed_on: date
    performed: bool
    confirmed: bool


@dataclass(frozen=True)
class Row:
    """A row understood. `category` is a leaf or a group; `amount` yuan in text or empty; `organ` a name to be looked up."""

    received_on: date
    channel: str
    applicants: tuple[Particulars, ...]
    respondents: tuple[Particulars, ...]
    category: str
    facts: str
    amount: str
    occurred_on: str
    place: str
    organ: str
    region: str
    result: RowResult | None

    @property
    def leaf(self) -> str:
        """A leaf to count a finished case under: the one named, else its group's remainder."""
        return self.category if self.category in categories() else f"{self.category}99"


def recognise(cells: Sequence[Cell], *, history: bool) -> Headings | None:
    """The headings of a row, in any order; None when it is no row of headings (a title, an empty row). Reasons: HEADING_TWICE, HEADING_MISSING."""
    written = [_heading(c) for c in cells]
    known = {word: field for field, synonyms in words.HEADINGS.items() for word in synonyms}
    found = {n: known[word] for n, word in enumerate(written) if word in known}
    if len(set(found.values())) < 3:
        return None
    columns: dict[str, int] = {}
    for n, field in found.items():
        twin = words.TWINS.get(field)
        if twin is not None and "respondents" in columns and (field in columns or "applicants" not in columns):
            field = twin  # noqa: PLW2901 - the same word on the other side
        if field in columns:
            raise invalid("headings", "HEADING_TWICE", f"台账有两列都是“{words.HEADINGS[field][0]}”")
        columns[field] = n
    missing = [f for f in (*words.NEEDED, *(words.NEEDED_HISTORY if history else ())) if f not in columns]
    if missing:
        raise invalid("headings", "HEADING_MISSING", "台账缺少表头:" + "、".join(words.HEADINGS[f][0] for f in missing))
    unknown = tuple(word for n, word in enumerate(written) if word and n not in found)
    return Headings(columns, {field: written[n] for field, n in columns.items()}, unknown)


def row_key(district: str, cells: Sequence[Cell], headings: Headings, seen: dict[str, int]) -> str:
    """A row's natural key for ever: who, what and when it says, and its place among equal rows of the register (`seen` counts them).

    Serial numbers, remarks and results are left out, so that the register of the next month finds its old rows again.
    """
    parts = [_canonical(headings.cell(cells, field)) for field in words.IDENTITY]
    content = sha256("\x1f".join((district, *parts)).encode(errors="surrogatepass")).hexdigest()
    seen[content] = seen.get(content, 0) + 1
    return content if seen[content] == 1 else f"{content}#{seen[content]}"


def _heading(cell: Cell) -> str:
    return re.sub(r"[\s::*]", "", unicodedata.normalize("NFKC", cell)) if isinstance(cell, str) else ""


def _canonical(cell: Cell) -> str:
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return " ".join(str(cell).split()) if cell is not None else ""


class RowReader:
    """Understands rows under given headings. `history`: the rows are finished cases."""

    def __init__(self, headings: Headings, *, today: date, history: bool) -> None:
        self.headings = headings
        self._today = today
        self._history = history

    def read(self, cells: Sequence[Cell]) -> Row | list[Problem]:
        """The row, or everything that is wrong with it."""
        problems: list[Problem] = []
        values: dict[str, Any] = {}

        def take(field: str, read: Callable[[], Any]) -> None:
            try:
                values[field] = read()
            except DomainError as error:
                problems.append(self.problem(field, error))

        take("received_on", lambda: self._day(cells, "received_on"))
        take("channel", lambda: _channel(self._text(cells, "channel")))
        take("category", lambda: _category(self._text(cells, "category")))
        take("facts", lambda: text.clean("facts", self._text(cells, "facts"), 5000, min_chars=1))
        take("amount", lambda: _amount(self._cell(cells, "amount")))
        take("occurred_on", lambda: self._day(cells, "occurred_on").isoformat() if self._has(cells, "occurred_on") else "")
        take("place", lambda: text.clean("place", self._text(cells, "place"), 200, lines=False))
        take("organ", lambda: self._text(cells, "organ"))
        take("region", lambda: self._text(cells, "region"))
        for side in ("applicant", "respondent"):
            values[f"{side}s"] = self._people(cells, side, problems)
        take("result", lambda: self._result(cells, values.get("received_on")))
        return problems or Row(**values)

    def problem(self, field: str, error: DomainError) -> Problem:
        """A refusal as a fault of the column it is about."""
        violation = error.violations[0] if error.violations else None
        return Problem(
            self.headings.heading(field), violation.reason if violation else error.reason, violation.zh if violation else error.zh
        )

    def _cell(self, cells: Sequence[Cell], field: str) -> Cell:
        cell = self.headings.cell(cells, field)
        if isinstance(cell, Odd):
            raise invalid(field, cell.value, _ODD_ZH[cell])
        return cell

    def _text(self, cells: Sequence[Cell], field: str) -> str:
        cell = self._cell(cells, field)
        return _canonical(cell) if not isinstance(cell, str) else cell.strip()

    def _has(self, cells: Sequence[Cell], field: str) -> bool:
        return self._text(cells, field) not in words.NONE_WORDS

    def _day(self, cells: Sequence[Cell], field: str) -> date:
        return quantities.past_date(field, _iso(field, self._cell(cells, field)), self._today)

    def _people(self, cells: Sequence[Cell], side: str, problems: list[Problem]) -> tuple[Particulars, ...]:
        """The people of one side; numbers and phones stand in the order of the names."""
        found: list[Particulars] = []
        try:
            columns = [self._list(cells, f"{side}{suffix}") for suffix in ("s", "_numbers", "_phones")]
            note = self._text(cells, "note")
        except DomainError as error:
            problems.append(self.problem(f"{side}s", error))
            return ()
        names, numbers, phones = columns
        if not names or len(names) > MAX_PEOPLE or len(numbers) > len(names) or len(phones) > len(names):
            problems.append(self.problem(f"{side}s", _wrong_count(names)))
            return ()
        for n, name in enumerate(names):
            person = _particulars(name, _at(numbers, n), _at(phones, n), note)
            try:
                check_party(side, person, self._today, applies=False)
            except DomainError as error:
                problems.append(self.problem(_column_of(side, error), error))
            else:
                found.append(person)
        return tuple(found)

    def _list(self, cells: Sequence[Cell], field: str) -> list[str]:
        parts = [part.strip() for part in _SEPARATORS.split(self._text(cells, field))]
        return parts if any(p not in words.NONE_WORDS for p in parts) or len(parts) > 1 else []

    def _result(self, cells: Sequence[Cell], received_on: date | None) -> RowResult | None:
        """Reasons: RESULT_REQUIRED, RESULT_UNKNOWN, ALREADY_FINISHED, FORM_REQUIRED, CLOSED_BEFORE_RECEIVED."""
        said = self._text(cells, "result")
        if not self._history:
            if said not in words.OPEN_WORDS:
                raise invalid("result", "ALREADY_FINISHED", "该行已有处理结果,请按历史台账导入")
            return None
        if said in words.OPEN_WORDS:
            raise invalid("result", "RESULT_REQUIRED", "历史台账须有处理结果;未办结的请按在办台账导入")
        if said not in words.AGREED_WORDS | words.FAILED_WORDS:
            raise invalid("result", "RESULT_UNKNOWN", "处理结果应为“调解成功”“调解不成”等")
        agreed = said in words.AGREED_WORDS
        form = self._text(cells, "form")
        if agreed and form not in words.ORAL_WORDS | words.WRITTEN_WORDS:
            raise invalid("form", "FORM_REQUIRED", "调解成功的须注明口头协议或书面协议")
        closed_on = self._day(cells, "closed_on")
        if received_on is not None and closed_on < received_on:
            raise invalid("closed_on", "CLOSED_BEFORE_RECEIVED", "结案日期不能早于登记日期")
        return RowResult(
            outcome=AGREED if agreed else FAILED,
            form=(ORAL if form in words.ORAL_WORDS else WRITTEN) if agreed else "",
            closed_on=closed_on,
            performed=self._text(cells, "performance") in words.PERFORMED_WORDS,
            confirmed=self._text(cells, "confirmation") in words.CONFIRMED_WORDS,
        )


def _wrong_count(names: Sequence[str]) -> DomainError:
    if not names:
        return invalid("parties", "NAME_EMPTY", "名称不能为空")
    if len(names) > MAX_PEOPLE:
        return invalid("parties", "PARTIES_TOO_MANY", f"一行一方不能超过{MAX_PEOPLE}人,请按群体案件登记")
    return invalid("parties", "PARTY_COUNT_MISMATCH", "证件号码或电话的个数多于姓名")


def _at(values: Sequence[str], n: int) -> str:
    value = values[n] if n < len(values) else ""
    return "" if value in words.NONE_WORDS else value


def _column_of(side: str, error: DomainError) -> str:
    path = error.violations[0].path if error.violations else ""
    return {"id_number": f"{side}_numbers", "id_type": f"{side}_numbers", "phone": f"{side}_phones"}.get(
        path.rpartition(".")[2], f"{side}s"
    )


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


def _channel(said: str) -> str:
    code = words.channel_words().get(said)
    if code is None:
        raise invalid("channel", "CODE_UNKNOWN", "受理渠道不在代码表中")
    return code


def _category(said: str) -> str:
    """A code (`0201`, `0201 用水排水…`), the name of a leaf or a group, or a type of the ministry's list."""
    if code := re.match(r"(\d{4}|99)(?!\d)", said):
        return category(code[1]).code
    plain = said.removesuffix("纠纷").removesuffix("类")
    found = words.category_words().get(plain) or words.category_words().get(said)
    if found is None:
        raise invalid("category", "CATEGORY_UNKNOWN", "纠纷类别不在分类表中")
    return found


def _amount(cell: Cell) -> str:
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


def _iso(field: str, cell: Cell) -> str:
    """A date as people and spreadsheets write it, as an ISO date."""
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, (int, float)) and not isinstance(cell, bool) and 1 <= cell < 100_000:
        return (_SERIAL_DAY_ZERO + timedelta(days=int(cell))).isoformat()
    written = unicodedata.normalize("NFKC", _canonical(cell))
    if not written:
        raise invalid(field, "DATE_REQUIRED", "日期不能为空")
    parts = re.fullmatch(r"(\d{4})(?:[-/.年](\d{1,2})[-/.月](\d{1,2})日?|(\d{2})(\d{2}))(?:\s.*)?", written, re.ASCII)
    if parts is None:
        return written
    year, month, day = parts[1], parts[2] or parts[4], parts[3] or parts[5]
    return f"{year}-{int(month):02d}-{int(day):02d}"
