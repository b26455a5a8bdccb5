"""RPCs as data: what a proto service declares, and the methods that do it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

from tiaochu.options.v1 import options_pb2
from tiaochu_kit.usecase import CommandSpec, QuerySpec, spec_of


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
