"""The proof of transitions accepts a right table and names each way to be wrong."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar

import pytest

from tiaochu_domainkit.aggregate import Aggregate, Transition, Transitions
from tiaochu_testkit import assert_transitions_match

AT = datetime(2026, 3, 2, tzinfo=UTC)
OPEN = "open"


@dataclass(frozen=True)
class Happened:
    what: str


@dataclass(kw_only=True)
class Door(Aggregate):
    TRANSITIONS: ClassVar[Transitions] = {
        "unlock": Transition(("locked",), ("shut",)),
        "push": Transition(("shut", "open"), ("open", "shut")),
        "paint": Transition(("shut", "open"), ("shut", "open")),
    }
    coats: list[str] = field(default_factory=list)

    @classmethod
    def build(cls) -> "Door":
        door = cls(id="d", district="321282", status="locked")
        door.record(Happened("built"), AT)
        return door

    def unlock(self) -> None:
        """With a docstring."""
        self.require("unlock")
        self._become("shut")

    def _become(self, status: str) -> None:
        self.status = status
        self.record(Happened(status), AT)

    def push(self) -> None:
        self.require("push")
        self.status = OPEN if self.status == "shut" else "shut"

    def paint(self, colour: str) -> None:
        self.require("paint")
        self.coats.append(colour)

    def colour(self) -> str:
        return self.coats[-1]


def test_a_right_table_passes() -> None:
    assert_transitions_match(Door)


class NoMethod(Door):
    TRANSITIONS: ClassVar[Transitions] = {**Door.TRANSITIONS, "burn": Transition(("open",), ("gone",))}


class NoRequire(Door):
    def unlock(self) -> None:
        self.status = "shut"


class RequiresLate(Door):
    def unlock(self) -> None:
        self.status = "shut"
        self.require("unlock")


class RequiresOther(Door):
    def unlock(self) -> None:
        self.require("push")
        self.status = "shut"


class SecretAssignment(Door):
    def strip(self) -> None:
        self.coats = []


class SecretAppend(Door):
    def scratch(self) -> None:
        self.coats.append("scratch")


class SecretRecord(Door):
    def knock(self) -> None:
        self.record(Happened("knock"), AT)


class SecretByHelper(Door):
    def kick(self) -> None:
        self._become("open")


class WrongState(Door):
    def paint(self, colour: str) -> None:
        self.require("paint")
        self.status = "wet"


class NeverReached(Door):
    TRANSITIONS: ClassVar[Transitions] = {**Door.TRANSITIONS, "paint": Transition(("shut",), ("dry",))}


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (NoMethod, "burn"),
        (NoRequire, "unlock"),
        (RequiresLate, "unlock"),
        (RequiresOther, "unlock"),
        (SecretAssignment, "strip"),
        (SecretAppend, "scratch"),
        (SecretRecord, "knock"),
        (SecretByHelper, "kick"),
        (WrongState, "wet"),
        (NeverReached, "dry"),
    ],
)
def test_each_difference_is_named(wrong: type[Aggregate], named: str) -> None:
    with pytest.raises(AssertionError, match=named):
        assert_transitions_match(wrong)
