"""Calls to the services: a person's token, a time limit, our certificate, and patience with a service that is just restarting."""

import time
from collections.abc import Iterable, Iterator
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tiaochu_cli.cell import Cell, unreachable
from tiaochu_cli.rpcs import is_mutation, method_of, path_of, response_of, service_of
from tiaochu_kit.errors import from_rpc
from tiaochu_kit.ids import new_id

SECONDS = 20.0
"""Time limit of one call."""
STREAM_SECONDS = 3600.0
"""Time limit of a stream: a register of 50,000 rows, the export of a log."""
ATTEMPTS = 4
_PAUSE_SECONDS = 0.3
_MESSAGE_BYTES = 16 * 1024 * 1024
READS_FIRST = ("intake", "routing", "mediation", "docking")
"""Services with facts; what one of them just wrote is read by the callee before it answers a query."""


class Wire:
    """One caller: a person acting in a post at an organ. Used by one thread or several."""

    def __init__(self, cell: Cell, person: str, organ: str = "") -> None:
        self.cell = cell
        self._person, self._organ = person, organ
        self._token: str | None = None
        self._channels: dict[str, grpc.Channel] = {}

    def call(self, request: Message, *, service: str = "", timeout: float = SECONDS) -> Any:
        """Call the RPC whose request this is and answer its response. Raises the `DomainError` that came back.

        `service` is named for the log service only, which every program has. A service that is away is called again with the same
        request, whose `request_id` makes that harmless.
        """
        method = method_of(request)
        request_id = _request_id(method, request)
        owner = service or service_of(method)
        call: Any = self._channel(owner).unary_unary(path_of(method), *_coding(method))
        # What stands in a service's own journal and cursors it says as it is, most of all while it cannot read another's log.
        metadata = self._metadata(request_id, () if request_id or service else self._read_before(owner))
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return call(request, timeout=timeout, metadata=metadata)
            except grpc.RpcError as error:
                away = _code(error) is grpc.StatusCode.UNAVAILABLE
                if not away or attempt == ATTEMPTS:
                    raise from_rpc(error) from error
                time.sleep(_PAUSE_SECONDS * attempt)
        raise AssertionError("the last attempt answers or raises")

    def stream(self, requests: Iterable[Message], first: Message, *, service: str = "") -> Iterator[Any]:
        """Call an RPC that answers a stream; `first` names it, `requests` are sent (all of them where it takes a stream)."""
        method = method_of(first)
        channel = self._channel(service or service_of(method))
        metadata = self._metadata(new_id(), ())
        if method.client_streaming:
            many: Any = channel.stream_stream(path_of(method), *_coding(method))
            answers = many(iter(requests), timeout=STREAM_SECONDS, metadata=metadata)
        else:
            one: Any = channel.unary_stream(path_of(method), *_coding(method))
            answers = one(first, timeout=STREAM_SECONDS, metadata=metadata)
        try:
            yield from answers
        except grpc.RpcError as error:
            raise from_rpc(error) from error

    def serves(self, service: str, timeout: float = SECONDS) -> bool:
        """Whether a service says that it serves. Waits for one that is not there yet; raises `UNAVAILABLE` when it does not come."""
        check: Any = health_pb2_grpc.HealthStub(self._channel(service)).Check
        try:
            answer = check(health_pb2.HealthCheckRequest(), timeout=timeout, wait_for_ready=True)
        except grpc.RpcError as error:
            raise from_rpc(error) from error
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    def close(self) -> None:
        """Close all channels."""
        for channel in self._channels.values():
            channel.close()

    def _read_before(self, callee: str) -> tuple[str, ...]:
        """Whose logs the callee reads to the head first. Its own needs no asking."""
        return tuple(name for name in READS_FIRST if name in self.cell.addresses and name != callee)

    def _metadata(self, request_id: str, after: Iterable[str]) -> list[tuple[str, str]]:
        if self._token is None:
            self._token = self.cell.token(self._person)
        metadata = [("authorization", f"Bearer {self._token}")] if self._token else []
        if self._organ:
            metadata.append(("tiaochu-organ", self._organ))
        if request_id:
            metadata.append(("tiaochu-request-id", request_id))
        if after:
            metadata.append(("tiaochu-after", ",".join(after)))
        return metadata

    def _channel(self, service: str) -> grpc.Channel:
        if service not in self._channels:
            self._channels[service] = _open(self.cell, service)
        return self._channels[service]


def _open(cell: Cell, service: str) -> grpc.Channel:
    options = [("grpc.ssl_target_name_override", service), ("grpc.max_receive_message_length", _MESSAGE_BYTES)]
    files = cell.certificates
    if files is None:
        return grpc.insecure_channel(cell.address(service), options[1:])
    try:
        pem = (files.ca_file.read_bytes(), files.key_file.read_bytes(), files.cert_file.read_bytes())
    except OSError as error:
        told = f"{error.filename}: {error.strerror}"
        raise unreachable("NO_CERTIFICATE", f"the client certificate cannot be read: {told}", f"无法读取客户端证书:{told}") from error
    return grpc.secure_channel(cell.address(service), grpc.ssl_channel_credentials(*pem), options)


def _request_id(method: MethodDescriptor, request: Message) -> str:
    """The key of a mutation, made when the caller gave none; empty for a query."""
    if not is_mutation(method):
        return ""
    if not getattr(request, "request_id", ""):
        setattr(request, "request_id", new_id())  # noqa: B010 - every mutation has the field, no common type says so
    return str(getattr(request, "request_id"))  # noqa: B009 - as above


def _coding(method: MethodDescriptor) -> tuple[Any, Any]:
    return (lambda message: message.SerializeToString()), response_of(method).FromString


def _code(error: Any) -> Any:
    return error.code()
