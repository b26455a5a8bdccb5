"""Two releases of the toy on one database: nothing new is written before everyone can read it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tiaochu_domainkit.errors import DomainError, Kind
from tiaochu_kit.compat import needs
from tiaochu_kit.consumer import Consumer
from tiaochu_kit.documents import Column, DocumentTable
from tiaochu_kit.migrations import finish_upgrade
from tiaochu_kit.runner import App, Kit
from tiaochu_kit.settings import MigrationSettings
from tiaochu_kit.usecase import Work, command, reaction
from tiaochu_testkit.services import Cell, Running
from tiaochu_testkit.toy import alpha, beta
from tiaochu_testkit.toy.paperlog import PaperLog
from tiaochu_testkit.toy.protos import AddToThingRequest, AmountAdded, GetThingRequest, OpenThingRequest, ThingResponse

THINGS = "tiaochu.alpha.v1.ThingService"


@dataclass(kw_only=True)
class Thing2(alpha.Thing):
    """The thing of release 2 may have a note, and may be sealed."""

    note: str = ""


THINGS_2 = DocumentTable(
    "things",
    Thing2,
    columns={"organ_path": Column[Thing2]("text", lambda t: t.organ_path)},
    newer={"note": 2, "status=sealed": 2},
    release=2,
)


class Commands2(alpha.ThingCommands):
    @command(reads=lambda r: [THINGS_2.by_id(r.case_id)])
    def add_to_thing(self, work: Work, r: AddToThingRequest) -> Any:
        thing = work.get(THINGS_2, r.case_id)
        thing.add(r.amount, work.now)
        thing.note = r.note or thing.note
        thing.status = "sealed" if r.note == "seal" else thing.status
        return ThingResponse(case_id=thing.id, total=thing.total)


def build_2(kit: Kit) -> App:
    return App(rpcs={"tiaochu.alpha.v1.ThingService": [Commands2(), alpha.ThingQueries(kit)]})


def build_2_events(kit: Kit) -> App:
    return replace(alpha.build(kit), newer={"AmountAdded": 2})


def finish(cell: Cell, service: str, release: int = 2) -> None:
    database = cell.databases[service]
    finish_upgrade(
        MigrationSettings(database_owner_url=database.owner_url, database_owner_password_file=database.owner_password_file), release
    )


@asynccontextmanager
async def both(cell: Cell) -> AsyncIterator[tuple[Running, Running]]:
    """Release 1 and release 2 of alpha at once, as during a rolling upgrade."""
    async with cell.running("alpha", "toy", alpha.build, work=False) as old:
        cell.ports.pop("alpha")
        async with cell.running("alpha", "toy", build_2, work=False) as new:
            yield old, new


async def test_what_is_new_is_refused_until_the_upgrade_is_finished_and_what_is_not_goes_on(cell: Cell) -> None:
    async with both(cell) as (old, new):
        case_id = (await old.call(f"{THINGS}/OpenThing", OpenThingRequest(district="329901"))).case_id
        for note in ("a note", "seal"):
            with pytest.raises(DomainError) as refusal:
                await new.call(f"{THINGS}/AddToThing", AddToThingRequest(case_id=case_id, amount=1, note=note))
            assert (refusal.value.kind, refusal.value.reason) == (Kind.UNAVAILABLE, "UPGRADE_NOT_FINISHED")
        await new.call(f"{THINGS}/AddToThing", AddToThingRequest(case_id=case_id, amount=1))
        assert (await old.call(f"{THINGS}/AddToThing", AddToThingRequest(case_id=case_id, amount=1))).total == 2
        finish(cell, "alpha")
        assert (await new.call(f"{THINGS}/AddToThing", AddToThingRequest(case_id=case_id, amount=1, note="a note"))).total == 3


async def test_old_code_that_meets_a_newer_document_neither_reads_nor_writes_it(cell: Cell) -> None:
    async with both(cell) as (old, new):
        case_id, other = [(await old.call(f"{THINGS}/OpenThing", OpenThingRequest(district="329901"))).case_id for _ in range(2)]
        finish(cell, "alpha")
        await new.call(f"{THINGS}/AddToThing", AddToThingRequest(case_id=case_id, amount=1, note="a note"))
        for rpc, request in (("AddToThing", AddToThingRequest(case_id=case_id, amount=1)), ("GetThing", GetThingRequest(case_id=case_id))):
            with pytest.raises(DomainError) as refusal:
                await old.call(f"{THINGS}/{rpc}", request)
            assert (refusal.value.kind, refusal.value.reason) == (Kind.UNAVAILABLE, "NEWER_RELEASE")
        assert (await old.call(f"{THINGS}/AddToThing", AddToThingRequest(case_id=other, amount=1))).total == 1
        async with new.kit.database.transaction() as tx:
            [(doc,)] = await tx.rows(THINGS_2.select_sql(), ([case_id],))
        assert (THINGS_2.decode(doc).note, THINGS_2.decode(doc).total) == ("a note", 1)


async def test_a_new_event_type_waits_for_the_upgrade(cell: Cell) -> None:
    async with cell.running("alpha", "toy", build_2_events, work=False) as new:
        case_id = (await new.call(f"{THINGS}/OpenThing", OpenThingRequest(district="329901"))).case_id
        with pytest.raises(DomainError) as refusal:
            await new.call(f"{THINGS}/AddToThing", AddToThingRequest(case_id=case_id, amount=1))
        assert refusal.value.reason == "UPGRADE_NOT_FINISHED"
        assert (await new.call(f"{THINGS}/GetThing", GetThingRequest(case_id=case_id))).total == 0
        finish(cell, "alpha")
        assert (await new.call(f"{THINGS}/AddToThing", AddToThingRequest(case_id=case_id, amount=1))).total == 1


async def test_an_upgrade_is_never_unfinished(cell: Cell) -> None:
    async with cell.running("alpha", "toy", alpha.build, work=False) as a:
        finish(cell, "alpha", 3)
        finish(cell, "alpha", 2)
        async with a.kit.database.transaction() as tx:
            assert await tx.rows("SELECT release FROM compat") == [(3,)]


async def test_a_reaction_that_must_wait_for_the_upgrade_is_not_parked(cell: Cell) -> None:
    @dataclass(kw_only=True)
    class Echo2(beta.Echo):
        loudest: int = 0

    echoes = DocumentTable("echoes", Echo2, newer={"loudest": 2}, release=2)

    class Reactions2:
        @reaction("tiaochu.alpha.events.v1.AmountAdded", reads=lambda e: [echoes.by_id(e.body.case_id)])
        def add(self, work: Work, e: Any) -> None:
            work.add(echoes, Echo2(id=e.body.case_id, district=e.district, status="open", loudest=e.body.amount)).record(
                beta.EchoHeard(e.body.case_id, 1), e.occurred_at
            )

    paper = PaperLog("alpha")
    case_id = "01a20c85-596d-708d-8ba5-6afbe1baa675"
    paper.write("tiaochu.alpha.events.v1.AmountAdded", case_id, AmountAdded(case_id=case_id, amount=5))
    kit = Kit(cell.settings("beta"), "toy")
    await kit.database.open()
    consumer = Consumer("beta", paper, kit.database, kit.journal, kit.codec, [Reactions2()], kit.clock.now, lambda: None)
    with pytest.raises(DomainError) as refusal:
        await consumer.catch_up_all()
    assert refusal.value.reason == "UPGRADE_NOT_FINISHED"
    finish(cell, "beta")
    await consumer.catch_up_all()
    async with kit.database.transaction() as tx:
        assert len(await tx.rows(echoes.select_sql(), ([case_id],))) == 1
        assert await tx.rows("SELECT count(*) FROM parked_events") == [(0,)]
    await kit.database.close()


def test_only_what_differs_from_the_default_needs_the_newer_release() -> None:
    thing = Thing2(id="1", district="329901", status="open")
    assert needs(thing, {"note": 2, "status=sealed": 3}) == 1
    thing.note = "x"
    assert needs(thing, {"note": 2, "status=sealed": 3}) == 2
    thing.status = "sealed"
    assert needs(thing, {"note": 2, "status=sealed": 3}) == 3
