"""The gRPC server: every RPC runs the same way — who, may they, is it valid, how fresh, then the use case; errors mapped once."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import grpc
import protovalidate
import structlog
from google.protobuf import message_factory
from google.protobuf.message import Message
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from tiaochu.options.v1 import options_pb2
from tiaochu_domainkit.errors import DomainError, denied, invalid
from tiaochu_kit import figures, telemetry
from tiaochu_kit.admission import Admission
from tiaochu_kit.auth import Posts, Tokens, unauthenticated
from tiaochu_kit.certificates import Certificates
from tiaochu_kit.clock import Clock
from tiaochu_kit.consumer import Consumer
from tiaochu_kit.errors import unavailable
from tiaochu_kit.executor import Executor
from tiaochu_kit.ids import is_uuid
from tiaochu_kit.principal import Context, Principal, service_principal
from tiaochu_kit.refusals import abort, refusal_of
from tiaochu_kit.requests import Requests
from tiaochu_kit.rpcs import Rpc, bind
from tiaochu_kit.settings import Settings
from tiaochu_kit.throttle import Throttle
from tiaochu_kit.usecase import CommandSpec, spec_of

__all__ = ["Rpc", "Server", "bind"]

MESSAGE_LIMIT = 4 * 1024 * 1024
log = structlog.get_logger()


class Server:
    """Serves the RPCs of one service."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        executor: Executor,
        posts: Posts,
        tokens: Tokens,
        consumers: Mapping[str, Consumer],
        rpcs: Sequence[Rpc],
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._executor = executor
        self._posts = posts
        self._tokens = tokens
        self._consumers = consumers
        self._admission = Admission(settings.admission_slots, settings.admission_queue, settings.admission_weights)
        self._throttle = Throttle(settings.public_rate, settings.public_burst)
        self._health = health.aio.HealthServicer()
        self._validator = protovalidate.Validator()
        self._server = grpc.aio.server(
            options=(
                ("grpc.max_receive_message_length", MESSAGE_LIMIT),
                ("grpc.max_send_message_length", 4 * MESSAGE_LIMIT),
                ("grpc.max_connection_age_ms", settings.connection_age_seconds * 1000),
                ("grpc.so_reuseport", 0),
            )
        )
        unread = {(rpc.path, producer) for rpc in rpcs for producer in rpc.fresh if producer not in consumers}
        if unread:
            raise LookupError(f"declared fresh, but not read here: {sorted(unread)}")
        services: dict[str, dict[str, Any]] = {}
        for rpc in rpcs:
            services.setdefault(rpc.descriptor.containing_service.full_name, {})[rpc.descriptor.name] = self._handler(rpc)
        self._server.add_generic_rpc_handlers(
            tuple(grpc.method_handlers_generic_handler(name, methods) for name, methods in services.items())
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)

    async def start(self) -> None:
        """Listen. Raises `RuntimeError` when the port is taken."""
        certificates = Certificates(self._settings)
        if certificates:
            self._server.add_secure_port(self._settings.grpc_listen, certificates.server())
        else:
            self._server.add_insecure_port(self._settings.grpc_listen)
        await self._server.start()
        await self._health.set("", health_pb2.HealthCheckResponse.SERVING)

    async def stop(self, grace: float) -> None:
        """Tell that no more is wanted, refuse new calls, let the running ones end within `grace` seconds."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace)

    def _handler(self, rpc: Rpc) -> "grpc.RpcMethodHandler[Any, Any]":
        requests = Requests(rpc.descriptor.input_type, self._validator)
        coding: dict[str, Any] = {"request_deserializer": None, "response_serializer": lambda m: m.SerializeToString()}
        in_stream, out_stream = rpc.descriptor.client_streaming, rpc.descriptor.server_streaming

        async def single(raw: bytes, context: Any) -> Any:
            async with self._answering(rpc, context) as ctx:
                return await self._call(rpc, requests.read(raw), ctx)

        async def many_in(raws: AsyncIterator[bytes], context: Any) -> Any:
            async with self._answering(rpc, context) as ctx:
                try:
                    return await rpc.method(ctx, requests.stream(raws))
                except DomainError:
                    await _hear_out(raws)
                    raise

        async def many_out(raw: Any, context: Any) -> AsyncIterator[Any]:
            async with self._answering(rpc, context) as ctx:
                async for response in rpc.method(ctx, requests.stream(raw) if in_stream else requests.read(raw)):
                    yield response

        if in_stream and out_stream:
            return grpc.stream_stream_rpc_method_handler(many_out, **coding)
        if in_stream:
            return grpc.stream_unary_rpc_method_handler(many_in, **coding)
        if out_stream:
            return grpc.unary_stream_rpc_method_handler(many_out, **coding)
        return grpc.unary_unary_rpc_method_handler(single, **coding)

    async def _call(self, rpc: Rpc, request: Message, ctx: Context) -> Message:
        if spec_of(rpc.method, CommandSpec) is not None:
            ctx = ctx if ctx.request_id else replace(ctx, request_id=getattr(request, "request_id", ""))
            if rpc.mutation and not is_uuid(ctx.request_id):
                raise invalid("request_id", "REQUIRED_UUID", "缺少请求编号")
            guard = rpc.access.scope == options_pb2.SCOPE_CASE
            return await self._executor.run(
                rpc.method, request, ctx, message_factory.GetMessageClass(rpc.descriptor.output_type), guard_case=guard
            )
        response: Message = await rpc.method(ctx, request)
        return response

    @asynccontextmanager
    async def _answering(self, rpc: Rpc, context: Any) -> AsyncIterator[Context]:
        """What every call has around it: its span, who calls, its turn among the districts, freshness, one status for a failure, figures."""
        started, district, result = time.perf_counter(), "", "CANCELLED"
        with telemetry.server_span(rpc.path, dict(context.invocation_metadata() or ())) as span:
            try:
                ctx = await self._enter(rpc, context)
                district = ctx.principal.district
                async with self._admission.slot(district):
                    await self._freshen_all(rpc, ctx)
                    yield ctx
                result = "OK"
            except Exception as error:  # noqa: BLE001 - every failure becomes one status
                refusal = refusal_of(error, rpc.path, span)
                result = refusal.kind.name if refusal else "INTERNAL"
                await abort(context, refusal, self._settings.service)
            finally:
                figures.answered(self._settings.service, rpc.path, result, district, time.perf_counter() - started)

    async def _enter(self, rpc: Rpc, context: Any) -> Context:
        if context.time_remaining() is None:
            raise invalid("deadline", "DEADLINE_REQUIRED", "调用必须带有时限")
        metadata = {k: v for k, v in context.invocation_metadata() or () if isinstance(v, str)}
        now = self._clock.now()
        principal = await self._principal(rpc, metadata, context, now)
        _authorise(rpc, principal)
        return Context(principal, rpc.path, now, metadata.get("tiaochu-request-id", ""), telemetry.traceparent(), metadata)

    async def _principal(self, rpc: Rpc, metadata: Mapping[str, str], context: Any, now: Any) -> Principal:
        bearer = metadata.get("authorization", "")
        if bearer.lower().startswith("bearer "):
            person = await self._tokens.subject(bearer[7:], now)
            return await self._posts.principal(person, metadata.get("tiaochu-organ", ""), rpc.access.roles, now)
        names = [name.decode() for name in context.auth_context().get("x509_common_name", [])]
        if names and names[0] in {*self._settings.peers, self._settings.service}:
            return service_principal(names[0])
        if rpc.access.scope == options_pb2.SCOPE_PUBLIC_CODE:
            self._throttle.spend(context.peer().rpartition(":")[0])  # the port is another one at every connection
            return Principal(id="public", districts=frozenset({"*"}))
        if self._settings.tls_ca_file is None and self._settings.environment == "embedded" and "tiaochu-service" in metadata:
            return service_principal(metadata["tiaochu-service"])
        raise unauthenticated("neither a token nor a service's certificate")

    async def _freshen_all(self, rpc: Rpc, ctx: Context) -> None:
        wanted = {*rpc.fresh, *filter(None, ctx.metadata.get("tiaochu-after", "").split(","))}
        await asyncio.gather(*(self._freshen(producer, ctx.principal) for producer in sorted(wanted)))

    async def _freshen(self, producer: str, principal: Principal) -> None:
        consumer = self._consumers.get(producer)
        if consumer is None:
            return
        districts = sorted(principal.districts) if not principal.is_service and "*" not in principal.districts else [""]
        try:
            for district in districts:
                await consumer.catch_up(district)
        except (grpc.aio.AioRpcError, OSError) as error:
            raise unavailable(producer) from error


def _authorise(rpc: Rpc, principal: Principal) -> None:
    access = rpc.access
    if access.scope == options_pb2.SCOPE_PUBLIC_CODE:
        return
    staff = "*" in access.roles and bool(principal.roles) and not principal.is_service
    if not staff and not principal.roles.intersection(access.roles):
        raise denied("ROLE_MISSING", "the caller has none of the roles this needs", "您没有办理此事项的权限", rpc=rpc.descriptor.name)


async def _hear_out(raws: AsyncIterator[bytes]) -> None:
    """Read what the caller still sends, for a moment: who is refused while sending might otherwise not hear why."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1):
            async for _ in raws:
                pass
