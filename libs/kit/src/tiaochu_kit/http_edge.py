"""The HTTP of a service: what a platform asks (health and figures), and the service's own edge where an outside caller exists."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

GRACE_SECONDS = 4
"""How long running requests may take after the stop began."""
HEAD_LIMIT = 64 * 1024
HEAD_SECONDS = 20.0
"""What a request may need before its body, in bytes and time: else whoever says nothing, or too much, holds a connection or memory for ever."""


class Health:
    """What a service says of itself.

    `/live` touches nothing: a process that answers is alive. `/started` says that the database has the schema this code needs and that the roles run.
    `/ready` says that reads can be answered. A consumer that stands still is told beside it and is an alert, not a reason to answer nobody.
    """

    def __init__(self, database_answers: Callable[[], Awaitable[bool]], stopped_consumers: Callable[[], list[str]]) -> None:
        self._database_answers = database_answers
        self._stopped_consumers = stopped_consumers
        self.started = False
        self.stopping = False

    async def ready(self) -> bool:
        """Whether calls are welcome."""
        return self.started and not self.stopping and await self._database_answers()

    def routes(self) -> list[BaseRoute]:
        """`/live`, `/started` and `/ready`."""
        return [Route("/live", _live), Route("/started", self._answer_started), Route("/ready", self._answer_ready)]

    async def _answer_started(self, _request: Request) -> Response:
        return JSONResponse({"started": self.started}, status_code=200 if self.started else 503)

    async def _answer_ready(self, _request: Request) -> Response:
        ready = await self.ready()
        return JSONResponse({"ready": ready, "stopped_consumers": self._stopped_consumers()}, status_code=200 if ready else 503)


async def _live(_request: Request) -> Response:
    return JSONResponse({"live": True})


class HttpEdges:
    """Health and figures on one port, `app` on another; on one and the same where `ops_listen` is not given."""

    def __init__(
        self, listen: str, ops_listen: str | None, health: Health, figures: Callable[[], Awaitable[bytes]], app: ASGIApp | None
    ) -> None:
        async def answer_figures(_request: Request) -> Response:
            return Response(await figures(), media_type="text/plain; version=0.0.4; charset=utf-8")

        operations = [*health.routes(), Route("/metrics", answer_figures)]
        outside: list[BaseRoute] = [] if app is None else [Mount("/", app)]
        if ops_listen is None:
            self._ports = [_Port(listen, [*operations, *outside])]
        else:
            self._ports = [_Port(ops_listen, operations), *([_Port(listen, outside)] if outside else [])]

    def start(self) -> None:
        """Serve in the background."""
        for port in self._ports:
            port.start()

    async def stop(self) -> None:
        """Let running requests end, for `GRACE_SECONDS`."""
        await asyncio.gather(*(port.stop() for port in self._ports))


class _Port:
    """One address that is listened at."""

    def __init__(self, listen: str, routes: list[BaseRoute]) -> None:
        host, port = listen.rsplit(":", 1)
        config = uvicorn.Config(
            Starlette(routes=routes),
            host=host,
            port=int(port),
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            http=_BoundedHead,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        self._server = _QuietServer(config)
        self._serving: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._serving = asyncio.ensure_future(self._server.serve())

    async def stop(self) -> None:
        self._server.should_exit = True
        if self._serving is not None:
            with contextlib.suppress(asyncio.CancelledError, SystemExit, Exception):
                await asyncio.wait_for(self._serving, GRACE_SECONDS + 1)


class _QuietServer(uvicorn.Server):
    """uvicorn without signal handlers: the runner owns them."""

    def install_signal_handlers(self) -> None:
        """Nothing."""

    async def serve(self, sockets: Any = None) -> None:
        """Serve until `should_exit`."""
        await self._serve(sockets)


class _BoundedHead(HttpToolsProtocol):
    """Hangs up on a request whose head does not come to its end; the parser itself would take any length and wait for ever."""

    _head_ends: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: Any) -> None:
        """Wait for the first request."""
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Parse; what did not end the head counts."""
        super().data_received(data)
        if self._head_ends is not None:
            self._count(len(data))

    def on_message_begin(self) -> None:
        """The first bytes of a request."""
        super().on_message_begin()
        self._await_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header: a long head that came at once counts too."""
        super().on_header(name, value)
        self._count(len(name) + len(value))

    def on_headers_complete(self) -> None:
        """The head is there; of a connection hung up nothing is answered."""
        self._stop_waiting()
        if not self.transport.is_closing():
            super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more to wait for."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > HEAD_LIMIT:
            self.transport.close()

    def _await_head(self) -> None:
        self._stop_waiting()
        self._head_bytes = 0
        self._head_ends = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._head_ends is not None:
            self._head_ends.cancel()
            self._head_ends = None
