"""Deliveries: when the next attempt comes, when somebody must look."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiaochu_docking.domain.delivery import HORIZON, Delivery
from tiaochu_domainkit.errors import InvalidTransition
from tiaochu_testkit.transitions import assert_transitions_match

START = datetime(2026, 3, 2, tzinfo=UTC)


def delivery() -> Delivery:
    return Delivery(
        id="d1", district="321282", status="waiting", packet_id="p1", exchange_id="e1", agency_id="a1", endpoint_id="main", case_id="c1", case_key="c1",
        channel="push", kind="result", seq=1, sha256="0" * 64, queued_at=START, next_at=START, began_at=START,
    )  # fmt: skip


def test_the_table_equals_the_methods() -> None:
    assert_transitions_match(Delivery)


def test_waits_grow_to_six_hours_and_end_after_fourteen_days() -> None:
    d = delivery()
    waits = []
    while d.status == "waiting":
        at = d.next_at
        d.fail(status=503, fault="STATUS", at=at, chance=0.5)
        waits.append(d.next_at - at)
    assert waits[:6] == [
        timedelta(seconds=5), timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=6),
    ]  # fmt: skip
    assert (d.status, d.last_fault) == ("dead", "HORIZON")
    assert HORIZON - timedelta(hours=6) <= d.next_at - START <= HORIZON


@given(chance=st.floats(0, 0.999), attempts=st.integers(1, 40))
def test_jitter_keeps_within_a_fifth(chance: float, attempts: int) -> None:
    d, plain = delivery(), delivery()
    d.attempts = plain.attempts = attempts - 1
    d.fail(status=0, fault="CONNECT", at=START, chance=chance)
    plain.fail(status=0, fault="CONNECT", at=START, chance=0.5)
    assert 0.8 <= (d.next_at - START) / (plain.next_at - START) <= 1.2


def test_retry_after_is_obeyed() -> None:
    d = delivery()
    d.fail(status=429, fault="STATUS", at=START, chance=0.5, wait=timedelta(seconds=77))
    assert d.next_at == START + timedelta(seconds=77)


def test_an_unwanted_packet_is_not_sent_for_ever() -> None:
    d = delivery()
    d.fail(status=422, fault="STATUS", at=START, chance=0.5)
    assert (d.status, d.last_fault) == ("dead", "REFUSED")


def test_replay_begins_a_new_horizon_with_the_same_packet() -> None:
    d = delivery()
    d.fail(status=422, fault="STATUS", at=START, chance=0.5)
    d.replay(START + timedelta(days=30))
    d.fail(status=503, fault="STATUS", at=START + timedelta(days=30), chance=0.5)
    assert (d.status, d.packet_id, d.attempts) == ("waiting", "p1", 1)


def test_paper_is_a_receipt() -> None:
    d = delivery()
    d.skip("专人送达", START, on_paper=True)
    assert (d.status, d.channel, d.receipt_id) == ("receipted", "paper", "paper-d1")


def test_a_receipt_is_not_undone_by_a_late_failure() -> None:
    d = delivery()
    d.receipt("r", "push", START)
    with pytest.raises(InvalidTransition):
        d.fail(status=503, fault="STATUS", at=START, chance=0.5)
