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

    `accepted`, `declined`, `agreement` (the newest in force) and `terminated` are single facts; `course` are things told as progress, by occasion.
    `planned` remembers what has been ordered, `traceparent` in which trace the newest fact came.
    """

    category: str = ""
    traceparent: str = ""
    exchanges: list[str] = field(default_factory=list)
    accepted: Fact | None = None
    declined: Fact | None = None
    agreement: Fact | None = None
    terminated: Fact | None = None
    course: dict[str, Fact] = field(default_factory=dict)
    planned: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, case_id: str, district: str) -> "CaseFile":
        """A case of which nothing is known yet."""
        return cls(id=case_id, district=district, status="known")

    @property
    def ended(self) -> bool:
        """The mediation is over: all is agreed, or nothing more will be."""
        return self.terminated is not None or (self.agreement is not None and not self.agreement.values.get("partial"))

    @property
    def never_begun(self) -> bool:
        """It ended before anybody had accepted the case."""
        return self.terminated is not None and bool(self.terminated.values.get("before_acceptance")) and self.accepted is None

    @property
    def sessions(self) -> int:
        """Sessions held, as far as they were told."""
        return sum(occasion.startswith("session:") for occasion in self.course)

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
            if self.declined or self.never_begun:
                yield DuePacket(exchange_id, "return", "returned")
                continue
            if self.accepted or self.ended:
                # Whoever tells an outcome has taken the matter, also where it was settled on the spot.
                yield DuePacket(exchange_id, "sign", "signed")
            if self.accepted and not self.ended:
                for occasion in self.course:
                    yield DuePacket(exchange_id, "progress", occasion)
            if self.ended:
                yield DuePacket(exchange_id, "result", "ended")
