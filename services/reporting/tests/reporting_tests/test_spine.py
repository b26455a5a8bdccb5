"""From a producer's journal through NATS, catch-up and a rebuild to the figures; and the story of one case."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import orjson
import pytest

from tiaochu.reporting.v1 import projection_service_pb2 as projection_pb
from tiaochu.reporting.v1 import report_service_pb2 as pb
from tiaochu_domainkit.errors import DomainError
from tiaochu_kit.ids import new_id
from tiaochu_kit.runner import App, Kit
from tiaochu_reporting.app import PRODUCERS, build
from tiaochu_testkit.services import Cell, Running
from tiaochu_testkit.waiting import eventually

from .stories import DISTRICT, PATHS, VILLAGE, Case, Told, told_by  # noqa: TID252 - tests of one package

REPORT = "tiaochu.reporting.v1.ReportService"
PROJECTIONS = "tiaochu.reporting.v1.ProjectionService"
_RECORD = """
INSERT INTO journal (event_id, aggregate_id, version, type, district, subject, occurred_at, recorded_at, headers, payload)
VALUES (%s, %s, 1, %s, %s, %s, %s, %s, %s, %s)
"""


def bare(_kit: Kit) -> App:
    return App(rpcs={})


async def record(producers: Mapping[str, Running], told: Iterable[Told]) -> None:
    """Put events into the producers' journals, as their commands would."""
    for one in told:
        kit = producers[one.producer].kit
        headers = orjson.dumps({"actor": "service:test", "organ": VILLAGE}).decode()
        type_, payload = one.body.DESCRIPTOR.full_name, one.body.SerializeToString()
        values = (new_id(), one.case_id, type_, DISTRICT, one.case_id, one.occurred_at, one.recorded_at, headers, payload)
        async with kit.database.transaction() as tx:
            await tx.queue(_RECORD, values)
        kit.committed()


async def figures(reporting: Running) -> dict[str, int]:
    answer = await reporting.call(f"{REPORT}/GetMonthTable", pb.GetMonthTableRequest(district=DISTRICT, period="2026-03"))
    return {k: v for k, v in answer.rows[0].values.items() if v}


async def projections(reporting: Running) -> list[Any]:
    answer = await reporting.call(f"{PROJECTIONS}/ListProjections", projection_pb.ListProjectionsRequest())
    return list(answer.projections)


def story() -> Case:
    return Case().registered().classified().held(VILLAGE).accepted().agreed()


async def counted(reporting: Running, total: int) -> None:
    async def heard() -> bool:
        return (await figures(reporting)).get("total", 0) == total

    await eventually(heard, timeout=20)


@pytest.mark.req("RP1")
async def test_what_is_recorded_anywhere_is_counted_and_what_nats_lost_too(cell: Cell) -> None:
    for name in PRODUCERS:
        cell.port(name)
    async with (
        cell.running("intake", "toy", bare) as intake,
        cell.running("routing", "toy", bare) as routing,
        cell.running("mediation", "toy", bare) as mediation,
        cell.running("docking", "toy", bare),
        cell.running("reporting", "tiaochu_reporting", build) as reporting,
    ):
        producers = {"intake": intake, "routing": routing, "mediation": mediation}
        first, second = story(), story()
        await record(producers, told_by([first]))
        await counted(reporting, 1)
        cell.nats.kill()
        cell.nats.wipe()
        await record(producers, told_by([second]))
        await counted(reporting, 2)

        timeline = await reporting.call(f"{REPORT}/GetCaseTimeline", pb.GetCaseTimelineRequest(case_id=first.ident))
        assert [(e.service, e.type.rpartition(".")[2]) for e in timeline.entries] == [
            ("intake", "CaseRegistered"),
            ("intake", "CaseClassified"),
            ("routing", "ResponsibilityStarted"),
            ("routing", "CaseAccepted"),
            ("mediation", "MediationOpened"),
            ("mediation", "AgreementEffective"),
        ]
        assert orjson.loads(timeline.entries[2].body_json)["organ_path"] == PATHS[VILLAGE]
        assert (timeline.entries[0].actor, timeline.entries[0].organ_id) == ("service:test", VILLAGE)
        with pytest.raises(DomainError) as refusal:
            await reporting.call(f"{REPORT}/GetCaseTimeline", pb.GetCaseTimelineRequest(case_id=new_id()))
        assert refusal.value.reason == "NOT_FOUND"


@pytest.mark.req("RP1")
async def test_a_rebuild_mends_the_tables_beside_the_live_ones_and_takes_over(cell: Cell) -> None:
    for name in PRODUCERS:
        cell.port(name)
    async with (
        cell.running("intake", "toy", bare) as intake,
        cell.running("routing", "toy", bare) as routing,
        cell.running("mediation", "toy", bare) as mediation,
        cell.running("docking", "toy", bare),
        cell.running("reporting", "tiaochu_reporting", build) as reporting,
    ):
        producers = {"intake": intake, "routing": routing, "mediation": mediation}
        await record(producers, told_by([story() for _ in range(3)]))
        await counted(reporting, 3)
        async with reporting.kit.database.transaction() as tx:
            await tx.queue("UPDATE month_totals SET total = 0, type_neighbour = 0")
        assert "total" not in await figures(reporting)
        asked = pb.ReconcileRequest(district=DISTRICT, period="2026-03")
        proof = await reporting.call(f"{REPORT}/Reconcile", asked)
        assert {c.subject for c in proof.checks if not c.holds} >= {"total", "type.neighbour"}

        answer = await reporting.call(f"{PROJECTIONS}/StartRebuild", projection_pb.StartRebuildRequest())
        await record(producers, told_by([story()]))

        async def live() -> bool:
            found = await projections(reporting)
            return [(p.lineage, p.state) for p in found] == [(answer.lineage, "live"), (1, "retired")]

        await eventually(live, timeout=30)
        await counted(reporting, 4)
        await record(producers, told_by([story()]))
        await counted(reporting, 5)
        assert (await reporting.call(f"{REPORT}/Reconcile", asked)).balanced

        async def purged() -> bool:
            async with reporting.kit.database.transaction() as tx:
                rows = await tx.rows(
                    "SELECT (SELECT count(*) FROM facts WHERE lineage = 1) + (SELECT count(*) FROM cursors WHERE producer LIKE '%%#%%')"
                )
            return rows == [(0,)]

        await eventually(purged, timeout=20)
        assert (
            timedelta(0)
            < (await projections(reporting))[0].live_at.ToDatetime() - (await projections(reporting))[0].started_at.ToDatetime()
        )
