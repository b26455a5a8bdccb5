"""One period of a case: an aggregate of its own, planned by a deadline rule on the working-day calendar.

A clock starts and stops at the moment of the act (`occurred_at`), whenever that was recorded.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

from tiaochu_domainkit.aggregate import Aggregate, Transition, Transitions
from tiaochu_domainkit.calendar import Calendar
from tiaochu_domainkit.clocks import Due, Pause, due, midnight, parse_length
from tiaochu_domainkit.deadlines import DeadlineRule
from tiaochu_domainkit.errors import denied, invalid, refused
from tiaochu_routing.domain.events import (
    ClockExpired,
    ClockExtended,
    ClockPaused,
    ClockReplanned,
    ClockResumed,
    ClockStarted,
    ClockStopped,
    ClockWarned,
)
from tiaochu_routing.domain.organs import Unit

AWAITED = "awaited"
"""Its end is known and its beginning is not yet: the news came in another order than the acts."""
RUNNING, PAUSED, STOPPED, EXPIRED = "running", "paused", "stopped", "expired"


@dataclass(frozen=True)
class Span:
    """A time that does not count; `ends` is None while it lasts."""

    begins: datetime
    ends: datetime | None = None


@dataclass(frozen=True)
class Warn:
    """Somebody is told at `at`: `percent` of the period has passed, or `days_left` days remain (the other one is 0)."""

    at: datetime
    percent: int = 0
    days_left: int = 0


@dataclass(frozen=True)
class Terms:
    """What a clock keeps of the version of the rule it runs by."""

    version: str
    zh: str
    length: str
    on_expiry: str
    legal_basis: str
    pause_on: tuple[str, ...] = ()
    extend_by: str = ""
    extend_times: int = 0
    extend_needs: tuple[str, ...] = ()
    warn_before_days: tuple[int, ...] = ()


def terms_of(rule: DeadlineRule) -> Terms:
    """The terms of one version of a rule."""
    extension = rule.extension
    return Terms(
        version=rule.version,
        zh=rule.zh,
        length=str(rule.length),
        on_expiry=rule.on_expiry,
        legal_basis=rule.legal_basis,
        pause_on=rule.pause_on,
        extend_by=str(extension.length) if extension else "",
        extend_times=extension.times if extension else 0,
        extend_needs=extension.needs if extension else (),
        warn_before_days=rule.warn_before_days,
    )


@dataclass(kw_only=True)
class Clock(Aggregate):
    """A period. Its id is made of case, rule and reference, so that the same act never starts it twice."""

    TRANSITIONS: ClassVar[Transitions] = {
        "start": Transition((AWAITED,), (RUNNING, STOPPED)),
        "pause": Transition((RUNNING,), (PAUSED,)),
        "resume": Transition((PAUSED,), (RUNNING,)),
        "extend": Transition((RUNNING,), (RUNNING,)),
        "stop": Transition((RUNNING, PAUSED, EXPIRED), (STOPPED,)),
        "fire": Transition((RUNNING,), (RUNNING, EXPIRED)),
        "replan": Transition((RUNNING,), (RUNNING,)),
    }

    status: str = AWAITED
    case_id: str
    rule_code: str
    ref_id: str = ""
    owner: Unit | None = None
    """The unit named by the rule; None for whoever is responsible for the case."""
    terms: Terms | None = None
    started_at: datetime | None = None
    pauses: list[Span] = field(default_factory=list)
    extensions: list[str] = field(default_factory=list)
    due_at: datetime | None = None
    provisional: bool = False
    to_warn: list[Warn] = field(default_factory=list)
    warned_percent: int = 0
    warned_days: list[int] = field(default_factory=list)
    ended_at: datetime | None = None
    overdue: bool = False

    # Facts

    @property
    def next_at(self) -> datetime | None:
        """When the clock has something to say again: the next warning, else its end; None when it never will."""
        if self.status != RUNNING:
            return None
        if self.to_warn:
            return self.to_warn[0].at
        return None if self.provisional else self.due_at

    def may_extend(self, by: Unit, holder: Unit) -> None:
        """NOT_CLOCK_OWNER, EXTENSION_NOT_ALLOWED (the rule knows none, or it is used up)."""
        if by.id != (self.owner or holder).id:
            raise denied("NOT_CLOCK_OWNER", "another unit owns this period", "该期限不由您单位负责")
        times = self._terms.extend_times
        if len(self.extensions) >= times:
            raise refused("EXTENSION_NOT_ALLOWED", "the rule allows no further extension", "该期限不能(再次)延长", times=str(times))

    # Commands

    def start(self, terms: Terms, calendar: Calendar, owner: Unit | None, holder: Unit, begins: datetime, at: datetime) -> None:
        """The period begins at `begins` because of an act that happened `at`: the act itself, or a day it fixed (an obligation's).

        If what ends it is known already, the clock stops at once.
        """
        self.require("start")
        self.terms, self.owner, self.started_at = terms, owner, begins
        planned = self._plan(calendar)
        duty = (owner or holder).id
        self.record(
            ClockStarted(self.id, self.case_id, self.rule_code, terms.version, self.ref_id, duty, begins, planned.at, planned.provisional),
            at,
        )
        self.status = RUNNING
        if self.ended_at is not None:
            self._stop(max(self.ended_at, at))

    def pause(self, reason: str, at: datetime) -> None:
        """The time from `at` on does not count (不计入期限)."""
        self.require("pause")
        self.pauses.append(Span(at))
        self.due_at = None
        self.status = PAUSED
        self.record(ClockPaused(self.id, self.case_id, self.rule_code, reason, at), at)

    def resume(self, calendar: Calendar, at: datetime) -> None:
        """The time counts again."""
        self.require("resume")
        begun = self.pauses[-1].begins
        self.pauses[-1] = Span(begun, max(at, begun))
        planned = self._plan(calendar)
        self.status = RUNNING
        self.record(ClockResumed(self.id, self.case_id, self.rule_code, planned.at, planned.provisional, at), at)

    def extend(self, by: Unit, holder: Unit, length: str, reason: str, calendar: Calendar, at: datetime) -> None:
        """Make the period longer within what its rule allows.

        Besides those of `may_extend`: EXTENSION_TOO_LONG, EXTENSION_REASON, CLOCK_OVER.
        """
        self.require("extend")
        self.may_extend(by, holder)
        terms = self._terms
        if reason not in terms.extend_needs:
            raise invalid("reason", "EXTENSION_REASON", "延长的理由不符合该期限规则的要求")
        wanted, allowed = parse_length(length or terms.extend_by), parse_length(terms.extend_by)
        if wanted.unit != allowed.unit or wanted.n > allowed.n:
            raise invalid("length", "EXTENSION_TOO_LONG", f"最多可延长{allowed}")
        if self.due_at is not None and at >= self.due_at:
            raise refused("CLOCK_OVER", "the period is over", "期限已届满,不能延长", due_at=self.due_at.isoformat())
        self.extensions.append(str(wanted))
        planned = self._plan(calendar)
        self.record(ClockExtended(self.id, self.case_id, self.rule_code, planned.at, reason, str(wanted), planned.provisional), at)

    def stop(self, at: datetime) -> None:
        """What the period waited for happened `at`; whether in time is judged by that moment, not by when it was recorded."""
        self.require("stop")
        self._stop(at)

    def fire(self, holder: Unit, now: datetime) -> None:
        """Give every warning that is due; a period that is over expires, unless it is provisional."""
        self.require("fire")
        duty, end = (self.owner or holder).id, self._due_at
        while self.to_warn and self.to_warn[0].at <= now:
            warning = self.to_warn.pop(0)
            self.warned_percent = max(self.warned_percent, warning.percent)
            self.warned_days += [warning.days_left] if warning.days_left else []
            self.record(ClockWarned(self.id, self.case_id, self.rule_code, warning.percent, end, duty, warning.days_left), now)
        if end <= now and not self.provisional:
            self.status = EXPIRED
            self.ended_at = end
            self.record(ClockExpired(self.id, self.case_id, self.rule_code, self.ref_id, end, self._terms.on_expiry, duty), now)

    def replan(self, calendar: Calendar, now: datetime) -> None:
        """Plan again because the calendar changed. Warnings that were given are not repeated."""
        self.require("replan")
        planned = self._plan(calendar)
        self.record(ClockReplanned(self.id, self.case_id, self.rule_code, planned.at, planned.provisional), now)

    # Inside

    @property
    def _terms(self) -> Terms:
        if self.terms is None:
            raise ValueError("the clock has not started")
        return self.terms

    @property
    def _due_at(self) -> datetime:
        if self.due_at is None:
            raise ValueError("the clock has no due date")
        return self.due_at

    def _stop(self, at: datetime) -> None:
        self.overdue = self.due_at is not None and at >= self.due_at
        self.status = STOPPED
        self.ended_at = at
        self.record(ClockStopped(self.id, self.case_id, self.rule_code, self.overdue, at), at)

    def _plan(self, calendar: Calendar) -> Due:
        """Compute the due date and the warnings still to give."""
        terms = self._terms
        if self.started_at is None:
            raise ValueError("the clock has not started")
        pauses = [Pause(s.begins, s.ends) for s in self.pauses if s.ends is not None]
        planned = due(
            self.started_at,
            parse_length(terms.length),
            calendar,
            pauses=pauses,
            extensions=[parse_length(e) for e in self.extensions],
        )
        self.due_at, self.provisional = planned.at, planned.provisional
        self.to_warn = [w for w in warnings_of(planned, terms.warn_before_days) if not self._was_given(w)]
        return planned

    def _was_given(self, warning: Warn) -> bool:
        return warning.days_left in self.warned_days if warning.days_left else warning.percent <= self.warned_percent


def warnings_of(planned: Due, days_before: Sequence[int]) -> list[Warn]:
    """Every warning of a plan, in order: by share of the period, and by days before the last one."""
    shares = [Warn(w.at, percent=w.percent) for w in planned.warnings]
    days = [Warn(midnight(planned.last_day - timedelta(days=n)), days_left=n) for n in days_before]
    return sorted([*shares, *days], key=lambda w: (w.at, w.percent))
