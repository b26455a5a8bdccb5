"""Registers that nobody should trust: for tests that each is refused, or read, with a clear answer and a bounded cost."""

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from xml.sax.saxutils import escape

from openpyxl import Workbook

from tiaochu_demo.synthetic.register import HEADINGS, Register, write_workbook


def merged_cells(path: Path, register: Register) -> Path:
    """A merged title above the headings, and merged cells inside the rows."""
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.append(["靖川市矛盾纠纷登记台账"])
    sheet.append(list(HEADINGS))
    for row in register.rows[:20]:
        sheet.append([row[h] for h in HEADINGS])
    sheet.merge_cells(start_row=1, start_column=1, end_row=1, end_column=len(HEADINGS))
    sheet.merge_cells(start_row=4, start_column=4, end_row=6, end_column=4)
    book.save(path)
    return path


def wrong_headings(path: Path, register: Register) -> Path:
    """Headings of another register, one of them twice, the applicant's missing."""
    headings = ["编号", "日期", "来源", "当事人甲", "身份证", "电话", "当事人乙", "身份证", "电话", "类型", "内容", "标的"]
    return write_workbook(path, headings, [[row[h] for h in HEADINGS[: len(headings)]] for row in register.rows[:20]])


def formulas(path: Path, register: Register) -> Path:
    """Formulas where values belong: a sum, an external link, a command for the spreadsheet program of whoever opens an export."""
    rows = [dict(row) for row in register.rows[:20]]
    rows[0]["涉及金额"] = "=SUM(1000,200)"
    rows[1]["申请人"] = '=HYPERLINK("http://example.invalid/","张三")'
    rows[2]["简要案情"] = "=cmd|'/c calc'!A1"
    rows[3]["备注"] = "@SUM(1+1)"
    return write_workbook(path, HEADINGS, [[row[h] for h in HEADINGS] for row in rows])


_WORKBOOK_PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml"'
    ' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
    "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1"'
    ' Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    ' xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="台账" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1"'
    ' Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}


def _raw_workbook(path: Path, sheet_rows: str, *, filler: int = 0) -> Path:
    """A workbook whose sheet XML is given; `filler` adds so many megabytes of blanks to it, which shrink to nearly nothing."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, text in _WORKBOOK_PARTS.items():
            archive.writestr(name, '<?xml version="1.0" encoding="UTF-8"?>' + text)
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(
                b'<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
            )
            blanks = b" " * (1 << 20)
            for _ in range(filler):
                sheet.write(blanks)
            sheet.write(f"<sheetData>{sheet_rows}</sheetData></worksheet>".encode())
    return path


def _row_xml(number: int, cells: list[str]) -> str:
    inside = "".join(f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in cells)
    return f'<row r="{number}">{inside}</row>'


def many_rows(path: Path, register: Register, count: int = 50_000) -> Path:
    """The rows of the register over and over."""
    values = [[escape(str(row[h] or "")) for h in HEADINGS] for row in register.rows]
    rows = (_row_xml(n + 2, [str(n + 1), *values[n % len(values)][1:]]) for n in range(count))
    return _raw_workbook(path, "".join((_row_xml(1, list(HEADINGS)), *rows)))


def zip_bomb(path: Path, _register: Register, megabytes: int = 400) -> Path:
    """A small file that unpacks to `megabytes`; bounded, so that even a reader without a guard only wastes time."""
    return _raw_workbook(path, _row_xml(1, list(HEADINGS)), filler=megabytes)


def nul_and_surrogates(path: Path, register: Register) -> Path:
    """Texts with U+0000 and lone surrogates, in the escape that spreadsheets use (`_x0000_`), and as forbidden character references."""
    good = [str(register.rows[0][h] or "") for h in HEADINGS]
    nul, lone, reference = list(good), list(good), list(good)
    nul[HEADINGS.index("简要案情")] += "_x0000_"
    lone[HEADINGS.index("申请人")] = "张_xD83D_三"
    reference[HEADINGS.index("备注")] = "&#0;&#xD800;"
    return _raw_workbook(path, "".join(_row_xml(n, row) for n, row in enumerate((list(HEADINGS), good, nul, lone, reference), 1)))


def gb18030_csv(path: Path, register: Register) -> Path:
    """A GB18030 text file that only calls itself a workbook."""
    lines = [",".join(HEADINGS), *(",".join(str(row[h] or "") for h in HEADINGS) for row in register.rows[:20])]
    path.write_bytes("\r\n".join(lines).encode("gb18030"))
    return path


WRITERS: Mapping[str, Callable[[Path, Register], Path]] = {
    "merged_cells": merged_cells,
    "wrong_headings": wrong_headings,
    "formulas": formulas,
    "many_rows": many_rows,
    "zip_bomb": zip_bomb,
    "nul_and_surrogates": nul_and_surrogates,
    "gb18030_csv": gb18030_csv,
}
"""Every hostile register by name."""
