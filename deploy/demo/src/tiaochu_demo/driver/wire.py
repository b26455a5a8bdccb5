"""Calls to a running stack over mutual TLS: a person's token, a time limit, and patience while a service is away."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from tiaochu_cli.rpcs import is_mutation, method_of, path_of, response_of, service_of
from tiaochu_demo.driver.cast import Actor
from tiaochu_domainkit.errors import DomainError
from tiaochu_embedded.client import RunningStack
from tiaochu_embedded.clock import StackClock
from tiaochu_kit.errors import from_rpc
from tiaochu_kit.ids import new_id

SECONDS = 20.0
"""Time limit of one call."""
PATIENCE_SECONDS = 60.0
"""How long a service may be away before the caller gives up: longer than a restart."""
_PAUSE_SECONDS = 0.2
AWAY = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED)
"""Answers that say nothing of the request: the same may be asked again."""
_RENEW_BEFORE_SECONDS = 900


class Refused(Exception):
    """A call that was answered with an error. `reason` is the frozen one, `code` gRPC's."""

    def __init__(self, rpc: str, actor: Actor | None, code: grpc.StatusCode, error: DomainError) -> None:
        self.rpc, self.actor, self.code, self.error = rpc, actor, code, error
        self.reason = error.reason
        fields = "".join(f" [{v.path}: {v.reason}]" for v in error.violations)
        who = f" by {actor}" if actor else ""
        super().__init__(f"{rpc}{who}: {code.name} {error.reason}{fields} {dict(error.metadata)} {error.message} / {error.zh}")

    @property
    def fields(self) -> dict[str, str]:
        """Field path → reason."""
        return {v.path: v.reason for v in self.error.violations}


class Wire:
    """One client of a running stack."""

    def __init__(self, stack: RunningStack) -> None:
        self.stack = stack
        self.clock = StackClock(Path(stack.addresses["clock_file"]))
        self.calls = 0
        self._channels: dict[str, grpc.aio.Channel] = {}
        self._tokens: dict[str, tuple[str, float]] = {}

    def now(self) -> datetime:
        """The stack's time."""
        return datetime.fromtimestamp(self.clock.now(), UTC)

    async def ask(
        self, actor: Actor | None, request: Message, *, service: str = "", after: Iterable[str] = (), patience: float = PATIENCE_SECONDS
    ) -> Any:
        """Call the RPC whose request this is and answer its response. Raises `Refused`.

        `after` names services whose logs the callee reads first. A service that is away is called again with the same request, whose
        `request_id` makes that harmless. Nobody needs a token for an RPC that is open to the holder of a code: `actor` is `None` then.
        """
        method = method_of(request)
        if is_mutation(method) and not getattr(request, "request_id", ""):
            setattr(request, "request_id", new_id())  # noqa: B010 - every mutation has the field, no common type says so
        call = self._unary(method, service or service_of(method))
        until = asyncio.get_running_loop().time() + patience
        while True:
            try:
                self.calls += 1
                return await call(request, timeout=SECONDS, metadata=await self._metadata(actor, request, after))
            except grpc.aio.AioRpcError as error:
                if error.code() not in AWAY or asyncio.get_running_loop().time() > until:
                    raise Refused(method.name, actor, error.code(), from_rpc(error)) from error
                await asyncio.sleep(_PAUSE_SECONDS)

    async def ask_raw(self, actor: Actor, request: Message, content: bytes) -> Any:
        """Call the RPC of `request` with other bytes than its own: for what no client of ours can write. Raises `Refused`."""
        method = method_of(request)
        call: Any = self._channel(service_of(method)).unary_unary(
            path_of(method), request_serializer=bytes, response_deserializer=response_of(method).FromString
        )
        try:
            return await call(content, timeout=SECONDS, metadata=await self._metadata(actor, request, ()))
        except grpc.aio.AioRpcError as error:
            raise Refused(method.name, actor, error.code(), from_rpc(error)) from error

    async def send(self, actor: Actor, requests: Sequence[Message]) -> Any:
        """Call an RPC that takes a stream and answers once. Raises `Refused`."""
        method = method_of(requests[0])
        call = self._channel(service_of(method)).stream_unary(path_of(method), **_coding(method))
        try:
            return await call(_each(requests), timeout=SECONDS, metadata=await self._metadata(actor, requests[0], ()))
        except grpc.aio.AioRpcError as error:
            raise Refused(method.name, actor, error.code(), from_rpc(error)) from error

    async def stream(self, actor: Actor, *requests: Message, service: str = "", seconds: float = 300.0) -> AsyncIterator[Any]:
        """Call an RPC that answers a stream, with one request or a stream of them. Raises `Refused`."""
        method = method_of(requests[0])
        channel = self._channel(service or service_of(method))
        metadata = await self._metadata(actor, requests[0], ())
        if method.client_streaming:
            call: Any = channel.stream_stream(path_of(method), **_coding(method))(_each(requests), timeout=seconds, metadata=metadata)
        else:
            call = channel.unary_stream(path_of(method), **_coding(method))(requests[0], timeout=seconds, metadata=metadata)
        try:
            async for response in call:
                yield response
        except grpc.aio.AioRpcError as error:
            raise Refused(method.name, actor, error.code(), from_rpc(error)) from error

    async def token(self, person: str) -> str:
        """A token of a person, asked for anew before it ends: the stack's time may have been stepped on."""
        known = self._tokens.get(person)
        if known is None or known[1] - _RENEW_BEFORE_SECONDS < self.clock.now():
            token = await asyncio.to_thread(self.stack.token, person)
            known = self._tokens[person] = (token, _expiry(token))
        return known[0]

    async def close(self) -> None:
        """Close all channels."""
        for channel in self._channels.values():
            await channel.close(grace=1)

    async def _metadata(self, actor: Actor | None, request: Message, after: Iterable[str]) -> list[tuple[str, str]]:
        metadata = []
        if actor is not None:
            metadata += [("authorization", f"Bearer {await self.token(actor.person_id)}"), ("tiaochu-organ", actor.organ_id)]
        if request_id := getattr(request, "request_id", ""):
            metadata.append(("tiaochu-request-id", request_id))
        if after:
            metadata.append(("tiaochu-after", ",".join(sorted(after))))
        return metadata

    def _unary(self, method: MethodDescriptor, service: str) -> Any:
        return self._channel(service).unary_unary(path_of(method), **_coding(method))

    def _channel(self, service: str) -> grpc.aio.Channel:
        if service not in self._channels:
            tls = self.stack.addresses["tls"]
            own = tls["clients"]["cli"]
            credentials = grpc.ssl_channel_credentials(*(Path(f).read_bytes() for f in (tls["ca_file"], own["key_file"], own["cert_file"])))
            options = [("grpc.ssl_target_name_override", service), ("grpc.max_receive_message_length", 16 * 1024 * 1024)]
            self._channels[service] = grpc.aio.secure_channel(self.stack.addresses["grpc"][service], credentials, options)
        return self._channels[service]


def _coding(method: MethodDescriptor) -> dict[str, Any]:
    return {"request_serializer": lambda m: m.SerializeToString(), "response_deserializer": response_of(method).FromString}


async def _each(requests: Sequence[Message]) -> AsyncIterator[Message]:
    for request in requests:
        yield request


def _expiry(token: str) -> float:
    body = token.split(".")[1]
    return float(json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["exp"])
