"""A clock of a case: started, paused, extended, stopped, warned, expired, planned again."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tiaochu_domainkit.calendar import Calendar, YearCalendar, published
from tiaochu_domainkit.clocks import BEIJING, Pause, due, parse_length
from tiaochu_domainkit.deadlines import defaults
from tiaochu_domainkit.errors import DomainError
from tiaochu_routing.domain.case_facts import CaseFacts
from tiaochu_routing.domain.clock import Clock, terms_of
from tiaochu_routing.domain.clock_rules import applies, to_start, touched_by
from tiaochu_routing.domain.organs import Unit
from tiaochu_testkit import assert_transitions_match

TOWN = Unit("town", "/city/town/", "town")
CITY = Unit("city", "/city/", "city")
START = datetime(2026, 3, 2, 10, 0, tzinfo=BEIJING)
CALENDAR = published()


def clock(code: str, start: datetime = START, calendar: Calendar = CALENDAR, on: date | None = None) -> Clock:
    made = Clock(id="c", district="329901", case_id="case", rule_code=code)
    made.start(terms_of(defaults().find(code, on or start.date())), calendar, None, TOWN, start, start)
    return made


def names(one: Clock) -> list[str]:
    return [type(r.event).__name__ for r in one.recorded]


def reason_of(act: Callable[[], object]) -> str:
    with pytest.raises(DomainError) as refusal:
        act()
    violations = refusal.value.violations
    return violations[0].reason if violations else refusal.value.reason


def test_transitions_match() -> None:
    assert_transitions_match(Clock)


@pytest.mark.req("RT6")
def test_a_period_of_working_days_ends_at_midnight_and_skips_the_spring_festival() -> None:
    # 2026: rest 15-23 February, make-up work on the 14th and 28th.
    one = clock("CORRECTION", datetime(2026, 2, 12, 16, 0, tzinfo=BEIJING))
    assert one.due_at == datetime(2026, 2, 27, 0, 0, tzinfo=BEIJING)


@pytest.mark.req("RT6")
def test_warnings_come_in_order_and_then_the_end() -> None:
    one = clock("CONCLUDE_PM")
    assert one.next_at is not None
    assert one.due_at is not None
    told = []
    while one.status == "running":
        assert one.next_at is not None
        one.fire(TOWN, one.next_at)
        told.append(one.warned_percent)
    assert told == [70, 90, 100]
    assert names(one) == ["ClockStarted", "ClockWarned", "ClockWarned", "ClockWarned", "ClockExpired"]
    assert one.recorded[-1].event.on_expiry == "terminate"


def test_after_a_long_silence_every_warning_is_given_once() -> None:
    one = clock("TRIAGE")
    one.fire(TOWN, START + timedelta(days=40))
    assert [r.event.percent for r in one.recorded if type(r.event).__name__ == "ClockWarned"] == [70, 90, 100]
    assert one.status == "expired"


def test_rules_that_warn_by_days_do_so() -> None:
    one = clock("CONFIRM_WINDOW")
    assert one.due_at == datetime(2026, 4, 2, 0, 0, tzinfo=BEIJING)
    assert sorted(w.at.astimezone(BEIJING).date() for w in one.to_warn if w.days_left) == [date(2026, 3, 22), date(2026, 3, 29)]


@pytest.mark.req("RT6")
def test_a_clock_that_rests_on_an_unpublished_year_warns_and_never_expires_until_the_year_is_known() -> None:
    one = clock("CONCLUDE_PM", datetime(2026, 12, 20, 10, 0, tzinfo=BEIJING))
    assert one.provisional
    one.fire(TOWN, datetime(2027, 3, 1, tzinfo=BEIJING))
    assert (one.status, one.warned_percent, one.next_at) == ("running", 100, None)
    year = YearCalendar(2027, {date(2027, 1, 19): "测试假日"}, frozenset())
    one.replan(CALENDAR.with_year(year), datetime(2027, 3, 1, tzinfo=BEIJING))
    assert (one.provisional, one.due_at) == (False, datetime(2027, 1, 21, 0, 0, tzinfo=BEIJING))
    one.fire(TOWN, datetime(2027, 3, 1, tzinfo=BEIJING))
    assert one.status == "expired"


@pytest.mark.req("RT6")
def test_paused_time_does_not_count() -> None:
    one = clock("CONCLUDE_PM")
    one.pause("appraisal", START + timedelta(days=5))
    assert (one.due_at, one.next_at) == (None, None)
    one.resume(CALENDAR, START + timedelta(days=15))
    assert one.due_at == datetime(2026, 4, 14, 0, 0, tzinfo=BEIJING)


@pytest.mark.req("RT6")
def test_an_extension_keeps_to_its_rule() -> None:
    one = clock("CONCLUDE_PM")
    at = START + timedelta(days=3)
    assert reason_of(lambda: one.extend(CITY, TOWN, "", "all_parties_agree", CALENDAR, at)) == "NOT_CLOCK_OWNER"
    assert reason_of(lambda: one.extend(TOWN, TOWN, "", "leader_approves", CALENDAR, at)) == "EXTENSION_REASON"
    assert reason_of(lambda: one.extend(TOWN, TOWN, "31cd", "all_parties_agree", CALENDAR, at)) == "EXTENSION_TOO_LONG"
    assert reason_of(lambda: one.extend(TOWN, TOWN, "5wd", "all_parties_agree", CALENDAR, at)) == "EXTENSION_TOO_LONG"
    over = datetime(2026, 4, 2, 0, 0, tzinfo=BEIJING)
    assert reason_of(lambda: one.extend(TOWN, TOWN, "", "all_parties_agree", CALENDAR, over)) == "CLOCK_OVER"
    one.extend(TOWN, TOWN, "", "all_parties_agree", CALENDAR, at)
    # 60 days end on 1 May; the rest days of Labour Day move the end to 6 May.
    assert one.due_at == datetime(2026, 5, 7, 0, 0, tzinfo=BEIJING)
    assert reason_of(lambda: one.extend(TOWN, TOWN, "", "all_parties_agree", CALENDAR, at)) == "EXTENSION_NOT_ALLOWED"
    assert reason_of(lambda: clock("CONFIRM_WINDOW").extend(TOWN, TOWN, "", "all_parties_agree", CALENDAR, at)) == "EXTENSION_NOT_ALLOWED"


def test_an_act_in_time_that_is_recorded_late_is_in_time() -> None:
    one = clock("TRIAGE")
    one.fire(TOWN, START + timedelta(days=3))
    assert one.status == "expired"
    one.stop(START + timedelta(hours=1))
    assert (one.status, one.overdue) == ("stopped", False)


def test_an_end_that_is_known_before_the_beginning_stops_the_clock_at_once() -> None:
    one = Clock(id="c", district="329901", case_id="case", rule_code="CONCLUDE_PM", ended_at=START + timedelta(hours=2))
    one.start(terms_of(defaults().find("CONCLUDE_PM", START.date())), CALENDAR, None, TOWN, START, START)
    assert (one.status, names(one)) == ("stopped", ["ClockStarted", "ClockStopped"])


@pytest.mark.parametrize(
    ("trigger", "known", "codes"),
    [
        ("CaseRegistered", {}, ["TRIAGE"]),
        ("MediatorChosen", {"tier": "city"}, ["ACCEPT_ASSIGNMENT"]),
        ("MediatorChosen", {"tier": "village"}, ["ACCEPT_ASSIGNMENT_VILLAGE"]),
        ("MediatorChosen", {"tier": "village", "docking": "court"}, ["COURT_CONFIRM_ASSIGNMENT"]),
        ("CaseAccepted", {"mediation_kind": "people", "category": "0201"}, ["CONCLUDE_PM"]),
        ("CaseAccepted", {"mediation_kind": "people", "category": "0502"}, ["MEDICAL_MEDIATE"]),
        ("AssignmentAccepted", {}, []),
        ("AssignmentAccepted", {"docking": "court", "docking_mode": "before_filing"}, ["COURT_CONTACT", "COURT_MEDIATE"]),
        ("SessionHeld", {"number": "1", "result": "not_agreed"}, ["SECOND_SESSION"]),
        ("SessionHeld", {"number": "1", "result": "agreed"}, []),
        ("AgreementEffective", {}, ["CONFIRM_WINDOW", "FOLLOW_UP"]),
    ],
)
@pytest.mark.req("RT6")
def test_the_rules_decide_which_clocks_an_event_starts(trigger: str, known: dict[str, str], codes: list[str]) -> None:
    assert sorted(r.code for r in to_start(defaults(), trigger, date(2026, 3, 2), known)) == codes


def test_what_an_event_touches_is_read_from_the_rules() -> None:
    touched = touched_by(defaults(), "SessionHeld")
    assert "SECOND_SESSION" in touched.starts
    assert "SECOND_SESSION" in touched.stops
    assert "CONCLUDE_PM" in touched_by(defaults(), "MediationSuspended").pauses
    assert touched_by(defaults(), "PartyCorrected").codes == ()


def test_a_rule_applies_when_everything_it_asks_for_is_so() -> None:
    rule_ = defaults().find("COURT_MEDIATE", date(2026, 3, 2))
    assert not applies(rule_, {})
    assert applies(rule_, {"docking_mode": "before_filing", "more": "x"})
    assert CaseFacts(id="x", district="329901").docking == ""


class ClockMachine(RuleBasedStateMachine):
    """Any order of acts against a plain model that plans from the whole history each time."""

    @initialize(minutes=st.integers(0, 60 * 24 * 300))
    def begin(self, minutes: int) -> None:
        self.start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
        self.at = self.start
        self.one = clock("CONCLUDE_PM", self.start)
        self.pauses: list[Pause] = []
        self.paused: datetime | None = None
        self.extended = False
        self.ended = ""

    def step(self, hours: float) -> datetime:
        self.at += timedelta(hours=hours)
        return self.at

    @property
    def plan(self) -> Any:
        extensions = [parse_length("30cd")] if self.extended else []
        return due(self.start, parse_length("30cd"), CALENDAR, pauses=self.pauses, extensions=extensions)

    def attempt(self, act: Callable[[], None], *, allowed: bool) -> bool:
        recorded = len(self.one.recorded)
        try:
            act()
        except DomainError:
            assert not allowed
            assert len(self.one.recorded) == recorded
            return False
        assert allowed
        return True

    @rule(hours=st.floats(0, 200))
    def pause(self, hours: float) -> None:
        at = self.step(hours)
        if self.attempt(lambda: self.one.pause("appraisal", at), allowed=not self.ended and self.paused is None):
            self.paused = at

    @rule(hours=st.floats(0, 200))
    def resume(self, hours: float) -> None:
        at = self.step(hours)
        if self.attempt(lambda: self.one.resume(CALENDAR, at), allowed=not self.ended and self.paused is not None):
            assert self.paused is not None
            self.pauses.append(Pause(self.paused, at))
            self.paused = None

    @rule(hours=st.floats(0, 200))
    def extend(self, hours: float) -> None:
        at = self.step(hours)
        allowed = not self.ended and self.paused is None and not self.extended and at < self.plan.at
        if self.attempt(lambda: self.one.extend(TOWN, TOWN, "", "all_parties_agree", CALENDAR, at), allowed=allowed):
            self.extended = True

    @rule(hours=st.floats(0, 200))
    def fire(self, hours: float) -> None:
        at = self.step(hours)
        if self.attempt(lambda: self.one.fire(TOWN, at), allowed=not self.ended and self.paused is None) and self.plan.expired(at):
            self.ended = "expired"

    @rule(hours=st.floats(0, 200))
    def stop(self, hours: float) -> None:
        at = self.step(hours)
        if self.attempt(lambda: self.one.stop(at), allowed=self.ended != "stopped"):
            self.ended = "stopped"

    @precondition(lambda self: not self.ended and self.paused is None)
    @rule()
    def replan(self) -> None:
        self.one.replan(CALENDAR, self.at)

    @invariant()
    def it_ends_when_the_history_says(self) -> None:
        assert self.one.status == (self.ended or ("paused" if self.paused else "running"))
        if self.one.status == "running":
            assert (self.one.due_at, self.one.provisional) == (self.plan.at, self.plan.provisional)

    @invariant()
    def no_warning_is_given_twice(self) -> None:
        told = [r.event.percent for r in self.one.recorded if type(r.event).__name__ == "ClockWarned"]
        assert told == sorted(set(told))


TestClockMachine = ClockMachine.TestCase
