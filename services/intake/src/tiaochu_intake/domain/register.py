"""Reading the rows of an old register (台账). Every fault of a row is found, not only the first."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

from tiaochu_domainkit import quantities, text
from tiaochu_domainkit.categories import categories
from tiaochu_domainkit.errors import DomainError, invalid
from tiaochu_intake.domain import register_words as words
from tiaochu_intake.domain.history import AGREED, FAILED, ORAL, WRITTEN
from tiaochu_intake.domain.parties import Particulars, check_party
from tiaochu_intake.domain.register_cells import ODD_ZH, Cell, Odd, amount, canonical, category_of, channel, iso_date
from tiaochu_intake.domain.register_people import Side, column_of, split


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
    parts = [canonical(headings.cell(cells, field)) for field in words.IDENTITY]
    content = sha256("\x1f".join((district, *parts)).encode(errors="surrogatepass")).hexdigest()
    seen[content] = seen.get(content, 0) + 1
    return content if seen[content] == 1 else f"{content}#{seen[content]}"


def _heading(cell: Cell) -> str:
    return re.sub(r"[\s::*]", "", unicodedata.normalize("NFKC", cell)) if isinstance(cell, str) else ""


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
        take("channel", lambda: channel(self._text(cells, "channel")))
        take("category", lambda: category_of(self._text(cells, "category")))
        take("facts", lambda: text.clean("facts", self._text(cells, "facts"), 5000, min_chars=1))
        take("amount", lambda: amount(self._cell(cells, "amount")))
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
            raise invalid(field, cell.value, ODD_ZH[cell])
        return cell

    def _text(self, cells: Sequence[Cell], field: str) -> str:
        cell = self._cell(cells, field)
        return canonical(cell) if not isinstance(cell, str) else cell.strip()

    def _has(self, cells: Sequence[Cell], field: str) -> bool:
        return self._text(cells, field) not in words.NONE_WORDS

    def _day(self, cells: Sequence[Cell], field: str) -> date:
        return quantities.past_date(field, iso_date(field, self._cell(cells, field)), self._today)

    def _people(self, cells: Sequence[Cell], side: str, problems: list[Problem]) -> tuple[Particulars, ...]:
        """The people of one side. Only applicants have columns for their guardians, without whom a child does not apply."""
        applies = side == "applicant"
        fields = [f"{side}s", f"{side}_numbers", f"{side}_phones", *(words.GUARDIANS if applies else ())]
        try:
            people = Side(*(split(self._text(cells, field)) for field in fields)).people(self._text(cells, "note"))
        except DomainError as error:
            problems.append(self.problem(column_of(side, error), error))
            return ()
        found: list[Particulars] = []
        for person in people:
            try:
                check_party(side, person, self._today, applies=applies)
            except DomainError as error:
                problems.append(self.problem(column_of(side, error), error))
            else:
                found.append(person)
        return tuple(found)

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
