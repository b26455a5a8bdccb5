"""Routing under test: the real service on real PostgreSQL and NATS, and the services it listens to as journals that tests write."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import make_dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import pytest_asyncio
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from tiaochu.routing.v1 import directory_service_pb2 as directory
from tiaochu.routing.v1 import responsibility_service_pb2 as pb
from tiaochu.routing.v1 import rule_service_pb2 as rules
from tiaochu_embedded.nats import Nats
from tiaochu_embedded.postgres import Database
from tiaochu_kit.ids import new_id
from tiaochu_kit.migrations import create_kit_tables
from tiaochu_kit.principal import Principal, service_principal
from tiaochu_kit.runner import App
from tiaochu_kit.work import PendingEvent, Work
from tiaochu_routing.app import build
from tiaochu_testkit.servers import Databases, migrate_in_process
from tiaochu_testkit.services import Cell, Running

DISTRICT = "329901"
COUNTY, TOWN, TOWN_B, VILLAGE = "329901000000", "329901100000", "329901101000", "329901100201"

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
"""When every test begins, whatever day it runs on."""


@pytest.fixture(scope="session")
def service() -> str:
    return "routing"


@pytest.fixture(scope="session")
def migrate() -> Callable[[str, Database], None]:
    """Routing's own schema; a bare journal for the services it listens to."""

    def make(name: str, database: Database) -> None:
        if name == "routing":
            migrate_in_process(name, database)
            return
        password = database.owner_password_file.read_text().strip()
        engine = sa.create_engine(
            "postgresql+psycopg://", creator=lambda: psycopg.connect(database.owner_url, password=password), poolclass=sa.NullPool
        )
        with engine.begin() as connection:
            create_kit_tables(Operations(MigrationContext.configure(connection)))

    return make


class Teller:
    """A service that routing listens to: what a test tells goes through its journal, relay, NATS and `LogService`."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.versions: dict[str, int] = {}

    async def tell(self, name: str, *, at: datetime | None = None, district: str = DISTRICT, **fields: Any) -> None:
        """Record an event; its aggregate is the case."""
        kit = self.running.kit
        now = kit.clock.now()
        event = make_dataclass(name, list(fields))(**fields)
        case_id = fields.get("case_id", "")
        work = Work(now, service_principal("test"))
        self.versions[case_id] = self.versions.get(case_id, 0) + 1
        aggregate = case_id or new_id()
        work.events.append(PendingEvent(aggregate, self.versions[case_id], district, case_id, event, at or now, "{}"))
        async with kit.database.transaction() as tx:
            await kit.journal.save(tx, work)
        kit.committed()


class World:
    """Routing with a directory, and the people in it."""

    def __init__(self, cell: Cell, routing: Running, tellers: dict[str, Teller]) -> None:
        self.cell = cell
        self.routing = routing
        self.intake, self.mediation, self.docking = tellers["intake"], tellers["mediation"], tellers["docking"]
        self.organs = {name: new_id() for name in ("city", "town", "town_b", "village", "bureau", "committee")}
        self.people: dict[tuple[str, str], str] = {}

    def now(self) -> datetime:
        return self.routing.kit.clock.now()

    # The directory

    def directory_request(self) -> directory.ImportDirectoryRequest:
        """One city with a town that has a village, another town, a bureau with its committee, and three mediators."""
        o = self.organs
        request = directory.ImportDirectoryRequest(request_id=new_id(), district=DISTRICT, valid_from_on="2020-01-01")
        for code, name, level, parent in (
            (COUNTY, "靖川市", "county", ""),
            (TOWN, "新渡镇", "town", COUNTY),
            (TOWN_B, "东泾镇", "town", COUNTY),
            (VILLAGE, "渡口村", "village", TOWN),
        ):
            request.regions.add(code=code, name=name, level=level, parent_code=parent)
        for key, name, kind, tier, region, parent in (
            ("village", "渡口村调委会", "village_committee", "village", VILLAGE, "town"),
            ("town", "新渡镇调处中心", "town_centre", "town", TOWN, "city"),
            ("town_b", "东泾镇调处中心", "town_centre", "town", TOWN_B, "city"),
            ("city", "市调处中心", "city_centre", "city", COUNTY, ""),
            ("bureau", "住建局", "housing_bureau", "city", COUNTY, "city"),
            ("committee", "物调委", "property_committee", "city", COUNTY, "bureau"),
        ):
            parent_id = o[parent] if parent else ""
            request.organs.add(
                organ_id=o[key],
                code=key,
                name=name,
                kind=kind,
                tier=tier,
                region_code=region,
                parent_organ_id=parent_id,
                phone="0523-80100001",
            )
        for number, (key, role) in enumerate(
            (
                ("village", "village_mediator"),
                ("town", "mediator"),
                ("committee", "professional_mediator"),
                ("town", "acceptance_clerk"),
                ("city", "dispatcher"),
            )
        ):
            person = self.people.setdefault((key, role), new_id())
            request.staff.add(person_id=person, login=f"u{number}", name="王伟", sex="male", phone=f"1990000000{number}")
            request.posts.add(person_id=person, organ_id=o[key], role=role, valid_from_on="2024-01-01")
        for (key, role), specialties, load in (
            (("village", "village_mediator"), ["02", "01"], 10),
            (("town", "mediator"), ["06", "02"], 20),
            (("committee", "professional_mediator"), ["04"], 20),
        ):
            request.mediators.add(
                person_id=self.people[key, role], specialties=specialties, languages=["mandarin"], term_end_on="2030-12-31", max_load=load
            )
        return request

    async def load_directory(self) -> None:
        await self.call("DirectoryService/ImportDirectory", self.directory_request())
        request = rules.ImportRoutingRulesRequest(request_id=new_id(), district=DISTRICT)
        for code, category, relation, kind, tier, co_kinds, priority in (
            ("R1", "", "any", "village_committee", "village", ["town_centre"], 10),
            ("R2", "", "multiple", "town_centre", "town", ["housing_bureau"], 50),
            ("R3", "0402", "any", "property_committee", "city", [], 30),
        ):
            request.rules.add(
                code=code,
                valid_from_on="2020-01-01",
                category=category,
                legal_relation=relation,
                lead_kind=kind,
                lead_tier=tier,
                co_kinds=co_kinds,
                priority=priority,
            )
        await self.call("RuleService/ImportRoutingRules", request)

    def path(self, organ: str) -> str:
        chain = {"city": ("city",), "bureau": ("city", "bureau"), "committee": ("city", "bureau", "committee"), "town": ("city", "town")}
        chain |= {"town_b": ("city", "town_b"), "village": ("city", "town", "village")}
        return "/" + "/".join(self.organs[name] for name in chain[organ]) + "/"

    def person(self, organ: str, *roles: str, ident: str = "") -> Principal:
        """Somebody in a post of this organ."""
        return Principal(
            id=ident or new_id(),
            roles=frozenset(roles or ("dispatcher", "acceptance_clerk")),
            organ_id=self.organs[organ],
            organ_path=self.path(organ),
            districts=frozenset({DISTRICT}),
        )

    # Calls and news

    async def call(self, rpc: str, request: Any, *, by: Principal | str = "service:cli", **more: Any) -> Any:
        if "request_id" in request.DESCRIPTOR.fields_by_name and not request.request_id:
            request.request_id = new_id()
        key = getattr(request, "request_id", "") or new_id()
        return await self.routing.call(f"tiaochu.routing.v1.{rpc}", request, by=by, request_id=key, **more)

    async def register(self, organ: str = "village", *, case_id: str = "", **fields: Any) -> str:
        """A case that the intake registered and routing knows."""
        case_id = case_id or new_id()
        told: dict[str, Any] = {
            "case_id": case_id,
            "case_number": f"{DISTRICT}-2026-001-{case_id[-6:]}",
            "channel": "window",
            "first_receiver_organ_id": self.organs[organ],
            "first_receiver_organ_path": self.path(organ),
            "region_code": VILLAGE,
        }
        await self.intake.tell("CaseRegistered", **{**told, **fields})
        await self.read("intake")
        return case_id

    async def classify(self, case_id: str, **fields: Any) -> None:
        told: dict[str, Any] = {
            "case_id": case_id,
            "category": "0201",
            "mediable": "Y",
            "difficulty": "simple",
            "risk": "none",
            "single_legal_relation": True,
            "region_code": VILLAGE,
            "flags": [],
        }
        await self.intake.tell("CaseClassified", **{**told, **fields})
        await self.read("intake")

    async def classified(self, organ: str = "village", **fields: Any) -> str:
        """A case that is classified, with its lead named."""
        case_id = await self.register(organ)
        await self.classify(case_id, **fields)
        await self.settle()
        return case_id

    async def read(self, *producers: str) -> None:
        """Bring routing's reading of these logs (all when none is named) to their heads."""
        for producer in producers or ("intake", "mediation", "docking", "routing"):
            await self.routing.kit.consumers[producer].catch_up("")

    async def settle(self) -> None:
        """Do every duty that is due and read every log until nothing is left to do."""
        for _ in range(20):
            await self.read()
            service: Any = self.routing.service
            busy = await service._calls.make_open()
            busy |= await service._timers.fire_due()
            if not busy:
                return
        raise AssertionError("duties never end")

    def step(self, **span: float) -> None:
        self.cell.step_clock(timedelta(**span).total_seconds())

    async def case(self, case_id: str) -> pb.Responsibility:
        answer = await self.call("ResponsibilityService/GetResponsibility", pb.GetResponsibilityRequest(case_id=case_id))
        return answer.responsibility  # type: ignore[no-any-return]

    async def events(self, case_id: str) -> list[str]:
        """Names of the events routing recorded for a case, in order."""
        async with self.routing.kit.database.transaction() as tx:
            rows = await tx.rows("SELECT type FROM journal WHERE subject = %s ORDER BY seq", (case_id,))
        return [row[0].rpartition(".")[2] for row in rows]

    async def offer(
        self, case_id: str, by: Principal, to: str, kind: pb.TransferKind.ValueType = pb.TRANSFER_KIND_REFER, proposal: str = ""
    ) -> str:
        request = pb.OfferTransferRequest(
            case_id=case_id, kind=kind, to_organ_id=self.organs[to], reason="not_competent", proposal=proposal
        )
        answer = await self.call("ResponsibilityService/OfferTransfer", request, by=by)
        return str(answer.transfer_id)


@asynccontextmanager
async def standing(cell: Cell, *, work: bool) -> AsyncIterator[World]:
    """Routing and its neighbours; without `work` a test says when logs are read and duties done."""
    cell.step_clock((NOW - datetime.now(UTC)).total_seconds())
    async with AsyncExitStack() as stack:
        tellers = {}
        for name in ("intake", "mediation", "docking"):
            running = await stack.enter_async_context(cell.running(name, "toy", lambda _: App(rpcs={}), work=work))
            tellers[name] = Teller(running)
        routing = await stack.enter_async_context(cell.running("routing", "tiaochu_routing", build, work=work))
        yield World(cell, routing, tellers)


@pytest_asyncio.fixture
async def empty_world(cell: Cell) -> AsyncIterator[World]:
    """Routing without a directory."""
    async with standing(cell, work=False) as made:
        yield made


@pytest_asyncio.fixture
async def world(empty_world: World) -> World:
    """Routing with a small city in its directory."""
    await empty_world.load_directory()
    await empty_world.settle()
    return empty_world


@pytest_asyncio.fixture
async def live_world(cell: Cell) -> AsyncIterator[World]:
    """The same with its background loops, as in production."""
    async with standing(cell, work=True) as made:
        await made.load_directory()
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_world(tmp_path_factory: pytest.TempPathFactory, nats_server: Nats, databases: Databases) -> AsyncIterator[World]:
    """One world for the tests of a module that touch only cases of their own."""
    made: list[Database] = []

    def create(name: str) -> Database:
        made.append(databases.create(name))
        return made[-1]

    cell = Cell(tmp_path_factory.mktemp("cell"), nats_server, create)
    async with standing(cell, work=False) as world:
        await world.load_directory()
        await world.settle()
        yield world
    cell.close()
    for database in made:
        databases.drop(database)
