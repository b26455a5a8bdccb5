"""What the attacked stack holds: cases in several states in two districts, and every value that was told about them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from e2e.office import Office
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message

from security.messages import Known
from tiaochu_cli.rpcs import service_of
from tiaochu_demo.directory import CITY, NEIGHBOUR, load_directory
from tiaochu_demo.driver import Actor, Cast, Clerk, Court, Mediator, Wire
from tiaochu_demo.driver.rpcs import roles_of
from tiaochu_demo.prepare import OPERATOR
from tiaochu_demo.synthetic import papers
from tiaochu_demo.synthetic.casebook import Casebook
from tiaochu_domainkit.clocks import beijing
from tiaochu_embedded.client import RunningStack
from tiaochu_embedded.stack import Stack
from tiaochu_embedded.topology import DEFAULT
from tiaochu_testkit import contracts

SERVICES = DEFAULT.services
_FEW = 12
"""Values kept of one field."""


class Listening(Wire):
    """A client that keeps the values of all fields it sends and is sent."""

    def __init__(self, stack: RunningStack) -> None:
        super().__init__(stack)
        self.heard: dict[str, list[Any]] = defaultdict(list)

    async def ask(
        self, actor: Actor | None, request: Message, *, service: str = "", after: Iterable[str] = (), patience: float = 60.0
    ) -> Any:
        """See `Wire`."""
        answer = await super().ask(actor, request, service=service, after=after, patience=patience)
        for message in (request, answer):
            self._hear(message)
        return answer

    def _hear(self, message: Message) -> None:
        for descriptor, value in message.ListFields():
            for part in value if descriptor.is_repeated else (value,):
                if descriptor.type == FieldDescriptor.TYPE_MESSAGE:
                    self._hear(part)
                elif descriptor.name not in ("request_id", "page_token", "etag") and part not in (kept := self.heard[descriptor.name]):
                    kept.insert(0, part)
                    del kept[_FEW:]


@dataclass
class House:
    """Cases, people and words."""

    stack: Stack
    cast: Cast
    others: Cast
    mine: Clerk
    """A case of the city, with a file, from which `barred` was recused."""
    marks: tuple[str, ...]
    """What stands in that case and in no other: number, parties, their names, its text, its file."""
    barred: Mediator
    mediator: Mediator
    """Who mediates another case of the city."""
    theirs: Clerk
    """A case of the neighbouring district."""
    known: Known
    _tokens: dict[str, str] = field(default_factory=dict)

    def actors(self, method: MethodDescriptor) -> list[Actor]:
        """A few people of the city who may call an RPC; nobody where only services may."""
        roles = roles_of(method)
        found = [self.mediator_actor] if {"*", "mediator"} & roles else []
        for role in sorted(roles) if "*" not in roles else ("dispatcher", "village_mediator", "system_admin"):
            try:
                found.append(self.cast.role(role))
            except LookupError:
                continue
        return found[:4] or ([OPERATOR] if "system_admin" in roles else [])

    @property
    def mediator_actor(self) -> Actor:
        return Actor(self.mediator.person_id, self.mediator.organ_id)

    def identity(self, actor: Actor | None) -> list[tuple[str, str]]:
        """The metadata that make a call this person's; a service's certificate says enough."""
        if actor is None:
            return []
        if actor.person_id not in self._tokens:
            self._tokens[actor.person_id] = self.stack.token(actor.person_id)
        return [("authorization", f"Bearer {self._tokens[actor.person_id]}"), ("tiaochu-organ", actor.organ_id)]


def every_rpc() -> Iterator[tuple[str, MethodDescriptor]]:
    """Every RPC with the program that answers it."""
    for file in contracts.files():
        for service in file.services_by_name.values():
            for method in service.methods:
                owner = service_of(method)
                for program in SERVICES if owner == "log" else (owner,):
                    yield program, method


async def settle(stack: Stack) -> House:
    """Bring cases as far as each kind of call needs one."""
    wire = Listening(RunningStack(stack.folder.path))
    cast, others = Cast(load_directory(CITY)), Cast(load_directory(NEIGHBOUR))
    court = Court(wire, cast)
    await court.dock()
    office = _office(wire, cast, others, court)
    letter = papers.letter("证明.pdf", "evidence", "证明", ["内容"])
    victim, mine, unit = await office.accepted(files=(letter,))
    barred = await office.seat(unit, own=False)
    assert (await mine.raise_recusal(barred.person_id, mine.matter.applicants[0])).replaced
    mine.matter.barred.add(barred.person_id)
    shown = await mine.case()
    people = [p.name for p in (*victim.applicants, *victim.respondents)]
    marks = (shown.case_number, *mine.matter.parties, *people, victim.facts, shown.files[0].file_id)
    _, other = await office.registered()
    await other.ask_for_papers()
    await office.classified()
    await office.accepted()
    _, _, mediator = await office.seated()
    await mediator.appoint(office.now(), waived=True)
    _, arbiter, draft = await office.agreed()
    await arbiter.agreement(draft.agreement_id)
    neighbours = _office(wire, others, cast, court)
    _, theirs = await neighbours.registered(next(o.code for o in others.directory.organs if o.tier == "village"))
    known = {name: tuple(values) for name, values in wire.heard.items()}
    staff = [m.id for m in cast.directory.staff[:8]]
    given: dict[str, Any] = {
        "person_id": staff,
        "mediator_id": [mediator.person_id, *staff],
        "organ_id": [o.id for o in cast.directory.organs[:8]],
    }
    given |= {"etag": ["", "", "1", "2"], "page_token": [""], "@": [int(wire.now().timestamp())], "district": [CITY, ""]}
    await court.close()
    await wire.close()
    return House(stack, cast, others, mine, marks, barred, mediator, theirs, {**known, **given})


def _office(wire: Wire, cast: Cast, others: Cast, court: Court) -> Office:
    """Its people share no name with another office's."""
    return Office(wire, cast, others, court, Casebook(cast.directory, Random(cast.directory.district), beijing(wire.now()).date()))
