"""The HTTP port of a service: health, figures, and the service's own edge where an outside caller exists."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

GRACE_SECONDS = 4
"""How long running requests may take after the stop began."""


class HttpEdge:
    """Serves `/live`, `/ready`, `/metrics` and, at `/`, `app`."""

    def __init__(
        self,
        listen: str,
        ready: Callable[[], Awaitable[tuple[bool, list[str]]]],
        figures: Callable[[], Awaitable[bytes]],
        app: ASGIApp | None,
    ) -> None:
        self._ready = ready
        self._figures = figures
        routes: list[Any] = [Route("/live", _live), Route("/ready", self._answer_ready), Route("/metrics", self._answer_figures)]
        if app is not None:
            routes.append(Mount("/", app))
        host, port = listen.rsplit(":", 1)
        config = uvicorn.Config(
            Starlette(routes=routes),
            host=host,
            port=int(port),
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        self._server = _QuietServer(config)
        self._serving: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Serve in the background."""
        self._serving = asyncio.ensure_future(self._server.serve())

    async def stop(self) -> None:
        """Let running requests end, for `GRACE_SECONDS`."""
        self._server.should_exit = True
        if self._serving is not None:
            with contextlib.suppress(asyncio.CancelledError, SystemExit, Exception):
                await asyncio.wait_for(self._serving, GRACE_SECONDS + 1)

    async def _answer_ready(self, _request: Request) -> Response:
        ready, stopped = await self._ready()
        return JSONResponse({"ready": ready, "stopped_consumers": stopped}, status_code=200 if ready else 503)

    async def _answer_figures(self, _request: Request) -> Response:
        return Response(await self._figures(), media_type="text/plain; version=0.0.4; charset=utf-8")


async def _live(_request: Request) -> Response:
    return JSONResponse({"live": True})


class _QuietServer(uvicorn.Server):
    """uvicorn without signal handlers: the runner owns them."""

    def install_signal_handlers(self) -> None:
        """Nothing."""

    async def serve(self, sockets: Any = None) -> None:
        """Serve until `should_exit`."""
        await self._serve(sockets)
