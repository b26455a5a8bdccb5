"""A window to test at: the running intake, staff with posts, requests with credible people, and events as the other services would write them."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import grpc
from google.protobuf.message import Message

from tiaochu.intake.v1 import case_commands_pb2 as pb
from tiaochu.intake.v1 import case_pb2
from tiaochu.intake.v1.case_queries_pb2 import GetCaseRequest
from tiaochu.log.v1.log_service_pb2 import LoggedEvent
from tiaochu.routing.events.v1.directory_events_pb2 import OrganPlaced
from tiaochu.routing.v1.directory_service_pb2 import ListOrgansRequest, ListOrgansResponse, Organ
from tiaochu_intake.app import build
from tiaochu_kit.ids import new_id
from tiaochu_kit.log import GENESIS
from tiaochu_kit.principal import Principal
from tiaochu_testkit import mothers
from tiaochu_testkit.services import Cell, Running

DISTRICT, OTHER_DISTRICT = "329901", "329902"
CITY, TOWN, VILLAGE, OTHER_TOWN = (f"0190b000-0000-7000-8000-00000000000{n}" for n in range(1, 5))
PATHS = {CITY: f"/{CITY}/", TOWN: f"/{CITY}/{TOWN}/", VILLAGE: f"/{CITY}/{TOWN}/{VILLAGE}/", OTHER_TOWN: f"/{CITY}/{OTHER_TOWN}/"}
NAMES = {CITY: "市调处中心", TOWN: "东山镇调处中心", VILLAGE: "德胜村调委会", OTHER_TOWN: "西河镇调处中心"}
REGION = "329901100201"
CASES = "tiaochu.intake.v1.CaseService/"


def staff(role: str, organ: str, *, district: str = DISTRICT, number: int = 1) -> Principal:
    """Somebody in a post."""
    ident = f"0190c000-0000-7000-8000-{abs(hash_of(role, organ, district, str(number))):012x}"
    return Principal(ident, frozenset({role}), organ, PATHS[organ], frozenset({district}))


def hash_of(*parts: str) -> int:
    """A small number that is the same in every run."""
    value = 7
    for c in "/".join(parts):
        value = (value * 131 + ord(c)) % (16**12)
    return value


CLERK = staff("acceptance_clerk", TOWN)
MEDIATOR = staff("village_mediator", VILLAGE)
DISPATCHER = staff("dispatcher", CITY)
OTHER_CLERK = staff("acceptance_clerk", OTHER_TOWN)
FOREIGN_CLERK = staff("acceptance_clerk", TOWN, district=OTHER_DISTRICT)
STATISTICIAN = staff("statistician", CITY)


def person(seed: int, **given: Any) -> case_pb2.PartyInput:
    """A party with papers that pass every check."""
    p = mothers.person(seed)
    fields: dict[str, Any] = {
        "kind": "person",
        "name": p.name,
        "id_type": "resident_id",
        "id_number": p.id_number,
        "phone": p.phone,
        "address": p.address,
    }
    return case_pb2.PartyInput(**fields | given)


def registration(seed: int = 1, **given: Any) -> pb.RegisterCaseRequest:
    """A credible registration."""
    fields: dict[str, Any] = {
        "channel": "window",
        "region_code": REGION,
        "facts": f"第{seed}件:因屋檐滴水流入院内,双方多次争吵。",
        "applicants": [person(2 * seed)],
        "respondents": [person(2 * seed + 1)],
        "claims": [case_pb2.ClaimInput(kind="pay", text="赔偿修缮费用", amount="1200.50")],
    }
    return pb.RegisterCaseRequest(**fields | given)


def classification(case_id: str, **given: Any) -> pb.ClassifyCaseRequest:
    """A plain classification."""
    fields: dict[str, Any] = {"category": "0201", "difficulty": "simple", "scale": "01", "risk": "none"}
    return pb.ClassifyCaseRequest(case_id=case_id, **fields | given)


@dataclass
class Desk:
    """The intake, answering."""

    running: Running

    async def call(self, rpc: str, request: Message, by: Principal | str = CLERK, **metadata: Any) -> Any:
        """Call an RPC of the case service, or of another one by its full name."""
        return await self.running.call(rpc if "/" in rpc else CASES + rpc, request, by=by, **metadata)

    async def registered(self, seed: int = 1, by: Principal | str = CLERK, **given: Any) -> pb.RegisterCaseResponse:
        """A registered case."""
        answer: pb.RegisterCaseResponse = await self.call("RegisterCase", registration(seed, **given), by)
        return answer

    async def classified(self, seed: int = 1, **given: Any) -> pb.RegisterCaseResponse:
        """A registered and classified case."""
        answer = await self.registered(seed, **given)
        await self.call("ClassifyCase", classification(answer.case_id))
        return answer

    async def get(self, case_id: str, by: Principal | str = CLERK, **given: Any) -> case_pb2.Case:
        """A case as `by` sees it."""
        answer = await self.call("GetCase", GetCaseRequest(case_id=case_id, **given), by)
        shown: case_pb2.Case = answer.case
        return shown

    async def journal(self, case_id: str) -> list[tuple[str, bytes]]:
        """Types and bodies of the events of a case, in order."""
        async with self.running.kit.database.transaction() as tx:
            rows = await tx.rows("SELECT type, payload FROM journal WHERE subject = %s ORDER BY seq", (case_id,))
        return [(type_.rpartition(".")[2], bytes(payload)) for type_, payload in rows]

    async def hear(self, event: Message, *, at: datetime | None = None, district: str = DISTRICT) -> None:
        """Let the intake read an event of another service, as the next one of that service's log."""
        producer = event.DESCRIPTOR.full_name.split(".")[1]
        kit = self.running.kit
        async with kit.database.transaction() as tx:
            rows = await tx.rows("SELECT position, hash FROM cursors WHERE producer = %s AND district = %s", (producer, district))
        position, previous = (rows[0][0], bytes(rows[0][1])) if rows else (0, GENESIS)
        logged = LoggedEvent(
            district=district,
            position=position + 1,
            previous_hash=previous,
            hash=sha256(previous).digest(),
            event_id=new_id(),
            type=event.DESCRIPTOR.full_name,
            aggregate_id=getattr(event, "case_id", "") or new_id(),
            version=1,
            subject=getattr(event, "case_id", ""),
            payload=event.SerializeToString(),
        )
        logged.occur_time.FromDatetime(at or kit.clock.now())
        logged.record_time.FromDatetime(kit.clock.now())
        await kit.consumers[producer].apply(district, [logged])

    async def place_organs(self) -> None:
        """Let the intake hear of the organs."""
        for organ_id, path in PATHS.items():
            place = OrganPlaced(
                organ_id=organ_id, organ_path=path, kind="town_centre", tier="town", region_code="329901100000", valid_from_on="2026-01-01"
            )
            await self.hear(place)

    async def parked(self) -> int:
        """How many events could not be applied."""
        async with self.running.kit.database.transaction() as tx:
            return int((await tx.rows("SELECT count(*) FROM parked_events"))[0][0])


@contextlib.asynccontextmanager
async def open_desk(cell: Cell, *, work: bool = False) -> AsyncIterator[Desk]:
    """The intake on its own: the logs of other services are spoken by the test; routing answers with the organs of `PATHS`."""
    async with directory() as routing:
        peers = {"routing": routing, "mediation": "127.0.0.1:1"}
        async with cell.running("intake", "tiaochu_intake", build, work=work, peers=peers) as running:
            yield Desk(running)


@contextlib.asynccontextmanager
async def directory() -> AsyncIterator[str]:
    """Routing as the intake meets it when a register names organs: one query over real gRPC. Yields its address."""

    async def list_organs(_request: ListOrgansRequest, _context: Any) -> ListOrgansResponse:
        return ListOrgansResponse(organs=[Organ(organ_id=i, name=NAMES[i], short_name=NAMES[i][:3]) for i in PATHS])

    server = grpc.aio.server()
    coding = {"request_deserializer": ListOrgansRequest.FromString, "response_serializer": ListOrgansResponse.SerializeToString}
    handlers: dict[str, Any] = {"ListOrgans": grpc.unary_unary_rpc_method_handler(list_organs, **coding)}  # type: ignore[arg-type]
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("tiaochu.routing.v1.DirectoryService", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)
