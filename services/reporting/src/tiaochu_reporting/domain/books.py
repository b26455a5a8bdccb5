"""The books of a district (账期): which months are final."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import ClassVar

from tiaochu_domainkit.aggregate import Aggregate, Transition, Transitions
from tiaochu_domainkit.clocks import midnight
from tiaochu_domainkit.errors import DomainError, Kind, refused
from tiaochu_reporting.domain.events import MonthLocked
from tiaochu_reporting.domain.periods import Period, month_text, next_month, previous_month

KEPT = "kept"
SETTLING = timedelta(seconds=60)
"""No command runs longer: whatever was recorded before this much ago is committed, so the cut cannot change any more."""


@dataclass(frozen=True)
class Lock:
    """The month and all before it are final with what was recorded up to `cut_at`."""

    month: date
    cut_at: datetime
    locked_at: datetime
    locked_by: str


@dataclass(kw_only=True)
class Books(Aggregate):
    """One per district. `locks` are in the order of their months and of their cuts."""

    TRANSITIONS: ClassVar[Transitions] = {"lock_month": Transition((KEPT,), (KEPT,))}

    status: str = KEPT
    locks: list[Lock] = field(default_factory=list)

    def lock_month(self, month: date, by: str, at: datetime) -> Lock:
        """Make `month` and all before it final. Reasons: MONTH_NOT_OVER, MONTH_LOCKED (it is, or a later one is)."""
        self.require("lock_month")
        if at < midnight(next_month(month)) + SETTLING:
            raise refused("MONTH_NOT_OVER", "a month is locked after it is over", "本月尚未结束,不能锁定", month=month_text(month))
        if self.locks and month <= self.locks[-1].month:
            through = month_text(self.locks[-1].month)
            raise DomainError(
                Kind.ALREADY_EXISTS,
                "MONTH_LOCKED",
                "the month is locked already",
                f"统计数据已锁定至{through}",
                {"month": month_text(month), "locked_through": through},
            )
        lock = Lock(month, at - SETTLING, at, by)
        self.locks.append(lock)
        self.record(MonthLocked(self.district, month_text(month), lock.cut_at), at)
        return lock


def books_id(district: str) -> str:
    """The id of a district's books: always the same, so that nobody needs to look for it."""
    return f"00000000-0000-7000-8000-000000{district}"


@dataclass(frozen=True)
class Cut:
    """What of the ledger a period shows: entries of its own months recorded up to `until`; of earlier, locked months what was recorded after
    `corrections_after` (adjustments), or nothing when it is None.
    """

    period: Period
    until: datetime
    corrections_after: datetime | None
    locked: bool

    def shows(self, month: date, recorded_at: datetime) -> bool:
        """Whether a posting of that month, recorded then, is in the cut."""
        if recorded_at > self.until or month > self.period.last:
            return False
        if month >= self.period.first:
            return True
        return self.corrections_after is not None and recorded_at > self.corrections_after


def cut(locks: Sequence[Lock], period: Period, as_of: datetime) -> Cut:
    """The cut of a period as known at `as_of`. Each posting shows in exactly one month: its own, or the first that was open when it was recorded."""
    known = [lock for lock in locks if lock.locked_at <= as_of]
    own = _closing(known, period.last)
    before = _closing(known, previous_month(period.first))
    until = min(as_of, own.cut_at) if own else as_of
    return Cut(period, until, before.cut_at if before else None, own is not None)


def _closing(locks: Sequence[Lock], month: date) -> Lock | None:
    """The lock that made `month` final: the earliest of it or a later month."""
    return next((lock for lock in locks if lock.month >= month), None)
