"""What a district may set by itself (effective-dated configuration): every value the law leaves open."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import ClassVar

from tiaochu_domainkit.aggregate import Aggregate, Transition, Transitions
from tiaochu_domainkit.clocks import beijing
from tiaochu_domainkit.dated import Dated, Entry
from tiaochu_domainkit.errors import invalid
from tiaochu_intake.domain import events
from tiaochu_intake.domain.consent import Persistence

ACTIVE = "active"


@dataclass(frozen=True)
class Setting:
    """A setting: its default, the range it may be set to, and what it is called."""

    default: int
    least: int
    most: int
    zh: str


SETTINGS: dict[str, Setting] = {
    "duplicate_days": Setting(180, 1, 3650, "查重回溯天数"),
    "duplicate_similarity": Setting(60, 1, 100, "同地同被申请人的文本相似度下限(%)"),
    "consent_attempts": Setting(3, 1, 20, "认定无法联系的最少联系次数"),
    "consent_channels": Setting(2, 1, 7, "认定无法联系的最少联系方式数"),
    "unmask_minutes": Setting(10, 1, 120, "查看完整信息的有效分钟数"),
    "file_megabytes": Setting(100, 1, 2000, "单个材料大小上限(MB)"),
    "register_megabytes": Setting(20, 1, 200, "台账文件大小上限(MB)"),
    "register_rows": Setting(20_000, 1, 100_000, "台账行数上限"),
    "locked_month": Setting(0, 0, 999_912, "已锁定的最后统计月份(如202609)"),
}
"""Values marked as proposals in the domain guide; `locked_month` 0 means that no month is locked."""


@dataclass(frozen=True)
class Policy:
    """The values valid for a district on a day."""

    values: dict[str, int]

    def __getitem__(self, name: str) -> int:
        return self.values[name]

    @property
    def persistence(self) -> Persistence:
        """How hard a party is tried before it counts as out of reach."""
        return Persistence(self["consent_attempts"], self["consent_channels"])

    def month_is_locked(self, day: date) -> bool:
        """Whether the statistics of that day's month are fixed."""
        return day.year * 100 + day.month <= self["locked_month"]


@dataclass(frozen=True)
class Value:
    """One value of a setting from a day on."""

    name: str
    value: int
    valid_from: date
    set_by: str


@dataclass(kw_only=True)
class PolicyBook(Aggregate):
    """A district's own values over time; one document."""

    TRANSITIONS: ClassVar[Transitions] = {"put_policy": Transition((ACTIVE,), (ACTIVE,))}

    values: list[Value] = field(default_factory=list)

    def put_policy(self, name: str, value: int, valid_from: date, *, by: str, at: datetime) -> None:
        """Set a value from a day on, today at the earliest; the past stays as it was.

        Reasons: SETTING_UNKNOWN, SETTING_RANGE, VALID_FROM_PAST, DATED_OVERLAP (a later value begins first).
        """
        self.require("put_policy")
        setting = SETTINGS.get(name)
        if setting is None:
            raise invalid("name", "SETTING_UNKNOWN", "没有这一配置项")
        if not setting.least <= value <= setting.most:
            raise invalid("value", "SETTING_RANGE", f"取值应在{setting.least}至{setting.most}之间")
        if valid_from < beijing(at).date():
            raise invalid("valid_from_on", "VALID_FROM_PAST", "生效日期不能早于今天")
        own = [v for v in self.values if not (v.name == name and v.valid_from == valid_from)]
        self._over_time(name, own).since(valid_from, value)
        self.values = [*own, Value(name, value, valid_from, by)]
        self.record(events.PolicyPut(name, value, valid_from), at)

    def on(self, day: date) -> Policy:
        """The values valid on `day`: the district's own, else the defaults."""
        return Policy({name: self._on(name, day, setting.default) for name, setting in SETTINGS.items()})

    def _on(self, name: str, day: date, default: int) -> int:
        own = self._over_time(name, self.values).get(day)
        return default if own is None else own

    @staticmethod
    def _over_time(name: str, values: list[Value]) -> Dated[int]:
        own = sorted((v for v in values if v.name == name), key=lambda v: v.valid_from)
        ends = [v.valid_from for v in own[1:]] + [None] if own else []
        return Dated(tuple(Entry(v.value, v.valid_from, end) for v, end in zip(own, ends, strict=True)))
