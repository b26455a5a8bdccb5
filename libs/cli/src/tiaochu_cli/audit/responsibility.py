"""Exactly one unit is responsible for every case at every instant since its registration (首接责任制)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from tiaochu_cli.audit.finding import Check, Finding, collect
from tiaochu_cli.audit.journals import Fact, Journals, of

_MOVES = {"ResponsibilityStarted": "organ_id", "TransferSigned": "to_organ_id", "UnitDesignated": "organ_id"}
_ENDS = ("ResponsibilityEnded", "MergeConfirmed")
_ANSWERS = ("TransferSigned", "TransferReturned", "TransferExpired")
_BY_THE_HOLDER = ("CaseAccepted", "CaseDeclined")


@dataclass(frozen=True)
class Interval:
    """A unit was responsible from `since`; the next interval's beginning is its end."""

    organ_id: str
    since: datetime


def check_responsibility(journals: Journals) -> Check:
    """One unbroken chain of intervals per registered case, moved by signature and designation alone, each decision by its holder."""
    cases = journals.by_case()
    return collect("responsibility", "责任单位区间", len(cases), _findings(journals, cases))


def intervals(facts: Sequence[Fact]) -> list[Interval]:
    """The intervals of one case, in order. `facts` are routing's."""
    found = []
    for fact in facts:
        if fact.name in _MOVES:
            first = fact.name == "ResponsibilityStarted"
            since = _instant(fact.body.since_at, fact.recorded_at) if first else fact.recorded_at
            found.append(Interval(getattr(fact.body, _MOVES[fact.name]), since))
    return found


def _findings(journals: Journals, cases: dict[str, list[Fact]]) -> Iterator[Finding]:
    if not {"intake", "routing"} <= journals.services:
        return
    for case_id, facts in sorted(cases.items()):
        told = [f for f in facts if f.service == "routing"]
        registered = of(facts, "CaseRegistered")
        if not registered and of(told, *_MOVES):
            yield Finding("RESPONSIBLE_WITHOUT_REGISTRATION", facts[0].district, case_id)
        for registration in filter(journals.is_settled, registered[:1]):
            yield from _beginning(registration, told)
        yield from _course(facts[0].district, case_id, told)


def _beginning(registration: Fact, told: Sequence[Fact]) -> Iterator[Finding]:
    """The first receiver is responsible from the instant at which the registration was recorded."""
    district, case_id, body = registration.district, registration.case_id, registration.body
    started = of(told, "ResponsibilityStarted")
    if len(started) != 1:
        yield Finding("NOBODY_RESPONSIBLE" if not started else "RESPONSIBLE_TWICE", district, case_id, f"started {len(started)} times")
        return
    if started[0].body.organ_id != body.first_receiver_organ_id:
        yield Finding("OTHER_FIRST_RECEIVER", district, case_id, f"{started[0].body.organ_id} for {body.first_receiver_organ_id}")
    since = _instant(started[0].body.since_at, started[0].recorded_at)
    if since != registration.recorded_at:
        yield Finding("INTERVAL_GAP", district, case_id, f"registered {registration.recorded_at}, responsible since {since}")


@dataclass
class _Holding:
    """Who holds a case, replayed event by event."""

    organ_id: str = ""
    version: int = 0
    pending: str = ""
    """The transfer that waits for an answer."""
    ended: bool = False

    def faults(self, fact: Fact) -> Iterator[tuple[str, str]]:
        """What an event says that cannot be so; then the event is taken over."""
        if fact.name in _MOVES:
            yield from self._moved(fact)
        if fact.name == "TransferOffered":
            if fact.body.from_organ_id != self.organ_id:
                yield "OFFERED_BY_ANOTHER", f"{fact.body.from_organ_id} for {self.organ_id}"
            if self.pending:
                yield "OFFERED_TWICE", ""
            self.pending = fact.body.transfer_id
        elif fact.name in _ANSWERS:
            if fact.body.transfer_id != self.pending:
                yield "ANSWERED_WITHOUT_OFFER", ""
            self.pending = ""
        elif fact.name in _BY_THE_HOLDER and not self._relied_on(fact.body):
            yield "DECIDED_BY_ANOTHER", f"{fact.body.organ_id} for {self.organ_id}"
        self.ended = self.ended or fact.name in _ENDS

    def _relied_on(self, body: Any) -> bool:
        """A decision is the holder's, and names the holding it relied on where its event has room for that."""
        return bool(body.organ_id == self.organ_id and getattr(body, "responsibility_version", self.version) == self.version)

    def _moved(self, fact: Fact) -> Iterator[tuple[str, str]]:
        if self.ended:
            yield "MOVED_AFTER_END", ""
        if fact.name == "TransferSigned" and fact.body.from_organ_id != self.organ_id:
            yield "SIGNED_FROM_ANOTHER", f"{fact.body.from_organ_id} for {self.organ_id}"
        self.organ_id, self.version = getattr(fact.body, _MOVES[fact.name]), self.version + 1
        if fact.body.responsibility_version != self.version:
            yield "VERSION_SKIPPED", f"{fact.body.responsibility_version} for {self.version}"


def _course(district: str, case_id: str, told: Sequence[Fact]) -> Iterator[Finding]:
    holding = _Holding()
    for fact in told:
        for reason, detail in holding.faults(fact):
            yield Finding(reason, district, case_id, f"{fact.place} {detail}".rstrip())
    yield from _overlaps(district, case_id, intervals(told))


def _overlaps(district: str, case_id: str, found: Sequence[Interval]) -> Iterator[Finding]:
    for before, after in pairwise(found):
        if after.since < before.since:
            yield Finding("INTERVALS_OVERLAP", district, case_id, f"{after.since} before {before.since}")


def _instant(stamp: Any, otherwise: datetime) -> datetime:
    return stamp.ToDatetime(tzinfo=otherwise.tzinfo) if stamp.ByteSize() else otherwise
