"""beta: hears of alpha's things, keeps an echo of each and counts them set-wise."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tiaochu_domainkit.aggregate import Aggregate
from tiaochu_domainkit.errors import not_found
from tiaochu_kit.database import Tx
from tiaochu_kit.documents import DocumentTable
from tiaochu_kit.runner import App, Kit
from tiaochu_kit.usecase import Context, Copies, Event, Work, on_lineage, projection, query, reaction
from tiaochu_testkit.toy.protos import EchoResponse, GetEchoRequest


@dataclass(frozen=True)
class EchoHeard:
    case_id: str
    total: int


@dataclass(kw_only=True)
class Echo(Aggregate):
    total: int = 0


ECHOES = DocumentTable("echoes", Echo)
POISON = 666


class EchoReactions:
    @reaction("tiaochu.alpha.events.v1.ThingOpened", reads=lambda e: [ECHOES.by_id(e.body.case_id)])
    def open(self, work: Work, e: Event[Any]) -> None:
        work.add(ECHOES, Echo(id=e.body.case_id, district=e.district, status="open"))

    @reaction("tiaochu.alpha.events.v1.AmountAdded", reads=lambda e: [ECHOES.by_id(e.body.case_id)])
    def add(self, work: Work, e: Event[Any]) -> None:
        if e.body.amount == POISON:
            raise ValueError("cannot be applied")
        echo = work.get(ECHOES, e.body.case_id)
        echo.total += e.body.amount
        echo.record(EchoHeard(echo.id, echo.total), e.occurred_at)

    @projection("tiaochu.alpha.events.v1.AmountAdded")
    async def count(self, tx: Tx, events: Sequence[Event[Any]]) -> None:
        await tx.queue("INSERT INTO heard (position) SELECT * FROM unnest(%s::bigint[])", ([e.position for e in events],))


class EchoQueries:
    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    @query
    async def peek_echo(self, ctx: Context, r: GetEchoRequest) -> Any:
        async with self._kit.database.transaction(ctx.principal.scope) as tx:
            rows = await tx.rows(ECHOES.select_sql(), ([r.case_id],))
        if not rows:
            raise not_found("echoes", r.case_id)
        return EchoResponse(total=ECHOES.decode(rows[0][0]).total)

    @query
    async def get_echo(self, ctx: Context, r: GetEchoRequest) -> Any:
        return await self.peek_echo(ctx, r)


@dataclass(kw_only=True)
class AlphaCopy(Aggregate):
    total: int = 0


ALPHA_COPIES = DocumentTable("alpha_copies", AlphaCopy, journal=False)


class AlphaCopies:
    """What alpha said of a thing, and nothing of beta's own; `told` counts the lineages it was told of."""

    told = 0

    @reaction(
        "tiaochu.alpha.events.v1.ThingOpened",
        "tiaochu.alpha.events.v1.AmountAdded",
        reads=lambda e: [ALPHA_COPIES.by_id(e.body.case_id)],
        copies=ALPHA_COPIES,
    )
    def copy(self, work: Work, e: Event[Any]) -> None:
        found = work.find(ALPHA_COPIES, e.body.case_id)
        copy = found or work.add(ALPHA_COPIES, AlphaCopy(id=e.body.case_id, district=e.district, status="copied"))
        copy.total += getattr(e.body, "amount", 0)

    @projection("tiaochu.alpha.events.v1.AmountAdded", copies=Copies("amounts", case="case_id"))
    async def note(self, tx: Tx, events: Sequence[Event[Any]]) -> None:
        rows = [(e.body.case_id, e.body.amount) for e in events]
        await tx.queue("INSERT INTO amounts SELECT * FROM unnest(%s::text[], %s::integer[])", [list(c) for c in zip(*rows, strict=True)])

    @on_lineage
    async def lineage(self, tx: Tx) -> None:
        self.told += 1


def build(kit: Kit) -> App:
    return App(rpcs={"tiaochu.beta.v1.EchoService": [EchoQueries(kit)]}, consumers={"alpha": [EchoReactions()]})
