"""The checker can fail: every kind of loss and doubling that it looks for is found where it is made."""

from collections.abc import AsyncIterator

import pytest

from robustness.books import Books, opened
from robustness.clients import Acknowledged, Crowd, Ledger
from tiaochu_embedded.stack import Stack
from tiaochu_testkit.waiting import eventually

WRONGS: dict[str, tuple[str, str, str]] = {
    "an event is lost": ("intake", "DELETE FROM journal WHERE position = 2", "position 3 where 2 is next"),
    "an event is changed": ("routing", "UPDATE journal SET payload = payload || '\\x00' WHERE position = 2", "the hash at 2 is not that"),
    "the end is cut off": (
        "mediation",
        "DELETE FROM journal j USING log_heads h WHERE j.district = h.district AND j.position = h.position",
        "or of another hash",
    ),
    "an event is not told": ("intake", "UPDATE log_heads SET published = position - 1", "are not published"),
    "an event stands twice": (
        "intake",
        "UPDATE journal SET event_id = (SELECT event_id FROM journal WHERE position = 1 LIMIT 1) WHERE position = 2",
        "an event stands twice",
    ),
    "a consumer is behind": (
        "mediation",
        "UPDATE cursors SET position = position - 1 WHERE producer = 'intake'",
        "mediation has read intake/",
    ),
    "a consumer read another log": ("docking", "UPDATE cursors SET hash = '\\x00' WHERE producer = 'routing'", "docking has read routing/"),
    "a consumer forgot a log": ("reporting", "DELETE FROM cursors WHERE producer = 'mediation'", "to nowhere of"),
    "an event is put aside": (
        "reporting",
        "INSERT INTO parked_events VALUES ('intake', '329901', 1, gen_random_uuid(), 'CaseRegistered', '', 'why', now())",
        "put CaseRegistered of intake aside",
    ),
    "a call is not made": (
        "docking",
        "INSERT INTO calls (id, kind, key, district, next_at) VALUES (gen_random_uuid(), 'write', 'x', '329901', now())",
        "has not made its call write",
    ),
    "a case is lost": ("mediation", "DELETE FROM mediations WHERE id = (SELECT id FROM mediations LIMIT 1)", "mediation knows"),
    "a case is there twice": (
        "routing",
        "INSERT INTO responsibilities SELECT (json_populate_record(r, json_build_object('id', gen_random_uuid()))).* FROM responsibilities r LIMIT 1",
        "routing knows",
    ),
    "a figure misses a case": ("reporting", "UPDATE month_totals SET registered = registered - 1 WHERE registered > 0", "reporting counts"),
    "a fact is missing": ("reporting", "DELETE FROM facts WHERE kind = 'CaseRegistered'", "other facts than intake told"),
    "two units hold a case": (
        "routing",
        "UPDATE responsibilities SET doc = jsonb_set(doc, '{holdings}', doc -> 'holdings' || (doc -> 'holdings'))",
        "do not follow each other",
    ),
    "another unit holds a case": (
        "routing",
        "UPDATE responsibilities SET doc = jsonb_set(doc, '{holdings,-1,unit,id}', '\"elsewhere\"')",
        "held by another unit",
    ),
    "an answer is forgotten": ("intake", "DELETE FROM request_keys", "0 answers are kept"),
    "an exchange lost its case": ("docking", "UPDATE exchanges SET case_id = ''", "docking linked 0 exchanges"),
}
"""What goes wrong: in whose database, by which statement, and what the checker says of it."""


@pytest.fixture
async def right(shaken: Stack, crowd: Crowd, ledger: Ledger) -> AsyncIterator[Books]:
    """Books that agree."""
    if not ledger.offers:
        await crowd.feed(2, 1)
    with opened(shaken) as books:

        def agree() -> bool:
            books.refresh()
            found = books.problems(ledger)
            assert not found, "\n".join(found)
            return True

        await eventually(agree, 30)
        yield books


@pytest.mark.parametrize("wrong", WRONGS)
async def test_what_is_wrong_is_found(right: Books, ledger: Ledger, wrong: str) -> None:
    service, statement, said = WRONGS[wrong]
    changed = right.connections[service].execute(statement.encode())
    assert changed.rowcount > 0
    found = right.problems(ledger)
    assert any(said in problem for problem in found), found


async def test_an_acknowledged_command_that_nobody_wrote_down_is_found(right: Books, ledger: Ledger) -> None:
    told = Ledger(
        commands=[Acknowledged("intake", "ClassifyCase", "never-written", "somebody")], holders=ledger.holders, offers=ledger.offers
    )
    assert any("ClassifyCase never-written: 0 events" in problem for problem in right.problems(told))
