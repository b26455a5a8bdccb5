"""A producer restored to an older moment: its consumers stand still, and go on when the loss is accepted. The producer is a log on paper."""

from collections.abc import AsyncIterator, Callable

import pytest

from tiaochu_kit.consumer import Consumer
from tiaochu_kit.ids import new_id
from tiaochu_kit.runner import Kit
from tiaochu_testkit.services import Cell
from tiaochu_testkit.toy import beta
from tiaochu_testkit.toy.paperlog import PaperLog
from tiaochu_testkit.toy.protos import AmountAdded, ThingOpened

OPENED, ADDED = "tiaochu.alpha.events.v1.ThingOpened", "tiaochu.alpha.events.v1.AmountAdded"
Make = Callable[[PaperLog], Consumer]


class Echoes(beta.EchoReactions):
    """beta's own acts, without the rows that are numbered by position: a new lineage uses positions again."""

    count = None  # type: ignore[assignment]


@pytest.fixture
async def kit(cell: Cell) -> AsyncIterator[Kit]:
    kit = Kit(cell.settings("beta"), "toy")
    await kit.database.open()
    yield kit
    await kit.database.close()


@pytest.fixture
def copies() -> beta.AlphaCopies:
    return beta.AlphaCopies()


@pytest.fixture
def reading(kit: Kit, copies: beta.AlphaCopies) -> Make:
    def make(paper: PaperLog) -> Consumer:
        handlers = [Echoes(), copies]
        return Consumer("beta", paper, kit.database, kit.journal, kit.codec, handlers, kit.clock.now, lambda: None)

    return make


def opened(paper: PaperLog, *amounts: int) -> str:
    case_id = new_id()
    paper.write(OPENED, case_id, ThingOpened(case_id=case_id))
    added(paper, case_id, *amounts)
    return case_id


def added(paper: PaperLog, case_id: str, *amounts: int) -> None:
    for amount in amounts:
        paper.write(ADDED, case_id, AmountAdded(case_id=case_id, amount=amount))


async def copied(kit: Kit) -> dict[str, int]:
    async with kit.database.transaction() as tx:
        rows = await tx.rows("SELECT doc::text FROM alpha_copies")
        sums = dict(await tx.rows("SELECT case_id, sum(amount)::integer FROM amounts GROUP BY case_id"))
    found = {copy.id: copy.total for copy in (beta.ALPHA_COPIES.decode(doc) for (doc,) in rows)}
    assert sums == {case_id: total for case_id, total in found.items() if total}, "both kinds of copies say the same"
    return found


async def own(kit: Kit) -> dict[str, int]:
    async with kit.database.transaction() as tx:
        rows = await tx.rows("SELECT doc::text FROM echoes")
    return {echo.id: echo.total for echo in (beta.ECHOES.decode(doc) for (doc,) in rows)}


async def place(kit: Kit) -> tuple[int, int]:
    async with kit.database.transaction() as tx:
        [(position, lineage)] = await tx.rows("SELECT position, lineage FROM cursors WHERE producer = 'alpha'")
    return position, lineage


async def test_copies_follow_the_log_that_is_left_and_acts_of_ones_own_stay(kit: Kit, copies: beta.AlphaCopies, reading: Make) -> None:
    paper = PaperLog("alpha")
    kept = opened(paper, 1)
    fork = len(paper.events)
    added(paper, kept, 10)
    gone = opened(paper, 100)
    await reading(paper).catch_up_all()
    assert await copied(kit) == {kept: 11, gone: 100}

    again = paper.restored(fork, number=7)
    added(again, kept, 2)
    consumer = reading(again)
    await consumer.catch_up_all()
    assert consumer.stopped == "alpha/329901: the log went on in a new lineage; copies are being made again"
    assert await copied(kit) == {kept: 11, gone: 100}, "only the one with the lease takes the service back"
    await consumer.catch_up_all(lead=True)
    assert consumer.stops == {}
    assert (copies.told, await place(kit)) == (1, (len(again.events), 7))
    assert await copied(kit) == {kept: 3}
    assert await own(kit) == {kept: 13, gone: 100}, "what beta itself did stands in its own journal"


async def test_who_had_not_read_what_was_lost_only_notes_the_lineage(kit: Kit, copies: beta.AlphaCopies, reading: Make) -> None:
    paper = PaperLog("alpha")
    case_id = opened(paper, 1)
    await reading(paper).catch_up_all()
    added(paper, case_id, 10)
    again = paper.restored(2, number=7)
    added(again, case_id, 5)
    consumer = reading(again)
    await consumer.catch_up_all(lead=True)
    assert (consumer.stopped, copies.told, await copied(kit), await place(kit)) == (None, 0, {case_id: 6}, (3, 7))


async def test_events_recorded_between_the_restore_and_the_decision_are_read_once(
    kit: Kit, copies: beta.AlphaCopies, reading: Make
) -> None:
    paper = PaperLog("alpha")
    case_id = opened(paper, 1)
    again = paper.restored(2, number=7)
    again.lineages.clear()
    added(again, case_id, 5)
    await reading(again).catch_up_all()
    again.lineages = paper.restored(2, number=7).lineages
    added(again, case_id, 6)
    await reading(again).catch_up_all(lead=True)
    assert (await copied(kit), await own(kit), copies.told) == ({case_id: 12}, {case_id: 12}, 0)


@pytest.mark.parametrize("second", [1, 4], ids=["below the first", "above the first"])
async def test_who_missed_two_restores_goes_back_to_the_earlier_fork(kit: Kit, reading: Make, second: int) -> None:
    paper = PaperLog("alpha")
    case_id = opened(paper, 1, 10, 100)
    await reading(paper).catch_up_all()
    once = paper.restored(2, number=7)
    added(once, case_id, 2, 3, 4)
    twice = once.restored(second, number=9)
    twice.lineages = [one for one in twice.lineages if one.after < second or one.number == 9]
    added(twice, case_id, 5)
    await reading(twice).catch_up_all(lead=True)
    assert await copied(kit) == {case_id: 5 if second == 1 else 1 + 2 + 3 + 5}
    assert await place(kit) == (len(twice.events), 9)


async def test_a_district_that_the_producer_does_not_know_any_more_stops(kit: Kit, reading: Make) -> None:
    paper = PaperLog("alpha")
    opened(paper, 1)
    await reading(paper).catch_up_all()
    consumer = reading(PaperLog("alpha"))
    await consumer.catch_up_all()
    assert consumer.stopped == "alpha/329901: the log ends before the cursor"


async def test_what_was_interrupted_in_the_middle_begins_again(kit: Kit, reading: Make) -> None:
    paper = PaperLog("alpha")
    kept = opened(paper, 1)
    added(paper, kept, 10)
    await reading(paper).catch_up_all()
    again = paper.restored(2, number=7)
    async with kit.database.transaction() as tx:  # what a process leaves behind that ended in the middle
        await tx.queue("UPDATE cursors SET lineage = -1 - lineage")
    waiting = reading(again)
    await waiting.catch_up_all()
    assert waiting.stopped is not None
    await reading(again).catch_up_all(lead=True)
    assert (await copied(kit), await place(kit)) == ({kept: 1}, (2, 7))


async def test_a_restore_that_brings_everything_back_needs_nobody(kit: Kit, reading: Make) -> None:
    paper = PaperLog("alpha")
    case_id = opened(paper, 1, 2)
    consumer = reading(paper)
    await consumer.catch_up_all()
    whole, paper.events = paper.events, paper.events[:1]
    await consumer.catch_up_all()
    assert consumer.stopped is not None
    paper.events = whole
    added(paper, case_id, 3)
    await consumer.catch_up_all()
    assert consumer.stops == {}
    assert await copied(kit) == {case_id: 6}
