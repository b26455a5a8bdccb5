"""Which RPC a request belongs to. Every RPC has a request of its own, so the request says it all."""

from functools import cache

from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from tiaochu.docking.v1 import docking_service_pb2
from tiaochu.intake.v1 import (
    case_service_pb2,
    file_service_pb2,
    keyword_service_pb2,
    policy_service_pb2,
    register_import_service_pb2,
)
from tiaochu.log.v1 import log_service_pb2
from tiaochu.mediation.v1 import mediation_service_pb2
from tiaochu.options.v1 import options_pb2
from tiaochu.reporting.v1 import report_service_pb2
from tiaochu.routing.v1 import clock_service_pb2, directory_service_pb2, responsibility_service_pb2, rule_service_pb2

_FILES = (
    case_service_pb2,
    file_service_pb2,
    keyword_service_pb2,
    policy_service_pb2,
    register_import_service_pb2,
    clock_service_pb2,
    directory_service_pb2,
    responsibility_service_pb2,
    rule_service_pb2,
    mediation_service_pb2,
    docking_service_pb2,
    report_service_pb2,
    log_service_pb2,
)


@cache
def _methods() -> dict[str, MethodDescriptor]:
    services = (service for file in _FILES for service in file.DESCRIPTOR.services_by_name.values())
    return {method.input_type.full_name: method for service in services for method in service.methods}


def method_of(request: Message | type[Message]) -> MethodDescriptor:
    """The RPC whose request this is. Raises `KeyError` for a message that no RPC takes."""
    return _methods()[request.DESCRIPTOR.full_name]


def service_of(method: MethodDescriptor) -> str:
    """The program that answers it: `intake` of `tiaochu.intake.v1.CaseService`. The log service is every program's: name the program."""
    return str(method.containing_service.full_name).split(".")[1]


def is_mutation(method: MethodDescriptor) -> bool:
    """Whether it changes something and takes a `request_id`."""
    return bool(method.GetOptions().Extensions[options_pb2.mutation])


def path_of(method: MethodDescriptor) -> str:
    """`/tiaochu.intake.v1.CaseService/RegisterCase`."""
    return f"/{method.containing_service.full_name}/{method.name}"


def response_of(method: MethodDescriptor) -> type[Message]:
    """The class of its response."""
    return message_factory.GetMessageClass(method.output_type)
