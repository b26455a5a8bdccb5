"""What a dispute is (分类定级): class, difficulty, scale, risk, flags."""

from dataclasses import dataclass
from datetime import datetime

from tiaochu_domainkit import categories
from tiaochu_domainkit.codes import code_list
from tiaochu_domainkit.errors import invalid


@dataclass(frozen=True)
class Classification:
    """The outcome of a triage, with what follows from the class: whether mediation fits, and the column of the ministry's table."""

    category: str
    category_detail: str
    moj_type: str
    mediable: str
    difficulty: str
    scale: str
    risk: str
    flags: tuple[str, ...]
    single_legal_relation: bool
    by: str
    at: datetime


def classify(
    *,
    category: str,
    category_detail: str,
    difficulty: str,
    scale: str,
    risk: str,
    flags: tuple[str, ...],
    single_legal_relation: bool,
    by: str,
    at: datetime,
) -> Classification:
    """Check the codes and derive what follows from the class. Reasons: those of `categories`, CODE_UNKNOWN, RED_REVIEW_REQUIRED."""
    for name, value in (("difficulty", difficulty), ("scale", scale), ("risk", risk)):
        code_list(name).check(name, value)
    known = code_list("flag")
    for flag in flags:
        known.check("flags", flag)
    leaf = categories.category(category)
    detail = categories.detail(category, category_detail)
    if leaf.red_review and risk != "red":
        raise invalid("risk", "RED_REVIEW_REQUIRED", "涉民族宗教的纠纷一律按红色风险处理")
    ordered = tuple(f for f in known.names if f in flags)
    return Classification(
        category=leaf.code,
        category_detail=detail,
        moj_type=leaf.moj_type(ordered),
        mediable=leaf.mediable,
        difficulty=difficulty,
        scale=scale,
        risk=risk,
        flags=ordered,
        single_legal_relation=single_legal_relation,
        by=by,
        at=at,
    )
