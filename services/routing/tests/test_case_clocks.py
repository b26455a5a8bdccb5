"""The clocks of cases: which events start, pause and stop them, how they warn and expire, and what expiry brings."""

from dataclasses import make_dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from tiaochu.routing.v1 import clock_service_pb2 as pb
from tiaochu.routing.v1 import responsibility_service_pb2 as responsibility
from tiaochu_domainkit.clocks import BEIJING
from tiaochu_domainkit.errors import DomainError

MONDAY = datetime(2026, 3, 2, 10, 0, tzinfo=BEIJING)


async def clocks(world: Any, case_id: str, *, ended: bool = True) -> dict[str, pb.Clock]:
    answer = await world.call("ClockService/ListClocks", pb.ListClocksRequest(case_id=case_id, with_ended=ended))
    return {c.rule_code: c for c in answer.clocks}


async def accept(world: Any, case_id: str) -> None:
    request = responsibility.AcceptCaseRequest(case_id=case_id, both_parties_willing=True, mediation_kind="people")
    await world.call("ResponsibilityService/AcceptCase", request, by=world.person("village"))
    await world.settle()


async def reason_of(call: Any) -> str:
    with pytest.raises(DomainError) as refusal:
        await call
    violations = refusal.value.violations
    return violations[0].reason if violations else refusal.value.reason


def on(world: Any, moment: datetime) -> None:
    """Step the clock of all services to a moment."""
    world.step(seconds=(moment - world.now()).total_seconds())


@pytest.mark.req("RT6")
async def test_the_clocks_of_a_case_follow_its_events(world: Any) -> None:
    on(world, MONDAY)
    case_id = await world.register()
    assert {(code, c.status) for code, c in (await clocks(world, case_id)).items()} == {("TRIAGE", "running")}
    await world.classify(case_id)
    await world.settle()
    assert {(code, c.status) for code, c in (await clocks(world, case_id)).items()} == {("TRIAGE", "stopped"), ("CONTACT_PARTY", "running")}
    await accept(world, case_id)
    running = await clocks(world, case_id, ended=False)
    assert set(running) == {"CONCLUDE_PM"}
    assert running["CONCLUDE_PM"].owner_organ_id == world.organs["village"]
    assert running["CONCLUDE_PM"].due_at.ToDatetime(tzinfo=BEIJING) == datetime(2026, 4, 2, 0, 0, tzinfo=BEIJING)


@pytest.mark.req("RT6")
async def test_a_clock_starts_when_the_act_happened_not_when_it_was_recorded(world: Any) -> None:
    on(world, MONDAY + timedelta(days=4))
    case_id = await world.classified()
    assert (await clocks(world, case_id))["CONTACT_PARTY"].started_at.ToDatetime(tzinfo=BEIJING) == pytest.approx(
        MONDAY + timedelta(days=4), abs=timedelta(minutes=5)
    )
    other = await world.register()
    await world.intake.tell("CaseClassified", at=MONDAY, case_id=other, category="0201", mediable="Y", difficulty="simple")
    await world.settle()
    assert (await clocks(world, other))["CONTACT_PARTY"].started_at.ToDatetime(tzinfo=BEIJING) == MONDAY


@pytest.mark.req("RT6", "RT3")
async def test_an_unsigned_transfer_expires_and_goes_to_the_upper_unit(world: Any) -> None:
    on(world, MONDAY)
    case_id = await world.classified()
    await world.offer(case_id, world.person("village"), "town_b")
    await world.settle()
    assert (await clocks(world, case_id))["SIGN_TRANSFER"].owner_organ_id == world.organs["town_b"]
    on(world, MONDAY + timedelta(days=2))
    await world.settle()
    assert (await world.case(case_id)).status == "offered"
    on(world, MONDAY + timedelta(days=3))
    await world.settle()
    case = await world.case(case_id)
    assert (case.status, case.designating_organ_id) == ("designation_due", world.organs["city"])
    names = [n for n in await world.events(case_id) if n in ("ClockWarned", "ClockExpired", "TransferExpired")]
    assert names[-2:] == ["ClockExpired", "TransferExpired"]


async def test_before_a_clock_expires_the_logs_are_read_to_their_heads(world: Any) -> None:
    on(world, MONDAY)
    case_id = await world.register()
    on(world, MONDAY + timedelta(days=2))
    told = {"case_id": case_id, "category": "0201", "mediable": "Y", "difficulty": "simple", "flags": []}
    await world.intake.tell("CaseClassified", at=MONDAY + timedelta(hours=2), **told)
    service = world.routing.service
    while await service._timers.fire_due():
        pass
    triage = (await clocks(world, case_id))["TRIAGE"]
    assert (triage.status, "ClockExpired" in await world.events(case_id)) == ("stopped", False)


@pytest.mark.req("RT6")
async def test_suspension_pauses_what_its_ground_pauses(world: Any) -> None:
    on(world, MONDAY)
    case_id = await world.classified()
    await accept(world, case_id)
    await world.mediation.tell("MediationSuspended", case_id=case_id, reason="pending_other_case")
    await world.settle()
    assert (await clocks(world, case_id))["CONCLUDE_PM"].status == "running"
    await world.mediation.tell("MediationResumed", case_id=case_id, reason="over")
    await world.mediation.tell("MediationSuspended", case_id=case_id, reason="appraisal")
    await world.settle()
    paused = (await clocks(world, case_id))["CONCLUDE_PM"]
    assert (paused.status, paused.HasField("due_at")) == ("paused", False)
    on(world, MONDAY + timedelta(days=10))
    await world.mediation.tell("MediationResumed", case_id=case_id, reason="over")
    await world.settle()
    # The day the appraisal begins does not run, the day it ends does: 3 to 11 March are excluded.
    assert (await clocks(world, case_id))["CONCLUDE_PM"].due_at.ToDatetime(tzinfo=BEIJING) == datetime(2026, 4, 11, 0, 0, tzinfo=BEIJING)


@pytest.mark.req("RT6")
async def test_an_extension_by_consent_once(world: Any) -> None:
    on(world, MONDAY)
    case_id = await world.classified()
    await accept(world, case_id)
    clock = (await clocks(world, case_id))["CONCLUDE_PM"]
    mediator = world.person("village", "village_mediator")

    def request(**more: str) -> pb.ExtendClockRequest:
        return pb.ExtendClockRequest(case_id=case_id, clock_id=clock.clock_id, **{"reason": "all_parties_agree", **more})

    assert await reason_of(world.call("ClockService/ExtendClock", request(reason="leader_approves"), by=mediator)) == "EXTENSION_REASON"
    assert await reason_of(world.call("ClockService/ExtendClock", request(clock_etag="99"), by=mediator)) == "VERSION_CHANGED"
    assert await reason_of(world.call("ClockService/ExtendClock", request(), by=world.person("town", "mediator"))) == "NOT_CLOCK_OWNER"
    answer = await world.call("ClockService/ExtendClock", request(clock_etag=clock.etag), by=mediator)
    assert answer.due_at.ToDatetime(tzinfo=BEIJING) == datetime(2026, 5, 7, 0, 0, tzinfo=BEIJING)
    assert await reason_of(world.call("ClockService/ExtendClock", request(), by=mediator)) == "EXTENSION_NOT_ALLOWED"


@pytest.mark.req("RT6")
async def test_each_obligation_has_its_own_period_of_grace(world: Any) -> None:
    on(world, MONDAY)
    case_id = await world.classified()
    await accept(world, case_id)
    obligation = make_dataclass("Obligation", ["obligation_id", "kind", "amount_fen", "due_on"])
    owed = [obligation("o-1", "pay", 100_00, "2026-03-10"), obligation("o-2", "pay", 100_00, "2026-04-10")]
    await world.mediation.tell("AgreementEffective", case_id=case_id, agreement_id="a-1", form="written", obligations=owed)
    await world.settle()
    answer = await world.call("ClockService/ListClocks", pb.ListClocksRequest(case_id=case_id, with_ended=True))
    perform = {c.ref_id: c for c in answer.clocks if c.rule_code == "PERFORM"}
    assert {r: c.due_at.ToDatetime(tzinfo=BEIJING).date().isoformat() for r, c in perform.items()} == {
        "o-1": "2026-03-21",
        "o-2": "2026-04-21",
    }
    assert {c.rule_code for c in answer.clocks if c.status == "stopped"} >= {"CONCLUDE_PM"}
    await world.mediation.tell("PerformanceRecorded", case_id=case_id, agreement_id="a-1", obligation_id="o-1", complete=False)
    await world.mediation.tell("PerformanceRecorded", case_id=case_id, agreement_id="a-1", obligation_id="o-2", complete=True)
    await world.settle()
    on(world, datetime(2026, 3, 21, 9, 0, tzinfo=BEIJING))
    await world.settle()
    answer = await world.call("ClockService/ListClocks", pb.ListClocksRequest(case_id=case_id, with_ended=True))
    assert {c.ref_id: c.status for c in answer.clocks if c.rule_code == "PERFORM"} == {"o-1": "expired", "o-2": "stopped"}


async def test_what_ends_a_period_may_be_read_before_what_began_it(world: Any) -> None:
    on(world, MONDAY)
    case_id = await world.classified()
    request = responsibility.AcceptCaseRequest(case_id=case_id, on_the_spot=True, mediation_kind="people")
    await world.call("ResponsibilityService/AcceptCase", request, by=world.person("village"))
    await world.mediation.tell("AgreementEffective", case_id=case_id, agreement_id="a-1", form="oral", obligations=[])
    await world.read("mediation")
    await world.settle()
    assert (await clocks(world, case_id))["CONCLUDE_PM"].status == "stopped"


async def test_only_an_end_that_a_rule_waits_for_is_remembered(world: Any) -> None:
    on(world, MONDAY)
    case_id = await world.classified(category="0502")
    request = responsibility.AcceptCaseRequest(case_id=case_id, on_the_spot=True, mediation_kind="people")
    await world.call("ResponsibilityService/AcceptCase", request, by=world.person("village"))
    await world.mediation.tell("AgreementEffective", case_id=case_id, agreement_id="a-1", form="oral", obligations=[])
    await world.read("mediation")
    await world.settle()
    async with world.routing.kit.database.transaction() as tx:
        rows = await tx.rows("SELECT rule_code, status FROM clocks WHERE case_id = %s AND status IN ('awaited', 'stopped')", (case_id,))
    assert dict(rows)["MEDICAL_MEDIATE"] == "stopped"
    assert "CONCLUDE_PM" not in dict(rows)


@pytest.mark.req("RT6")
async def test_the_end_of_a_case_stops_its_clocks_but_not_the_follow_up(world: Any) -> None:
    on(world, MONDAY)
    case_id = await world.classified()
    await accept(world, case_id)
    await world.mediation.tell("AgreementEffective", case_id=case_id, agreement_id="a-1", form="oral", obligations=[])
    await world.mediation.tell("CaseClosed", case_id=case_id, result="performed")
    await world.settle()
    assert set(await clocks(world, case_id, ended=False)) == {"FOLLOW_UP"}


async def test_a_finished_case_of_an_old_register_has_no_clocks(world: Any) -> None:
    case_id = await world.register(history=True)
    await world.settle()
    assert await clocks(world, case_id) == {}


@pytest.mark.req("RT6")
async def test_clocks_that_rest_on_an_unpublished_year_are_planned_again_when_it_is_loaded(world: Any) -> None:
    on(world, datetime(2026, 12, 20, 10, 0, tzinfo=BEIJING))
    case_id = await world.classified()
    await accept(world, case_id)
    assert (await clocks(world, case_id))["CONCLUDE_PM"].provisional
    on(world, datetime(2027, 1, 22, 10, 0, tzinfo=BEIJING))
    await world.settle()
    waiting = (await clocks(world, case_id))["CONCLUDE_PM"]
    assert (waiting.status, waiting.warned_percent) == ("running", 100)
    director = world.person("city", "office_director")
    request = pb.LoadCalendarYearRequest(district="329901", year=2027)
    request.rest_days.add(on="2027-01-01", zh="元旦")
    answer = await world.call("ClockService/LoadCalendarYear", request, by=director)
    assert answer.clocks_to_replan >= 1
    await world.settle()
    ended = (await clocks(world, case_id))["CONCLUDE_PM"]
    assert (ended.status, ended.provisional) == ("expired", False)


@pytest.mark.req("RT6")
async def test_preview_answers_due_and_warning_dates(world: Any) -> None:
    start = Timestamp()
    start.FromDatetime(datetime(2026, 2, 12, 16, 0, tzinfo=BEIJING))
    dispatcher = world.person("city")
    answer = await world.call("ClockService/PreviewClock", pb.PreviewClockRequest(rule_code="CORRECTION", start_at=start), by=dispatcher)
    assert (answer.last_day_on, answer.provisional) == ("2026-02-26", False)
    assert [w.percent for w in answer.warnings] == [70, 90, 100]
    assert "2026-02-17" in answer.rest_days_skipped
    unknown = pb.PreviewClockRequest(rule_code="NO_SUCH_RULE", start_at=start)
    assert await reason_of(world.call("ClockService/PreviewClock", unknown, by=dispatcher)) == "NOT_FOUND"
    foreign = pb.PreviewClockRequest(rule_code="CORRECTION", start_at=start, district="329902")
    assert await reason_of(world.call("ClockService/PreviewClock", foreign, by=dispatcher)) == "OUTSIDE_DISTRICT"


@pytest.mark.req("RT6")
async def test_a_district_puts_its_own_length_from_a_day_on(world: Any) -> None:
    on(world, MONDAY)
    director = world.person("city", "office_director")
    request = pb.PutClockRuleRequest(district="329901", code="TRIAGE", length="2wd", valid_from_on="2026-03-02", legal_basis="本市规定")
    assert await reason_of(world.call("ClockService/PutClockRule", request, by=director)) == "DATE_NOT_FUTURE"
    request = pb.PutClockRuleRequest(district="329901", code="TRIAGE", length="2wd", valid_from_on="2026-03-03", legal_basis="本市规定")
    assert (await world.call("ClockService/PutClockRule", request, by=director)).version == "TRIAGE@2026-03-03"
    before = await world.register()
    on(world, MONDAY + timedelta(days=1))
    after = await world.register()
    dues = [(await clocks(world, c))["TRIAGE"].due_at.ToDatetime(tzinfo=BEIJING).date().isoformat() for c in (before, after)]
    assert dues == ["2026-03-04", "2026-03-06"]
    listed = await world.call("ClockService/ListClockRules", pb.ListClockRulesRequest(on="2026-03-03"), by=director)
    triage = next(r for r in listed.rules if r.code == "TRIAGE")
    assert (triage.length, triage.of_district, triage.legal_basis) == ("2wd", True, "本市规定")
    elsewhere = pb.ListClockRulesRequest(district="329902", on="2026-03-03")
    other = await world.call("ClockService/ListClockRules", elsewhere)
    assert next(r.length for r in other.rules if r.code == "TRIAGE") == "1wd"
