"""What can go wrong on the court's side, each for a number of times, so that a test begins and ends it.

Answering (our webhooks): slow, refuse, gone, bad_receipt, lost_answer, reorder.
Calling: twice, lying_clock, corrupt, old_secret, out_of_order.
"""

from dataclasses import dataclass

ANSWERING = frozenset({"slow", "refuse", "gone", "bad_receipt", "lost_answer", "reorder"})
CALLING = frozenset({"twice", "lying_clock", "corrupt", "old_secret", "out_of_order"})


@dataclass
class Scenario:
    """One misbehaviour: how often still (-1: until it is cleared), and its measure (seconds, HTTP status)."""

    name: str
    times: int
    value: float
    endpoint: str


class Scenarios:
    """Those that are on."""

    def __init__(self) -> None:
        self._on: dict[str, Scenario] = {}

    def start(self, name: str, *, times: int = 1, value: float = 0, endpoint: str = "") -> None:
        """Begin one. Raises `ValueError` for an unknown name."""
        if name not in ANSWERING | CALLING:
            raise ValueError(f"scenario must be one of {', '.join(sorted(ANSWERING | CALLING))}")
        self._on[name] = Scenario(name, times, value, endpoint)

    def clear(self) -> None:
        """End all."""
        self._on.clear()

    def listed(self) -> list[dict[str, object]]:
        """Those that are on."""
        return [{"name": s.name, "times": s.times, "value": s.value, "endpoint": s.endpoint} for s in self._on.values()]

    def take(self, name: str, endpoint: str = "") -> Scenario | None:
        """Whether it happens now; counts down."""
        scenario = self._on.get(name)
        if scenario is None or (scenario.endpoint and scenario.endpoint != endpoint):
            return None
        if scenario.times > 0:
            scenario.times -= 1
            if scenario.times == 0:
                del self._on[name]
        return scenario
