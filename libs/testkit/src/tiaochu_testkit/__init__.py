"""Fixtures for tests on real servers: PostgreSQL, NATS, waiting, faults, transitions, object mothers."""

from tiaochu_testkit.faults import FaultProxy
from tiaochu_testkit.mothers import Organisation, Person, organisation, person
from tiaochu_testkit.transitions import assert_transitions_match
from tiaochu_testkit.waiting import eventually, eventually_blocking

__all__ = [
    "FaultProxy",
    "Organisation",
    "Person",
    "assert_transitions_match",
    "eventually",
    "eventually_blocking",
    "organisation",
    "person",
]
