"""The register (台账) of a centre as a workbook of 200 rows, and which of them are wrong on purpose."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from tiaochu_demo.directory.model import Directory, Organ
from tiaochu_demo.synthetic.casebook import Casebook
from tiaochu_demo.synthetic.channels import label
from tiaochu_demo.synthetic.identity import spoiled_id
from tiaochu_demo.synthetic.mix import FIELD_MIX, leaves
from tiaochu_demo.synthetic.model import Party, SyntheticCase
from tiaochu_domainkit.categories import categories

TOTAL = 200
HEADINGS = (
    "序号",
    "登记日期",
    "受理渠道",
    "申请人",
    "证件号码",
    "电话",
    "被申请人",
    "被申请人证件号码",
    "被申请人电话",
    "纠纷类别",
    "简要案情",
    "涉及金额",
    "受理单位",
    "区划代码",
    "处理结果",
    "结案日期",
    "协议形式",
    "履行情况",
    "备注",
)
# Several parties of one side stand in one cell, separated so; their numbers and phones in the same order. 无 stands for no paper, no phone.
SEPARATOR = "、"
NONE = "无"
Cell = str | int | float | date | None


@dataclass(frozen=True)
class RegisterFault:
    """A row that must be refused: its number in the sheet (headings are row 1), the column and the reason."""

    row: int
    column: str
    reason: str


@dataclass(frozen=True)
class Register:
    """Rows as written, the case behind every row (by row number; bad rows have none), and the faults."""

    rows: tuple[dict[str, Cell], ...]
    cases: dict[int, SyntheticCase]
    faults: tuple[RegisterFault, ...]

    def save(self, path: Path) -> Path:
        return write_workbook(path, HEADINGS, [[row[h] for h in HEADINGS] for row in self.rows])


# Row number, column, wrong value (None: made from the right one), reason.
_FAULTS: tuple[tuple[int, str, Cell, str], ...] = (
    (18, "证件号码", None, "ID_CHECKSUM"),
    (41, "登记日期", None, "DATE_FUTURE"),
    (67, "受理单位", "北山镇调处中心", "ORGAN_UNKNOWN"),
    (89, "涉及金额", -1200, "MONEY_NEGATIVE"),
    (112, "简要案情", "", "TEXT_REQUIRED"),
    (138, "纠纷类别", "鸡毛蒜皮纠纷", "CATEGORY_UNKNOWN"),
    (163, "涉及金额", "1350.125", "MONEY_DECIMALS"),
    (190, "登记日期", date(1948, 12, 31), "DATE_TOO_EARLY"),
)


def build_register(directory: Directory, seed: int, today: date, *, history: bool = False) -> Register:
    """200 rows of the two months before `today`, 8 of them bad. With `history` every row is finished and its result columns are filled.

    No child applies: this centre's register has no column for the guardian who would have to act.
    """
    rng = Random(f"register:{seed}:{history}")
    book = Casebook(directory, rng, today)
    days = sorted(_working_day(today - timedelta(days=rng.randint(1, 60))) for _ in range(TOTAL))
    rows: list[dict[str, Cell]] = []
    cases: dict[int, SyntheticCase] = {}
    for number, (leaf, day) in enumerate(zip(leaves(TOTAL, FIELD_MIX, rng, minors=False), days, strict=True), 1):
        receiver, channel = _door(directory, rng)
        applicant = book.people.without_papers(book.village_for(receiver)) if number in (25, 120) else None
        case = book.write(f"register:{number + 1:03d}", leaf, channel, receiver, received_on=day, applicant=applicant)
        rows.append(_row(number, case, receiver, _result(rng, case, today) if history else ("未办结", None, "", "")))
        cases[number + 1] = case
    faults = []
    for wanted, column, value, reason in _FAULTS:
        row_number = wanted
        while reason == "ID_CHECKSUM" and cases[row_number].applicants[0].id_type != "resident_id":
            row_number += 1
        row = rows[row_number - 2]
        row[column] = value if value is not None else _spoil(column, row, today)
        del cases[row_number]
        faults.append(RegisterFault(row_number, column, reason))
    return Register(tuple(rows), cases, tuple(faults))


def write_workbook(path: Path, headings: Sequence[str], rows: Sequence[Sequence[Cell]], *, title: str = "矛盾纠纷登记台账") -> Path:
    """One sheet, headings in row 1, dates as dates, long texts wrapped."""
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = title
    sheet.append(list(headings))
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for row in rows:
        sheet.append(list(row))
    sheet.freeze_panes = "A2"
    if "简要案情" in headings:
        letter = get_column_letter(list(headings).index("简要案情") + 1)
        sheet.column_dimensions[letter].width = 60
        for cell in sheet[letter]:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
    book.save(path)
    return path


def _working_day(day: date) -> date:
    return day - timedelta(days=max(0, day.weekday() - 4))


def _door(directory: Directory, rng: Random) -> tuple[Organ, str]:
    tier = rng.choices(("village_committee", "town_centre", "city_centre"), (75, 18, 7))[0]
    channels = {
        "village_committee": ("window", "screening", "screening", "grid", "proxy"),
        "town_centre": ("window", "hotline", "police", "petition", "hotline_12345"),
        "city_centre": ("window", "hotline", "web", "hotline_12345"),
    }
    return rng.choice(directory.organs_of_kind(tier)), rng.choice(channels[tier])


def _row(number: int, case: SyntheticCase, receiver: Organ, result: tuple[str, date | None, str, str]) -> dict[str, Cell]:
    leaf = categories()[case.category]
    notes = [p.identity_note for p in case.parties if p.identity_note]
    notes += [f"{p.name}之{r.relation}{r.name}代为参加" for p in case.parties for r in p.representatives if r.kind == "guardian"]
    return {
        "序号": number,
        "登记日期": case.received_on,
        "受理渠道": label(case.channel),
        "申请人": _names(case.applicants),
        "证件号码": SEPARATOR.join(p.id_number or NONE for p in case.applicants),
        "电话": SEPARATOR.join(p.phone or NONE for p in case.applicants),
        "被申请人": _names(case.respondents),
        "被申请人证件号码": SEPARATOR.join(p.id_number or NONE for p in case.respondents),
        "被申请人电话": SEPARATOR.join(p.phone or NONE for p in case.respondents),
        "纠纷类别": f"{leaf.code} {leaf.zh}",
        "简要案情": case.facts,
        "涉及金额": case.amount_fen / 100 if case.amount_fen else 0,
        "受理单位": receiver.name if number % 3 else receiver.short_name,
        "区划代码": case.region_code,
        "处理结果": result[0],
        "结案日期": result[1],
        "协议形式": result[2],
        "履行情况": result[3],
        "备注": ";".join(notes),
    }


def _names(parties: tuple[Party, ...]) -> str:
    return SEPARATOR.join(p.name for p in parties)


def _result(rng: Random, case: SyntheticCase, today: date) -> tuple[str, date | None, str, str]:
    closed = min(case.received_on + timedelta(days=rng.choice((0, 0, 1, 3, 8, 15, 25))), today - timedelta(days=1))
    outcome = rng.choices(("调解成功", "调解不成", "不予受理", "撤回申请"), (82, 10, 4, 4))[0]
    if outcome != "调解成功":
        return outcome, closed, "", ""
    form = "口头协议" if case.difficulty == "simple" and rng.random() < 0.6 else "书面协议"
    return outcome, closed, form, rng.choices(("已履行", "履行中", "未履行"), (80, 15, 5))[0]


def _spoil(column: str, row: dict[str, Cell], today: date) -> Cell:
    if column == "登记日期":
        return today.replace(year=today.year + 30, day=1)
    first, *others = str(row[column]).split(SEPARATOR)
    return SEPARATOR.join((spoiled_id(first), *others))
