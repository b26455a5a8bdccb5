"""Dispute categories (GB/T 31000-2015, two levels, a third under 0601) and the ministry's statistical type of a case.

`mediable` says whether people's mediation fits: Y, C (conditional) or N (route only).
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from tiaochu_domainkit.errors import invalid


@dataclass(frozen=True)
class Category:
    """A leaf.

    `lead_kinds`: kinds of organs that lead by default, in order. `status`: touches identity (婚姻、收养、身份关系), whose effects are
    never confirmed and whose papers are never signed electronically. `police_check`: ask for a police case. `restricted`: routed in
    secret, read by extra grant. `red_review`: always reviewed as a red case. `details`: third level, code → name.
    """

    code: str
    zh: str
    group: str
    group_zh: str
    mediable: str
    lead_kinds: tuple[str, ...]
    moj: str
    moj_by_flag: tuple[tuple[str, str], ...] = ()
    status: bool = False
    police_check: bool = False
    restricted: bool = False
    red_review: bool = False
    details: Mapping[str, str] = field(default_factory=dict)

    def moj_type(self, flags: Collection[str] = ()) -> str:
        """Column of the ministry's 18 types (code list `moj_type`); empty where the case is no matter of people's mediation."""
        return next((moj for flag, moj in self.moj_by_flag if flag in flags), self.moj)


@cache
def categories() -> Mapping[str, Category]:
    """Every leaf by code, in the order of the standard."""
    text = (resources.files("tiaochu_domainkit") / "data" / "categories.json").read_text("utf-8")
    groups: list[dict[str, Any]] = json.loads(text)["groups"]
    return {row["code"]: _leaf(group, row) for group in groups for row in group["leaves"]}


@cache
def groups() -> Mapping[str, str]:
    """First level: code → name."""
    return {leaf.group: leaf.group_zh for leaf in categories().values()}


def category(code: str, path: str = "category") -> Category:
    """The leaf of that code. Reason: CATEGORY_UNKNOWN, also for a group, which is too wide to classify by."""
    found = categories().get(code)
    if found is None:
        raise invalid(path, "CATEGORY_UNKNOWN", "纠纷类别不在分类表中(须选到二级)")
    return found


def detail(code: str, value: str, path: str = "category_detail") -> str:
    """The third level below a leaf, or empty. Reason: CATEGORY_DETAIL_UNKNOWN."""
    if value and value not in category(code).details:
        raise invalid(path, "CATEGORY_DETAIL_UNKNOWN", "该类别没有此三级分类")
    return value


def moj_type(code: str, flags: Collection[str] = ()) -> str:
    """The ministry's type of a case of this leaf with these flags; empty outside people's mediation."""
    return category(code).moj_type(flags)


def _leaf(group: Mapping[str, Any], row: Mapping[str, Any]) -> Category:
    return Category(
        code=row["code"],
        zh=row["zh"],
        group=group["code"],
        group_zh=group["zh"],
        mediable=row["mediable"],
        lead_kinds=tuple(row["lead_kinds"]),
        moj=row.get("moj", ""),
        moj_by_flag=tuple((flag, moj) for flag, moj in row.get("moj_by_flag", ())),
        status=row.get("status", False),
        police_check=row.get("police_check", False),
        restricted=row.get("restricted", False),
        red_review=row.get("red_review", False),
        details={d["code"]: d["zh"] for d in row.get("details", ())},
    )
