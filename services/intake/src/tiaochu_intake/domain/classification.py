"""What a dispute is (分类定级): class, difficulty, scale, risk, flags."""

from dataclasses import dataclass
from datetime import datetime

from tiaochu_domainkit import categories
from tiaochu_domainkit.errors import invalid

DIFFICULTIES = {"simple": "简易", "ordinary": "普通", "complex": "疑难复杂", "major": "重大"}
SCALES = {"01": "个体性", "02": "一般群体性", "03": "重大群体性"}
"""事件规模, GB/T 31000."""
RISKS = {"none": "无", "blue": "蓝", "yellow": "黄", "orange": "橙", "red": "红"}
FLAGS = {
    "migrant_worker_wages": "拖欠农民工工资",
    "minor": "涉未成年人",
    "elderly": "涉老年人",
    "disabled": "涉残疾人",
    "domestic_violence": "涉家庭暴力",
    "group": "群体性",
    "cross_region": "跨区域",
    "online": "网络、电商",
    "tourism": "旅游",
    "enterprise_party": "涉企",
    "military": "涉军",
    "foreign": "涉外、涉港澳台",
    "media_attention": "媒体关注",
}
"""Care and handling flags (domain guide §5.1)."""


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
    """Check the codes and derive what follows from the class.

    Reasons: those of `categories`, DIFFICULTY_UNKNOWN, SCALE_UNKNOWN, RISK_UNKNOWN, FLAG_UNKNOWN, RED_REVIEW_REQUIRED.
    """
    for path, value, known in (("difficulty", difficulty, DIFFICULTIES), ("scale", scale, SCALES), ("risk", risk, RISKS)):
        if value not in known:
            raise invalid(path, f"{path.upper()}_UNKNOWN", "取值不在代码表中")
    if set(flags) - set(FLAGS):
        raise invalid("flags", "FLAG_UNKNOWN", "标识不在代码表中")
    leaf = categories.category(category)
    detail = categories.detail(category, category_detail)
    if leaf.red_review and risk != "red":
        raise invalid("risk", "RED_REVIEW_REQUIRED", "涉民族宗教的纠纷一律按红色风险处理")
    ordered = tuple(f for f in FLAGS if f in flags)
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
