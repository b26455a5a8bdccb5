"""A log: one service's events of one district, in contiguous positions, each with the running hash."""

import hashlib
from collections.abc import Sequence
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from tiaochu.log.v1.log_service_pb2 import Head, Lineage, LoggedEvent
from tiaochu_kit.database import Tx

BATCH = 500
CASES_BATCH = 2000
CELL = "000000"
"""The log of what belongs to no district."""
GENESIS = b"\0" * 32
"""The hash before the first event of a log."""

COLUMNS = "event_id::text, type, aggregate_id::text, version, subject, district, occurred_at, recorded_at, headers, payload"
_RANGE_SQL = f"SELECT {COLUMNS}, position, hash FROM journal WHERE district = %s AND position >= %s ORDER BY position LIMIT %s"  # noqa: S608
_SUBJECT_SQL = f"SELECT {COLUMNS}, position, hash FROM journal WHERE subject = %s ORDER BY seq"  # noqa: S608
_CASES_SQL = f"""
SELECT {COLUMNS}, position, hash FROM journal
WHERE subject = ANY(%s::text[]) AND type = ANY(%s::text[]) AND position IS NOT NULL AND (district, position) > (%s, %s)
ORDER BY district, position LIMIT {CASES_BATCH}
"""  # noqa: S608
_LINEAGES_SQL = "SELECT district, number, after_position, after_hash FROM log_lineages WHERE %s IN ('', district) ORDER BY number"
_HEADS_SQL = "SELECT district, position, hash FROM log_heads WHERE %s IN ('', district) ORDER BY district"


def chain(previous: bytes, position: int, row: Sequence[Any]) -> bytes:
    """The running hash with one more event: SHA-256 over the previous hash and the stored fields, each with its length.

    `row` has the fields of `COLUMNS`. Instants count as microseconds since 1970, so that a copy verifies anywhere.
    """
    event_id, type_, aggregate_id, version, subject, district, occurred_at, recorded_at, headers, payload = row[:10]
    digest = hashlib.sha256(previous)
    texts = (
        str(position),
        event_id,
        type_,
        aggregate_id,
        str(version),
        subject,
        district,
        _micros(occurred_at),
        _micros(recorded_at),
        headers,
    )
    for part in (*(text.encode() for text in texts), bytes(payload)):
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    return digest.digest()


def _micros(instant: Any) -> str:
    stamp = Timestamp()
    stamp.FromDatetime(instant)
    return str(stamp.ToMicroseconds())


def logged(row: Sequence[Any], previous_hash: bytes) -> LoggedEvent:
    """A journal row (`COLUMNS`, position, hash) as NATS and `ReadLog` carry it."""
    event_id, type_, aggregate_id, version, subject, district, occurred_at, recorded_at, headers, payload, position, running = row
    occur_time, record_time = Timestamp(), Timestamp()
    occur_time.FromDatetime(occurred_at)
    record_time.FromDatetime(recorded_at)
    return LoggedEvent(
        district=district,
        position=position or 0,
        previous_hash=previous_hash,
        hash=bytes(running or b""),
        event_id=event_id,
        type=type_,
        aggregate_id=aggregate_id,
        version=version,
        subject=subject,
        occur_time=occur_time,
        record_time=record_time,
        headers=headers,
        payload=bytes(payload),
    )


async def read_range(tx: Tx, district: str, after: int, limit: int = BATCH) -> list[LoggedEvent]:
    """Positioned events of one log after a position, oldest first."""
    rows = await tx.rows(_RANGE_SQL, (district, max(after, 1), limit + 1))
    previous = GENESIS
    events = []
    for row in rows:
        if row[10] > after:
            events.append(logged(row, previous))
        previous = bytes(row[11])
    return events[:limit]


async def read_subject(tx: Tx, subject: str) -> list[LoggedEvent]:
    """All events of one case in this service."""
    return [logged(row, b"") for row in await tx.rows(_SUBJECT_SQL, (subject,))]


async def read_cases(tx: Tx, case_ids: Sequence[str], types: Sequence[str], after: tuple[str, int] = ("", 0)) -> list[LoggedEvent]:
    """Events of some types of some cases (an empty text: of none) behind a place, in the order of districts and positions; at most `CASES_BATCH`."""
    return [logged(row, b"") for row in await tx.rows(_CASES_SQL, (list(case_ids), list(types), *after))]


async def read_heads(tx: Tx, district: str = "") -> list[Head]:
    """The heads of all logs, or of one."""
    begun = await tx.queue(_LINEAGES_SQL, (district,))
    rows = await tx.rows(_HEADS_SQL, (district,))
    lineages: dict[str, list[Lineage]] = {}
    for d, number, after, running in await begun.fetchall():
        lineages.setdefault(d, []).append(Lineage(number=number, after=after, hash=bytes(running)))
    return [Head(district=d, position=p, hash=bytes(h), lineages=lineages.get(d)) for d, p, h in rows]
