"""The span of each call to the agencies' door, below the caller's trace."""

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from tiaochu_kit import telemetry


class Traced:
    """ASGI middleware. A span is named by method and resource; ids stay out of names, and so does whatever is no resource of ours."""

    def __init__(self, app: ASGIApp, prefix: str, resources: Collection[str]) -> None:
        self._app = app
        self._prefix = prefix
        self._resources = resources

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the call in its span."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        resource = scope["path"].removeprefix(self._prefix).strip("/").split("/")[0]
        known = resource if resource in self._resources else "elsewhere"
        with telemetry.server_span(f"HTTP {scope['method']} {known}", dict(Headers(scope=scope))):
            await self._app(scope, receive, send)
