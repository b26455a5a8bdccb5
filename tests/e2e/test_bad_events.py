"""Events that nobody can read: put aside with what follows of the same case, shown to an operator, and applied again once the cause is gone."""

import json
from typing import Any

import psycopg
import pytest

from e2e.office import Office
from tiaochu_demo.driver import Unit
from tiaochu_embedded.stack import Stack
from tiaochu_kit.ids import new_id
from tiaochu_testkit.waiting import eventually

_PACKAGE = "tiaochu.intake.events.v1"
_BAD = {
    "unknown type": (f"{_PACKAGE}.CaseEnchanted", b"", "UnknownEvent"),
    "broken body": (f"{_PACKAGE}.CaseClassified", b"\xff\xff\xff", "DecodeError"),
}
_PLANT_SQL = """
INSERT INTO journal (event_id, aggregate_id, version, type, district, subject, occurred_at, recorded_at, headers, payload)
SELECT %s, aggregate_id, version + 1, %s, district, subject, occurred_at, recorded_at, headers, %s
FROM journal WHERE subject = %s ORDER BY seq DESC LIMIT 1
"""
"""No door lets such an event in, so that it is written where a faulty release would leave it."""


@pytest.mark.req("PF1")
@pytest.mark.parametrize("name", _BAD)
async def test_an_event_that_cannot_be_read_is_parked_with_what_follows_and_replayed(office: Office, stack: Stack, name: str) -> None:
    type_name, body, error = _BAD[name]
    case, clerk = await office.registered()
    case_id = clerk.matter.case_id
    with psycopg.connect(stack.parts.postgres.admin_dsn("intake")) as journal:
        journal.execute(_PLANT_SQL, (new_id(), type_name, body, case_id))
    await clerk.classify(case)

    def parked(service: str) -> list[tuple[str, str]]:
        _, told = _operator(office, "parked", "list", "--service", service, "--producer", "intake", "--aggregate", case_id)
        return [(p["event"]["type"], p["error"].split(":")[0]) for p in told["services"][0].get("parked", [])]

    for service in ("routing", "mediation", "reporting"):

        async def put_aside(service: str = service) -> bool:
            found = parked(service)
            return found[:1] == [(type_name, error)] and (f"{_PACKAGE}.CaseClassified", "WAITS") in found[1:]

        await eventually(put_aside)

    _, other_clerk, _ = await office.classified()  # another case goes on
    assert other_clerk.matter.case_id != case_id

    for service in _parking(office, case_id):
        refused, told = _operator(office, "parked", "replay", service, "intake", case_id)
        assert (refused, told["error"]["reason"]) == (1, "STILL_NOT_APPLICABLE")
        _, shown = _operator(office, "parked", "show", service, "intake", case_id)
        event = shown["parked"][0]["event"]
        dropped, _ = _operator(
            office, "parked", "drop", service, "intake", event["district"], event["position"], "--reason", "wrongly written"
        )
        assert dropped == 0
        _, told = _operator(office, "parked", "replay", service, "intake", case_id)
        assert told["applied"] == len(shown["parked"]) - 1
        assert not parked(service)
    assert await Unit(clerk.matter, clerk.organ_id).lead()


def _parking(office: Office, case_id: str) -> list[str]:
    """Services with parked events of the case."""
    _, told = _operator(office, "parked", "list", "--aggregate", case_id)
    return [s["service"] for s in told["services"] if s.get("parked")]


def _operator(office: Office, *arguments: str) -> tuple[int, Any]:
    told = office.shell("operator", *arguments, "--json")
    return told.exit_code, json.loads(told.stdout)
