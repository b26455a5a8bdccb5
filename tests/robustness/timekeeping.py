"""Clocks, recomputed from routing's journal: each ends once; what expired had really run out; what ran out has expired."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from robustness.history import History

if TYPE_CHECKING:
    from robustness.books import Books, Logged

_STARTS = ("ClockStarted", "ClockPaused", "ClockResumed", "ClockExtended", "ClockReplanned", "ClockStopped", "ClockExpired")


@dataclass
class _Clock:
    """A clock as the journal tells it."""

    rule: str
    due_at: datetime
    provisional: bool
    paused: bool = False
    ended: str = ""


def problems(books: "Books", _history: History) -> Iterator[str]:
    """Clocks that fired twice, too early, for no reason, or not at all."""
    clocks: dict[str, _Clock] = {}
    for event in sorted(books.events("routing", *_STARTS), key=lambda e: (e.body.clock_id, e.version)):
        yield from _follow(clocks, event)
    running = dict(books.rows("routing", "SELECT id::text, status FROM clocks"))
    for ident, clock in clocks.items():
        status = clock.ended or ("paused" if clock.paused else "running")
        if running.get(ident) != status:
            yield f"routing: the clock {clock.rule} {ident} is {running.get(ident)}, its journal says {status}"
    timers = {row[0] for row in books.rows("routing", "SELECT split_part(key, ':', 2) FROM timers WHERE kind = 'clock'")}
    for ident, clock in clocks.items():
        if not clock.ended and not clock.paused and not clock.provisional and ident not in timers:
            yield f"routing: nothing will fire the clock {clock.rule} {ident}"
    yield from _late(books)
    yield from _consequences(books)


def _follow(clocks: dict[str, _Clock], event: "Logged") -> Iterator[str]:
    body, name = event.body, event.name
    clock = clocks.get(body.clock_id)
    if name == "ClockStarted":
        if clock is not None and not clock.ended:
            yield f"routing: the clock {body.rule_code} {body.clock_id} started twice"
        clocks[body.clock_id] = _Clock(body.rule_code, body.due_at.ToDatetime(event.occurred_at.tzinfo), body.provisional)
        return
    if clock is None or clock.ended == "stopped" or (clock.ended and name == "ClockExpired"):  # what was waited for may still come late
        yield f"routing: {name} of {body.clock_id}, which had not started or had ended"
        return
    match name:
        case "ClockPaused":
            clock.paused = True
        case "ClockResumed" | "ClockExtended" | "ClockReplanned":
            clock.paused = clock.paused and name != "ClockResumed"
            clock.due_at, clock.provisional = body.due_at.ToDatetime(event.occurred_at.tzinfo), body.provisional
        case "ClockStopped":
            clock.ended = "stopped"
        case "ClockExpired":
            if clock.paused or clock.provisional or event.recorded_at < clock.due_at:
                yield f"routing: the clock {clock.rule} {body.clock_id} expired at {event.recorded_at}, due {clock.due_at}"
            clock.ended = "expired"


def _late(books: "Books") -> Iterator[str]:
    """Timers that failed stay and are tried again; none may be due for long when everything has come to rest."""
    for service in books.connections:
        for kind, key, attempts in books.rows(service, "SELECT kind, key, attempts FROM timers WHERE attempts > 0"):
            yield f"{service}: the timer {kind} {key} failed {attempts} times and waits"


def _consequences(books: "Books") -> Iterator[str]:
    """What an expired clock means to the owner of the state happened once: an unsigned transfer lapses, a broken promise is noted."""
    lapsed = [e.body.transfer_id for e in books.events("routing", "TransferExpired")]
    breached = [e.body.obligation_id for e in books.events("mediation", "ObligationBreached")]
    for what, found in (("transfer", lapsed), ("promise", breached)):
        if len(found) != len(set(found)):
            yield f"a {what} lapsed twice"
    signed = {e.body.transfer_id for e in books.events("routing", "TransferSigned", "TransferReturned")}
    for event in books.events("routing", "ClockExpired"):
        ref = event.body.ref_id
        if event.body.rule_code == "SIGN_TRANSFER" and ref not in lapsed and ref not in signed:
            yield f"routing: the time to sign the transfer {ref} ran out and it did not lapse"
