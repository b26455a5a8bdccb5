"""The checker can fail: every kind of loss and doubling that it looks for is found where it is made."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from robustness.acts import lost_and_doubled
from robustness.books import Books, opened
from robustness.campaign import Campaign
from robustness.history import REFUSED

pytestmark = pytest.mark.timeout(600)
"""The campaign comes before the first of them."""

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
    "a clock fired twice": (
        "routing",
        """INSERT INTO journal (event_id, aggregate_id, version, type, district, subject, occurred_at, recorded_at, headers, payload)
           SELECT gen_random_uuid(), aggregate_id, version + 1, type, district, subject, occurred_at, recorded_at, headers, payload
           FROM journal WHERE type LIKE '%.ClockExpired' LIMIT 1""",
        "which had not started or had ended",
    ),
    "a clock fired too early": (
        "routing",
        "UPDATE journal SET recorded_at = recorded_at - interval '20 days' WHERE type LIKE '%.ClockExpired'",
        "expired at",
    ),
    "a clock is forgotten": ("routing", "DELETE FROM timers", "nothing will fire the clock"),
    "a reaction was left out": ("intake", "DELETE FROM journal WHERE type LIKE '%.CaseMerged'", "CaseMerged does not follow once"),
    "a reaction was done twice": (
        "routing",
        "UPDATE journal SET subject = (SELECT subject FROM journal WHERE type LIKE '%.CaseAccepted' LIMIT 1) WHERE type LIKE '%.CaseAccepted'",
        "CaseAccepted happened to",
    ),
    "a copy is stale": ("intake", "UPDATE routing_copies SET ended = NOT ended", "does not know whether"),
    "a holder is stale": ("intake", "UPDATE routing_copies SET holder_organ_id = 'elsewhere'", "for the unit responsible"),
    "somebody else disposed of a case": (
        "routing",
        """UPDATE journal SET headers = jsonb_set(headers::jsonb, '{organ}', '"elsewhere"')::text WHERE type LIKE '%.CaseAccepted'""",
        "which was not responsible any more",
    ),
    "a mediator acted after being replaced": (
        "mediation",
        """UPDATE journal SET headers = jsonb_set(headers::jsonb, '{actor}', doc -> 'recusals' -> 0 -> 'mediator_id')::text
           FROM mediations m WHERE subject = m.id::text AND type LIKE '%.AgreementEffective' AND doc -> 'recusals' -> 0 IS NOT NULL""",
        "by a mediator who was replaced before",
    ),
    "a packet is another for the court": (
        "docking",
        "UPDATE packets SET sha256 = 'other' WHERE direction = 'out'",
        "is another for the court",
    ),
    "a packet got a second id": (
        "docking",
        "UPDATE packets SET packet_id = gen_random_uuid() WHERE direction = 'out'",
        "that was never issued",
    ),
    "a delivery waits": ("docking", "UPDATE deliveries SET status = 'waiting'", "is waiting"),
    "an exchange lost its case": ("docking", "UPDATE exchanges SET case_id = ''", "docking linked 0 exchanges"),
}
"""What goes wrong: in whose database, by which statement, and what the checker says of it."""


@pytest.fixture
def right(campaign: Campaign) -> Iterator[Books]:
    """Books that agree, as `test_campaign` shows. What is changed in them is undone."""
    with opened(campaign.stage.stack) as books:
        yield books


@pytest.mark.parametrize("wrong", WRONGS)
def test_what_is_wrong_is_found(right: Books, campaign: Campaign, wrong: str) -> None:
    service, statement, said = WRONGS[wrong]
    changed = right.connections[service].execute(statement.encode())
    assert changed.rowcount > 0
    found = right.problems(campaign.history)
    assert any(said in problem for problem in found), found


def test_an_acknowledged_command_that_nobody_wrote_down_is_found(right: Books, campaign: Campaign) -> None:
    never = replace(campaign.history.acknowledged[0], request_id="never-written")
    told = replace(campaign.history, told=[*campaign.history.told, never])
    assert any("never-written: 0 events" in problem for problem in right.problems(told))
    assert lost_and_doubled(right, told) == (1, 0)


def test_a_refused_command_that_was_done_is_found(right: Books, campaign: Campaign) -> None:
    refused = replace(campaign.history.acknowledged[0], outcome=REFUSED, answer="")
    told = replace(campaign.history, told=[refused, *campaign.history.told[1:]])
    assert any("refused" in problem and "and yet" in problem for problem in right.problems(told))


def test_a_position_that_is_given_twice_is_found(right: Books, campaign: Campaign) -> None:
    assert not right.problems(campaign.history)
    right.connections["intake"].execute("UPDATE journal SET hash = '\\x00' WHERE position = 1")
    assert any("position 1 was given twice" in problem for problem in right.problems(campaign.history))
