"""alpha: things that are opened and grow."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from tiaochu_domainkit.aggregate import Aggregate, Transition, Transitions
from tiaochu_domainkit.errors import refused
from tiaochu_kit.documents import Column, DocumentTable
from tiaochu_kit.runner import App, Kit
from tiaochu_kit.usecase import Context, Work, command, query
from tiaochu_testkit.toy.protos import AddToThingRequest, GetThingRequest, OpenThingRequest, ThingResponse


@dataclass(frozen=True)
class ThingOpened:
    case_id: str


@dataclass(frozen=True)
class AmountAdded:
    case_id: str
    amount: int


@dataclass(kw_only=True)
class Thing(Aggregate):
    TRANSITIONS: ClassVar[Transitions] = {"add": Transition(("open",), ("open",))}

    total: int = 0
    organ_path: str = ""

    @classmethod
    def opened(cls, ident: str, district: str, organ_path: str, at: datetime) -> "Thing":
        thing = cls(id=ident, district=district, status="open", organ_path=organ_path)
        thing.record(ThingOpened(ident), at)
        return thing

    def add(self, amount: int, at: datetime) -> None:
        self.require("add")
        if amount <= 0:
            raise refused("AMOUNT_NOT_POSITIVE", "the amount must be positive", "金额必须大于零")
        self.total += amount
        self.record(AmountAdded(self.id, amount), at)


THINGS = DocumentTable("things", Thing, columns={"organ_path": Column("text", lambda t: t.organ_path)})


class ThingCommands:
    @command()
    def open_thing(self, work: Work, r: OpenThingRequest) -> Any:
        thing = work.add(THINGS, Thing.opened(r.case_id or work.new_id(), r.district, work.actor.organ_path or "/city/", work.now))
        return ThingResponse(case_id=thing.id, etag=work.etag(thing))

    @command(reads=lambda r: [THINGS.by_id(r.case_id)])
    def add_to_thing(self, work: Work, r: AddToThingRequest) -> Any:
        thing = work.get(THINGS, r.case_id)
        thing.add(r.amount, work.now)
        return ThingResponse(case_id=thing.id, etag=work.etag(thing), total=thing.total)


class ThingQueries:
    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    @query
    async def get_thing(self, ctx: Context, r: GetThingRequest) -> Any:
        async with self._kit.database.transaction(ctx.principal.scope) as tx:
            rows = await tx.rows(THINGS.select_sql(), ([r.case_id],))
        thing = THINGS.decode(rows[0][0])
        return ThingResponse(case_id=thing.id, etag=str(thing.version), total=thing.total)


def build(kit: Kit) -> App:
    return App(rpcs={"tiaochu.alpha.v1.ThingService": [ThingCommands(), ThingQueries(kit)]})
