"""What comes in: the messages of everybody's events and of this service's RPCs, known to the process once they are imported here."""

from tiaochu.docking.events.v1 import docking_events_pb2
from tiaochu.intake.events.v1 import case_events_pb2
from tiaochu.mediation.events.v1 import agreement_events_pb2, ending_events_pb2, table_events_pb2
from tiaochu.reporting.events.v1 import report_events_pb2
from tiaochu.reporting.v1 import projection_service_pb2, report_service_pb2
from tiaochu.routing.events.v1 import clock_events_pb2, directory_events_pb2, responsibility_events_pb2

_MESSAGES = (
    agreement_events_pb2,
    case_events_pb2,
    clock_events_pb2,
    directory_events_pb2,
    docking_events_pb2,
    ending_events_pb2,
    projection_service_pb2,
    report_events_pb2,
    report_service_pb2,
    responsibility_events_pb2,
    table_events_pb2,
)


def register() -> None:
    """Make sure that every message is known. Importing them has done it; the table says that this was meant."""
    for module in _MESSAGES:
        if not module.DESCRIPTOR.message_types_by_name:
            raise LookupError(module.DESCRIPTOR.name)
