"""The journals of all services as facts, in the order of each log."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
from google.protobuf.message import DecodeError, Message

from tiaochu.docking.v1.docking_service_pb2 import Delivery
from tiaochu.log.v1.log_service_pb2 import Head, LoggedEvent
from tiaochu_cli.events import decode, name_of


@dataclass(frozen=True)
class Fact:
    """One event. `body` is None for a type this release does not know, or bytes that do not decode."""

    service: str
    event: LoggedEvent
    body: Any

    @property
    def name(self) -> str:
        """`CaseRegistered`."""
        return name_of(self.event.type)

    @property
    def district(self) -> str:
        """The log's district."""
        return self.event.district

    @property
    def case_id(self) -> str:
        """The case, empty for none."""
        return self.event.subject

    @property
    def position(self) -> int:
        """Place in the log."""
        return self.event.position

    @property
    def occurred_at(self) -> datetime:
        """When the act happened."""
        return self.event.occur_time.ToDatetime(tzinfo=UTC)

    @property
    def recorded_at(self) -> datetime:
        """When it was recorded."""
        return self.event.record_time.ToDatetime(tzinfo=UTC)

    @property
    def actor(self) -> str:
        """Person or service."""
        return str(orjson.loads(self.event.headers or "{}").get("actor", ""))

    @property
    def place(self) -> str:
        """Where it stands, for findings."""
        return f"{self.service}/{self.district}/{self.position}"


@dataclass
class Journals:
    """Everything read so far. `heads` are the heads each service answered, `parked` the events it put aside, `queue` the gateway's deliveries
    (None where the caller may not see them).

    `asked_at` is the instant the question is about. Work goes on while journals are read, and what was recorded later may not have reached
    everybody when it is looked at; None for journals nobody writes any more.
    """

    logs: dict[tuple[str, str], list[Fact]] = field(default_factory=lambda: defaultdict(list))
    heads: dict[str, Sequence[Head]] = field(default_factory=dict)
    parked: list[tuple[str, str, LoggedEvent]] = field(default_factory=list)
    queue: Sequence[Delivery] | None = None
    asked_at: datetime | None = None

    def add(self, service: str, events: Iterable[LoggedEvent]) -> None:
        """Append a range of a log."""
        for event in events:
            self.logs[service, event.district].append(Fact(service, event, _body(event)))

    def position(self, service: str, district: str) -> int:
        """The newest position read of a log."""
        log = self.logs.get((service, district))
        return log[-1].position if log else 0

    @property
    def services(self) -> set[str]:
        """Services whose journals were read."""
        return set(self.heads)

    @property
    def districts(self) -> list[str]:
        """Districts with cases."""
        return sorted({district for (_, district), log in self.logs.items() if log and district != "000000"})

    def facts(self, *names: str) -> Iterator[Fact]:
        """Known facts of these names (all when none is given), each log in its order."""
        for key in sorted(self.logs):
            for fact in self.logs[key]:
                if fact.body is not None and (not names or fact.name in names):
                    yield fact

    def by_case(self, *, settled: bool = False) -> dict[str, list[Fact]]:
        """Known facts of each case, those of one service in the order of its log; `settled`: as it was known at `asked_at`."""
        cases: dict[str, list[Fact]] = defaultdict(list)
        for fact in self.facts():
            if fact.case_id and (self.is_settled(fact) or not settled):
                cases[fact.case_id].append(fact)
        return cases

    @property
    def count(self) -> int:
        """Events read."""
        return sum(map(len, self.logs.values()))

    def is_settled(self, fact: Fact) -> bool:
        """Whether everybody had to know it."""
        return self.asked_at is None or fact.recorded_at <= self.asked_at

    @property
    def now(self) -> datetime:
        """The instant the question is about; the newest moment of recording for journals nobody writes any more."""
        return self.asked_at or max((log[-1].recorded_at for log in self.logs.values() if log), default=datetime.min.replace(tzinfo=UTC))


def of(facts: Iterable[Fact], *names: str) -> list[Fact]:
    """Those of these names."""
    return [fact for fact in facts if fact.name in names]


def _body(event: LoggedEvent) -> Message | None:
    try:
        return decode(event.type, event.payload)
    except (KeyError, DecodeError):
        return None
