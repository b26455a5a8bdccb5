"""The event types this service writes and hears: their descriptors must be known before the first of them is read."""

from tiaochu.docking.events.v1 import docking_events_pb2
from tiaochu.intake.events.v1 import case_events_pb2
from tiaochu.mediation.events.v1 import agreement_events_pb2, ending_events_pb2, table_events_pb2
from tiaochu.routing.events.v1 import clock_events_pb2, directory_events_pb2, responsibility_events_pb2

OUT = (docking_events_pb2,)
IN = (
    case_events_pb2,
    clock_events_pb2,
    directory_events_pb2,
    responsibility_events_pb2,
    agreement_events_pb2,
    ending_events_pb2,
    table_events_pb2,
)
