"""alpha: things that are opened and grow."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

import sqlalchemy as sa

from tiaochu_domainkit.aggregate import Aggregate, Transition, Transitions
from tiaochu_domainkit.errors import not_found, refused
from tiaochu_kit import access
from tiaochu_kit.documents import Column, DocumentTable
from tiaochu_kit.paging import page_size
from tiaochu_kit.runner import App, Kit
from tiaochu_kit.usecase import Context, NaturalKey, Work, command, query, stream
from tiaochu_testkit.toy.protos import (
    AddToThingRequest,
    CountThingsRequest,
    GetThingRequest,
    ListThingsRequest,
    ListThingsResponse,
    OpenThingRequest,
    PlanThingRequest,
    ThingResponse,
)


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
    @command(reads=lambda r: [NaturalKey("external", r.external)] if r.external else [])
    def open_thing(self, work: Work, r: OpenThingRequest) -> Any:
        held = work.holder("external", r.external)
        if held is not None:
            return ThingResponse(case_id=held)
        thing = work.add(THINGS, Thing.opened(r.case_id or work.new_id(), r.district, work.actor.organ_path or "/city/", work.now))
        if r.external:
            work.claim("external", r.external, thing.id)
        return ThingResponse(case_id=thing.id, etag=work.etag(thing))

    @command(reads=lambda r: [THINGS.by_id(r.case_id)])
    def add_to_thing(self, work: Work, r: AddToThingRequest) -> Any:
        thing = work.get(THINGS, r.case_id)
        thing.add(r.amount, work.now)
        return ThingResponse(case_id=thing.id, etag=work.etag(thing), total=thing.total)

    @command(reads=lambda r: [THINGS.by_id(r.case_id)])
    def plan_thing(self, work: Work, r: PlanThingRequest) -> Any:
        thing = work.get(THINGS, r.case_id)
        if r.forget:
            work.timer("remind", thing.id, thing.district, None)
        if r.remind_after_seconds:
            work.timer("remind", thing.id, thing.district, work.now + timedelta(seconds=r.remind_after_seconds))
        if r.tell:
            work.call("tell", thing.id, thing.district)
        return ThingResponse(case_id=thing.id)


_T = sa.table("things", *(sa.column(name) for name in ("id", "organ_path", "version", "doc")))
_TOTAL = sa.cast(sa.literal_column("doc->>'total'"), sa.BigInteger)


class ThingQueries:
    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    @query
    async def get_thing(self, ctx: Context, r: GetThingRequest) -> Any:
        async with self._kit.database.transaction(ctx.principal.scope) as tx:
            rows = await tx.rows(THINGS.select_sql(), ([r.case_id],))
        if not rows:
            raise not_found("things", r.case_id)
        thing = THINGS.decode(rows[0][0])
        return ThingResponse(case_id=thing.id, etag=str(thing.version), total=thing.total)

    @query
    async def list_things(self, ctx: Context, r: ListThingsRequest) -> Any:
        size, last = page_size(r.page_size), self._kit.pages.read(ctx.principal.id, r)
        found = sa.select(sa.cast(_T.c.id, sa.Text), _TOTAL).order_by(_T.c.id).limit(size + 1)
        found = found.where(access.visible(ctx.principal, sa.cast(_T.c.id, sa.Text), _T.c.organ_path), r.at_least <= _TOTAL)
        if last:
            found = found.where(_T.c.id > sa.cast(last[0], sa.UUID(as_uuid=False)))
        async with self._kit.database.read(ctx) as reading:
            rows = (await reading.execute(found)).all()
        token = self._kit.pages.write(ctx.principal.id, r, [rows[size - 1][0]]) if len(rows) > size else ""
        return ListThingsResponse(things=[ThingResponse(case_id=i, total=t) for i, t in rows[:size]], next_page_token=token)

    @stream
    async def pour_things(self, _ctx: Context, requests: AsyncIterator[AddToThingRequest]) -> Any:
        total = 0
        async for request in requests:
            if request.amount < 0:
                raise refused("AMOUNT_NOT_POSITIVE", "the amount must be positive", "金额必须大于零")
            total += request.amount
        return ThingResponse(total=total)

    @stream
    async def count_things(self, _ctx: Context, r: CountThingsRequest) -> AsyncIterator[Any]:
        for number in range(1, r.up_to + 1):
            if number == 13:
                raise refused("NO_THIRTEEN", "nobody counts thirteen", "不能数到十三")
            yield ThingResponse(total=number)


def build(kit: Kit) -> App:
    return App(rpcs={"tiaochu.alpha.v1.ThingService": [ThingCommands(), ThingQueries(kit)]})
