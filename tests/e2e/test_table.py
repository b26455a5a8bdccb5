"""Sessions, agreement, performance, and how it ends without."""

from datetime import timedelta

import pytest

from e2e.office import Office
from tiaochu.mediation.v1 import mediation_service_pb2 as pb
from tiaochu.reporting.v1 import report_service_pb2 as reporting
from tiaochu.routing.v1 import clock_service_pb2 as clocks
from tiaochu_demo.driver import Mediator, Refused
from tiaochu_demo.driver.mediator import Promise


@pytest.mark.req("MD3")
async def test_no_session_before_rights_are_told_and_none_on_short_notice(office: Office) -> None:
    _, _, mediator = await office.seated(told=False)
    with pytest.raises(Refused) as refused:
        await mediator.appoint(office.now() + timedelta(hours=2))
    assert refused.value.reason == "NOTICE_TOO_SHORT"
    session = await mediator.appoint(office.now() + timedelta(seconds=5), waived=True)
    office.step(minutes=30)
    with pytest.raises(Refused) as refused:
        await mediator.hold(session, "agreed")
    assert refused.value.reason == "NOTICE_MISSING"


@pytest.mark.req("MD3")
async def test_the_second_session_needs_a_study_and_the_third_an_approval(office: Office) -> None:
    _, unit, mediator = await office.seated()
    await office.sit(mediator, "not_agreed")
    with pytest.raises(Refused) as refused:
        await office.sit(mediator, "not_agreed")
    assert refused.value.reason == "STUDY_MISSING"
    await office.sit(mediator, "not_agreed", study="争议焦点已研究")
    with pytest.raises(Refused) as refused:
        await office.sit(mediator, "agreed")
    assert refused.value.reason == "SESSION_APPROVAL_NEEDED"
    await unit.approve_session("双方仍愿协商", besides=mediator.person_id)
    await office.sit(mediator, "agreed")
    assert len([s for s in (await mediator.mediation()).sessions if s.state == "held"]) == 3


@pytest.mark.req("MD4")
async def test_what_one_side_said_apart_is_read_by_the_mediator_and_not_by_the_office(office: Office) -> None:
    clerk, _, mediator = await office.seated()
    session = await office.sit(mediator, "not_agreed")
    request = pb.GetSessionRecordRequest(case_id=clerk.matter.case_id, session_id=session)
    assert (await mediator.ask(request)).record.caucus_notes
    dispatcher = office.cast.role("dispatcher")
    seen = (await clerk.matter.ask(dispatcher, request)).record
    assert seen.summary
    assert not seen.caucus_notes


@pytest.mark.req("MD3", "RT5")
async def test_the_clock_stands_still_while_the_mediation_is_suspended(office: Office) -> None:
    _, unit, mediator = await office.seated()

    async def concluding() -> clocks.Clock:
        return next(c for c in await unit.clocks() if c.rule_code == "CONCLUDE_PM")

    before = (await concluding()).due_at.ToDatetime()
    await mediator.suspend("appraisal")
    assert (await unit.matter.until(concluding, lambda c: c.status == "paused", "the pause")).status == "paused"
    office.step(days=3)
    await mediator.resume()
    running = await unit.matter.until(concluding, lambda c: c.status == "running", "the clock running again")
    assert running.due_at.ToDatetime() > before


@pytest.mark.req("RT5")
async def test_a_clock_is_extended_once_when_all_parties_agree(office: Office) -> None:
    _, unit, _ = await office.seated()
    clock = next(c for c in await unit.clocks() if c.rule_code == "CONCLUDE_PM")
    request = clocks.ExtendClockRequest(case_id=unit.matter.case_id, clock_id=clock.clock_id, length="30cd", reason="all_parties_agree")
    answer = await unit.matter.ask(unit.actor(type(request)), request)
    assert answer.due_at.ToDatetime() >= clock.due_at.ToDatetime() + timedelta(days=29)
    again = clocks.ExtendClockRequest(case_id=unit.matter.case_id, clock_id=clock.clock_id, length="30cd", reason="all_parties_agree")
    with pytest.raises(Refused):
        await unit.matter.ask(unit.actor(type(again)), again)


@pytest.mark.req("MD5")
async def test_an_agreement_binds_only_when_all_have_signed(office: Office) -> None:
    _, _, mediator = await office.seated()
    await office.sit(mediator, "agreed")
    draft = await mediator.draft((office.payment(),))
    for party in mediator.matter.parties:
        assert not await mediator.mark(draft, "party", party_id=party)
    assert not await mediator.mark(draft, "mediator")
    assert await mediator.status() == "agreed"
    assert await mediator.mark(draft, "seal")
    assert await mediator.status() == "effective"


@pytest.mark.req("MD5")
async def test_a_village_settles_a_simple_case_on_the_spot_and_orally(office: Office) -> None:
    _, clerk, unit = await office.classified()
    await unit.accept(on_the_spot=True)
    mediator = Mediator(clerk.matter, unit.actor(pb.DraftAgreementRequest).person_id, unit.organ.id)
    await mediator.tell_rights()
    draft = await mediator.draft((office.payment(),), form="oral")
    assert await mediator.sign(draft)
    assert await mediator.perform(draft, 0)
    assert await mediator.close() == "performed"


@pytest.mark.req("MD6", "RT5")
async def test_what_is_not_kept_is_breached_after_the_grace_and_cured_by_performance(office: Office) -> None:
    _, mediator, draft = await office.agreed()
    office.step(days=25)
    await mediator.matter.until(mediator.status, lambda s: s == "breached", "the breach")
    with pytest.raises(Refused) as refused:
        await mediator.close()
    assert refused.value.reason == "COURT_ROUTE_REQUIRED"
    assert await mediator.perform(draft, 0)
    assert await mediator.status() == "performed"


@pytest.mark.req("MD6")
async def test_instalments_are_performed_one_by_one(office: Office) -> None:
    first, second = office.payment(60_000, 3), office.payment(40_000, 6)
    numbered = [Promise("pay", p.amount_fen, p.due_on, "", n) for n, p in enumerate((first, second), 1)]
    _, mediator, draft = await office.agreed(*numbered)
    assert await mediator.perform(draft, 0)
    assert await mediator.status() == "performing"
    assert not await mediator.perform(draft, 1, amount_fen=10_000)
    assert await mediator.perform(draft, 1, amount_fen=30_000)
    assert await mediator.status() == "performed"


@pytest.mark.req("MD7")
@pytest.mark.parametrize("ground", ["not_agreed", "wide_gap", "party_refused", "refused_to_sign"])
async def test_it_ends_without_agreement_with_the_ways_that_stay_open(office: Office, ground: str) -> None:
    clerk, _, mediator = await office.seated()
    if ground in ("not_agreed", "wide_gap"):
        await office.sit(mediator, "not_agreed")
    if ground == "not_agreed":
        with pytest.raises(Refused) as refused:
            await mediator.terminate(ground)
        assert refused.value.reason == "GROUND_NOT_MET"
        await office.sit(mediator, "not_agreed", study="已研究")
    if ground == "refused_to_sign":
        await office.sit(mediator, "agreed")
        await mediator.draft((office.payment(),))
    await mediator.terminate(ground, party_id=clerk.matter.respondents[0] if ground in ("party_refused", "refused_to_sign") else "")
    notice = await mediator.ask(pb.GetTerminationNoticeRequest(case_id=clerk.matter.case_id))
    assert notice.ground == ground
    assert notice.text
    await mediator.visit("not_applicable")
    assert await mediator.close() == "terminated"


@pytest.mark.req("MD7", "RT5")
async def test_time_that_runs_out_ends_the_mediation(office: Office) -> None:
    _, unit, mediator = await office.seated()
    await office.sit(mediator, "not_agreed")
    clock = next(c for c in await unit.clocks() if c.rule_code == "CONCLUDE_PM")
    assert not clock.provisional
    office.step(seconds=(clock.due_at.ToDatetime(tzinfo=office.now().tzinfo) - office.now()).total_seconds() + 60)
    await mediator.matter.until(mediator.status, lambda s: s == "terminated", "the end of the time to conclude")
    told = await unit.matter.ask(office.cast.role("dispatcher"), reporting.GetCaseTimelineRequest(case_id=unit.matter.case_id))
    assert [e for e in told.entries if e.type.endswith(".ClockExpired") and "CONCLUDE_PM" in e.body_json]


@pytest.mark.req("RT6")
async def test_every_command_says_whether_it_is_allowed_or_why_not(office: Office) -> None:
    clerk, _, mediator = await office.seated()
    answer = await mediator.ask(pb.ListAllowedActionsRequest(case_id=clerk.matter.case_id))
    by_name = {a.action: a for a in answer.actions}
    assert by_name["ScheduleSession"].allowed
    assert not by_name["SignAgreement"].allowed
    assert by_name["SignAgreement"].reason
    assert by_name["SignAgreement"].reason_zh
