"""A gateway and a court on loopback, and whoever else speaks: logs of other services as the gateway reads them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from google.protobuf.message import Message

from docking_tests.letters import offer
from docking_tests.peers import Around
from tiaochu.docking.v1 import docking_service_pb2 as pb
from tiaochu_docking.app import build
from tiaochu_kit.ids import new_id
from tiaochu_kit.principal import Principal
from tiaochu_sandbox.app import build as build_court
from tiaochu_sandbox.gateway import Gateway
from tiaochu_sandbox.settings import SandboxSettings
from tiaochu_testkit.services import Cell, Running
from tiaochu_testkit.waiting import eventually

SERVICE = "tiaochu.docking.v1.DockingService"
DISTRICT = "321282"
ORGAN = "019b76da-a800-77d7-97a6-ce748531119f"
ADMIN = Principal("admin-1", frozenset({"system_admin"}), ORGAN, f"/{ORGAN}/", frozenset({DISTRICT}))
DEPUTY = Principal("deputy-1", frozenset({"routing_deputy"}), ORGAN, f"/{ORGAN}/", frozenset({DISTRICT}))


class _Listening(uvicorn.Server):
    def install_signal_handlers(self) -> None:
        """The test's own."""

    async def serve(self, sockets: Any = None) -> None:
        await self._serve(sockets)


class Stage:
    """What a test acts on."""

    def __init__(self, cell: Cell, running: Running, folder: Path, around: Around) -> None:
        self.around = around
        self.cell = cell
        self.running = running
        self.folder = folder
        self.base = f"http://{running.http_address}"
        self.client = httpx2.AsyncClient(timeout=20)
        self.court_url = ""
        self.agency_id = ""
        self.identity: dict[str, Any] = {}

    def now(self) -> Any:
        return self.running.kit.clock.now()

    async def call(self, rpc: str, request: Message, *, by: Principal | str = ADMIN, **more: Any) -> Any:
        return await self.running.call(f"{SERVICE}/{rpc}", request, by=by, **more)

    async def add_agency(self, code: str, secret: str, endpoints: list[dict[str, Any]], *, district: str = DISTRICT) -> str:
        by = Principal(f"admin-{district}", frozenset({"system_admin"}), ORGAN, f"/{ORGAN}/", frozenset({district}))
        added = await self.call(
            "AddAgency",
            pb.AddAgencyRequest(
                request_id=new_id(),
                district=district,
                code=code,
                name="靖江市人民法院",
                kind="court",
                tier="city",
                dockings=["court"],
                endpoints=[pb.Endpoint(**e) for e in endpoints],
                receiving_organ_id=ORGAN,
                receiving_organ_path=f"/{ORGAN}/",
            ),
            by=by,
        )
        await self.call("IssueCredential", pb.IssueCredentialRequest(request_id=new_id(), agency_id=added.agency_id, secret=secret), by=by)
        return str(added.agency_id)

    def gateway(self, code: str, secret: str) -> Gateway:
        """The gateway as an agency's developer sees it."""
        return Gateway(self.base, code, lambda: secret, self.now, self.client)

    @asynccontextmanager
    async def court(self, **settings: Any) -> AsyncIterator["Stage"]:
        """The sandbox court listening, and let dock."""
        port = self.cell.port("sandbox")
        given = {
            "http_listen": f"127.0.0.1:{port}",
            "http_peers": {"docking": self.base},
            "clock_file": self.cell.clock_file,
            "sandbox_file": self.folder / "court.sqlite",
        }
        server = _Listening(
            uvicorn.Config(
                build_court(SandboxSettings(**{**given, **settings})), port=port, log_config=None, access_log=False, lifespan="on"
            )
        )
        task = asyncio.ensure_future(server.serve())
        self.court_url = f"http://127.0.0.1:{port}"
        try:
            await eventually(self._court_answers, retry=(httpx2.HTTPError,))
            if not self.agency_id:
                self.agency_id = await self.add_agency(self.identity["code"], self.identity["secret"], self.identity["endpoints"])
            yield self
        finally:
            server.should_exit = True
            await task

    async def _court_answers(self) -> bool:
        self.identity = (await self.client.get(f"{self.court_url}/sandbox/identity")).json()
        return True

    async def sandbox(self, method: str, path: str, document: Any = None) -> Any:
        answer = await self.client.request(method, f"{self.court_url}/sandbox/{path}", json=document)
        assert answer.status_code < 300, answer.text
        return answer.json()

    async def say(self, case_id: str, body: Message) -> None:
        """An event of another service."""
        await self.around.say(self.running, case_id, body)

    async def registered(self, exchange_id: str) -> str:
        """The case of an exchange, once it is linked."""

        async def linked() -> str:
            found = await self.rows("SELECT case_id FROM exchanges WHERE id = %s AND case_number <> ''", exchange_id)
            return str(found[0][0]) if found else ""

        return str(await eventually(linked))

    async def matter(self, exchange_id: str) -> dict[str, Any]:
        """A matter as the court has it."""
        told: dict[str, Any] = await self.sandbox("GET", f"matters/{exchange_id}")
        return told

    async def until(self, exchange_id: str, state: str, timeout: float = 15) -> dict[str, Any]:
        """Wait until the court has a matter in this state."""

        async def there() -> dict[str, Any]:
            matter = await self.matter(exchange_id)
            return matter if matter["state"] == state else {}

        found: dict[str, Any] = await eventually(there, timeout=timeout)
        return found

    async def events(self, aggregate_id: str) -> list[str]:
        """Names of the events of an exchange."""
        found = await self.rows("SELECT type FROM journal WHERE aggregate_id = %s ORDER BY seq", aggregate_id)
        return [str(row[0]).rsplit(".", 1)[1] for row in found]

    async def offered(self, seed: int = 1, **order: Any) -> str:
        """An offer of the court that arrived; answers its exchange."""
        document = offer(seed)
        data = document["data"]
        made = {
            "mode": "before_filing",
            "external_no": data["external_no"],
            "content": data["content"],
            "consents": data["consents"],
            **order,
        }
        exchange_id = str((await self.sandbox("POST", "offers", made))["offers"][0]["exchange_id"])

        async def stored() -> bool:
            return bool(await self.rows("SELECT 1 FROM exchanges WHERE id = %s", exchange_id))

        await eventually(stored)
        return exchange_id

    async def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        async with self.running.kit.database.transaction() as tx:
            return await tx.rows(sql, values)


@asynccontextmanager
async def opened(cell: Cell, folder: Path, *, work: bool = True) -> AsyncIterator[Stage]:
    """A running gateway, with the other services around it."""
    async with AsyncExitStack() as stack:
        around = await stack.enter_async_context(Around().serving())
        running = await stack.enter_async_context(cell.running("docking", "tiaochu_docking", build, work=work, peers=around.peers))
        stage = Stage(cell, running, folder, around)
        stack.push_async_callback(stage.client.aclose)

        async def ready() -> bool:
            return (await stage.client.get(f"{stage.base}/ready")).status_code == 200

        await eventually(ready, retry=(httpx2.HTTPError,))
        yield stage
