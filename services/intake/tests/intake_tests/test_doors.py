"""Every door has its rules: whose source it counts under, whether somebody must have applied, who must be asked (IN1)."""

from typing import Any

import pytest

from tiaochu.intake.events.v1 import case_events_pb2 as events
from tiaochu.intake.v1 import case_commands_pb2 as commands
from tiaochu.intake.v1 import case_pb2
from tiaochu.routing.events.v1 import responsibility_events_pb2
from tiaochu_domainkit.codes import CHANNEL_SOURCES, code_list
from tiaochu_domainkit.errors import DomainError

from .desk import CLERK, TOWN, Desk, registration  # noqa: TID252 - tests of one package

CHANNELS = tuple(code_list("channel").names)


async def reason(call: Any) -> str:
    with pytest.raises(DomainError) as caught:
        await call
    return caught.value.violations[0].reason if caught.value.violations else caught.value.reason


@pytest.mark.req("IN1")
async def test_every_door_counts_under_its_sources_and_no_other(desk: Desk) -> None:
    for n, channel in enumerate(CHANNELS):
        case_id = (await desk.registered(n, channel=channel)).case_id
        [(_, payload)] = await desk.journal(case_id)
        event = events.CaseRegistered.FromString(payload)
        assert (event.channel, event.source) == (channel, CHANNEL_SOURCES[channel][0])
        for source in code_list("source").names:
            call = desk.call("RegisterCase", registration(100, channel=channel, source=source))
            if source in CHANNEL_SOURCES[channel]:
                assert (await call).case_number
            else:
                assert await reason(call) == "SOURCE_NOT_OF_CHANNEL"


@pytest.mark.req("IN1")
async def test_only_where_the_centre_acts_by_itself_nobody_need_have_applied_and_then_everybody_is_asked(desk: Desk) -> None:
    for n, channel in enumerate(CHANNELS):
        without = registration(n, channel=channel, applicants=[])
        if CHANNEL_SOURCES[channel][0] == "initiative":
            shown = await desk.get((await desk.call("RegisterCase", without)).case_id)
            assert [p.consent for p in shown.parties] == ["open"]
            with_both = await desk.get((await desk.registered(200 + n, channel=channel)).case_id)
            assert [p.consent for p in with_both.parties] == ["open", "open"]
        else:
            assert await reason(desk.call("RegisterCase", without)) == "APPLICANT_REQUIRED"
            applied = await desk.get((await desk.registered(200 + n, channel=channel)).case_id)
            assert [p.consent for p in applied.parties] == ["", "open"]


@pytest.mark.req("IN1")
async def test_door_source_first_receiver_and_moment_stay_whatever_happens(desk: Desk) -> None:
    answer = await desk.registered(1, channel="leader", source="application")
    before = await desk.get(answer.case_id)
    party = case_pb2.PartyInput(party_id=answer.applicant_ids[0], kind="person", name="新名")
    await desk.call("CorrectParty", commands.CorrectPartyRequest(case_id=answer.case_id, party=party))
    moved = responsibility_events_pb2.TransferSigned(
        case_id=answer.case_id, transfer_id="t", to_organ_id="elsewhere", responsibility_version=2
    )
    await desk.hear(moved)
    after = await desk.get(answer.case_id, CLERK)
    fixed = ("channel", "source", "first_receiver_organ_id", "first_received_at", "case_number")
    assert [getattr(after, f) for f in fixed] == [getattr(before, f) for f in fixed]
    assert (after.first_receiver_organ_id, after.responsible_organ_id) == (TOWN, "elsewhere")
