"""Aggregates: plain dataclasses that change by commands and record what happened.

A concrete aggregate names its allowed commands per state once, as data:

    class Referral(Aggregate):
        TRANSITIONS: ClassVar[Transitions] = {
            "offer": Transition(("created",), ("offered",)),
            "sign": Transition(("offered",), ("signed",)),
        }

and each command method begins with `self.require("sign")`. A test proves that table and methods are equal
(`tiaochu_testkit.transitions`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from tiaochu_domainkit.errors import InvalidTransition


@dataclass(frozen=True)
class Transition:
    """A command: the states it is allowed in and the states it can lead to."""

    allowed_in: tuple[str, ...]
    leads_to: tuple[str, ...]


Transitions = Mapping[str, Transition]


@dataclass(frozen=True)
class Recorded:
    """An event as the aggregate recorded it: `event` is a frozen dataclass, `occurred_at` the moment of the act."""

    event: Any
    occurred_at: datetime


@dataclass(kw_only=True)
class Aggregate:
    """A consistency boundary, stored as one document.

    `id` is a UUIDv7 in text. `district` is the six-digit county code that owns the row. `version` counts saved changes
    and is set by the executor alone. `status` is one of the states named in `TRANSITIONS`.
    """

    TRANSITIONS: ClassVar[Transitions] = {}

    id: str
    district: str
    status: str
    version: int = 0

    @property
    def recorded(self) -> list[Recorded]:
        """Events not yet written to the journal; not part of the document (attributes with an underscore are not encoded)."""
        events: list[Recorded] = self.__dict__.setdefault("_recorded", [])
        return events

    def require(self, command: str) -> None:
        """Raise `InvalidTransition` unless `command` is allowed in the present state."""
        if self.status not in self.TRANSITIONS[command].allowed_in:
            raise InvalidTransition(command, self.status, self.allowed_commands())

    def allowed_commands(self) -> tuple[str, ...]:
        """The commands allowed in the present state, in the order of the table."""
        return tuple(name for name, t in self.TRANSITIONS.items() if self.status in t.allowed_in)

    def record(self, event: Any, occurred_at: datetime) -> None:
        """Note that something happened. The executor writes it to the journal with the state."""
        self.recorded.append(Recorded(event, occurred_at))
