"""The events this service writes and reads. Importing their modules makes the messages known to the process."""

from types import ModuleType

from tiaochu.intake.events.v1 import case_events_pb2
from tiaochu.mediation.events.v1 import agreement_events_pb2, ending_events_pb2, table_events_pb2
from tiaochu.reporting.events.v1 import report_events_pb2
from tiaochu.routing.events.v1 import clock_events_pb2, directory_events_pb2, responsibility_events_pb2

KNOWN: tuple[ModuleType, ...] = (
    case_events_pb2,
    clock_events_pb2,
    directory_events_pb2,
    report_events_pb2,
    responsibility_events_pb2,
    agreement_events_pb2,
    ending_events_pb2,
    table_events_pb2,
)
