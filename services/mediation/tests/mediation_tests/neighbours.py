"""Intake, routing and the docking gateway as mediation meets them: real logs on real NATS, real gRPC, with nothing behind.

Each says whatever a test has it say, as its own event in its own journal, and answers the one query that mediation asks of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, make_dataclass
from datetime import datetime
from typing import Any

from google.protobuf import descriptor_pool

from tiaochu.docking.events.v1 import docking_events_pb2  # noqa: F401 - descriptors of what is said
from tiaochu.intake.events.v1 import case_events_pb2  # noqa: F401
from tiaochu.intake.v1 import case_pb2, case_queries_pb2, case_service_pb2  # noqa: F401
from tiaochu.options.v1 import options_pb2
from tiaochu.routing.events.v1 import clock_events_pb2, responsibility_events_pb2  # noqa: F401
from tiaochu.routing.v1 import directory_service_pb2
from tiaochu_domainkit.aggregate import Aggregate
from tiaochu_domainkit.errors import not_found
from tiaochu_kit.documents import DocumentTable
from tiaochu_kit.ids import new_id
from tiaochu_kit.journal import Journal
from tiaochu_kit.principal import Context, Principal
from tiaochu_kit.runner import App, Kit
from tiaochu_kit.usecase import Work, command, query


@dataclass(kw_only=True)
class Voice(Aggregate):
    """Whatever a neighbour says of a case."""


VOICES = DocumentTable("voices", Voice)


class Neighbour:
    """One neighbour. `answers`: RPC → what it answers, by a function of the request."""

    def __init__(self, service: str, rpc_service: str, answers: Mapping[str, Any]) -> None:
        self.service = service
        self._rpc_service = rpc_service
        self._answers = answers
        self._kit: Kit | None = None

    def build(self, kit: Kit) -> App:
        """The app to run it with."""
        self._kit = kit
        if not self._rpc_service:
            return App(rpcs={})
        handlers = _handlers(self._rpc_service, self._answers)
        return App(rpcs={self._rpc_service: [handlers]}, consumers={name: [] for name in _read_first(self._rpc_service)})

    async def say(self, name: str, case_id: str, district: str, at: datetime, actor: Principal | None = None, /, **fields: Any) -> None:
        """Write an event to this neighbour's journal, and have it relayed."""
        assert self._kit is not None
        body = {"case_id": case_id, **fields}
        event = make_dataclass(name, [(field, Any) for field in body])(**body)
        voice = Voice(id=new_id(), district=district, status="said")
        voice.record(event, at)
        work = Work(self._kit.clock.now(), actor or Principal(f"service:{self.service}"))
        work.add(VOICES, voice)
        async with self._kit.database.transaction() as tx:
            journal: Journal = self._kit.journal
            await journal.save(tx, work)
        self._kit.committed()


def _handlers(rpc_service: str, answers: Mapping[str, Any]) -> object:
    """An object with a method for every RPC of the service; those without an answer are not there for mediation."""
    descriptor = descriptor_pool.Default().FindServiceByName(rpc_service)
    methods = {}
    for rpc in descriptor.methods:
        name = "".join(f"_{c.lower()}" if c.isupper() else c for c in rpc.name).strip("_")
        if rpc.GetOptions().Extensions[options_pb2.mutation]:
            methods[name] = command()(_silent)
        else:
            methods[name] = query(_answering(answers.get(rpc.name)))
    return type("Handlers", (), methods)()


def _read_first(rpc_service: str) -> set[str]:
    """The services whose logs some RPC reads before it answers: kit wants them consumed."""
    descriptor = descriptor_pool.Default().FindServiceByName(rpc_service)
    return {name for rpc in descriptor.methods for name in rpc.GetOptions().Extensions[options_pb2.fresh]}


def _silent(_self: object, _work: Work, _request: Any) -> Any:
    raise not_found("rpc", "of a neighbour")


def _answering(answer: Any) -> Any:
    async def answered(_self: object, _ctx: Context, request: Any) -> Any:
        if answer is None:
            raise not_found("rpc", "of a neighbour")
        return answer(request)

    return answered


class Intake(Neighbour):
    """Knows the parties of cases: case id → (party id, side)."""

    def __init__(self) -> None:
        super().__init__("intake", "tiaochu.intake.v1.CaseService", {"GetParties": self._parties})
        self.parties: dict[str, list[tuple[str, str]]] = {}

    def _parties(self, request: case_queries_pb2.GetPartiesRequest) -> case_queries_pb2.GetPartiesResponse:
        if request.case_id not in self.parties:
            raise not_found("case", request.case_id)
        return case_queries_pb2.GetPartiesResponse(
            parties=[case_pb2.Party(party_id=party, side=side) for party, side in self.parties[request.case_id]]
        )


class Routing(Neighbour):
    """Knows organs: organ id → (short name, tier)."""

    def __init__(self) -> None:
        super().__init__("routing", "tiaochu.routing.v1.DirectoryService", {"GetOrgan": self._organ})
        self.organs: dict[str, tuple[str, str]] = {}

    def _organ(self, request: directory_service_pb2.GetOrganRequest) -> directory_service_pb2.GetOrganResponse:
        if request.organ_id not in self.organs:
            raise not_found("organ", request.organ_id)
        short_name, tier = self.organs[request.organ_id]
        organ = directory_service_pb2.Organ(organ_id=request.organ_id, short_name=short_name, tier=tier)
        return directory_service_pb2.GetOrganResponse(organ=organ)


class Docking(Neighbour):
    """Passes on what the court decides."""

    def __init__(self) -> None:
        super().__init__("docking", "", {})
