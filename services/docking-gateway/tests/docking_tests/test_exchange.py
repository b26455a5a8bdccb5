"""The exchange: its table of transitions, and every run of packets against a plain model."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tiaochu_docking.dockings.reader import read_dockings
from tiaochu_docking.domain import events
from tiaochu_docking.domain.docking import Mode
from tiaochu_docking.domain.exchange import Exchange
from tiaochu_docking.domain.packet import SENDER, Kind, Packet, Role, Side
from tiaochu_domainkit.clocks import parse_length
from tiaochu_domainkit.errors import DomainError

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
COURT = read_dockings()[0].valid("court", START.date())
DELEGATION = COURT.mode("before_filing")
CONFIRM = COURT.mode("confirm")
_numbers = count(1)


def packet(kind: Kind, seq: int, **more: object) -> Packet:
    fields = {"ground": "other", "suggested_organ": "立案庭"} if kind in (Kind.RETURN, Kind.RECALL) else {}
    return Packet(packet_id=f"p{next(_numbers)}", kind=kind, seq=seq, sha256="0" * 64, **{**fields, **more})  # type: ignore[arg-type]


def opened(mode: Mode = DELEGATION) -> Exchange:
    return Exchange.open(
        offerer=mode.offerer,
        exchange_id="e1",
        district="321282",
        agency_id="a1",
        mode=mode,
        external_no="1",
        case_id="c1",
        packet=packet(Kind.OFFER, 1),
        at=START,
    )


def send(exchange: Exchange, kind: Kind, mode: Mode = DELEGATION, side: Side | None = None, at: datetime = START, **more: object) -> Packet:
    role = SENDER[kind]
    side = side or (exchange.side_of(role) if role else Side.OURS)
    sent = packet(kind, exchange.next_seq(side), **more)
    exchange.take(sent, side, mode, at)
    return sent


def reason(action: object) -> str:
    with pytest.raises(DomainError) as caught:
        action()  # type: ignore[operator]
    return caught.value.reason


def test_the_whole_way_of_a_delegated_case() -> None:
    exchange = opened()
    send(exchange, Kind.SIGN)
    send(exchange, Kind.PROGRESS)
    result = send(exchange, Kind.RESULT, outcome="agreed")
    assert exchange.status == "answered"
    exchange.receipted(result.packet_id, "r1", "push", DELEGATION, START)
    assert exchange.status == "closed"
    assert [type(r.event).__name__ for r in exchange.recorded] == [
        "OfferReceived", "PacketReceived", "PacketIssued", "ExchangeSigned", "PacketIssued", "PacketIssued", "ExchangeAnswered", "PacketReceipted",
        "ExchangeClosed",
    ]  # fmt: skip


def test_the_courts_ruling_is_told_once() -> None:
    exchange = opened(CONFIRM)
    exchange.agreement_id = "g1"
    send(exchange, Kind.SIGN, CONFIRM)
    send(exchange, Kind.RESULT, CONFIRM, outcome="valid", ruling_no="(2026)苏1282民特1号", ruled_on="2026-03-20")
    assert exchange.status == "closed"
    rulings = [r.event for r in exchange.recorded if isinstance(r.event, events.CourtRulingReceived)]
    assert rulings == [events.CourtRulingReceived("e1", "c1", "g1", "valid", "(2026)苏1282民特1号", "2026-03-20")]


def test_an_application_not_accepted_is_a_ruling_too() -> None:
    exchange = opened(CONFIRM)
    send(exchange, Kind.RETURN, CONFIRM, ground="late")
    assert exchange.status == "returned"
    assert [r.event.ruling for r in exchange.recorded if isinstance(r.event, events.CourtRulingReceived)] == ["not_accepted"]


@pytest.mark.parametrize(("missing", "wanted"), [("ground", "CODE_UNKNOWN"), ("suggested_organ", "FIELD_INVALID")])
def test_a_return_says_why_and_where_instead(missing: str, wanted: str) -> None:
    exchange = opened()
    given: dict[str, Any] = {missing: ""}
    assert reason(lambda: send(exchange, Kind.RETURN, **given)) == wanted
    assert exchange.status == "offered"


def test_numbers_are_taken_in_order() -> None:
    exchange = opened()
    with pytest.raises(DomainError) as caught:
        exchange.take(packet(Kind.SIGN, 3), Side.OURS, DELEGATION, START)
    assert (caught.value.reason, caught.value.metadata["expected"]) == ("OUT_OF_ORDER", "1")


def test_a_side_sends_only_what_is_its_part() -> None:
    exchange = opened()
    assert reason(lambda: send(exchange, Kind.SIGN, side=Side.THEIRS)) == "KIND_NOT_ALLOWED"
    assert reason(lambda: send(exchange, Kind.RECALL, side=Side.OURS)) == "KIND_NOT_ALLOWED"


def test_papers_are_asked_for_once() -> None:
    exchange = opened()
    assert reason(lambda: send(exchange, Kind.SUPPLEMENT, side=Side.THEIRS)) == "STATE_FORBIDS"
    send(exchange, Kind.SUPPLEMENT, side=Side.OURS, asks=True)
    send(exchange, Kind.SUPPLEMENT, side=Side.THEIRS)
    assert reason(lambda: send(exchange, Kind.SUPPLEMENT, side=Side.OURS, asks=True)) == "STATE_FORBIDS"


def test_recall_and_sign_cross_and_the_one_that_did_not_see_the_other_is_told() -> None:
    exchange = opened()
    offer = exchange.packets[0].packet_id
    send(exchange, Kind.RECALL, in_reply_to="")
    assert reason(lambda: send(exchange, Kind.SIGN, in_reply_to=offer)) == "STATE_FORBIDS"
    assert exchange.status == "recalled"


def test_an_answer_to_an_overtaken_packet_is_refused() -> None:
    mode = replace(DELEGATION, objection=parse_length("5wd"))
    exchange = opened(mode)
    signed = send(exchange, Kind.SIGN, mode)
    result = send(exchange, Kind.RESULT, mode, outcome="failed")
    assert exchange.status == "answered"
    exchange.status = "signed"  # as if an opinion had reopened it
    assert reason(lambda: send(exchange, Kind.RECALL, mode, in_reply_to=signed.packet_id)) == "SUPERSEDED"
    assert reason(lambda: send(exchange, Kind.RECALL, mode, in_reply_to=exchange.packets[0].packet_id)) == "FIELD_INVALID"
    send(exchange, Kind.RECALL, mode, in_reply_to=result.packet_id)
    assert exchange.status == "recalled"


def test_the_objection_window_counts_working_days_over_a_make_up_saturday() -> None:
    mode = replace(DELEGATION, objection=parse_length("5wd"))
    # Signed on Wednesday 2026-09-16; Sunday 2026-09-20 is worked for the National Day holiday, so the fifth working day is the 22nd.
    signed_at = datetime(2026, 9, 16, 2, 0, tzinfo=UTC)
    exchange = opened(mode)
    send(exchange, Kind.SIGN, mode, at=signed_at)
    assert exchange.objection_until is not None
    last_moment = exchange.objection_until - timedelta(seconds=1)
    late = opened(mode)
    send(late, Kind.SIGN, mode, at=signed_at)
    send(exchange, Kind.RETURN, mode, at=last_moment)
    assert exchange.status == "returned"
    assert reason(lambda: send(late, Kind.RETURN, mode, at=exchange.objection_until)) == "STATE_FORBIDS"


def test_an_offer_lapses_once() -> None:
    exchange = opened()
    assert exchange.lapse_at is not None
    exchange.lapse(exchange.lapse_at)
    assert exchange.status == "lapsed"
    assert reason(lambda: exchange.lapse(START)) == "STATE_FORBIDS"


def test_a_verdict_reopens_once_then_a_person_decides() -> None:
    mode = replace(
        DELEGATION,
        rules={**DELEGATION.rules, Kind.OPINION: DELEGATION.rules[Kind.PROGRESS]},
        reopening_verdicts=frozenset({"defect"}),
        close_when=frozenset({"result_receipted", "opinion_present"}),
    )
    exchange = opened(mode)
    send(exchange, Kind.SIGN, mode)
    first = send(exchange, Kind.RESULT, mode, outcome="agreed")
    exchange.receipted(first.packet_id, "r", "push", mode, START)
    send(exchange, Kind.OPINION, mode, verdict="defect")
    assert exchange.status == "signed"
    send(exchange, Kind.RESULT, mode, outcome="agreed")
    send(exchange, Kind.OPINION, mode, verdict="defect")
    assert exchange.status == "closed"


def test_linking_twice_says_it_once() -> None:
    exchange = opened()
    exchange.link("c1", "321282-2026-000-000001", START)
    exchange.link("c1", "321282-2026-000-000001", START)
    assert [type(r.event).__name__ for r in exchange.recorded].count("ExchangeLinked") == 1


MODEL = {
    ("offered", "sign"): "signed",
    ("offered", "return"): "returned",
    ("offered", "recall"): "recalled",
    ("signed", "recall"): "recalled",
    ("offered", "supplement"): "offered",
    ("signed", "supplement"): "signed",
    ("signed", "progress"): "signed",
    ("answered", "progress"): "answered",
    ("signed", "result"): "answered",
    ("offered", "lapse"): "lapsed",
}
"""State and kind → next state; written by hand from the table of the ten kinds, not from the code."""


class Letters(RuleBasedStateMachine):
    """Random packets of both sides in both directions, against the hand-written table."""

    @initialize(mode=st.sampled_from([DELEGATION, CONFIRM]))
    def start(self, mode: Mode) -> None:
        self.mode = mode
        self.exchange = opened(mode)
        self.exchange.recorded.clear()
        self.state = "offered"
        self.sent = {Side.OURS: 0, Side.THEIRS: 0, mode.offerer: 1}
        self.asked: set[Side] = set()
        self.results_of_ours: list[str] = []

    @rule(
        kind=st.sampled_from([k for k in SENDER if k not in (Kind.OFFER, Kind.OPINION)]),
        side=st.sampled_from(Side),
        skip=st.integers(0, 2),
        asks=st.booleans(),
    )
    def letter(self, kind: Kind, side: Side, skip: int, asks: bool) -> None:
        letter = packet(kind, self.sent[side] + 1 + skip, asks=asks and kind is Kind.SUPPLEMENT)
        expected = self.refusal(kind, side, skip, letter.asks)
        before = (self.exchange.status, self.exchange.revision, len(self.exchange.packets))
        if expected is not None:
            assert reason(lambda: self.exchange.take(letter, side, self.mode, START)) == expected
            assert before == (self.exchange.status, self.exchange.revision, len(self.exchange.packets))
            assert not self.exchange.recorded
            return
        self.exchange.take(letter, side, self.mode, START)
        self.sent[side] += 1
        self.state = MODEL[self.state, kind.value]
        if kind is Kind.SUPPLEMENT and asks:
            self.asked.add(side)
        if kind is Kind.RESULT:
            if side is Side.OURS:
                self.results_of_ours.append(letter.packet_id)
            else:
                self.state = "closed"

    def refusal(self, kind: Kind, side: Side, skip: int, asks: bool) -> str | None:
        role = SENDER[kind]
        if role is not None and side is not (self.mode.offerer if role is Role.OFFERER else self.mode.offerer.other):
            return "KIND_NOT_ALLOWED"
        if skip:
            return "OUT_OF_ORDER"
        if (self.state, kind.value) not in MODEL:
            return "STATE_FORBIDS"
        if kind is Kind.SUPPLEMENT and ((asks and side in self.asked) or (not asks and side.other not in self.asked)):
            return "STATE_FORBIDS"
        return None

    @rule()
    def lapse(self) -> None:
        if ("offered", "lapse") in MODEL and self.state == "offered":
            self.exchange.lapse(START)
            self.state = "lapsed"
        else:
            assert reason(lambda: self.exchange.lapse(START)) == "STATE_FORBIDS"

    @precondition(lambda self: self.results_of_ours)
    @rule()
    def receipt(self) -> None:
        self.exchange.receipted(self.results_of_ours[-1], "r", "push", self.mode, START)
        if self.state == "answered":
            self.state = "closed"

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "exchange"):
            return
        assert self.exchange.status == self.state
        assert [self.exchange.next_seq(s) - 1 for s in Side] == [self.sent[s] for s in Side]
        allowed = {k for (state, k) in MODEL if state == self.state}
        # The table allows for dockings with a window of objection and with opinions; the court's has neither.
        assert set(self.exchange.allowed_commands()) - {"opinion"} - ({"return"} if self.state == "signed" else set()) == allowed
        for side in Side:
            for kind in set(SENDER) - {Kind.OFFER, Kind.OPINION}:
                refused = self.refusal(kind, side, 0, asks=side not in self.asked)
                assert self.exchange.may(kind, side, self.mode) == (refused or "")
        self.exchange.recorded.clear()


TestLetters = Letters.TestCase
TestLetters.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
