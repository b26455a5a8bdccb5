"""The domain's events and their contracts are the same thing."""

import dataclasses
import inspect

from tiaochu.routing.events.v1 import clock_events_pb2, directory_events_pb2, responsibility_events_pb2
from tiaochu_routing.domain import events

FILES = (responsibility_events_pb2, clock_events_pb2, directory_events_pb2)


def test_every_event_has_the_fields_of_its_message() -> None:
    recorded = {n: [f.name for f in dataclasses.fields(c)] for n, c in inspect.getmembers(events, dataclasses.is_dataclass)}
    told = {name: [f.name for f in m.fields] for file in FILES for name, m in file.DESCRIPTOR.message_types_by_name.items()}
    assert {n: set(f) for n, f in recorded.items()} == {n: set(f) for n, f in told.items()}
