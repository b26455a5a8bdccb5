"""Starts, stops and pauses clocks on the news of all services, by the deadline rules as data."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import cache
from typing import Any

from tiaochu_domainkit.clocks import beijing, midnight
from tiaochu_domainkit.deadlines import DeadlineRule, defaults
from tiaochu_kit.documents import Read
from tiaochu_kit.usecase import Event, Work, reaction
from tiaochu_routing.domain.case_facts import CaseFacts
from tiaochu_routing.domain.clock import AWAITED, EXPIRED, PAUSED, RUNNING, Clock, terms_of
from tiaochu_routing.domain.clock_rules import REF_FIELDS, RESUMED, SURVIVES_THE_CASE, SUSPENDED, Touched, known_of, to_start, touched_by
from tiaochu_routing.domain.deadline_book import calendar_of_district, rules_of
from tiaochu_routing.domain.organs import Unit
from tiaochu_routing.domain.responsibility import ENDED
from tiaochu_routing.usecases.event_types import producer_of
from tiaochu_routing.usecases.tables import CASE_FACTS, CLOCKS, DEADLINE_BOOKS, RESPONSIBILITIES, book_id, clock_id

CLOCK_TIMER = "clock"
STOP_CLOCKS = "stop_clocks"

_DAYS_OF_OBLIGATIONS = ("obligation_due", "last_obligation_due")
"""Triggers that are days an agreement fixed, not events: known when it takes effect."""
_EFFECTIVE = "AgreementEffective"
_ENDED = "tiaochu.routing.events.v1.ResponsibilityEnded"


def timer_key(clock: Clock) -> str:
    """Key of a clock's timer."""
    return f"{clock.case_id}:{clock.id}"


def set_timer(work: Work, clock: Clock) -> None:
    """Wake when the clock has something to say again."""
    work.timer(CLOCK_TIMER, timer_key(clock), clock.district, clock.next_at)


def types_that_matter() -> tuple[str, ...]:
    """Full names of all event types that any rule starts, stops or pauses by."""
    names = {name for rule in defaults().versions() for name in (rule.trigger, *rule.stop_on)} | {SUSPENDED, RESUMED, _EFFECTIVE}
    return tuple(f"tiaochu.{producer_of(n)}.events.v1.{n}" for n in sorted(names) if producer_of(n))


@cache
def touched(event: str) -> Touched:
    """What an event may do to clocks."""
    found = touched_by(defaults(), event)
    if event != _EFFECTIVE:
        return found
    days = [touched_by(defaults(), trigger).starts for trigger in _DAYS_OF_OBLIGATIONS]
    return Touched((*found.starts, *(code for codes in days for code in codes)), found.stops, found.pauses)


def refs(code: str, body: Any) -> list[str]:
    """What the clocks of a rule are about in this event; none where the event does not say."""
    name = REF_FIELDS.get(code)
    if name is None:
        return [""]
    if hasattr(body, name):
        return [getattr(body, name)]
    return [o.obligation_id for o in body.obligations] if hasattr(body, "obligations") and name == "obligation_id" else []


def _reads(e: Event[Any]) -> list[Read]:
    case_id = e.body.case_id
    codes = touched(_name(e)).codes
    clocks = [CLOCKS.by_id(clock_id(case_id, code, ref)) for code in codes for ref in refs(code, e.body)]
    return [DEADLINE_BOOKS.by_id(book_id(e.district)), RESPONSIBILITIES.by_id(case_id), CASE_FACTS.by_id(case_id), *clocks]


def _name(e: Event[Any]) -> str:
    return e.type.rpartition(".")[2]


class ClockReactions:
    """The clocks of all cases."""

    @reaction(*types_that_matter(), reads=_reads)
    def advance(self, work: Work, e: Event[Any]) -> None:
        """Stop first, then start: the second session's notice ends one period and its own result may begin another."""
        facts = work.find(CASE_FACTS, e.body.case_id)
        if not e.body.case_id or (facts is not None and facts.history):
            return
        for clock in self._stopped(work, e, facts):
            set_timer(work, clock)
        for clock in self._paused(work, e):
            set_timer(work, clock)
        for clock in self._started(work, e, facts):
            set_timer(work, clock)

    @reaction(_ENDED, reads=lambda e: [RESPONSIBILITIES.by_id(e.body.case_id)])
    def case_ended(self, work: Work, e: Event[Any]) -> None:
        """Whatever still runs has lost its purpose; which clocks those are is looked up outside the batch."""
        work.call(STOP_CLOCKS, e.body.case_id, e.district)

    def _stopped(self, work: Work, e: Event[Any], facts: CaseFacts | None) -> Iterator[Clock]:
        if getattr(e.body, "complete", True) is False:
            return  # a part was performed: the period goes on
        for code in touched(_name(e)).stops:
            for ref in refs(code, e.body):
                clock = work.find(CLOCKS, clock_id(e.body.case_id, code, ref))
                if clock is None:
                    self._await_beginning(work, e, facts, code, ref)
                elif clock.status in (RUNNING, PAUSED, EXPIRED):
                    clock.stop(e.occurred_at)
                    yield clock

    def _await_beginning(self, work: Work, e: Event[Any], facts: CaseFacts | None, code: str, ref: str) -> None:
        """Another service's event ends a period whose beginning was not read yet: remember the end."""
        known = self._known(work, e, facts)
        book = rules_of(work.find(DEADLINE_BOOKS, book_id(e.district)))
        triggers = {entry.value.trigger for entry in book.rules[code].entries if entry.value.when}
        for trigger in triggers:
            starting = to_start(book, trigger, beijing(e.occurred_at).date(), known)
            if producer_of(trigger) not in ("", e.producer) and code in {rule.code for rule in starting}:
                ident = clock_id(e.body.case_id, code, ref)
                clock = Clock(id=ident, district=e.district, case_id=e.body.case_id, rule_code=code, ref_id=ref, ended_at=e.occurred_at)
                work.add(CLOCKS, clock)
                return

    def _paused(self, work: Work, e: Event[Any]) -> Iterator[Clock]:
        name = _name(e)
        for code in touched(name).pauses:
            clock = work.find(CLOCKS, clock_id(e.body.case_id, code, ""))
            if clock is None or clock.terms is None:
                continue
            if name == SUSPENDED and clock.status == RUNNING and e.body.reason in clock.terms.pause_on:
                clock.pause(e.body.reason, e.occurred_at)
                yield clock
            elif name == RESUMED and clock.status == PAUSED:
                clock.resume(calendar_of_district(work.find(DEADLINE_BOOKS, book_id(e.district))), e.occurred_at)
                yield clock

    def _started(self, work: Work, e: Event[Any], facts: CaseFacts | None) -> Iterator[Clock]:
        if getattr(e.body, "before_acceptance", False):
            return  # nothing was mediated: nobody is visited, no other way is opened by it
        known = self._known(work, e, facts)
        book = rules_of(work.find(DEADLINE_BOOKS, book_id(e.district)))
        for trigger, ref, begins in _beginnings(e):
            for rule in to_start(book, trigger, beijing(begins).date(), known):
                if rule.on_expiry != SURVIVES_THE_CASE and _is_over(work, e):
                    continue
                for own_ref in [ref] if ref else refs(rule.code, e.body):
                    clock = self._start(work, e, rule, own_ref, begins)
                    if clock is not None:
                        yield clock

    def _start(self, work: Work, e: Event[Any], rule: DeadlineRule, ref: str, begins: datetime) -> Clock | None:
        ident = clock_id(e.body.case_id, rule.code, ref)
        clock = work.find(CLOCKS, ident)
        if clock is None:
            clock = work.add(CLOCKS, Clock(id=ident, district=e.district, case_id=e.body.case_id, rule_code=rule.code, ref_id=ref))
        if clock.status != AWAITED:
            return None
        calendar = calendar_of_district(work.find(DEADLINE_BOOKS, book_id(e.district)))
        clock.start(terms_of(rule), calendar, _owner(rule, e), _holder(work, e), begins, e.occurred_at)
        return clock

    def _known(self, work: Work, e: Event[Any], facts: CaseFacts | None) -> Mapping[str, str]:
        case = work.find(RESPONSIBILITIES, e.body.case_id)
        told = known_of(facts or CaseFacts(id=e.body.case_id, district=e.district), case)
        fields = {f.name: str(getattr(e.body, f.name)) for f in e.body.DESCRIPTOR.fields if not f.is_repeated and f.message_type is None}
        return {**told, **{name: value for name, value in fields.items() if value}}


def _beginnings(e: Event[Any]) -> Iterator[tuple[str, str, datetime]]:
    """Triggers of an event with what they are about (empty: see `refs`) and when the period begins."""
    yield _name(e), "", e.occurred_at
    if _name(e) != _EFFECTIVE:
        return
    days = {o.obligation_id: date.fromisoformat(o.due_on) for o in e.body.obligations if o.due_on}
    for obligation_id, day in days.items():
        yield "obligation_due", obligation_id, midnight(day)
    if days:
        yield "last_obligation_due", "", midnight(max(days.values()))


def _owner(rule: DeadlineRule, e: Event[Any]) -> Unit | None:
    """The receiver owes the signature; everything else is owed by whoever is responsible."""
    return Unit(e.body.to_organ_id, e.body.to_organ_path) if rule.code == "SIGN_TRANSFER" else None


def _holder(work: Work, e: Event[Any]) -> Unit:
    case = work.find(RESPONSIBILITIES, e.body.case_id)
    if case is not None:
        return case.holder
    return Unit(getattr(e.body, "first_receiver_organ_id", ""), getattr(e.body, "first_receiver_organ_path", ""))


def _is_over(work: Work, e: Event[Any]) -> bool:
    """Whether the case ended before this news of it was read."""
    case = work.find(RESPONSIBILITIES, e.body.case_id)
    return case is not None and case.status == ENDED
