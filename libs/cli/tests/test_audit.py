"""Every check passes on a course of events that is right, and finds each thing that is made wrong in it."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tiaochu.docking.v1.docking_service_pb2 import Delivery
from tiaochu.reporting.v1.report_service_pb2 import GetMonthTableResponse
from tiaochu_cli.audit.chains import check_chains
from tiaochu_cli.audit.clocks import check_clocks, default_lengths
from tiaochu_cli.audit.deliveries import check_deliveries
from tiaochu_cli.audit.effects import check_effects
from tiaochu_cli.audit.finding import Check
from tiaochu_cli.audit.responsibility import check_responsibility, intervals
from tiaochu_cli.audit.statistics import Act, acts, check_statistics
from tiaochu_domainkit.calendar import published
from tiaochu_domainkit.clocks import Pause, due, parse_length
from tiaochu_domainkit.deadlines import defaults

DAY = date(2026, 9, 1)
CASE = "01a20c93-431f-7092-92e7-9a4b402495a4"
CENTRE, TOWN, VILLAGE = "centre", "town", "village"
PATH = f"/{CENTRE}/{TOWN}/{VILLAGE}/"


def reasons(check: Check) -> set[str]:
    return {finding.reason for finding in check.findings}


def due_at(code: str, start: datetime, *extensions: str) -> datetime:
    rule = defaults().find(code, DAY)
    return due(start, rule.length, published(), extensions=[parse_length(e) for e in extensions]).at


def start_clock(books: Any, code: str, clock_id: str, **fields: Any) -> datetime:
    """A clock as routing starts it; answers when it is due."""
    start = books.now
    planned = fields.pop("due_at", None) or due_at(code, start)
    version = defaults().find(code, DAY).version
    books.write(
        "routing",
        "ClockStarted",
        case_id=CASE,
        clock_id=clock_id,
        rule_code=code,
        rule_version=version,
        started_at=start,
        due_at=planned,
        **fields,
    )
    return planned


def register(books: Any, **fields: Any) -> None:
    """A case comes in at the centre and its responsibility starts."""
    told = {"source": "application", "applicant_count": 1, "respondent_count": 2, "amount_fen": 300_000, **fields}
    books.write(
        "intake",
        "CaseRegistered",
        case_id=CASE,
        case_number=f"{329901}-2026-001-000001",
        first_receiver_organ_id=CENTRE,
        first_receiver_organ_path=f"/{CENTRE}/",
        first_received_at=books.now,
        **told,
    )
    registered_at = books.now
    books.write(
        "routing",
        "ResponsibilityStarted",
        case_id=CASE,
        organ_id=CENTRE,
        organ_path=f"/{CENTRE}/",
        responsibility_version=1,
        since_at=registered_at,
    )


def hand_over(books: Any) -> None:
    """Classified, named, offered, signed for by the village."""
    books.write("intake", "CaseClassified", case_id=CASE, category="0203", moj_type="neighbour", difficulty="complex")
    books.write("routing", "LeadNamed", case_id=CASE, lead_organ_id=VILLAGE, lead_organ_path=PATH)
    books.write("routing", "TransferOffered", case_id=CASE, transfer_id="t1", kind="delegate", from_organ_id=CENTRE, to_organ_id=VILLAGE)
    books.write(
        "routing",
        "TransferSigned",
        case_id=CASE,
        transfer_id="t1",
        from_organ_id=CENTRE,
        to_organ_id=VILLAGE,
        to_organ_path=PATH,
        responsibility_version=2,
    )


def mediate(books: Any, kind: str = "people") -> None:
    """Accepted by the village, agreed, performed, closed."""
    books.write("routing", "CaseAccepted", case_id=CASE, organ_id=VILLAGE, organ_path=PATH, mediation_kind=kind, responsibility_version=2)
    books.write("mediation", "MediationOpened", case_id=CASE, organ_id=VILLAGE, organ_path=PATH, mediation_kind=kind)
    books.write(
        "mediation", "AgreementEffective", case_id=CASE, agreement_id="a1", form="written", effective_at=books.now, amount_fen=200_000
    )
    books.wait(days=40)
    books.write("mediation", "AgreementPerformed", case_id=CASE, agreement_id="a1", performed_on="2026-12-11")
    books.write("mediation", "CaseClosed", case_id=CASE, result="performed")
    books.write("routing", "ResponsibilityEnded", case_id=CASE, reason="performed")


@pytest.fixture
def whole(books: Any) -> Any:
    """A case from registration to its end."""
    register(books)
    hand_over(books)
    mediate(books)
    return books


# --- chains


def test_logs_written_right_prove_themselves(whole: Any) -> None:
    check = check_chains(whole.journals)
    assert (check.holds, check.looked_at) == (True, whole.journals.count)


def change_payload(log: list[Any]) -> None:
    log[1].event.payload = log[0].event.payload


def change_time(log: list[Any]) -> None:
    log[1].event.record_time.seconds += 1


def take_one_away(log: list[Any]) -> None:
    del log[1]


def cut_the_end(log: list[Any]) -> None:
    del log[-1]


def repeat_an_id(log: list[Any]) -> None:
    log[2].event.event_id = log[1].event.event_id


def forget_a_version(log: list[Any]) -> None:
    log[1].event.version = 1


def relink(log: list[Any]) -> None:
    log[1].event.previous_hash = b"\1" * 32


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (change_payload, "HASH_DIFFERS"),
        (change_time, "HASH_DIFFERS"),
        (take_one_away, "GAP"),
        (cut_the_end, "HEAD_DIFFERS"),
        (repeat_an_id, "EVENT_TWICE"),
        (forget_a_version, "VERSION_TWICE"),
        (relink, "PREVIOUS_HASH_DIFFERS"),
    ],
)
def test_a_log_that_was_changed_shows_it(whole: Any, spoil: Callable[[list[Any]], None], reason: str) -> None:
    spoil(whole.journals.logs["routing", "329901"])
    assert reason in reasons(check_chains(whole.journals))


# --- responsibility


@pytest.mark.req("RT3")
def test_one_unit_at_every_instant(whole: Any) -> None:
    assert check_responsibility(whole.journals).holds
    routing = whole.journals.logs["routing", "329901"]
    assert [i.organ_id for i in intervals(routing)] == [CENTRE, VILLAGE]


def started(**fields: Any) -> Callable[[Any], None]:
    return lambda books: books.write(
        "routing", "ResponsibilityStarted", **{"case_id": CASE, "organ_id": CENTRE, "responsibility_version": 3, **fields}
    )


def signed(**fields: Any) -> Callable[[Any], None]:
    told = {"case_id": CASE, "transfer_id": "t2", "from_organ_id": VILLAGE, "to_organ_id": TOWN, "responsibility_version": 3}
    return lambda books: books.write("routing", "TransferSigned", **{**told, **fields})


def offered(**fields: Any) -> Callable[[Any], None]:
    told = {"case_id": CASE, "transfer_id": "t2", "from_organ_id": VILLAGE, "to_organ_id": TOWN}
    return lambda books: books.write("routing", "TransferOffered", **{**told, **fields})


def accepted(**fields: Any) -> Callable[[Any], None]:
    return lambda books: books.write(
        "routing", "CaseAccepted", **{"case_id": CASE, "organ_id": VILLAGE, "responsibility_version": 2, **fields}
    )


def ended(books: Any) -> None:
    books.write("routing", "ResponsibilityEnded", case_id=CASE, reason="terminated")


@pytest.mark.parametrize(
    ("acts_", "reason"),
    [
        ((started(),), "RESPONSIBLE_TWICE"),
        ((signed(),), "ANSWERED_WITHOUT_OFFER"),
        ((offered(), signed(from_organ_id=CENTRE)), "SIGNED_FROM_ANOTHER"),
        ((offered(), signed(responsibility_version=4)), "VERSION_SKIPPED"),
        ((offered(from_organ_id=CENTRE),), "OFFERED_BY_ANOTHER"),
        ((offered(), offered(transfer_id="t3")), "OFFERED_TWICE"),
        ((accepted(organ_id=CENTRE),), "DECIDED_BY_ANOTHER"),
        ((accepted(responsibility_version=1),), "DECIDED_BY_ANOTHER"),
        ((ended, offered(), signed()), "MOVED_AFTER_END"),
    ],
)
def test_what_breaks_the_chain_of_responsibility_is_found(books: Any, acts_: tuple[Callable[[Any], None], ...], reason: str) -> None:
    register(books)
    hand_over(books)
    assert check_responsibility(books.journals).holds
    for act in acts_:
        act(books)
    assert reason in reasons(check_responsibility(books.journals))


def test_a_case_that_nobody_took_up_is_found(books: Any) -> None:
    books.write("intake", "CaseRegistered", case_id=CASE, first_receiver_organ_id=CENTRE)
    assert reasons(check_responsibility(books.journals)) == {"NOBODY_RESPONSIBLE"}


def test_a_responsibility_without_a_case_is_found(books: Any) -> None:
    books.write("routing", "ResponsibilityStarted", case_id=CASE, organ_id=CENTRE, responsibility_version=1)
    assert reasons(check_responsibility(books.journals)) == {"RESPONSIBLE_WITHOUT_REGISTRATION"}


def test_a_gap_after_the_registration_and_another_receiver_are_found(books: Any) -> None:
    books.write("intake", "CaseRegistered", case_id=CASE, first_receiver_organ_id=CENTRE)
    late = books.now + timedelta(minutes=1)
    books.write("routing", "ResponsibilityStarted", case_id=CASE, organ_id=TOWN, responsibility_version=1, since_at=late)
    assert reasons(check_responsibility(books.journals)) == {"OTHER_FIRST_RECEIVER", "INTERVAL_GAP"}


def test_intervals_that_overlap_are_found(books: Any) -> None:
    register(books)
    books.write("routing", "TransferOffered", case_id=CASE, transfer_id="t1", from_organ_id=CENTRE, to_organ_id=VILLAGE)
    books.now -= timedelta(hours=1)
    signed(transfer_id="t1", from_organ_id=CENTRE, responsibility_version=2)(books)
    assert reasons(check_responsibility(books.journals)) == {"INTERVALS_OVERLAP"}


# --- clocks


def clock_event(name: str, **fields: Any) -> Callable[[Any, datetime], None]:
    def write(books: Any, _due: datetime) -> None:
        books.write("routing", name, case_id=CASE, clock_id="c1", rule_code="CONCLUDE_PM", **fields)

    return write


def expired(books: Any, planned: datetime) -> None:
    books.now = planned + timedelta(seconds=5)
    books.write("routing", "ClockExpired", case_id=CASE, clock_id="c1", rule_code="CONCLUDE_PM", due_at=planned)


def stopped(*, overdue: bool) -> Callable[[Any, datetime], None]:
    def write(books: Any, _due: datetime) -> None:
        books.write("routing", "ClockStopped", case_id=CASE, clock_id="c1", rule_code="CONCLUDE_PM", overdue=overdue, stopped_at=books.now)

    return write


def extended(books: Any, _due: datetime) -> None:
    start = books.journals.logs["routing", "329901"][0].body.started_at.ToDatetime(tzinfo=UTC)
    longer = due_at("CONCLUDE_PM", start, "30cd")
    books.write("routing", "ClockExtended", case_id=CASE, clock_id="c1", rule_code="CONCLUDE_PM", due_at=longer, length="30cd")


@pytest.mark.parametrize(
    ("course", "found"),
    [
        ((), set()),
        ((extended, stopped(overdue=False)), set()),
        ((expired, stopped(overdue=True)), set()),
        ((stopped(overdue=True),), {"CLOCK_OVERDUE_DIFFERS"}),
        ((expired, expired), {"CLOCK_ORDER"}),
        ((stopped(overdue=False), stopped(overdue=False)), {"CLOCK_ORDER"}),
        ((clock_event("ClockStarted", rule_version="CONCLUDE_PM@x"),), {"CLOCK_STARTED_TWICE"}),
        ((lambda books, _due: books.wait(days=60), clock_event("ClockWarned", percent=90)), {"CLOCK_NOT_EXPIRED"}),
        ((clock_event("ClockExpired", due_at=datetime(2026, 11, 20, tzinfo=UTC)),), {"CLOCK_DUE_DIFFERS", "CLOCK_EXPIRED_EARLY"}),
        ((clock_event("ClockExtended", length="30cd", due_at=datetime(2026, 10, 20, tzinfo=UTC)),), {"CLOCK_DUE_DIFFERS"}),
    ],
)
def test_clocks_run_as_their_rules_say(books: Any, course: tuple[Callable[[Any, datetime], None], ...], found: set[str]) -> None:
    planned = start_clock(books, "CONCLUDE_PM", "c1")
    for step in course:
        step(books, planned)
    assert reasons(check_clocks(books.journals, default_lengths())) == found


def test_a_due_date_that_no_calendar_gives_is_found(books: Any) -> None:
    start_clock(books, "TRIAGE", "c1", due_at=datetime(2026, 11, 8, 16, tzinfo=UTC))
    assert reasons(check_clocks(books.journals, default_lengths())) == {"CLOCK_DUE_DIFFERS"}
    assert check_clocks(books.journals, {}).holds, "a version of a rule that is not known here is not recomputed"


def test_a_pause_moves_the_due_date(books: Any) -> None:
    start = books.now
    start_clock(books, "CONCLUDE_PM", "c1")
    books.wait(days=3)
    begins = books.now
    books.write("routing", "ClockPaused", case_id=CASE, clock_id="c1", rule_code="CONCLUDE_PM", reason="appraisal", paused_at=begins)
    books.wait(days=10)
    later = due(start, parse_length("30cd"), published(), pauses=[Pause(begins, books.now)]).at
    resumed = {"case_id": CASE, "clock_id": "c1", "rule_code": "CONCLUDE_PM", "resumed_at": books.now}
    books.write("routing", "ClockResumed", **resumed, due_at=later)
    assert check_clocks(books.journals, default_lengths()).holds
    books.journals.logs["routing", "329901"][-1].body.due_at.FromDatetime(later + timedelta(days=1))
    assert reasons(check_clocks(books.journals, default_lengths())) == {"CLOCK_DUE_DIFFERS"}


def test_a_period_inside_published_years_is_not_provisional(books: Any) -> None:
    start_clock(books, "TRIAGE", "c1", provisional=True)
    assert reasons(check_clocks(books.journals, default_lengths())) == {"CLOCK_DUE_DIFFERS"}


def test_a_provisional_clock_warns_and_never_expires(books: Any) -> None:
    books.write(
        "routing", "ClockStarted", case_id=CASE, clock_id="c1", rule_code="X", due_at=books.now, started_at=books.now, provisional=True
    )
    books.wait(days=3)
    books.write("routing", "ClockWarned", case_id=CASE, clock_id="c1", rule_code="X", percent=100)
    assert check_clocks(books.journals, {}).holds
    due_ = books.journals.logs["routing", "329901"][0].body.due_at.ToDatetime(tzinfo=UTC)
    books.write("routing", "ClockExpired", case_id=CASE, clock_id="c1", rule_code="X", due_at=due_)
    assert reasons(check_clocks(books.journals, {})) == {"CLOCK_EXPIRED_PROVISIONAL"}


def test_a_clock_that_was_never_started_is_found(books: Any) -> None:
    stopped(overdue=False)(books, books.now)
    assert reasons(check_clocks(books.journals, {})) == {"CLOCK_NEVER_STARTED"}


# --- effects


def test_a_whole_course_has_every_effect_once(whole: Any) -> None:
    assert check_effects(whole.journals).findings == []


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ("routing", "ResponsibilityStarted"),
        ("mediation", "MediationOpened"),
        ("routing", "ResponsibilityEnded"),
    ],
)
def test_an_effect_that_is_missing_or_stands_twice_is_found(whole: Any, service: str, name: str) -> None:
    log = whole.journals.logs[service, "329901"]
    fact = next(f for f in log if f.name == name)
    log.append(fact)
    assert reasons(check_effects(whole.journals)) == {"TWICE"}
    log[:] = [f for f in log if f is not fact]
    assert "NO_EFFECT" in reasons(check_effects(whole.journals))


def test_the_effect_of_a_service_whose_journal_was_not_read_is_not_asked_for(whole: Any) -> None:
    del whole.journals.heads["mediation"]
    whole.journals.logs["mediation", "329901"].clear()
    assert "CaseAccepted" not in "".join(f.detail for f in check_effects(whole.journals).findings)


def test_an_expired_clock_has_its_effect(books: Any) -> None:
    books.write("routing", "ClockExpired", case_id=CASE, clock_id="c", rule_code="PERFORM", ref_id="o1", on_expiry="breached")
    assert reasons(check_effects(books.journals)) == {"NO_EFFECT"}
    books.write("mediation", "ObligationBreached", case_id=CASE, agreement_id="a1", obligation_id="o1")
    assert check_effects(books.journals).holds


def test_an_offer_that_went_back_needs_no_case(books: Any) -> None:
    books.write("docking", "OfferReceived", case_id=CASE, exchange_id="x1", packet_id="p1")
    assert reasons(check_effects(books.journals)) == {"NO_EFFECT"}
    books.write("docking", "ExchangeReturned", case_id=CASE, exchange_id="x1")
    assert check_effects(books.journals).holds


# --- deliveries


def packet(name: str, packet_id: str, **fields: Any) -> Callable[[Any], None]:
    return lambda books: books.write("docking", name, **{"case_id": CASE, "exchange_id": "x1", "packet_id": packet_id, **fields})


@pytest.mark.parametrize(
    ("course", "found"),
    [
        ((packet("PacketReceived", "p1", seq=1), packet("PacketIssued", "q1", seq=1), packet("PacketReceipted", "q1")), set()),
        ((packet("PacketReceived", "p1", seq=1), packet("PacketReceived", "p3", seq=3)), {"SEQ_GAP"}),
        ((packet("PacketIssued", "q1", seq=1), packet("PacketIssued", "q2", seq=1)), {"SEQ_GAP"}),
        ((packet("PacketReceipted", "q1"),), {"RECEIPT_WITHOUT_PACKET"}),
        ((packet("DeliveryDead", "q1", reason="HORIZON"),), {"RECEIPT_WITHOUT_PACKET"}),
        ((packet("DeliveryDead", "q1", reason="FIELD_INVALID"),), set()),
        ((packet("PacketIssued", "q1", seq=1), packet("PacketReceipted", "q1", exchange_id="x2")), {"RECEIPT_OF_OTHER_EXCHANGE"}),
        (
            (
                lambda books: books.write("docking", "ExchangeClosed", case_id=CASE, exchange_id="x1"),
                lambda books: books.write("docking", "ExchangeAnswered", case_id=CASE, exchange_id="x1"),
            ),
            {"MOVED_AFTER_CLOSING"},
        ),
    ],
)
def test_packets_and_receipts(books: Any, course: tuple[Callable[[Any], None], ...], found: set[str]) -> None:
    for step in course:
        step(books)
    assert reasons(check_deliveries(books.journals)) == found


def test_the_gateways_queue_says_what_its_journal_says(books: Any) -> None:
    for number in (1, 2, 3):
        packet("PacketIssued", f"q{number}", seq=number)(books)
    packet("PacketReceipted", "q1")(books)
    packet("DeliveryDead", "q3", reason="HORIZON")(books)
    queue = [Delivery(packet_id=f"q{n}", exchange_id="x1", state=s) for n, s in ((1, "receipted"), (2, "waiting"), (3, "dead"))]
    queue[0].receipt_time.FromDatetime(books.now)
    books.journals.queue = queue
    assert check_deliveries(books.journals).holds
    books.journals.queue = queue[1:]
    assert reasons(check_deliveries(books.journals)) == {"NOT_QUEUED_ONCE"}
    books.journals.queue = [*queue, queue[1]]
    assert reasons(check_deliveries(books.journals)) == {"NOT_QUEUED_ONCE"}
    books.journals.queue = queue
    queue[1].receipt_time.FromDatetime(books.now)
    assert reasons(check_deliveries(books.journals)) == {"DELIVERY_DIFFERS"}
    queue[1].ClearField("receipt_time")
    queue[1].state = "dead"
    assert reasons(check_deliveries(books.journals)) == {"DELIVERY_DIFFERS"}
    queue[1].state = "waiting"
    queue[0].ClearField("receipt_time")
    assert reasons(check_deliveries(books.journals)) == {"DELIVERY_DIFFERS"}


# --- while work goes on


def test_what_was_recorded_after_the_question_need_not_have_arrived_everywhere(whole: Any) -> None:
    whole.journals.asked_at = whole.now
    other = CASE.replace("01a2", "01a3")
    whole.write("intake", "CaseRegistered", case_id=other, first_receiver_organ_id=CENTRE, first_receiver_organ_path=f"/{CENTRE}/")
    assert check_responsibility(whole.journals).holds
    assert check_effects(whole.journals).holds
    known = [act for facts in whole.journals.by_case(settled=True).values() for act in acts(facts)]
    assert check_statistics(whole.journals, answer_of(known), lambda _d: False).holds
    whole.journals.asked_at = whole.now
    assert not check_responsibility(whole.journals).holds
    assert not check_effects(whole.journals).holds
    assert not check_statistics(whole.journals, answer_of(known), lambda _d: False).holds


# --- statistics


def answer_of(found: list[Act], units: tuple[str, ...] = ("", CENTRE, TOWN, VILLAGE)) -> Callable[[str, str], GetMonthTableResponse]:
    """The table as reporting would answer it when it counted these acts."""

    def table(district: str, period: str) -> GetMonthTableResponse:
        made = GetMonthTableResponse(district=district, period=period)
        for unit in units:
            row = made.rows.add(organ_id=unit)
            for act in found:
                if act.month.startswith(period) and (not unit or unit in act.organ_path.split("/")):
                    for figure, value in act.figures.items():
                        name = "body.village" if figure == "bodies" else figure
                        row.values[name] = row.values[name] + value
        return made

    return table


def counted(books: Any) -> list[Act]:
    return [act for facts in books.journals.by_case().values() for act in acts(facts)]


def test_a_case_counts_by_its_result_and_each_act_in_its_month(whole: Any) -> None:
    found = counted(whole)
    assert [(act.month, min(act.figures)) for act in found] == [
        ("2026-09", "registered"),
        ("2026-09", "accepted"),
        ("2026-09", "agreed_amount"),
        ("2026-12", "performed"),
    ]
    result = found[2].figures
    assert (result["total"], result["successful"], result["parties"], result["difficult"]) == (1, 1, 3, 1)
    assert (result["amount"], result["agreed_amount"]) == (300_000, 200_000)
    assert {"type.neighbour", "source.application", "form.written"} <= result.keys()
    assert check_statistics(whole.journals, answer_of(found), lambda _d: False).holds


def test_a_figure_of_one_unit_that_is_wrong_is_found(whole: Any) -> None:
    found = counted(whole)

    def table(district: str, period: str) -> GetMonthTableResponse:
        made = answer_of(found)(district, period)
        if period == "2026-09":
            made.rows[3].values["total"] = 2
        return made

    check = check_statistics(whole.journals, table, lambda _d: False)
    assert [f.detail for f in check.findings] == ["2026-09 total of village: 2 for 1"]


def test_a_case_that_reporting_does_not_know_is_found(whole: Any) -> None:
    check = check_statistics(whole.journals, answer_of([]), lambda _d: False)
    assert {"FIGURE_DIFFERS"} == reasons(check)


def test_where_months_are_locked_whole_years_are_compared(whole: Any) -> None:
    found = counted(whole)
    assert check_statistics(whole.journals, answer_of(found), lambda _d: True).holds
    short = [act for act in found if "performed" not in act.figures]
    assert reasons(check_statistics(whole.journals, answer_of(short), lambda _d: True)) == {"FIGURE_DIFFERS"}


def test_other_kinds_of_mediation_stand_beside_the_ministrys_table(books: Any) -> None:
    register(books)
    hand_over(books)
    mediate(books, kind="judicial")
    assert [dict(act.figures) for act in counted(books)][2] == {"other_mediation": 1}


def test_a_merged_case_counts_with_its_master(whole: Any) -> None:
    whole.write("intake", "CaseMerged", case_id=CASE, master_case_id="other")
    assert counted(whole) == []


def test_an_old_registers_case_counts_in_the_month_it_was_closed(books: Any) -> None:
    register(books, history=True, source="no_such_source")
    books.write(
        "intake",
        "HistoryResultRecorded",
        case_id=CASE,
        organ_id=TOWN,
        organ_path=f"/{CENTRE}/{TOWN}/",
        outcome="agreed",
        form="oral",
        closed_on="2025-03-09",
        performed=True,
        confirmed=True,
        moj_type="no_such_type",
    )
    found = counted(books)
    assert [act.month for act in found] == ["2026-09", "2025-03", "2025-03", "2025-03"]
    assert {"type.other", "source.other_organ", "source.entrusted", "form.oral"} <= found[1].figures.keys()
    assert [dict(act.figures) for act in found[2:]] == [{"performed": 1}, {"confirmation_applied": 1, "confirmation_valid": 1}]
