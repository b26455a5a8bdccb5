"""Calls to other services: by RPC name, with deadline, trace, the caller's token, and retries of what is safe to retry, within a budget."""

import asyncio
from collections import defaultdict
from typing import Any

import grpc
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import Message

from tiaochu_kit import telemetry
from tiaochu_kit.certificates import Certificates, Stamp
from tiaochu_kit.errors import from_rpc, unavailable
from tiaochu_kit.principal import Context
from tiaochu_kit.settings import Settings

TIMEOUT_SECONDS = 5.0
ATTEMPTS = 3
BUDGET = 20.0
"""Tokens of a full retry budget."""
EARNED = 0.1
"""What an answered call pays back."""
LOOK_AGAIN_MS = 5_000
"""The shortest time between two looks at the addresses of a service: a replica that came is used this soon after a connection aged."""


class RetryBudget:
    """Keeps retries from making an overload worse, as gRPC's retry throttling does: a failed attempt costs a token, an answered call earns a tenth.

    While more than half are left retries are free; below that calls fail at once until the other side answers again.
    """

    def __init__(self) -> None:
        self._tokens = BUDGET

    def earn(self) -> None:
        """A call was answered."""
        self._tokens = min(BUDGET, self._tokens + EARNED)

    def spend(self) -> bool:
        """An attempt failed; answers whether it may be repeated."""
        self._tokens = max(0.0, self._tokens - 1)
        return self._tokens > BUDGET / 2


class Peers:
    """Channels to the other services of the cell."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._certificates = Certificates(settings)
        self._channels: dict[str, tuple[Stamp, grpc.aio.Channel]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._budgets: defaultdict[str, RetryBudget] = defaultdict(RetryBudget)

    async def call(
        self,
        service: str,
        rpc: str,
        request: Message,
        ctx: Context | None = None,
        *,
        request_id: str = "",
        after: str = "",
        timeout: float = TIMEOUT_SECONDS,
    ) -> Any:
        """Call `rpc` (`tiaochu.intake.v1.CaseService/GetParties`) of `service`.

        With `ctx` the user's token travels along; without, the service acts for itself. `after` names a service whose log the callee reads to its head
        first. Raises the `DomainError` the callee answered, `UNAVAILABLE` after the last attempt.
        """
        metadata, budget = self._metadata(ctx, request_id, after), self._budgets[service]
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with telemetry.client_span(rpc):
                    answer = await self._method(service, rpc)(request, timeout=timeout, metadata=[*metadata, *telemetry.outgoing().items()])
            except grpc.aio.AioRpcError as error:
                if error.code() != grpc.StatusCode.UNAVAILABLE:
                    budget.earn()
                    raise from_rpc(error) from error
                if not budget.spend() or attempt == ATTEMPTS:
                    raise from_rpc(error) from error
                await asyncio.sleep(0.1 * attempt)
            else:
                budget.earn()
                return answer
        raise unavailable(service)

    def channel(self, service: str) -> grpc.aio.Channel:
        """The channel to a service, for streaming calls by a generated stub."""
        stamp = self._certificates.stamp()
        held = self._channels.get(service)
        if held is None or held[0] != stamp:
            if held is not None:
                self._closing.add(closing := asyncio.ensure_future(held[1].close(grace=TIMEOUT_SECONDS)))
                closing.add_done_callback(self._closing.discard)
            held = self._channels[service] = (stamp, self._open(service))
        return held[1]

    def _open(self, service: str) -> grpc.aio.Channel:
        options: list[tuple[str, Any]] = [
            ("grpc.max_receive_message_length", 16 * 1024 * 1024),
            ("grpc.lb_policy_name", "round_robin"),
            ("grpc.dns_min_time_between_resolutions_ms", LOOK_AGAIN_MS),
        ]
        address = self._settings.peers[service]
        if not self._certificates:
            return grpc.aio.insecure_channel(address, options)
        return grpc.aio.secure_channel(address, self._certificates.channel(), [*options, ("grpc.ssl_target_name_override", service)])

    def _method(self, service: str, rpc: str) -> Any:
        owner, name = rpc.split("/")
        descriptor = descriptor_pool.Default().FindServiceByName(owner).methods_by_name[name]
        responses = message_factory.GetMessageClass(descriptor.output_type)
        return self.channel(service).unary_unary(
            f"/{rpc}", request_serializer=lambda m: m.SerializeToString(), response_deserializer=responses.FromString
        )

    def _metadata(self, ctx: Context | None, request_id: str, after: str) -> list[tuple[str, str]]:
        metadata = [("tiaochu-service", self._settings.service)]
        if request_id:
            metadata.append(("tiaochu-request-id", request_id))
        if after:
            metadata.append(("tiaochu-after", after))
        if ctx is not None:
            metadata += [(name, ctx.metadata[name]) for name in ("authorization", "tiaochu-organ") if name in ctx.metadata]
        return metadata

    async def close(self) -> None:
        """Close all channels."""
        await asyncio.gather(*self._closing)
        for _, channel in self._channels.values():
            await channel.close(grace=1)
