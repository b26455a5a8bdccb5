"""Every door a dispute comes in by, each with its own rule: which tiers it stands at and which source the statistics count it under."""

from datetime import timedelta

import pytest

from e2e.office import Office
from tiaochu.intake.v1 import case_commands_pb2 as pb
from tiaochu_demo.driver import Clerk, Refused
from tiaochu_demo.driver.clerk import registration
from tiaochu_demo.driver.matter import stamp
from tiaochu_demo.synthetic.channels import TIERS
from tiaochu_domainkit.codes import CHANNEL_SOURCES, code_list

_RECEIVERS = {"village": "v001001", "town": "t001", "city": "centre"}
_BY_STAFF = sorted(set(CHANNEL_SOURCES) - {"court"})
"""The court's matters come by its own docking: `test_court`."""


@pytest.mark.req("IN1")
@pytest.mark.parametrize("channel", _BY_STAFF)
async def test_a_door_fixes_source_receiver_and_time_for_good(office: Office, channel: str) -> None:
    receiver = _RECEIVERS[TIERS[channel][0]]
    case = office.write(receiver, channel=channel)
    clerk = await Clerk.register(office.wire, office.cast, case)
    entry = await clerk.case()
    assert (entry.channel, entry.source) == (channel, CHANNEL_SOURCES[channel][0])
    assert entry.first_receiver_organ_id == office.organ(receiver)
    first = entry.first_received_at.ToDatetime()
    await clerk.classify(case)
    after = await clerk.case()
    assert (after.channel, after.source, after.first_received_at.ToDatetime()) == (channel, entry.source, first)
    # Nobody can say otherwise afterwards: no command takes the door, the source or the first receiver.
    assert not {"channel", "source", "first_receiver_organ_id"} & set(pb.ClassifyCaseRequest.DESCRIPTOR.fields_by_name)


@pytest.mark.req("IN1")
@pytest.mark.parametrize("channel", _BY_STAFF)
async def test_a_door_refuses_a_source_that_is_not_its_own(office: Office, channel: str) -> None:
    foreign = next(s for s in code_list("source").names if s not in CHANNEL_SOURCES[channel])
    request = registration(office.write(_RECEIVERS[TIERS[channel][0]], channel=channel), office.now())
    request.source = foreign
    actor = office.cast.at(type(request), request.first_receiver_organ_id)
    with pytest.raises(Refused) as refused:
        await office.wire.ask(actor, request)
    assert refused.value.fields == {"source": "SOURCE_NOT_OF_CHANNEL"}


@pytest.mark.req("IN1")
@pytest.mark.parametrize("channel", ["screening", "grid", "monitoring"])
async def test_what_the_committee_began_by_itself_needs_no_applicant_and_asks_both_sides(office: Office, channel: str) -> None:
    receiver = _RECEIVERS[TIERS[channel][0]]
    case = office.write(receiver, channel=channel)
    clerk = await Clerk.register(office.wire, office.cast, case)
    assert set(await clerk.must_be_asked()) == set(clerk.matter.parties)


@pytest.mark.req("IN1")
async def test_a_door_of_applicants_refuses_a_case_without_one(office: Office) -> None:
    request = registration(office.write(), office.now())
    del request.applicants[:]
    request.ClearField("on_behalf_of")
    with pytest.raises(Refused) as refused:
        await office.wire.ask(office.cast.at(type(request), request.first_receiver_organ_id), request)
    assert refused.value.fields == {"applicants": "APPLICANT_REQUIRED"}


@pytest.mark.req("IN1")
async def test_a_village_entry_made_late_keeps_the_day_it_was_received(office: Office) -> None:
    received = office.now() - timedelta(days=2)
    request = registration(office.write(channel="screening"), office.now())
    request.received_at.CopyFrom(stamp(received))
    actor = office.cast.at(type(request), request.first_receiver_organ_id)
    answer = await office.wire.ask(actor, request)
    clerk = await Clerk.take_up(office.wire, office.cast, answer.case_id, request.first_receiver_organ_id)
    entry = await clerk.case()
    assert entry.first_received_at.ToDatetime(tzinfo=received.tzinfo) == received
    assert entry.registered_at.ToDatetime(tzinfo=received.tzinfo) > received


@pytest.mark.req("IN1")
async def test_the_same_client_key_replays_the_same_answer(office: Office) -> None:
    request = registration(office.write(), office.now())
    actor = office.cast.at(type(request), request.first_receiver_organ_id)
    first = await office.wire.ask(actor, request)
    again = await office.wire.ask(actor, request)
    assert again == first
    request.facts = "另一份内容"
    with pytest.raises(Refused) as refused:
        await office.wire.ask(actor, request)
    assert refused.value.reason == "REQUEST_ID_REUSED"
