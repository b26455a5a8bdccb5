"""Workbooks from anywhere: looked through as a stream before anything of them is believed, then read row by row.

What is refused: no workbook, macros, a password, XML with a document type, content that unpacks to far more than it is, more rows or columns
than a register has. Memory is bounded by the strings of the sheet, whose unpacked size is.
"""

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any
from xml.parsers import expat

from openpyxl import load_workbook

from tiaochu_domainkit.errors import DomainError, invalid
from tiaochu_intake.domain.register_cells import Cell, Odd

MAX_PARTS = 2000
MAX_COLUMNS = 200
MAX_MERGED = 50_000
UNPACKED_FREE = 16 * 1024 * 1024
UNPACKED_RATIO = 100
"""Tables compress some twenty to one; what unpacks to more than this and is not small is made to hurt."""
MAX_UNPACKED = 400 * 1024 * 1024
_CHUNK = 64 * 1024
_MERGE = re.compile(r"\$?([A-Z]{1,3})\$?(\d{1,7}):\$?([A-Z]{1,3})\$?(\d{1,7})")
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")


def refused(reason: str, zh: str) -> DomainError:
    """A workbook that is not read."""
    return invalid("file", reason, zh)


@dataclass
class _Sheet:
    """What a look through a sheet found."""

    rows: int = 0
    merged: set[tuple[int, int]] = field(default_factory=set)


class Workbook:
    """A looked-through workbook. All methods block: call them in a thread."""

    def __init__(self, file: IO[bytes], max_rows: int, sheet: str = "") -> None:
        """Reasons: REGISTER_NOT_XLSX, REGISTER_MACROS, REGISTER_LOCKED, REGISTER_BOMB, REGISTER_BROKEN, ROWS_TOO_MANY, COLUMNS_TOO_MANY, SHEET_UNKNOWN."""
        self._file = file
        self._max_rows = max_rows
        try:
            with zipfile.ZipFile(file) as archive:
                self._sheets = self._look_through(archive)
        except zipfile.BadZipFile:
            raise refused("REGISTER_NOT_XLSX", "文件不是xlsx工作簿") from None
        except (NotImplementedError, RuntimeError):
            raise refused("REGISTER_LOCKED", "文件已加密或使用了不支持的压缩方式") from None
        file.seek(0)
        self._book = self._open(file)
        if sheet and sheet not in self._book.sheetnames:
            raise refused("SHEET_UNKNOWN", "工作簿中没有这一工作表")
        self._sheet: Any = self._book[sheet] if sheet else self._book.worksheets[0]
        self._merged = self._sheets.get(str(self._sheet._worksheet_path), _Sheet()).merged  # noqa: SLF001 - openpyxl offers no other way

    def _open(self, file: IO[bytes]) -> Any:
        try:
            return load_workbook(file, read_only=True, data_only=False, keep_links=False)
        except Exception:  # noqa: BLE001 - whatever a broken workbook makes the reader raise, the answer is the same
            raise refused("REGISTER_BROKEN", "工作簿已损坏,无法读取") from None

    def _look_through(self, archive: zipfile.ZipFile) -> dict[str, _Sheet]:
        parts = archive.infolist()
        names = {p.filename for p in parts}
        if "xl/workbook.xml" not in names:
            raise refused("REGISTER_NOT_XLSX", "文件不是xlsx工作簿")
        if len(parts) > MAX_PARTS:
            raise refused("REGISTER_BOMB", "工作簿结构异常")
        if any(n.lower().endswith("vbaproject.bin") for n in names):
            raise refused("REGISTER_MACROS", "不接受带宏的工作簿,请另存为xlsx")
        sheets: dict[str, _Sheet] = {}
        unpacked = 0
        for part in parts:
            if part.filename.endswith((".xml", ".rels")):
                sheets[part.filename] = _Sheet()
                unpacked += self._look_at(archive, part, sheets[part.filename], unpacked)
        return sheets

    def _look_at(self, archive: zipfile.ZipFile, part: zipfile.ZipInfo, sheet: _Sheet, before: int) -> int:
        """Parse one part as it unpacks; answers its true size, whatever the directory of the archive says."""
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = _no_document_type
        if part.filename.startswith("xl/worksheets/"):
            parser.StartElementHandler = self._element(sheet)
        size = 0
        allowed = UNPACKED_FREE + UNPACKED_RATIO * part.compress_size
        try:
            with archive.open(part) as content:
                while chunk := content.read(_CHUNK):
                    size += len(chunk)
                    if size > allowed or before + size > MAX_UNPACKED:
                        raise refused("REGISTER_BOMB", "工作簿解压后过大,拒绝读取")
                    parser.Parse(chunk, False)
            parser.Parse(b"", True)
        except (expat.ExpatError, zipfile.BadZipFile, EOFError):
            raise refused("REGISTER_BROKEN", "工作簿已损坏,无法读取") from None
        return size

    def _element(self, sheet: _Sheet) -> Any:
        def start(name: str, attributes: dict[str, str]) -> None:
            if name == "row":
                sheet.rows += 1
                number = attributes.get("r", "")
                if sheet.rows > self._max_rows + 100 or (number.isdigit() and int(number) > 2 * self._max_rows + 1000):
                    raise refused("ROWS_TOO_MANY", f"台账超过{self._max_rows}行,请分批导入")
            elif name == "c" and attributes.get("r"):
                if _column(attributes["r"]) > MAX_COLUMNS:
                    raise refused("COLUMNS_TOO_MANY", f"台账超过{MAX_COLUMNS}列")
            elif name == "mergeCell" and attributes.get("ref"):
                _cover(sheet.merged, attributes["ref"], self._max_rows)

        return start

    def rows(self) -> Iterator[tuple[int, list[Cell]]]:
        """Row number as the spreadsheet counts, and the cells. Reason: REGISTER_BROKEN."""
        self._sheet.reset_dimensions()
        try:
            for number, row in enumerate(self._sheet.iter_rows(), 1):
                yield number, [self._cell(number, n, cell) for n, cell in enumerate(row, 1)]
        except (ValueError, TypeError, KeyError, IndexError, SyntaxError, OverflowError):
            raise refused("REGISTER_BROKEN", "工作簿已损坏,无法读取") from None

    def _cell(self, row: int, column: int, cell: Any) -> Cell:
        if (row, column) in self._merged:
            return Odd.MERGED
        value = cell.value
        if value is None or isinstance(value, (bool, int, float)):
            return value
        if cell.data_type == "f":
            return Odd.FORMULA
        if isinstance(value, str):
            # How spreadsheets write characters that XML cannot hold; what they stand for is judged like any other text.
            return _ESCAPE.sub(lambda m: chr(int(m[1], 16)), value)
        return value if hasattr(value, "year") else str(value)

    def close(self) -> None:
        """Let the file go."""
        self._book.close()
        self._file.close()


def _no_document_type(*_: Any) -> None:
    raise refused("REGISTER_BROKEN", "工作簿含有不允许的文档类型声明")


def _column(reference: str) -> int:
    """The number of a column: `AB12` → 28."""
    number = 0
    for c in reference.rstrip("0123456789"):
        number = 26 * number + ord(c) - 64
    return number


def _cover(merged: set[tuple[int, int]], reference: str, max_rows: int) -> None:
    """Note the cells a merge covers, but for the first, which holds the value."""
    corners = _MERGE.fullmatch(reference)
    if corners is None:
        raise refused("REGISTER_BROKEN", "工作簿已损坏,无法读取")
    left, top, right, bottom = _column(corners[1]), int(corners[2]), _column(corners[3]), int(corners[4])
    bottom, right = min(bottom, max_rows + 100), min(right, MAX_COLUMNS)
    if len(merged) + max(0, bottom - top + 1) * max(0, right - left + 1) > MAX_MERGED:
        raise refused("MERGED_TOO_MANY", "合并单元格过多,请取消合并后再导入")
    merged.update((r, c) for r in range(top, bottom + 1) for c in range(left, right + 1) if (r, c) != (top, left))
