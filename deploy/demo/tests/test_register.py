"""The register as a workbook: 200 rows, exactly the faults it says, and the hostile ones as hostile as their names."""

import zipfile
from datetime import date, datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook

from tiaochu_demo.directory import load_directory
from tiaochu_demo.synthetic import hostile, papers
from tiaochu_demo.synthetic.register import HEADINGS, Register, build_register

TODAY = date(2026, 11, 2)


@pytest.fixture(scope="module")
def register() -> Register:
    return build_register(load_directory(), 2026, TODAY)


def test_workbook_reads_back_as_written(register: Register, tmp_path: Path) -> None:
    sheet = load_workbook(register.save(tmp_path / "register.xlsx")).active
    assert sheet is not None
    read = list(sheet.iter_rows(values_only=True))
    assert read[0] == HEADINGS
    assert len(read) == 201
    for row, written in zip(read[1:], register.rows, strict=True):
        for heading, value in zip(HEADINGS, row, strict=True):
            expected = written[heading]
            got = value.date() if isinstance(value, datetime) else value
            assert got == expected or (got is None and expected == "")


def test_bad_rows_are_the_listed_ones_and_no_others(register: Register) -> None:
    assert len(register.rows) == 200
    assert len(register.faults) == 8
    assert len(register.cases) == 192
    units = {o.name for o in load_directory().organs} | {o.short_name for o in load_directory().organs}
    found = set()
    for number, row in enumerate(register.rows, 2):
        day, amount = row["登记日期"], str(row["涉及金额"])
        assert isinstance(day, date)
        checks = {
            "DATE_FUTURE": day > TODAY,
            "DATE_TOO_EARLY": day < date(1949, 1, 1),
            "ORGAN_UNKNOWN": row["受理单位"] not in units,
            "MONEY_NEGATIVE": amount.startswith("-"),
            "MONEY_DECIMALS": len(amount.partition(".")[2]) > 2,
            "TEXT_REQUIRED": not row["简要案情"],
            "CATEGORY_UNKNOWN": not str(row["纠纷类别"])[:2].isdigit(),
            "ID_CHECKSUM": any(_bad_id(n) for n in str(row["证件号码"]).split("、") if len(n) == 18 and n.startswith("32")),
        }
        found |= {(number, reason) for reason, wrong in checks.items() if wrong}
    assert found == {(f.row, f.reason) for f in register.faults}


def _bad_id(number: str) -> bool:
    total = sum(int(d) * pow(2, 17 - i, 11) for i, d in enumerate(number[:17]))
    return (total + "0123456789X".index(number[17])) % 11 != 1


def test_cells_of_several_parties_stay_in_step(register: Register) -> None:
    several = 0
    for row in register.rows:
        for name, number, phone in (("申请人", "证件号码", "电话"), ("被申请人", "被申请人证件号码", "被申请人电话")):
            counts = {len(str(row[column]).split("、")) for column in (name, number, phone)}
            assert len(counts) == 1
            several += counts != {1}
    assert several >= 5


def test_history_rows_are_finished() -> None:
    history = build_register(load_directory(), 2026, TODAY, history=True)
    wrong = {f.row for f in history.faults}
    for number, row in enumerate(history.rows, 2):
        closed = row["结案日期"]
        assert row["处理结果"] in ("调解成功", "调解不成", "不予受理", "撤回申请")
        assert isinstance(closed, date)
        assert closed < TODAY
        assert (row["处理结果"] == "调解成功") == bool(row["协议形式"]) == bool(row["履行情况"])
        if number not in wrong:
            assert isinstance(row["登记日期"], date)
            assert row["登记日期"] <= closed


def test_zip_bomb_is_small_and_bounded(register: Register, tmp_path: Path) -> None:
    path = hostile.zip_bomb(tmp_path / "bomb.xlsx", register, megabytes=64)
    assert path.stat().st_size < 200_000
    with zipfile.ZipFile(path) as archive:
        assert 64 << 20 <= sum(i.file_size for i in archive.infolist()) < 65 << 20


def test_merged_and_formulas_are_what_they_say(register: Register, tmp_path: Path) -> None:
    merged = load_workbook(hostile.merged_cells(tmp_path / "m.xlsx", register)).active
    assert merged is not None
    assert len(merged.merged_cells.ranges) == 2
    formulas = load_workbook(hostile.formulas(tmp_path / "f.xlsx", register)).active
    assert formulas is not None
    assert formulas.cell(2, HEADINGS.index("涉及金额") + 1).data_type == "f"


def test_text_file_is_no_workbook(register: Register, tmp_path: Path) -> None:
    path = hostile.gb18030_csv(tmp_path / "register.xlsx", register)
    assert not zipfile.is_zipfile(path)
    text = path.read_bytes()
    assert "登记日期" in text.decode("gb18030")
    with pytest.raises(UnicodeDecodeError):
        text.decode("utf-8")


def test_control_characters_reach_the_reader(register: Register, tmp_path: Path) -> None:
    with zipfile.ZipFile(hostile.nul_and_surrogates(tmp_path / "n.xlsx", register)) as archive:
        xml = archive.read("xl/worksheets/sheet1.xml").decode()
    assert "_x0000_" in xml
    assert "_xD83D_" in xml
    assert "&#xD800;" in xml


def test_many_rows_are_many(register: Register, tmp_path: Path) -> None:
    path = hostile.many_rows(tmp_path / "many.xlsx", register, count=1_000)
    book = load_workbook(path, read_only=True)
    assert sum(1 for _ in book.worksheets[0].iter_rows()) == 1_001
    book.close()
    assert set(hostile.WRITERS) >= {
        "merged_cells",
        "wrong_headings",
        "formulas",
        "many_rows",
        "zip_bomb",
        "nul_and_surrogates",
        "gb18030_csv",
    }


def test_pdf_offsets_point_at_their_objects() -> None:
    content = papers.pdf(["民事起诉状", "原告:张䶮"])
    start = int(content.rsplit(b"startxref\n", 1)[1].split()[0])
    table = content[start:].splitlines()
    assert table[0] == b"xref"
    for number, line in enumerate(table[3:12], 1):
        assert content[int(line[:10]) :].startswith(b"%d 0 obj" % number)
