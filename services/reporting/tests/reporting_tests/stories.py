"""Cases as the services would tell them: events with their moments, put into logs and fed to the consumers in any interleaving."""

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from tiaochu.intake.events.v1 import case_events_pb2 as intake
from tiaochu.log.v1.log_service_pb2 import LoggedEvent
from tiaochu.mediation.events.v1 import agreement_events_pb2 as agreement
from tiaochu.mediation.events.v1 import ending_events_pb2 as ending
from tiaochu.mediation.events.v1 import table_events_pb2 as table
from tiaochu.reporting.v1 import report_service_pb2 as pb
from tiaochu.routing.events.v1 import directory_events_pb2 as directory
from tiaochu.routing.events.v1 import responsibility_events_pb2 as routing
from tiaochu_kit.ids import new_id
from tiaochu_kit.principal import Principal
from tiaochu_testkit.services import Cell, Running

DISTRICT = "329901"
START = datetime(2026, 3, 10, 1, tzinfo=UTC)
"""10 March, nine in the morning in Beijing."""

CITY, TOWN, VILLAGE, COURTROOM, BUREAU = "city", "town", "village", "courtroom", "bureau"
PATHS = {
    CITY: "/city/",
    TOWN: "/city/town/",
    VILLAGE: "/city/town/village/",
    COURTROOM: "/city/courtroom/",
    BUREAU: "/city/bureau/",
}
KINDS = {CITY: "city_centre", TOWN: "town_centre", VILLAGE: "village_committee", COURTROOM: "court_workroom", BUREAU: "labour_bureau"}
TIERS = {TOWN: "town", VILLAGE: "village"}


@dataclass(frozen=True)
class Told:
    """One event on its way into a log."""

    producer: str
    body: Any
    occurred_at: datetime
    recorded_at: datetime
    case_id: str = ""


def stamp(at: datetime) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(at)
    return made


@dataclass
class Case:
    """Tells one case; each call happens a day after the one before unless it says when."""

    organ: str = VILLAGE
    at: datetime = START
    ident: str = field(default_factory=new_id)
    told: list[Told] = field(default_factory=list)

    def tell(self, producer: str, body: Message, occurred_at: datetime | None = None, recorded_at: datetime | None = None) -> "Case":
        self.at = recorded_at or self.at + timedelta(days=1)
        self.told.append(Told(producer, body, occurred_at or self.at, self.at, self.ident))
        return self

    def registered(self, source: str = "application", parties: tuple[int, int] = (1, 1), amount_fen: int = 0, **more: Any) -> "Case":
        body = intake.CaseRegistered(
            case_id=self.ident,
            case_number=f"329901-2026-001-{self.ident[-6:]}",
            source=source,
            first_receiver_organ_id=self.organ,
            first_receiver_organ_path=PATHS[self.organ],
            first_received_at=stamp(self.at + timedelta(days=1)),
            applicant_count=parties[0],
            respondent_count=parties[1],
            amount_fen=amount_fen,
            history=more.pop("history", False),
        )
        return self.tell("intake", body, **more)

    def classified(self, moj_type: str = "neighbour", difficulty: str = "ordinary", **more: Any) -> "Case":
        return self.tell("intake", intake.CaseClassified(case_id=self.ident, moj_type=moj_type, difficulty=difficulty), **more)

    def merged(self, master: str, **more: Any) -> "Case":
        return self.tell("intake", intake.CaseMerged(case_id=self.ident, master_case_id=master), **more)

    def history(self, closed_on: str, *, outcome: str = "agreed", form: str = "written", performed: bool = True, **more: Any) -> "Case":
        body = intake.HistoryResultRecorded(
            case_id=self.ident,
            organ_id=self.organ,
            organ_path=PATHS[self.organ],
            outcome=outcome,
            form=form,
            closed_on=closed_on,
            performed=performed,
            confirmed=False,
            moj_type="contract",
        )
        return self.tell("intake", body, **more)

    def held(self, organ: str, version: int = 1, **more: Any) -> "Case":
        body = routing.ResponsibilityStarted(case_id=self.ident, organ_id=organ, organ_path=PATHS[organ], responsibility_version=version)
        return self.tell("routing", body, **more)

    def accepted(self, kind: str = "people", **more: Any) -> "Case":
        organ, path = self.organ, PATHS[self.organ]
        taken = routing.CaseAccepted(case_id=self.ident, organ_id=organ, organ_path=path, mediation_kind=kind)
        opened = table.MediationOpened(case_id=self.ident, organ_id=organ, organ_path=path, mediation_kind=kind)
        return self.tell("routing", taken, **more).tell("mediation", opened, **more)

    def declined(self, **more: Any) -> "Case":
        return self.tell("routing", routing.CaseDeclined(case_id=self.ident, organ_id=self.organ, organ_path=PATHS[self.organ]), **more)

    def agreed(self, form: str = "written", amount_fen: int = 0, effective_at: datetime | None = None, **more: Any) -> "Case":
        effective = effective_at or more.get("recorded_at") or self.at + timedelta(days=1)
        body = agreement.AgreementEffective(case_id=self.ident, form=form, amount_fen=amount_fen, effective_at=stamp(effective))
        return self.tell("mediation", body, **more)

    def terminated(self, *, before_acceptance: bool = False, **more: Any) -> "Case":
        body = ending.MediationTerminated(case_id=self.ident, ground="not_agreed", before_acceptance=before_acceptance)
        return self.tell("mediation", body, **more)

    def performed(self, on: str, **more: Any) -> "Case":
        return self.tell("mediation", agreement.AgreementPerformed(case_id=self.ident, performed_on=on), **more)

    def confirmed(self, ruling: str = "valid", **more: Any) -> "Case":
        self.tell("mediation", agreement.ConfirmationRequested(case_id=self.ident), **more)
        on = self.at.date().isoformat()
        return self.tell("mediation", agreement.ConfirmationDecided(case_id=self.ident, ruling=ruling, ruled_on=on), **more)


def organs(at: datetime = START - timedelta(days=300)) -> list[Told]:
    """The directory of these tests."""
    return [Told("routing", placed(organ, path, kind=KINDS[organ], tier=TIERS.get(organ, "city")), at, at) for organ, path in PATHS.items()]


def placed(organ: str, path: str, kind: str, tier: str, valid_from_on: str = "2025-01-01") -> directory.OrganPlaced:
    return directory.OrganPlaced(organ_id=organ, organ_path=path, kind=kind, tier=tier, valid_from_on=valid_from_on)


class Logs:
    """The logs of one district, as their producers' relays would make them."""

    def __init__(self, district: str = DISTRICT) -> None:
        self.district = district
        self._heads: dict[str, tuple[int, bytes]] = {}

    def write(self, told: Iterable[Told]) -> dict[str, list[LoggedEvent]]:
        """Put events into their producers' logs in the order of recording; answers what was added to each."""
        written: dict[str, list[LoggedEvent]] = {}
        for one in sorted(told, key=lambda t: t.recorded_at):
            written.setdefault(one.producer, []).append(self._append(one))
        return written

    def _append(self, one: Told) -> LoggedEvent:
        position, previous = self._heads.get(one.producer, (0, b"\0" * 32))
        payload = one.body.SerializeToString()
        running = hashlib.sha256(previous + payload).digest()
        self._heads[one.producer] = position + 1, running
        return LoggedEvent(
            district=self.district,
            position=position + 1,
            previous_hash=previous,
            hash=running,
            event_id=new_id(),
            type=one.body.DESCRIPTOR.full_name,
            aggregate_id=one.case_id or new_id(),
            version=1,
            subject=one.case_id,
            occur_time=stamp(one.occurred_at),
            record_time=stamp(one.recorded_at),
            headers="{}",
            payload=payload,
        )


async def feed(reporting: Running, logs: Logs, told: Iterable[Told]) -> None:
    """Everything at once, producer by producer."""
    for producer, events in logs.write(told).items():
        await reporting.kit.consumers[producer].apply(logs.district, events)


async def feed_in_turns(reporting: Running, logs: Logs, told: Iterable[Told], turns: Iterator[tuple[int, int]]) -> None:
    """In the given turns, each (which producer next, how many of its events), until all logs are read."""
    waiting = {producer: events for producer, events in sorted(logs.write(told).items()) if events}
    while waiting:
        pick, count = next(turns)
        producer = sorted(waiting)[pick % len(waiting)]
        await reporting.kit.consumers[producer].apply(logs.district, waiting[producer][:count])
        waiting[producer] = waiting[producer][count:]
        if not waiting[producer]:
            del waiting[producer]


def told_by(cases: Sequence[Case]) -> list[Told]:
    """All events of some cases."""
    return list(itertools.chain.from_iterable(c.told for c in cases))


async def lock(reporting: Running, month: str, *, by: Principal | str = "service:test", district: str = DISTRICT) -> Any:
    """Lock a month."""
    return await reporting.call("tiaochu.reporting.v1.ReportService/LockMonth", pb.LockMonthRequest(month=month, district=district), by=by)


async def _end_logs_where_read(cell: Cell, reporting: Running) -> None:
    """The producers' heads stand where the test, which tells their events by hand, has come to."""
    for producer, consumer in reporting.kit.consumers.items():
        cursors = await consumer.cursors()
        with psycopg.connect(cell.databases[producer].owner_dsn) as owner:
            for district, cursor in cursors.items():
                owner.execute(
                    "INSERT INTO log_heads (district, position, hash, published) VALUES (%s, %s, %s, %s) "
                    "ON CONFLICT (district) DO UPDATE SET position = excluded.position, hash = excluded.hash, published = excluded.published",
                    (district, cursor.position, cursor.hash, cursor.position),
                )


async def lock_on(cell: Cell, reporting: Running, month: str, day: datetime, *, district: str = DISTRICT) -> Any:
    """Lock a month with the services' clock standing at `day`; the clock goes back afterwards."""
    await _end_logs_where_read(cell, reporting)
    step = (day - reporting.kit.clock.now()).total_seconds()
    cell.step_clock(step)
    try:
        return await lock(reporting, month, district=district)
    finally:
        cell.step_clock(-step)
