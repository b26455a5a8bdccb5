"""Figures of routing's own."""

import httpx2
import psycopg
import pytest

from tiaochu_kit import figures
from tiaochu_kit.ids import new_id
from tiaochu_routing.app import PACKAGE, SERVICE, build
from tiaochu_testkit.services import Cell
from tiaochu_testkit.waiting import eventually

_CLOCK = """
INSERT INTO clocks (id, district, status, version, case_id, rule_code, provisional, doc) VALUES (%s, '329901', %s, 1, %s, 'CONCLUDE_PM', %s, '{}')
"""


@pytest.mark.req("PF8")
async def test_running_clocks_whose_year_has_no_calendar_are_counted(cell: Cell) -> None:
    figures.setup()
    async with cell.running(SERVICE, PACKAGE, build, work=False) as routing:
        with psycopg.connect(cell.databases[SERVICE].owner_dsn) as owner:
            for status, provisional in (("running", True), ("running", True), ("running", False), ("fired", True)):
                owner.execute(_CLOCK, (new_id(), status, new_id(), provisional))

        async def counted() -> bool:
            async with httpx2.AsyncClient() as client:
                lines = (await client.get(f"http://{routing.http_address}/metrics")).text.splitlines()
            return any(line.startswith('tiaochu_clocks_provisional{district="329901"') and line.endswith(" 2.0") for line in lines)

        await eventually(counted, retry=(httpx2.HTTPError,))
