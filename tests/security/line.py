"""A caller that sends whatever bytes it likes, as whomever it likes, and keeps what it was answered."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor

from tiaochu_cli.rpcs import path_of
from tiaochu_domainkit.errors import DomainError
from tiaochu_embedded.stack import Stack
from tiaochu_kit.errors import from_rpc

SECONDS = 20.0
BROKEN = frozenset({grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL, grpc.StatusCode.DATA_LOSS, grpc.StatusCode.DEADLINE_EXCEEDED})
"""What no message may be answered with: the service did not know what to say."""


@dataclass(frozen=True)
class Answer:
    """How a call ended."""

    code: grpc.StatusCode
    body: bytes = b""
    error: DomainError | None = None

    @property
    def ok(self) -> bool:
        return self.code is grpc.StatusCode.OK

    @property
    def reason(self) -> str:
        """The frozen reason, or OK."""
        return self.error.reason if self.error else "OK"

    def __str__(self) -> str:
        fields = {v.path: v.reason for v in self.error.violations} if self.error else {}
        return f"{self.code.name} {self.reason} {fields or ''} {self.error.message if self.error else ''}"


class Line:
    """Blocking channels to every service of a stack, with the certificate of one caller."""

    def __init__(self, stack: Stack, certificate: str = "cli") -> None:
        self._stack = stack
        cert, key = stack.parts.authority.issue(certificate)
        ca = Path(stack.addresses["tls"]["ca_file"])
        self._credentials = grpc.ssl_channel_credentials(*(file.read_bytes() for file in (ca, key, cert)))
        self._channels: dict[str, grpc.Channel] = {}

    def call(self, service: str, method: MethodDescriptor, *bodies: bytes, metadata: Sequence[tuple[str, str]] = ()) -> Answer:
        """Call an RPC of any shape with these bytes as its request or requests; an answered stream is read to its end."""
        channel = self._channel(service)
        coding: dict[str, Any] = {"request_serializer": None, "response_deserializer": None}
        told: dict[str, Any] = {"timeout": SECONDS, "metadata": tuple(metadata)}
        try:
            if method.client_streaming and method.server_streaming:
                return _all(channel.stream_stream(path_of(method), **coding)(iter(bodies), **told))
            if method.client_streaming:
                return Answer(grpc.StatusCode.OK, channel.stream_unary(path_of(method), **coding)(iter(bodies), **told))
            if method.server_streaming:
                return _all(channel.unary_stream(path_of(method), **coding)(bodies[0], **told))
            return Answer(grpc.StatusCode.OK, channel.unary_unary(path_of(method), **coding)(bodies[0], **told))
        except grpc.RpcError as error:
            known: Any = error
            return Answer(known.code(), error=from_rpc(known))

    def close(self) -> None:
        """Hang up."""
        for channel in self._channels.values():
            channel.close()

    def _channel(self, service: str) -> grpc.Channel:
        if service not in self._channels:
            options = [("grpc.ssl_target_name_override", service), ("grpc.max_receive_message_length", 32 * 1024 * 1024)]
            self._channels[service] = grpc.secure_channel(self._stack.addresses["grpc"][service], self._credentials, options)
        return self._channels[service]


def _all(parts: Iterator[bytes]) -> Answer:
    return Answer(grpc.StatusCode.OK, b"".join(parts))
