"""smoke"""

import httpx2

from tiaochu_docking.app import build
from tiaochu_testkit.services import Cell


async def test_it_starts_and_shows_its_document(cell: Cell) -> None:
    async with cell.running("docking", "tiaochu_docking", build) as running, httpx2.AsyncClient() as client:
        base = f"http://{running.http_address}/docking/v1"
        document = (await client.get(f"{base}/openapi.json")).json()
        assert document["openapi"].startswith("3.1")
        assert "court.result" in document["webhooks"]
        page = await client.get(f"{base}/docs")
        assert page.status_code == 200
        assert "//" not in page.text.split("<script>")[0].replace("<!doctype", "")
        assert (await client.get(f"{base}/schemas/court/2026-11/offer?mode=guided")).json()["properties"]["data"]
        assert (await client.get(f"{base}/nothing")).json()["reason"] == "NOT_FOUND"
