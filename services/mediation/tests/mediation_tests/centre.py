"""A centre at work: mediation with its neighbours, people with posts, and a case that gets wherever a test wants it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from tiaochu.mediation.v1 import mediation_pb2, mediation_service_pb2
from tiaochu_kit.ids import new_id
from tiaochu_kit.principal import Principal
from tiaochu_mediation.app import build
from tiaochu_testkit.services import Cell, Running
from tiaochu_testkit.waiting import eventually

from .neighbours import Docking, Intake, Routing  # noqa: TID252 - tests of one package

DISTRICT = "329901"
CITY, TOWN, VILLAGE, ELSEWHERE = (new_id() for _ in range(4))
VILLAGE_PATH = f"/{CITY}/{TOWN}/{VILLAGE}/"


def person(*roles: str, organ: str = VILLAGE, path: str = VILLAGE_PATH, district: str = DISTRICT) -> Principal:
    """Somebody in a post."""
    return Principal(new_id(), frozenset(roles), organ, path, frozenset({district}))


@dataclass
class People:
    """Who works at the village and above it."""

    clerk: Principal = field(default_factory=lambda: person("acceptance_clerk"))
    mediator: Principal = field(default_factory=lambda: person("village_mediator"))
    other: Principal = field(default_factory=lambda: person("village_mediator"))
    head: Principal = field(default_factory=lambda: person("station_head"))
    director: Principal = field(default_factory=lambda: person("centre_director", organ=TOWN, path=f"/{CITY}/{TOWN}/"))
    stranger: Principal = field(default_factory=lambda: person("mediator", organ=ELSEWHERE, path=f"/{CITY}/{ELSEWHERE}/"))


@dataclass
class Case:
    """A case and what the test learned of it."""

    id: str
    applicant: str
    respondent: str
    at: datetime
    session: str = ""
    agreement: str = ""
    edition: int = 0
    obligations: list[str] = field(default_factory=list)

    @property
    def parties(self) -> tuple[str, str]:
        return self.applicant, self.respondent


@dataclass
class Centre:
    """Mediation running among its neighbours."""

    cell: Cell
    running: Running
    intake: Intake
    routing: Routing
    docking: Docking
    people: People = field(default_factory=People)

    # What neighbours say

    async def register(self, **fields: Any) -> Case:
        """A case of two neighbours comes in; it is classified as a simple one unless told otherwise."""
        case = Case(new_id(), new_id(), new_id(), self.now())
        self.intake.parties[case.id] = [(case.applicant, "applicant"), (case.respondent, "respondent")]
        classified = {"category": "0201", "difficulty": "simple", "flags": [], **fields}
        await self.hear(self.intake, "CaseRegistered", case, first_receiver_organ_id=VILLAGE, first_receiver_organ_path=VILLAGE_PATH)
        await self.hear(self.intake, "CaseClassified", case, **classified)
        return case

    async def accept(self, case: Case, *, on_the_spot: bool = False) -> None:
        """The village accepts it; mediation opens."""
        await self.hear(
            self.routing,
            "CaseAccepted",
            case,
            organ_id=VILLAGE,
            organ_path=VILLAGE_PATH,
            on_the_spot=on_the_spot,
            mediation_kind="people",
        )
        await self.reached(case, "opened")

    async def hear(self, neighbour: Any, name: str, case: Case, **fields: Any) -> None:
        await neighbour.say(name, case.id, DISTRICT, self.now(), **fields)

    async def reached(self, case: Case, *states: str) -> None:
        """Wait until the mediation is in one of these states."""

        async def there() -> bool:
            return (await self.status(case)) in states

        await eventually(there)

    # What people do

    async def do(self, rpc: str, case: Case, by: Principal | str, **fields: Any) -> Any:
        """A command or query of `MediationService` on the case."""
        request = getattr(mediation_service_pb2, f"{rpc}Request")(case_id=case.id, **fields)
        return await self.running.call(f"tiaochu.mediation.v1.MediationService/{rpc}", request, by=by)

    async def status(self, case: Case) -> str:
        """The state as it is stored; empty while mediation has not heard of the case."""
        async with self.running.kit.database.transaction() as tx:
            rows = await tx.rows("SELECT status FROM mediations WHERE id = %s", (case.id,))
        return rows[0][0] if rows else ""

    async def events(self, case: Case) -> list[str]:
        """Names of what mediation's journal says of the case, in order."""
        async with self.running.kit.database.transaction() as tx:
            rows = await tx.rows("SELECT type FROM journal WHERE subject = %s ORDER BY seq", (case.id,))
        return [row[0].rpartition(".")[2] for row in rows]

    async def event(self, case: Case, name: str) -> Any:
        """The newest event of that name, decoded."""
        type_name = f"tiaochu.mediation.events.v1.{name}"
        async with self.running.kit.database.transaction() as tx:
            rows = await tx.rows("SELECT payload FROM journal WHERE subject = %s AND type = %s ORDER BY seq DESC", (case.id, type_name))
        return self.running.kit.codec.decode(type_name, bytes(rows[0][0]))

    def now(self) -> datetime:
        """The centre's clock."""
        return self.running.kit.clock.now()

    def later(self, **delta: float) -> None:
        """Step the centre's clock."""
        self.cell.step_clock(timedelta(**delta).total_seconds())

    # The way to an agreement

    async def assign(self, case: Case, mediator: Principal | None = None) -> None:
        mediator = mediator or self.people.mediator
        await self.choose(case, mediator)
        await self.do("AcceptAssignment", case, mediator)

    async def choose(self, case: Case, mediator: Principal) -> None:
        await self.running.give_posts(mediator)
        await self.do("ChooseMediator", case, self.people.clerk, mediator_id=mediator.id, chosen_by="parties")

    async def tell(self, case: Case, *parties: str) -> None:
        for party in parties or case.parties:
            await self.do("AcknowledgeNotice", case, self.people.clerk, on_behalf_of=behalf(party))

    async def prepared(self, **fields: Any) -> Case:
        case = await self.register(**fields)
        await self.accept(case)
        await self.assign(case)
        await self.tell(case)
        return case

    async def schedule(self, case: Case, **fields: Any) -> None:
        values: dict[str, Any] = {"starts_at": stamp(self.now() + timedelta(days=1, minutes=1)), "mode": "in_person", **fields}
        case.session = (await self.do("ScheduleSession", case, self.people.clerk, **values)).session_id

    async def hold(self, case: Case, result: str, **fields: Any) -> None:
        values: dict[str, Any] = {
            "session_id": case.session,
            "result": result,
            "facts": "双方对通行权有争议。",
            "summary": "调解小结。",
            "statements": said(*case.parties),
            **fields,
        }
        self.later(days=1, hours=2)
        await self.do("HoldSession", case, self.people.mediator, **values)

    async def agreed(self, **fields: Any) -> Case:
        case = await self.prepared(**fields)
        await self.schedule(case)
        await self.hold(case, "agreed")
        return case

    async def draft(self, case: Case, by: Principal | None = None, **fields: Any) -> None:
        due_on = (self.now() + timedelta(days=20)).date().isoformat()
        values: dict[str, Any] = {
            "form": "written",
            "facts": "双方因排水发生争议。",
            "terms": "被申请人支付维修费。",
            "obligations": [pays(case, "3000.00", due_on)],
            **fields,
        }
        answer = await self.do("DraftAgreement", case, by or self.people.mediator, **values)
        case.agreement, case.edition, case.obligations = answer.agreement_id, answer.edition, list(answer.obligation_ids)

    async def sign(self, case: Case, who: str, by: Principal | None = None, **fields: Any) -> Any:
        signed_as = who if who in {"mediator", "seal"} else "party"
        values: dict[str, Any] = {
            "agreement_id": case.agreement,
            "edition": case.edition,
            "signed_as": signed_as,
            "method": "paper",
            "kind": "seal" if who == "seal" else "signature",
            **({"on_behalf_of": behalf(who)} if signed_as == "party" else {}),
            **fields,
        }
        return await self.do("SignAgreement", case, by or (self.people.mediator if who == "mediator" else self.people.clerk), **values)

    async def effective(self, **fields: Any) -> Case:
        case = await self.agreed(**fields)
        await self.draft(case)
        for who in (*case.parties, "mediator", "seal"):
            await self.sign(case, who)
        return case


def behalf(party_id: str) -> mediation_service_pb2.OnBehalfOf:
    """A party acts through staff."""
    return mediation_service_pb2.OnBehalfOf(party_id=party_id, identity_check="original_seen")


def said(*parties: str) -> list[mediation_pb2.PartyText]:
    """A statement of each."""
    return [mediation_pb2.PartyText(party_id=p, text="陈述意见。") for p in parties]


def pays(case: Case, amount: str, due_on: str) -> mediation_service_pb2.ObligationInput:
    """The respondent pays the applicant."""
    return mediation_service_pb2.ObligationInput(
        kind="pay", obligor_party_id=case.respondent, obligee_party_id=case.applicant, amount=amount, due_on=due_on, detail="银行转账"
    )


def stamp(at: datetime) -> Timestamp:
    """A moment on the wire."""
    made = Timestamp()
    made.FromDatetime(at.astimezone(UTC))
    return made


@asynccontextmanager
async def centre_in(cell: Cell) -> AsyncIterator[Centre]:
    """Everybody at work."""
    intake, routing, docking = Intake(), Routing(), Docking()
    routing.organs[VILLAGE] = ("东门村", "village")
    for service in ("intake", "routing", "docking", "mediation"):
        cell.port(service)
    async with AsyncExitStack() as stack:
        for neighbour in (intake, routing, docking):
            await stack.enter_async_context(cell.running(neighbour.service, "neighbour", neighbour.build))
        running = await stack.enter_async_context(cell.running("mediation", "tiaochu_mediation", build))
        yield Centre(cell, running, intake, routing, docking)
