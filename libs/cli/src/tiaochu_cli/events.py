"""The events of all services as messages."""

from google.protobuf import descriptor_pool, json_format, message_factory
from google.protobuf.message import Message

from tiaochu.docking.events.v1 import docking_events_pb2
from tiaochu.intake.events.v1 import case_events_pb2
from tiaochu.log.events.v1 import log_events_pb2
from tiaochu.mediation.events.v1 import agreement_events_pb2, ending_events_pb2, table_events_pb2
from tiaochu.reporting.events.v1 import report_events_pb2
from tiaochu.routing.events.v1 import clock_events_pb2, directory_events_pb2, responsibility_events_pb2

FILES = (
    case_events_pb2,
    clock_events_pb2,
    directory_events_pb2,
    responsibility_events_pb2,
    agreement_events_pb2,
    ending_events_pb2,
    table_events_pb2,
    docking_events_pb2,
    report_events_pb2,
    log_events_pb2,
)


def name_of(type_name: str) -> str:
    """`CaseRegistered` of `tiaochu.intake.events.v1.CaseRegistered`."""
    return type_name.rpartition(".")[2]


def decode(type_name: str, payload: bytes) -> Message:
    """The event's message. Raises `KeyError` for a type this release does not know, `DecodeError` for bytes that are not one."""
    return _class(type_name).FromString(payload)


def from_json(type_name: str, text: str) -> Message:
    """The event's message from its JSON. Raises `KeyError` for a type this release does not know."""
    return json_format.Parse(text, _class(type_name)(), ignore_unknown_fields=True)


def _class(type_name: str) -> type[Message]:
    return message_factory.GetMessageClass(descriptor_pool.Default().FindMessageTypeByName(type_name))
