"""Every clock ran as its rule says: started once, stopped or expired once, due when the calendar says."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tiaochu_cli.audit.finding import Check, Finding, collect
from tiaochu_cli.audit.journals import Fact, Journals
from tiaochu_domainkit.calendar import Calendar, published
from tiaochu_domainkit.clocks import Pause, due, parse_length
from tiaochu_domainkit.deadlines import defaults

RUNNING, PAUSED, STOPPED, EXPIRED = "running", "paused", "stopped", "expired"
_ALLOWED: Mapping[str, tuple[tuple[str, ...], str]] = {
    "ClockPaused": ((RUNNING,), PAUSED),
    "ClockResumed": ((PAUSED,), RUNNING),
    "ClockExtended": ((RUNNING,), RUNNING),
    "ClockWarned": ((RUNNING,), RUNNING),
    "ClockReplanned": ((RUNNING,), RUNNING),
    "ClockExpired": ((RUNNING,), EXPIRED),
    "ClockStopped": ((RUNNING, PAUSED, EXPIRED), STOPPED),
}
"""Event → the states it may come in, and the state after it."""
_NAMES = ("ClockStarted", *_ALLOWED)
FIRES_WITHIN = timedelta(seconds=60)
"""A clock that is over expires at most so much later."""

Lengths = Mapping[str, str]
"""Version of a rule → its length."""


def default_lengths() -> dict[str, str]:
    """The lengths of the rules that ship with the product."""
    return {rule.version: str(rule.length) for rule in defaults().versions()}


@dataclass
class _Clock:
    """A clock as its events tell it."""

    started: Fact
    state: str = RUNNING
    due_at: datetime | None = None
    provisional: bool = False
    pauses: list[Pause] = field(default_factory=list)
    paused_at: datetime | None = None
    extensions: list[str] = field(default_factory=list)


def check_clocks(journals: Journals, lengths: Lengths) -> Check:
    """`lengths` are those of districts' own rules and the defaults; a clock of a version that is not among them is not recomputed."""
    clocks: dict[str, list[Fact]] = {}
    for fact in journals.facts(*_NAMES):
        clocks.setdefault(fact.body.clock_id, []).append(fact)
    return collect("clocks", "期限", len(clocks), _findings(clocks, lengths, journals.now))


def _findings(clocks: Mapping[str, Sequence[Fact]], lengths: Lengths, now: datetime) -> Iterator[Finding]:
    calendar = published()
    for clock_id, facts in sorted(clocks.items()):
        first = facts[0]
        if first.name != "ClockStarted":
            yield _finding("CLOCK_NEVER_STARTED", first, clock_id)
            continue
        clock = _Clock(first)
        yield from _planned(clock, first, lengths, calendar)
        for fact in facts[1:]:
            yield from _step(clock, fact, lengths, calendar)
        over = clock.due_at is not None and clock.due_at + FIRES_WITHIN < now
        if clock.state == RUNNING and over and not clock.provisional:
            yield _finding("CLOCK_NOT_EXPIRED", first, f"due {clock.due_at}")


def _step(clock: _Clock, fact: Fact, lengths: Lengths, calendar: Calendar) -> Iterator[Finding]:
    if fact.name == "ClockStarted":
        yield _finding("CLOCK_STARTED_TWICE", fact)
        return
    allowed, after = _ALLOWED[fact.name]
    if clock.state not in allowed:
        yield _finding("CLOCK_ORDER", fact, f"{fact.name} while {clock.state}")
    clock.state = after
    body = fact.body
    match fact.name:
        case "ClockPaused":
            clock.paused_at, clock.due_at = _utc(body.paused_at), None
        case "ClockResumed":
            begun = clock.paused_at or _utc(body.resumed_at)
            clock.pauses.append(Pause(begun, max(begun, _utc(body.resumed_at))))
            yield from _planned(clock, fact, lengths, calendar)
        case "ClockExtended":
            clock.extensions.append(body.length)
            yield from _planned(clock, fact, lengths, calendar)
        case "ClockReplanned":
            clock.due_at, clock.provisional = _utc(body.due_at), body.provisional
        case "ClockExpired":
            yield from _expired(clock, fact)
        case "ClockStopped":
            late = clock.due_at is not None and _utc(body.stopped_at) >= clock.due_at
            if body.overdue != late:
                yield _finding("CLOCK_OVERDUE_DIFFERS", fact, f"stopped {_utc(body.stopped_at)}, due {clock.due_at}")


def _expired(clock: _Clock, fact: Fact) -> Iterator[Finding]:
    if clock.provisional:
        yield _finding("CLOCK_EXPIRED_PROVISIONAL", fact)
    if clock.due_at is not None and _utc(fact.body.due_at) != clock.due_at:
        yield _finding("CLOCK_DUE_DIFFERS", fact, f"{_utc(fact.body.due_at)} for {clock.due_at}")
    if fact.recorded_at < _utc(fact.body.due_at):
        yield _finding("CLOCK_EXPIRED_EARLY", fact, f"recorded {fact.recorded_at}")


def _planned(clock: _Clock, fact: Fact, lengths: Lengths, calendar: Calendar) -> Iterator[Finding]:
    """Take the due date over, and recompute it where rule and calendar are known here."""
    clock.due_at, clock.provisional = _utc(fact.body.due_at), fact.body.provisional
    start = clock.started.body
    length = lengths.get(start.rule_version)
    if length is None:
        return
    computed = due(
        _utc(start.started_at),
        parse_length(length),
        calendar,
        pauses=clock.pauses,
        extensions=[parse_length(text) for text in clock.extensions],
    )
    if computed.provisional and not clock.provisional:
        return  # the year is not published here and was loaded for the district: only the services know its days
    if (computed.at, computed.provisional) != (clock.due_at, clock.provisional):
        yield _finding("CLOCK_DUE_DIFFERS", fact, f"{clock.due_at} for {computed.at.astimezone(UTC)}")


def _finding(reason: str, fact: Fact, detail: str = "") -> Finding:
    return Finding(reason, fact.district, fact.case_id, f"{fact.place} {fact.body.rule_code} {detail}".rstrip())


def _utc(stamp: Any) -> datetime:
    moment: datetime = stamp.ToDatetime(tzinfo=UTC)
    return moment
