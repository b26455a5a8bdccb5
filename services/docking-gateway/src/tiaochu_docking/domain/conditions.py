"""Conditions under which a packet may pass: a closed vocabulary, not a language.

A condition is written `predicate` or `predicate:argument`; what it looks at is in the packet: its consents, approvals, parties, content.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from tiaochu_domainkit.calendar import published
from tiaochu_domainkit.clocks import Length, due, midnight

Data = Mapping[str, Any]


@dataclass(frozen=True)
class Condition:
    """One condition: how the file writes it, and the test on the packet's `data` and the day (the sending day, Beijing)."""

    text: str
    holds: Callable[[Data, date], bool]
    reason: str = "PRECONDITION_MISSING"


@dataclass(frozen=True)
class Window:
    """A named clock of the docking's file: so long from the date in a content field."""

    start: str
    length: Length


def read_condition(text: str, windows: Mapping[str, Window]) -> Condition:
    """A condition of a docking's file; `ValueError` for a word outside the vocabulary."""
    word, _, argument = text.partition(":")
    counted = re.fullmatch(r"representatives<=(\d+)", text)
    if counted:
        return Condition(text, lambda data, _: sum(p.get("role") == "representative" for p in _parties(data)) <= int(counted[1]))
    if word == "consent":
        return Condition(text, _consent(argument))
    if word == "category":
        verb, _, listed = argument.partition(":")
        if verb not in ("in", "not_in"):
            raise ValueError(f"condition {text!r}: in or not_in")
        codes = tuple(listed.split(","))
        return Condition(text, lambda data, _: str(_content(data).get("category", "")).startswith(codes) is (verb == "in"))
    if word == "not_already_with":
        return Condition(text, lambda data, _: argument not in _content(data).get("already_with", ()))
    if word == "within":
        return Condition(text, _within(windows[argument]), "CLOCK_IMPOSSIBLE")
    if word == "excluded":
        grounds = frozenset(argument.split(","))
        return Condition(text, lambda data, _: not grounds & set(_content(data).get("exclusions", ())))
    plain = _PLAIN.get(text)
    if plain is None:
        raise ValueError(f"condition {text!r} is not in the vocabulary")
    return Condition(text, plain)


def _consent(who: str) -> Callable[[Data, date], bool]:
    if who not in ("applicant", "respondent", "both", "guardian"):
        raise ValueError(f"consent of {who!r}")
    wanted = {"applicant", "respondent"} if who == "both" else {who}

    def holds(data: Data, _: date) -> bool:
        roles = {p.get("party_ref"): p.get("role") for p in _parties(data)}
        consented = {c.get("party_ref") for c in data.get("consents", ())}
        if who == "guardian":
            needed = {p.get("guardian_ref") for p in _parties(data) if "minor" in p.get("flags", ())}
            return needed <= consented and None not in needed
        # Everybody on the side must have agreed: one respondent cannot speak for another.
        asked = {ref for ref, role in roles.items() if role in wanted}
        return bool(asked) and asked <= consented and wanted <= {roles[ref] for ref in asked}

    return holds


def _within(window: Window) -> Callable[[Data, date], bool]:
    def holds(data: Data, today: date) -> bool:
        try:
            start = midnight(date.fromisoformat(_content(data)[window.start]))
        except (KeyError, ValueError, TypeError):
            return False
        return due(start, window.length, published()).in_time(midnight(today))

    return holds


def _approved(step: str) -> Callable[[Data, date], bool]:
    return lambda data, _: any(a.get("step") == step for a in data.get("approvals", ()))


def _stated(name: str) -> Callable[[Data, date], bool]:
    return lambda data, _: bool(_content(data).get(name))


def _representation_proof(data: Data, _: date) -> bool:
    return all(p.get("proof") for p in _parties(data) if p.get("role") in ("agent", "representative"))


_PLAIN: Mapping[str, Callable[[Data, date], bool]] = {
    "leader_approval": _approved("leader"),
    "liaison_countersign": _approved("liaison"),
    "agency_approval": _approved("agency"),
    "identity_verified": _stated("identity_verified"),
    "representation_proof": _representation_proof,
    "own_request": _stated("own_request"),
    "safety_checked": _stated("safety_checked"),
}


def _content(data: Data) -> Mapping[str, Any]:
    return data.get("content") or {}


def _parties(data: Data) -> list[Mapping[str, Any]]:
    return list(_content(data).get("parties") or ())
