"""What the gateway knows of a case from others' logs, and which packets are therefore due. A copy: each service's slice is written from its own log.

Order never matters: what is due is a pure function of the slices, and each packet is planned once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from tiaochu_domainkit.aggregate import Aggregate


@dataclass
class Fact:
    """Something another service said: when, and the codes a packet needs of it."""

    at: datetime
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DuePacket:
    """A packet to be written: `occasion` is unique in the exchange, so that it is written once."""

    exchange_id: str
    kind: str
    occasion: str


@dataclass(kw_only=True)
class CaseFile(Aggregate):
    """`exchanges` are those by which the case, or one merged into it, was offered to us.

    `accepted`, `declined`, `ended` are single facts; `course` are things told as progress, by occasion; `confirmations` ask a court, by
    agreement. `planned` remembers what has been ordered.
    """

    exchanges: list[str] = field(default_factory=list)
    master_case_id: str = ""
    accepted: Fact | None = None
    declined: Fact | None = None
    ended: Fact | None = None
    course: dict[str, Fact] = field(default_factory=dict)
    confirmations: dict[str, Fact] = field(default_factory=dict)
    planned: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, case_id: str, district: str) -> "CaseFile":
        """A case of which nothing is known yet."""
        return cls(id=case_id, district=district, status="known")

    def join(self, exchange_id: str) -> None:
        """The case came, or came too, by this exchange."""
        if exchange_id not in self.exchanges:
            self.exchanges.append(exchange_id)

    def plan(self) -> list[DuePacket]:
        """What is due and was not ordered before."""
        new = [due for due in self._due() if f"{due.exchange_id}:{due.occasion}" not in self.planned]
        self.planned += [f"{due.exchange_id}:{due.occasion}" for due in new]
        return new

    def _due(self) -> Iterator[DuePacket]:
        for exchange_id in self.exchanges:
            if self.declined:
                yield DuePacket(exchange_id, "return", "declined")
            if self.accepted:
                yield DuePacket(exchange_id, "sign", "accepted")
            # Progress is told of matters signed for; what happened before is in the result.
            if self.accepted and not self.ended:
                for occasion in self.course:
                    yield DuePacket(exchange_id, "progress", occasion)
            if self.ended:
                yield DuePacket(exchange_id, "result", "ended")
