"""The gRPC server: every RPC runs the same way — who, may they, is it valid, how fresh, then the use case; errors mapped once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import grpc
import protovalidate
import psycopg
import structlog
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from grpc_status import rpc_status
from opentelemetry import trace

from tiaochu.options.v1 import options_pb2
from tiaochu_domainkit.errors import DomainError, FieldViolation, Kind, denied
from tiaochu_kit import telemetry
from tiaochu_kit.auth import Posts, Tokens, unauthenticated
from tiaochu_kit.clock import Clock
from tiaochu_kit.consumer import Consumer
from tiaochu_kit.database import away
from tiaochu_kit.errors import to_status, unavailable
from tiaochu_kit.executor import Executor
from tiaochu_kit.ids import is_uuid
from tiaochu_kit.principal import Context, Principal, service_principal
from tiaochu_kit.settings import Settings
from tiaochu_kit.usecase import CommandSpec, QuerySpec, spec_of

MESSAGE_LIMIT = 4 * 1024 * 1024
log = structlog.get_logger()


@dataclass(frozen=True)
class Rpc:
    """One RPC: its descriptor, what it declares, and the method that does it."""

    descriptor: MethodDescriptor
    access: options_pb2.Access
    fresh: tuple[str, ...]
    mutation: bool
    method: Any

    @property
    def path(self) -> str:
        """`/tiaochu.intake.v1.CaseService/RegisterCase`."""
        return f"/{self.descriptor.containing_service.full_name}/{self.descriptor.name}"


def bind(service_name: str, handlers: Sequence[object]) -> list[Rpc]:
    """Match every RPC of a proto service with the method of its name in snake_case. Raises `LookupError` for one without method or access option."""
    descriptor: ServiceDescriptor = descriptor_pool.Default().FindServiceByName(service_name)
    return [_bind(method, handlers) for method in descriptor.methods]


def _bind(descriptor: MethodDescriptor, handlers: Sequence[object]) -> Rpc:
    name = "".join(f"_{c.lower()}" if c.isupper() else c for c in descriptor.name).strip("_")
    method = next((getattr(h, name) for h in handlers if hasattr(h, name)), None)
    options = descriptor.GetOptions()
    if method is None:
        raise LookupError(f"{descriptor.full_name} has no method {name}")
    if not options.HasExtension(options_pb2.access) or options.Extensions[options_pb2.access].scope == options_pb2.SCOPE_UNSPECIFIED:
        raise LookupError(f"{descriptor.full_name} does not declare its access")
    mutation = bool(options.Extensions[options_pb2.mutation])
    if mutation and spec_of(method, CommandSpec) is None and not getattr(spec_of(method, QuerySpec), "streaming", False):
        raise LookupError(f"{descriptor.full_name} is a mutation but {name} is no command")
    return Rpc(descriptor, options.Extensions[options_pb2.access], tuple(options.Extensions[options_pb2.fresh]), mutation, method)


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
        self._validator = protovalidate.Validator()
        self._server = grpc.aio.server(
            options=(
                ("grpc.max_receive_message_length", MESSAGE_LIMIT),
                ("grpc.max_send_message_length", 4 * MESSAGE_LIMIT),
                ("grpc.max_connection_age_ms", 300_000),
                ("grpc.so_reuseport", 0),
            )
        )
        services: dict[str, dict[str, Any]] = {}
        for rpc in rpcs:
            services.setdefault(rpc.descriptor.containing_service.full_name, {})[rpc.descriptor.name] = self._handler(rpc)
        self._server.add_generic_rpc_handlers(
            tuple(grpc.method_handlers_generic_handler(name, methods) for name, methods in services.items())
        )

    async def start(self) -> None:
        """Listen. Raises `RuntimeError` when the port is taken."""
        credentials = _credentials(self._settings)
        if credentials is None:
            self._server.add_insecure_port(self._settings.grpc_listen)
        else:
            self._server.add_secure_port(self._settings.grpc_listen, credentials)
        await self._server.start()

    async def stop(self, grace: float) -> None:
        """Refuse new calls, let the running ones end within `grace` seconds."""
        await self._server.stop(grace)

    def _handler(self, rpc: Rpc) -> "grpc.RpcMethodHandler[Any, Any]":
        requests = message_factory.GetMessageClass(rpc.descriptor.input_type)
        coding: dict[str, Any] = {"request_deserializer": requests.FromString, "response_serializer": lambda m: m.SerializeToString()}
        in_stream, out_stream = rpc.descriptor.client_streaming, rpc.descriptor.server_streaming

        async def single(request: Any, context: Any) -> Any:
            return await self._guarded(rpc, context, lambda ctx: self._call(rpc, request, ctx))

        async def many_in(requests: AsyncIterator[Any], context: Any) -> Any:
            return await self._guarded(rpc, context, lambda ctx: rpc.method(ctx, requests))

        async def many_out(request: Any, context: Any) -> AsyncIterator[Any]:
            async for response in self._guarded_stream(rpc, context, request):
                yield response

        if in_stream and out_stream:
            return grpc.stream_stream_rpc_method_handler(many_out, **coding)
        if in_stream:
            return grpc.stream_unary_rpc_method_handler(many_in, **coding)
        if out_stream:
            return grpc.unary_stream_rpc_method_handler(many_out, **coding)
        return grpc.unary_unary_rpc_method_handler(single, **coding)

    async def _call(self, rpc: Rpc, request: Message, ctx: Context) -> Message:
        self._validate(request)
        if spec_of(rpc.method, CommandSpec) is not None:
            ctx = ctx if ctx.request_id else replace(ctx, request_id=getattr(request, "request_id", ""))
            if rpc.mutation and not is_uuid(ctx.request_id):
                raise _field("request_id", "REQUIRED_UUID", "缺少请求编号")
            guard = rpc.access.scope == options_pb2.SCOPE_CASE
            return await self._executor.run(
                rpc.method, request, ctx, message_factory.GetMessageClass(rpc.descriptor.output_type), guard_case=guard
            )
        response: Message = await rpc.method(ctx, request)
        return response

    def _validate(self, request: Message) -> None:
        violations = self._validator.collect_violations(request)
        if violations:
            found = tuple(_violation(v) for v in violations)
            raise DomainError(
                Kind.INVALID_INPUT, "FIELD_INVALID", "fields are not valid", "填写内容有误,请检查", {"field": found[0].path}, found
            )

    async def _guarded(self, rpc: Rpc, context: Any, act: Callable[[Context], Awaitable[Any]]) -> Any:
        with telemetry.server_span(rpc.path, dict(context.invocation_metadata() or ())) as span:
            try:
                ctx = await self._enter(rpc, context)
                return await act(ctx)
            except Exception as error:  # noqa: BLE001 - every failure becomes one status, mapped here alone
                await _abort(context, self._mapped(error, rpc, span), self._settings.service)

    async def _guarded_stream(self, rpc: Rpc, context: Any, request: Any) -> AsyncIterator[Any]:
        with telemetry.server_span(rpc.path, dict(context.invocation_metadata() or ())) as span:
            try:
                ctx = await self._enter(rpc, context)
                if isinstance(request, Message):
                    self._validate(request)
                async for response in rpc.method(ctx, request):
                    yield response
            except Exception as error:  # noqa: BLE001 - every failure becomes one status, mapped here alone
                await _abort(context, self._mapped(error, rpc, span), self._settings.service)

    def _mapped(self, error: Exception, rpc: Rpc, span: trace.Span) -> DomainError | None:
        if isinstance(error, DomainError):
            span.set_attribute("tiaochu.reason", error.reason)
            return error
        cause = getattr(error, "orig", error)  # as SQLAlchemy wraps the driver's
        if isinstance(cause, psycopg.DataError):
            log.warning("rpc.unstorable", rpc=rpc.path, state=cause.sqlstate)
            return DomainError(
                Kind.INVALID_INPUT,
                "UNSTORABLE",
                "a value cannot be stored: U+0000, or out of range",
                "填写内容含有无法保存的字符或数值,请检查",
            )
        if away(cause):
            log.warning("rpc.database_away", rpc=rpc.path, error=type(error).__name__)
            return unavailable("the database")
        if isinstance(error, grpc.aio.AioRpcError):
            return unavailable("a service")
        log.error("rpc.failed", rpc=rpc.path, error=type(error).__name__, where=_where(error))
        span.set_status(trace.StatusCode.ERROR)
        return None

    async def _enter(self, rpc: Rpc, context: Any) -> Context:
        if context.time_remaining() is None:
            raise _field("deadline", "DEADLINE_REQUIRED", "调用必须带有时限")
        metadata = {k: v for k, v in context.invocation_metadata() or () if isinstance(v, str)}
        now = self._clock.now()
        principal = await self._principal(rpc, metadata, context, now)
        _authorise(rpc, principal)
        wanted = {*rpc.fresh, *filter(None, metadata.get("tiaochu-after", "").split(","))}
        await asyncio.gather(*(self._freshen(producer, principal) for producer in sorted(wanted)))
        return Context(principal, rpc.path, now, metadata.get("tiaochu-request-id", ""), telemetry.traceparent(), metadata)

    async def _principal(self, rpc: Rpc, metadata: Mapping[str, str], context: Any, now: Any) -> Principal:
        bearer = metadata.get("authorization", "")
        if bearer.lower().startswith("bearer "):
            person = await self._tokens.subject(bearer[7:], now)
            return await self._posts.principal(person, metadata.get("tiaochu-organ", ""), now)
        names = [name.decode() for name in context.auth_context().get("x509_common_name", [])]
        if names and names[0] in {*self._settings.peers, self._settings.service}:
            return service_principal(names[0])
        if rpc.access.scope == options_pb2.SCOPE_PUBLIC_CODE:
            return Principal(id="public", districts=frozenset({"*"}))
        if self._settings.tls_ca_file is None and self._settings.environment == "embedded" and "tiaochu-service" in metadata:
            return service_principal(metadata["tiaochu-service"])
        raise unauthenticated("neither a token nor a service's certificate")

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


def _violation(violation: Any) -> FieldViolation:
    proto = violation.proto
    parts = [f"{e.field_name}[{e.subscript.value}]" if e.subscript else e.field_name for e in proto.field.elements]
    return FieldViolation(".".join(parts), proto.rule_id.upper().replace(".", "_") or "INVALID", "格式或取值不符合要求")


def _field(path: str, reason: str, zh: str) -> DomainError:
    return DomainError(Kind.INVALID_INPUT, "FIELD_INVALID", f"{path}: {reason}", zh, {"field": path}, (FieldViolation(path, reason, zh),))


async def _abort(context: Any, error: DomainError | None, service: str) -> None:
    if error is None:
        await context.abort(grpc.StatusCode.INTERNAL, "internal error")
    else:
        await context.abort_with_status(rpc_status.to_status(to_status(error, service)))


def _where(error: Exception) -> str:
    """File and line of a failure, without its text, which may hold what a person wrote."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    return f"{Path(at.tb_frame.f_code.co_filename).name}:{at.tb_lineno}" if at else ""


def _credentials(settings: Settings) -> grpc.ServerCredentials | None:
    if settings.tls_cert_file is None or settings.tls_key_file is None or settings.tls_ca_file is None:
        if settings.environment == "production":
            raise ValueError("production needs TIAOCHU_TLS_CERT_FILE, TIAOCHU_TLS_KEY_FILE and TIAOCHU_TLS_CA_FILE")
        return None
    pair = (settings.tls_key_file.read_bytes(), settings.tls_cert_file.read_bytes())
    return grpc.ssl_server_credentials([pair], settings.tls_ca_file.read_bytes(), require_client_auth=True)
