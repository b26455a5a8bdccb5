"""Commands the service gives itself: durable calls, timers, the dispatcher."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from google.protobuf.message import Message

from tiaochu_kit import telemetry
from tiaochu_kit.executor import Executor
from tiaochu_kit.principal import Context, service_principal

ME = service_principal("docking")


class OwnCommands:
    """Runs commands as `service:docking`."""

    def __init__(self, executor: Executor, now: Callable[[], datetime]) -> None:
        self._executor = executor
        self._now = now

    async def run(self, method: Any, request: Message, response: type[Message], *, request_id: str) -> Any:
        """Run a command; the same `request_id` with the same request answers as before."""
        ctx = Context(ME, f"docking/{method.__name__}", self._now(), request_id, telemetry.traceparent())
        return await self._executor.run(method, request, ctx, response)
