"""Reads the directory files. They are CSV so that staff of a centre can open and change them."""

import csv
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from functools import cache
from importlib import resources

from tiaochu_demo.directory.model import Directory, Keyword, MediatorEntry, Organ, Post, Region, RoutingRule, StaffMember

CITY = "329901"
NEIGHBOUR = "329902"
DISTRICTS = (CITY, NEIGHBOUR)


def _rows(*path: str) -> Iterator[dict[str, str]]:
    text = resources.files("tiaochu_demo.directory").joinpath("data", *path).read_text(encoding="utf-8")
    yield from csv.DictReader(text.splitlines())


def _list(cell: str) -> tuple[str, ...]:
    return tuple(part for part in cell.split(";") if part)


def _date(cell: str) -> date | None:
    return date.fromisoformat(cell) if cell else None


@cache
def load_directory(district: str = CITY) -> Directory:
    """The directory of a district, checked for dangling references (KeyError names the missing code or id)."""
    regions = tuple(Region(r["code"], r["name"], r["level"], r["parent"], r["gb_code"] == "yes") for r in _rows(district, "regions.csv"))
    organs = _organs(district)
    known = {o.id for o in organs}
    posts: dict[str, list[Post]] = defaultdict(list)
    for row in _rows(district, "posts.csv"):
        if row["organ_id"] not in known:
            raise KeyError(row["organ_id"])
        posts[row["person_id"]].append(Post(row["organ_id"], row["role"], date.fromisoformat(row["since"])))
    register = {
        row["person_id"]: MediatorEntry(
            _list(row["specialties"]),
            _list(row["languages"]),
            _list(row["care_skills"]),
            date.fromisoformat(row["term_end"]),
            int(row["max_load"]),
        )
        for row in _rows(district, "mediators.csv")
    }
    staff = tuple(
        StaffMember(s["id"], s["login"], s["name"], s["sex"], s["phone"], tuple(posts[s["id"]]), register.get(s["id"]))
        for s in _rows(district, "staff.csv")
    )
    return Directory(district, regions[0].name, regions, organs, staff)


def _organs(district: str) -> tuple[Organ, ...]:
    rows = list(_rows(district, "organs.csv"))
    by_code = {row["code"]: row for row in rows}

    def path(code: str) -> str:
        parent = by_code[code]["parent"]
        return f"{path(parent)}.{code}" if parent else code

    return tuple(
        Organ(
            row["id"],
            row["code"],
            row["name"],
            row["short_name"],
            row["kind"],
            row["tier"],
            row["region"],
            by_code[row["parent"]]["id"] if row["parent"] else "",
            path(row["code"]),
            row["phone"],
        )
        for row in rows
    )


@cache
def load_routing_rules() -> tuple[RoutingRule, ...]:
    return tuple(
        RoutingRule(
            r["code"],
            date.fromisoformat(r["valid_from"]),
            _date(r["valid_to"]),
            r["territory"],
            r["category"],
            r["channel"],
            r["legal_relation"],
            r["lead_kind"],
            r["lead_tier"],
            _list(r["co_kinds"]),
            int(r["priority"]),
            r["basis"],
        )
        for r in _rows("rules", "routing_rules.csv")
    )


@cache
def load_keywords() -> tuple[Keyword, ...]:
    return tuple(Keyword(r["keyword"], r["category"], int(r["weight"])) for r in _rows("rules", "keywords.csv"))
