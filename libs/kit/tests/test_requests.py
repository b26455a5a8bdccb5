"""What a caller sent is read or refused by field; nothing behind it meets an instant that no calendar has."""

from typing import Any

import protovalidate
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from tiaochu.intake.v1.case_queries_pb2 import ListCasesRequest
from tiaochu.routing.v1.clock_service_pb2 import PreviewClockRequest
from tiaochu_domainkit.errors import DomainError
from tiaochu_kit.requests import Requests

_VALIDATOR = protovalidate.Validator()


def refused(request: Any) -> dict[str, str]:
    with pytest.raises(DomainError) as refusal:
        Requests(request.DESCRIPTOR, _VALIDATOR).read(request.SerializeToString())
    return {v.path: v.reason for v in refusal.value.violations}


@pytest.mark.parametrize(
    "stamp", [Timestamp(seconds=2**62), Timestamp(seconds=-62135596800), Timestamp(seconds=253402300799), Timestamp(nanos=-1)]
)
def test_an_instant_that_no_calendar_has_is_refused_at_its_field(stamp: Timestamp) -> None:
    assert refused(ListCasesRequest(received_from=stamp)) == {"received_from": "INSTANT_UNREAL"}


def test_instants_within_parts_are_looked_at_too() -> None:
    request = PreviewClockRequest(rule_code="TRIAGE", start_at=Timestamp(seconds=1_760_000_000))
    request.pauses.add(from_at=Timestamp(seconds=1_760_000_000), to_at=Timestamp(nanos=2**31 - 1))
    assert refused(request) == {"pauses[0].to_at": "INSTANT_UNREAL"}


def test_instants_of_the_calendar_pass() -> None:
    request: Any = ListCasesRequest(received_from=Timestamp(seconds=-2_000_000_000), received_before=Timestamp(seconds=4_000_000_000))
    assert Requests(request.DESCRIPTOR, _VALIDATOR).read(request.SerializeToString()) == request
