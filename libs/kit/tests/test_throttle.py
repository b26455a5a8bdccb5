"""A bucket for every caller."""

import pytest

from tiaochu_domainkit.errors import DomainError, Kind
from tiaochu_kit import throttle
from tiaochu_kit.errors import RETRY_AFTER
from tiaochu_kit.throttle import Throttle


def test_a_caller_has_a_burst_then_a_steady_rate_and_takes_nothing_from_others() -> None:
    moment = [0.0]
    asked = Throttle(0.5, 3, lambda: moment[0])
    assert [asked.spend("a") for _ in range(3)] == [2, 1, 0]
    with pytest.raises(DomainError) as refusal:
        asked.spend("a")
    assert (refusal.value.kind, refusal.value.reason) == (Kind.RESOURCE_EXHAUSTED, "RATE_LIMITED")
    assert asked.spend("b") == 2
    moment[0] += int(refusal.value.metadata[RETRY_AFTER]) / 1000
    asked.spend("a")
    with pytest.raises(DomainError):
        asked.spend("a")


def test_of_too_many_callers_those_who_spent_most_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "MOST_CALLERS", 10)
    asked = Throttle(1, 5, lambda: 0.0)
    for _ in range(5):
        asked.spend("greedy")
    for n in range(100):
        asked.spend(f"caller {n}")
    with pytest.raises(DomainError):
        asked.spend("greedy")
