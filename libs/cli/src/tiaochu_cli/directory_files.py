"""The directory of a district as CSV files, which staff of a centre can open and change.

`regions.csv` code,name,level,parent · `organs.csv` id,code,name,short_name,kind,tier,region,parent,phone (parent is a code) ·
`staff.csv` id,login,name,sex,phone · `posts.csv` person_id,organ_id,role,since · `mediators.csv`
person_id,specialties,languages,care_skills,term_end,max_load (lists with semicolons) · `routing_rules.csv`
code,valid_from,valid_to,territory,category,channel,legal_relation,lead_kind,lead_tier,co_kinds,priority,basis.
UTF-8, with or without a byte order mark; further columns are left out.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

from tiaochu.routing.v1 import directory_service_pb2 as pb
from tiaochu.routing.v1 import rule_service_pb2 as rules_pb
from tiaochu_cli.command import usage

FILES = ("regions.csv", "organs.csv", "staff.csv", "posts.csv", "mediators.csv")


def read_directory(folder: Path, district: str, valid_from_on: str) -> pb.ImportDirectoryRequest:
    """The whole directory as one command. A file or column that is missing is a mistake on the command line."""
    organs = list(_rows(folder / "organs.csv"))
    ids = {row["code"]: row["id"] for row in organs}
    return pb.ImportDirectoryRequest(
        district=district,
        valid_from_on=valid_from_on,
        regions=[_region(row) for row in _rows(folder / "regions.csv")],
        organs=[_organ(row, ids, folder / "organs.csv") for row in organs],
        staff=[
            pb.StaffMember(person_id=r["id"], login=r["login"], name=r["name"], sex=r["sex"], phone=r["phone"])
            for r in _rows(folder / "staff.csv")
        ],
        posts=[
            pb.Post(person_id=r["person_id"], organ_id=r["organ_id"], role=r["role"], valid_from_on=r["since"])
            for r in _rows(folder / "posts.csv")
        ],
        mediators=[_mediator(row) for row in _rows(folder / "mediators.csv")],
    )


def read_rules(file: Path) -> list[rules_pb.RoutingRule]:
    """The routing rules of a file."""
    return [
        rules_pb.RoutingRule(
            code=r["code"],
            valid_from_on=r["valid_from"],
            valid_to_on=r["valid_to"],
            territory=r["territory"],
            category=r["category"],
            channel=r["channel"],
            legal_relation=r["legal_relation"],
            lead_kind=r["lead_kind"],
            lead_tier=r["lead_tier"],
            co_kinds=_list(r["co_kinds"]),
            priority=int(r["priority"]),
            basis=r["basis"],
        )
        for r in _rows(file)
    ]


class _Row(dict[str, str]):
    """A row whose missing columns are named."""

    def __init__(self, file: Path, cells: dict[str, str]) -> None:
        super().__init__(cells)
        self._file = file

    def __missing__(self, column: str) -> str:
        raise usage(f"{self._file.name}: no column {column!r} · 缺少列 {column}")


def _rows(file: Path) -> Iterator[_Row]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            for cells in csv.DictReader(text):
                yield _Row(file, {name: value or "" for name, value in cells.items() if name is not None})
    except OSError as error:
        raise usage(f"{file}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise usage(f"{file.name}: {error}") from error


def _region(row: _Row) -> pb.Region:
    return pb.Region(code=row["code"], name=row["name"], level=row["level"], parent_code=row["parent"])


def _organ(row: _Row, ids: dict[str, str], file: Path) -> pb.Organ:
    if row["parent"] and row["parent"] not in ids:
        raise usage(f"{file.name}: {row['code']}: no organ {row['parent']!r} · 上级单位不存在")
    return pb.Organ(
        organ_id=row["id"],
        code=row["code"],
        name=row["name"],
        short_name=row["short_name"],
        kind=row["kind"],
        tier=row["tier"],
        region_code=row["region"],
        parent_organ_id=ids.get(row["parent"], ""),
        phone=row["phone"],
    )


def _mediator(row: _Row) -> pb.MediatorEntry:
    return pb.MediatorEntry(
        person_id=row["person_id"],
        specialties=_list(row["specialties"]),
        languages=_list(row["languages"]),
        care_skills=_list(row["care_skills"]),
        term_end_on=row["term_end"],
        max_load=int(row["max_load"] or 0),
    )


def _list(cell: str) -> list[str]:
    return [part for part in cell.split(";") if part]
