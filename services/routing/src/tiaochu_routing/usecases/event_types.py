"""The events routing records and reacts to: importing them makes their types known to the process."""

from functools import cache

from google.protobuf import descriptor_pool

from tiaochu.docking.events.v1 import docking_events_pb2
from tiaochu.intake.events.v1 import case_events_pb2
from tiaochu.mediation.events.v1 import agreement_events_pb2, ending_events_pb2, table_events_pb2
from tiaochu.routing.events.v1 import clock_events_pb2, directory_events_pb2, responsibility_events_pb2

PRODUCERS = {
    "intake": (case_events_pb2,),
    "routing": (responsibility_events_pb2, clock_events_pb2, directory_events_pb2),
    "mediation": (agreement_events_pb2, ending_events_pb2, table_events_pb2),
    "docking": (docking_events_pb2,),
}
"""Service → the files of its events."""


@cache
def producer_of(event: str) -> str:
    """The service that records an event of this name (`CaseAccepted`); empty for a fact that is no event."""
    for service in PRODUCERS:
        try:
            descriptor_pool.Default().FindMessageTypeByName(f"tiaochu.{service}.events.v1.{event}")
        except KeyError:
            continue
        return service
    return ""
