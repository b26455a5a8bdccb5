"""The tables of the mediation equal its methods, and its events equal their protos."""

from dataclasses import fields, is_dataclass
from inspect import getmembers

import pytest

from tiaochu.mediation.events.v1 import agreement_events_pb2, ending_events_pb2, table_events_pb2
from tiaochu.mediation.v1 import mediation_service_pb2
from tiaochu.options.v1 import options_pb2
from tiaochu_domainkit.errors import InvalidTransition
from tiaochu_mediation.domain import events, states
from tiaochu_mediation.domain.mediation import Mediation
from tiaochu_mediation.usecases.actions import COMMANDS
from tiaochu_testkit.transitions import assert_transitions_match

from .table import CASE, DISTRICT  # noqa: TID252 - tests of one package


def test_the_table_of_transitions_equals_the_methods() -> None:
    assert_transitions_match(Mediation)


def test_every_precondition_belongs_to_a_command() -> None:
    assert set(Mediation.CHECKS) <= set(Mediation.TRANSITIONS)


def test_every_state_can_be_reached_and_is_known() -> None:
    known = {value for name, value in vars(states).items() if name.isupper() and isinstance(value, str)}
    reached = {s for t in Mediation.TRANSITIONS.values() for s in t.leads_to} | {states.WAITING}
    assert reached == known


@pytest.mark.parametrize("command", Mediation.TRANSITIONS)
def test_a_command_in_a_wrong_state_tells_the_state_and_what_is_allowed(command: str) -> None:
    wrong = next(s for s in (states.DROPPED, states.CLOSED) if s not in Mediation.TRANSITIONS[command].allowed_in)
    mediation = Mediation(id=CASE, district=DISTRICT, status=wrong)
    with pytest.raises(InvalidTransition) as caught:
        mediation.require(command)
    assert caught.value.metadata["current"] == wrong
    assert command not in caught.value.metadata["allowed"].split(",")


def test_events_have_the_fields_of_their_messages() -> None:
    messages = {
        name: {f.name for f in message.fields}
        for module in (table_events_pb2, agreement_events_pb2, ending_events_pb2)
        for name, message in module.DESCRIPTOR.message_types_by_name.items()
    }
    classes = {name: {f.name for f in fields(cls)} for name, cls in getmembers(events, is_dataclass) if cls.__module__ == events.__name__}
    assert classes == messages


def test_every_mutation_is_listed_and_stands_in_the_table() -> None:
    service = mediation_service_pb2.DESCRIPTOR.services_by_name["MediationService"]
    mutations = [m.name for m in service.methods if m.GetOptions().Extensions[options_pb2.mutation]]
    assert list(COMMANDS) == mutations
    assert set(COMMANDS.values()) <= set(Mediation.TRANSITIONS)
