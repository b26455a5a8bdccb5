"""Every log is contiguous, hashes to its head, and no event stands twice."""

from base64 import b64encode
from collections.abc import Iterator, Sequence

from tiaochu.log.v1.log_service_pb2 import LoggedEvent
from tiaochu_cli.audit.finding import Check, Finding, collect
from tiaochu_cli.audit.journals import Fact, Journals
from tiaochu_kit.audit import GENESIS, chain


def check_chains(journals: Journals) -> Check:
    """Positions from 1 without a gap, each hash recomputed, the last one being the head; event ids and versions of an aggregate unique."""
    return collect("chains", "日志哈希链", journals.count, _findings(journals))


def _findings(journals: Journals) -> Iterator[Finding]:
    for (_, district), log in sorted(journals.logs.items()):
        yield from _chain(district, log)
        yield from _versions(district, log)
    seen: dict[str, str] = {}
    for log in journals.logs.values():
        for fact in log:
            if fact.event.event_id in seen:
                yield Finding("EVENT_TWICE", fact.district, fact.case_id, f"{fact.place} = {seen[fact.event.event_id]}")
            seen[fact.event.event_id] = fact.place
            if fact.body is None:
                yield Finding("EVENT_UNKNOWN", fact.district, fact.case_id, f"{fact.place} {fact.event.type}")
    for service, heads in journals.heads.items():
        for head in heads:
            read = journals.logs.get((service, head.district), [])
            at_head = read[head.position - 1].event.hash if 0 < head.position <= len(read) else None
            if head.position and at_head != head.hash:
                yield Finding("HEAD_DIFFERS", head.district, detail=f"{service}/{head.district}/{head.position}")


def _chain(district: str, log: Sequence[Fact]) -> Iterator[Finding]:
    running = GENESIS
    for expected, fact in enumerate(log, start=1):
        if fact.position != expected:
            yield Finding("GAP", district, fact.case_id, f"{fact.place}, expected {expected}")
            return
        if fact.event.previous_hash.hex() != running:
            yield Finding("PREVIOUS_HASH_DIFFERS", district, fact.case_id, fact.place)
        running = chain(running, _exported(fact.event))
        if fact.event.hash.hex() != running:
            yield Finding("HASH_DIFFERS", district, fact.case_id, fact.place)
            return


def _versions(district: str, log: Sequence[Fact]) -> Iterator[Finding]:
    last: dict[str, int] = {}
    for fact in log:
        aggregate, version = fact.event.aggregate_id, fact.event.version
        if version <= last.get(aggregate, 0):
            yield Finding("VERSION_TWICE", district, fact.case_id, f"{fact.place} version {version}")
        last[aggregate] = version


def _exported(event: LoggedEvent) -> dict[str, object]:
    """The event as an export has it (`docs/log-export.md`): what is hashed."""
    return {
        "position": event.position,
        "event_id": event.event_id,
        "type": event.type,
        "aggregate_id": event.aggregate_id,
        "version": event.version,
        "subject": event.subject,
        "district": event.district,
        "occurred_at": event.occur_time.ToMicroseconds(),
        "recorded_at": event.record_time.ToMicroseconds(),
        "headers": event.headers,
        "payload": b64encode(event.payload).decode(),
    }
