"""Deliveries: bringing one packet to one endpoint, in the order of its case, for fourteen days."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from tiaochu_domainkit.aggregate import Aggregate, Transition, Transitions

HORIZON = timedelta(days=14)
"""[prop] The longest public holiday has nine days."""
FIRST_WAITS = (timedelta(seconds=5), timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2))
LATER_WAIT = timedelta(hours=6)
JITTER = 0.2

REFUSALS = frozenset({400, 404, 405, 413, 415, 422})
"""Answers that say the packet itself is unwanted: sending it again changes nothing, a person must look."""


@dataclass(kw_only=True)
class Delivery(Aggregate):
    """One packet on its way. `case_key` is what it is ordered by: the case, or the exchange while there is none.

    States: waiting → receipted, dead or skipped. A dead one holds back those behind it until a person replays or skips it.
    """

    TRANSITIONS: ClassVar[Transitions] = {
        "fail": Transition(("waiting",), ("waiting", "dead")),
        "receipt": Transition(("waiting", "dead", "skipped", "receipted"), ("receipted",)),
        "replay": Transition(("dead", "skipped", "receipted"), ("waiting",)),
        "skip": Transition(("dead", "waiting"), ("skipped", "receipted")),
    }

    packet_id: str
    exchange_id: str
    agency_id: str
    endpoint_id: str
    case_id: str
    case_key: str
    channel: str
    kind: str
    seq: int
    sha256: str
    queued_at: datetime
    next_at: datetime
    began_at: datetime
    attempts: int = 0
    last_status: int = 0
    last_fault: str = ""
    note: str = ""
    receipt_id: str = ""
    receipted_at: datetime | None = None

    def fail(self, *, status: int, fault: str, at: datetime, chance: float, wait: timedelta | None = None) -> None:
        """An attempt brought no receipt. `chance` in [0, 1) spreads the next one; `wait` is the agency's own Retry-After."""
        self.require("fail")
        self.attempts += 1
        self.last_status, self.last_fault = status, fault
        pause = wait or self._pause(chance)
        if status in REFUSALS:
            self.status, self.last_fault = "dead", "REFUSED"
        elif at + pause > self.began_at + HORIZON:
            self.status = "dead"
            self.last_fault = "BAD_RECEIPT" if fault == "BAD_RECEIPT" else "HORIZON"
        else:
            self.next_at = at + pause

    def receipt(self, receipt_id: str, channel: str, at: datetime) -> None:
        """The agency stored it."""
        self.require("receipt")
        self.status = "receipted"
        self.receipt_id, self.receipted_at, self.channel = receipt_id, at, channel
        self.last_fault = ""

    def replay(self, at: datetime) -> None:
        """Once more, with the same id and bytes and a new horizon."""
        self.require("replay")
        self.status = "waiting"
        self.attempts, self.next_at, self.began_at = 0, at, at

    def skip(self, note: str, at: datetime, *, on_paper: bool) -> None:
        """A person lets those behind it go on; on paper is a receipt of its own kind."""
        self.require("skip")
        self.note = note
        self.status = "receipted" if on_paper else "skipped"
        if on_paper:
            self.channel, self.receipted_at, self.receipt_id = "paper", at, f"paper-{self.id}"

    def _pause(self, chance: float) -> timedelta:
        planned = FIRST_WAITS[self.attempts - 1] if self.attempts <= len(FIRST_WAITS) else LATER_WAIT
        return planned * (1 - JITTER + 2 * JITTER * chance)
