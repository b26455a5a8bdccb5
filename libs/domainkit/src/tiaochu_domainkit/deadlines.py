"""Deadline rules as effective-dated data: which period an event sets going, on what law, and what its end brings.

The defaults ship as `data/deadlines.json`; a district puts its own version beside a default from a day on. A clock runs by the rule
valid on the Beijing date of its trigger: a complaint accepted on 2026-04-14 has 45 working days, one accepted a day later 60 days.

A regulation may call working days 日 (道路交通事故处理程序规定 112, 劳动人事争议仲裁办案规则 80): such rules stand here in `wd`.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from importlib import resources
from typing import Any

from tiaochu_domainkit.clocks import Length, parse_length
from tiaochu_domainkit.dated import Dated, Entry
from tiaochu_domainkit.errors import not_found


@dataclass(frozen=True)
class Extension:
    """By how much a period may be made longer, how often, and the reason it needs (codes)."""

    length: Length
    times: int
    needs: tuple[str, ...]


@dataclass(frozen=True)
class DeadlineRule:
    """One version of a rule.

    `trigger` is the type of the event that starts it, or in lower case a fact of another organ that somebody records; `when` narrows it by
    fields. `stop_on` are event types that end the duty, `pause_on` grounds of suspension whose time does not count. `valid_to` is the first
    day it no longer holds. `warn_before_days` are counted back from the last day, `remind_days` from the day of the trigger (a day before
    it is negative); both stand beside the warnings at 70 and 90 percent.
    """

    code: str
    zh: str
    docking: str
    valid_from: date
    valid_to: date | None
    trigger: str
    length: Length
    on_expiry: str
    legal_basis: str
    when: Mapping[str, str] = field(default_factory=dict)
    stop_on: tuple[str, ...] = ()
    pause_on: tuple[str, ...] = ()
    extension: Extension | None = None
    warn_before_days: tuple[int, ...] = ()
    remind_days: tuple[int, ...] = ()
    note: str = ""

    @property
    def version(self) -> str:
        """Names this version for good, as a clock records it."""
        return f"{self.code}@{self.valid_from}"

    def reminders(self, trigger_day: date, last_day: date) -> tuple[date, ...]:
        """The Beijing dates on which somebody is reminded, in order; calendar days, no move."""
        before = {last_day - timedelta(days=n) for n in self.warn_before_days}
        return tuple(sorted(before | {trigger_day + timedelta(days=n) for n in self.remind_days}))


@dataclass(frozen=True)
class RuleBook:
    """All versions of all rules of one district, or the defaults. Versions of a code that overlap are refused (DATED_OVERLAP)."""

    rules: Mapping[str, Dated[DeadlineRule]]

    def find(self, code: str, at: date) -> DeadlineRule:
        """The version valid on that Beijing date; NOT_FOUND for an unknown code or a day without one."""
        versions = self.rules.get(code)
        rule = versions.get(at) if versions else None
        if rule is None:
            raise not_found("deadline rule", f"{code}@{at}")
        return rule

    def on(self, at: date) -> tuple[DeadlineRule, ...]:
        """Every rule valid that day, by code."""
        found = (self.rules[code].get(at) for code in sorted(self.rules))
        return tuple(rule for rule in found if rule is not None)

    def triggered_by(self, event: str, at: date) -> tuple[DeadlineRule, ...]:
        """The rules an event of this type may start that day; the caller checks `when`."""
        return tuple(rule for rule in self.on(at) if rule.trigger == event)

    def versions(self) -> tuple[DeadlineRule, ...]:
        """Every version, by code and day."""
        return tuple(entry.value for code in sorted(self.rules) for entry in self.rules[code].entries)

    def overlaid(self, own: Iterable[DeadlineRule]) -> "RuleBook":
        """A copy in which a district's own versions take the place of the defaults in the days they hold."""
        rules = dict(self.rules)
        for code, versions in book_of(own).rules.items():
            rules[code] = _overlay(rules.get(code, Dated()), versions)
        return RuleBook(rules)


def book_of(rules: Iterable[DeadlineRule]) -> RuleBook:
    """A book of these versions."""
    by_code: dict[str, list[Entry[DeadlineRule]]] = {}
    for rule in rules:
        by_code.setdefault(rule.code, []).append(Entry(rule, rule.valid_from, rule.valid_to))
    return RuleBook({code: Dated(tuple(entries)) for code, entries in by_code.items()})


def parse_rule(row: Mapping[str, Any]) -> DeadlineRule:
    """Read one row of the data file; KeyError or ValueError when it is not one."""
    extension = row.get("extension")
    return DeadlineRule(
        code=row["code"],
        zh=row["zh"],
        docking=row["docking"],
        valid_from=date.fromisoformat(row["valid_from"]),
        valid_to=date.fromisoformat(row["valid_to"]) if row.get("valid_to") else None,
        trigger=row["trigger"],
        length=parse_length(row["length"]),
        on_expiry=row["on_expiry"],
        legal_basis=row["legal_basis"],
        when=dict(row.get("when", {})),
        stop_on=tuple(row.get("stop_on", ())),
        pause_on=tuple(row.get("pause_on", ())),
        extension=Extension(parse_length(extension["length"]), extension["times"], tuple(extension["needs"])) if extension else None,
        warn_before_days=tuple(row.get("warn_before_days", ())),
        remind_days=tuple(row.get("remind_days", ())),
        note=row.get("note", ""),
    )


def rule_row(rule: DeadlineRule) -> dict[str, Any]:
    """The opposite of `parse_rule`: plain JSON values, empty ones left out."""
    extension = rule.extension
    row = {
        "code": rule.code,
        "zh": rule.zh,
        "docking": rule.docking,
        "valid_from": rule.valid_from.isoformat(),
        "valid_to": rule.valid_to.isoformat() if rule.valid_to else None,
        "trigger": rule.trigger,
        "when": dict(rule.when),
        "length": str(rule.length),
        "stop_on": list(rule.stop_on),
        "pause_on": list(rule.pause_on),
        "extension": extension and {"length": str(extension.length), "times": extension.times, "needs": list(extension.needs)},
        "warn_before_days": list(rule.warn_before_days),
        "remind_days": list(rule.remind_days),
        "on_expiry": rule.on_expiry,
        "legal_basis": rule.legal_basis,
        "note": rule.note,
    }
    return {key: value for key, value in row.items() if value}


@cache
def defaults() -> RuleBook:
    """The rules that ship with the package."""
    text = (resources.files("tiaochu_domainkit") / "data" / "deadlines.json").read_text("utf-8")
    return book_of(map(parse_rule, json.loads(text)["rules"]))


def _overlay(below: Dated[DeadlineRule], above: Dated[DeadlineRule]) -> Dated[DeadlineRule]:
    """`above` where it holds, `below` in what is left."""
    left = list(below.entries)
    for upper in above.entries:
        left = [piece for entry in left for piece in _without(entry, upper.valid_from, upper.valid_to)]
    return Dated((*left, *above.entries))


def _without(entry: Entry[DeadlineRule], start: date, end: date | None) -> list[Entry[DeadlineRule]]:
    """What is left of an entry when the days from `start` up to `end` are taken out."""
    pieces = []
    if entry.valid_from < start:
        before_end = start if entry.valid_to is None else min(start, entry.valid_to)
        pieces.append(Entry(entry.value, entry.valid_from, before_end))
    if end is not None and (entry.valid_to is None or end < entry.valid_to):
        pieces.append(Entry(entry.value, max(end, entry.valid_from), entry.valid_to))
    return pieces
