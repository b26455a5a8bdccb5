"""Responsibility: what moves it, what cannot, and that exactly one unit holds a case at every instant."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tiaochu_domainkit.errors import DomainError
from tiaochu_routing.domain.case_facts import CaseFacts, MergeProposal
from tiaochu_routing.domain.organs import Unit, designating_unit, place_under
from tiaochu_routing.domain.responsibility import Responsibility
from tiaochu_routing.domain.transfer import Lead
from tiaochu_testkit import assert_transitions_match

DISTRICT = "329901"
CASE = "019b76da-0000-7000-8000-000000000001"
MASTER = "019b76da-0000-7000-8000-000000000002"
START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def unit(name: str, parent: Unit | None = None) -> Unit:
    return Unit(name, place_under(parent.path if parent else "", name))


CITY = unit("city")
TOWN = unit("town", CITY)
OTHER_TOWN = unit("other-town", CITY)
VILLAGE = unit("village", TOWN)
BUREAU = unit("bureau", CITY)
COMMITTEE = unit("committee", BUREAU)
UNITS = (CITY, TOWN, OTHER_TOWN, VILLAGE, BUREAU, COMMITTEE)


def later(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def facts(case_id: str = CASE, **known: Any) -> CaseFacts:
    """A classified case of neighbours that nothing holds up."""
    classified: dict[str, Any] = {"category": "0201", "mediable": "Y", "difficulty": "simple", "region_code": "329901001001"}
    return CaseFacts(id=case_id, district=DISTRICT, **{**classified, **known})


def started(receiver: Unit = VILLAGE, case_id: str = CASE) -> Responsibility:
    return Responsibility.start(case_id, DISTRICT, receiver, START, START)


def offer(
    case: Responsibility, to: Unit, kind: str = "refer", *, transfer_id: str = "t1", known: CaseFacts | None = None, hours: float = 1
) -> None:
    case.offer_transfer(
        case.holder,
        to,
        transfer_id=transfer_id,
        kind=kind,
        reason="lead_named",
        proposal_sha256="ab" * 32 if kind == "escalate" else "",
        facts=known or facts(),
        at=later(hours),
    )


def accept(
    case: Responsibility, known: CaseFacts | None = None, *, by: Unit | None = None, on_the_spot: bool = False, willing: bool = True
) -> None:
    case.accept(
        by or case.holder,
        facts=known or facts(),
        on_the_spot=on_the_spot,
        both_willing=willing,
        mediation_kind="people",
        at=later(9),
    )


def decline(case: Responsibility, known: CaseFacts | None = None, *, by: Unit | None = None) -> None:
    case.decline(
        by or case.holder,
        facts=known or facts(),
        ground="not_mediable",
        suggested_organ_id="",
        remedies_version="2026-01",
        remedies_sha256="cd" * 32,
        at=later(9),
    )


def reason_of(act: Callable[[], object]) -> str:
    """The frozen reason of the refusal: that of the field where one field is wrong."""
    with pytest.raises(DomainError) as refusal:
        act()
    violations = refusal.value.violations
    return violations[0].reason if violations else refusal.value.reason


def test_transitions_match() -> None:
    assert_transitions_match(Responsibility)


@pytest.mark.req("RT3")
def test_the_first_receiver_is_responsible_until_the_receiver_signs() -> None:
    case = started()
    offer(case, OTHER_TOWN, hours=1)
    assert case.holder == VILLAGE
    case.sign_transfer(OTHER_TOWN, "t1", later(2))
    assert case.holder == OTHER_TOWN
    assert case.held_at(later(1.9))[0].unit == VILLAGE
    assert case.held_at(later(1.9))[1] == later(2)
    assert case.held_at(later(2))[0].unit == OTHER_TOWN


def test_before_the_registration_nobody_was_responsible() -> None:
    assert reason_of(lambda: started().held_at(START - timedelta(microseconds=1))) == "NOT_YET_REGISTERED"


def test_intervals_never_run_backwards_when_clocks_of_two_machines_differ() -> None:
    case = started()
    offer(case, OTHER_TOWN, hours=1)
    case.sign_transfer(OTHER_TOWN, "t1", START - timedelta(seconds=3))
    assert case.holding.since == START


@pytest.mark.parametrize(
    ("sender", "receiver", "kind", "refusal"),
    [
        (VILLAGE, VILLAGE, "refer", "SAME_UNIT"),
        (VILLAGE, TOWN, "refer", "TRANSFER_DIRECTION"),
        (TOWN, VILLAGE, "refer", "TRANSFER_DIRECTION"),
        (VILLAGE, BUREAU, "escalate", "TRANSFER_DIRECTION"),
        (VILLAGE, TOWN, "delegate", "TRANSFER_DIRECTION"),
    ],
)
def test_a_transfer_goes_where_its_kind_says(sender: Unit, receiver: Unit, kind: str, refusal: str) -> None:
    case = started(sender)
    assert reason_of(lambda: offer(case, receiver, kind)) == refusal


@pytest.mark.req("RT4")
def test_handing_up_needs_a_proposal() -> None:
    case = started()
    with pytest.raises(DomainError) as refusal:
        case.offer_transfer(
            VILLAGE, TOWN, transfer_id="t1", kind="escalate", reason="beyond_level", proposal_sha256="", facts=facts(), at=later(1)
        )
    assert refusal.value.violations[0].path == "proposal"


@pytest.mark.req("RT2")
def test_the_one_competent_unit_may_not_pass_the_case_on() -> None:
    case = started(BUREAU)
    case.name_lead(Lead(BUREAU, (), "rule", sole=True), later(1))
    assert reason_of(lambda: offer(case, TOWN)) == "SOLE_COMPETENT_UNIT"
    assert reason_of(lambda: offer(case, CITY, "escalate")) == "SOLE_COMPETENT_UNIT"


@pytest.mark.req("RT2", "RT4")
def test_what_is_beyond_its_level_goes_up_all_the_same() -> None:
    case = started(BUREAU)
    case.name_lead(Lead(BUREAU, (), "rule", sole=True), later(1))
    offer(case, CITY, "escalate", known=facts(difficulty="major"))
    assert case.status == "offered"


def test_only_the_receiver_answers() -> None:
    case = started()
    offer(case, OTHER_TOWN)
    assert reason_of(lambda: case.sign_transfer(BUREAU, "t1", later(2))) == "NOT_RECEIVING_UNIT"
    assert reason_of(lambda: case.return_transfer(VILLAGE, "t1", "not_competent", "", later(2))) == "NOT_RECEIVING_UNIT"


def test_a_transfer_is_answered_once() -> None:
    case = started()
    offer(case, OTHER_TOWN)
    case.return_transfer(OTHER_TOWN, "t1", "not_competent", BUREAU.id, later(2))
    offer(case, BUREAU, transfer_id="t2", hours=3)
    assert reason_of(lambda: case.sign_transfer(OTHER_TOWN, "t1", later(4))) == "TRANSFER_ANSWERED"


@pytest.mark.req("RT4")
def test_the_second_return_calls_for_designation() -> None:
    case = started()
    for number, receiver in enumerate((OTHER_TOWN, BUREAU), start=1):
        offer(case, receiver, transfer_id=f"t{number}")
        case.return_transfer(receiver, f"t{number}", "not_competent", "", later(2))
    assert (case.status, case.designating) == ("designation_due", CITY)
    assert reason_of(lambda: offer(case, TOWN)) == "STATE_FORBIDS"
    assert reason_of(lambda: accept(case)) == "STATE_FORBIDS"
    assert reason_of(lambda: case.designate(TOWN, VILLAGE, "", facts(), later(3))) == "NOT_DESIGNATING_UNIT"
    case.designate(CITY, BUREAU, "", facts(), later(3))
    assert (case.status, case.holder, case.designating) == ("held", BUREAU, None)
    assert reason_of(lambda: offer(case, VILLAGE)) == "DESIGNATION_BINDING"


@pytest.mark.req("RT3")
def test_an_expired_transfer_goes_to_the_upper_unit_and_the_sender_stays_responsible() -> None:
    case = started()
    offer(case, OTHER_TOWN)
    case.expire_transfer("t1", later(50))
    assert (case.status, case.holder, case.designating) == ("designation_due", VILLAGE, CITY)
    assert reason_of(lambda: case.sign_transfer(OTHER_TOWN, "t1", later(51))) == "STATE_FORBIDS"


@pytest.mark.req("RT4")
def test_an_upper_unit_calls_a_case_up_and_says_why() -> None:
    case = started()
    assert reason_of(lambda: case.designate(BUREAU, BUREAU, "call_up", facts(), later(1))) == "NOT_DESIGNATING_UNIT"
    assert reason_of(lambda: case.designate(TOWN, TOWN, "", facts(), later(1))) == "GROUND_REQUIRED"
    assert reason_of(lambda: case.designate(TOWN, OTHER_TOWN, "call_up", facts(), later(1))) == "NOT_UPPER_UNIT"
    case.designate(TOWN, TOWN, "call_up", facts(), later(1))
    assert case.holder == TOWN


@pytest.mark.parametrize(
    ("known", "refusal"),
    [
        ({"category": ""}, "NOT_CLASSIFIED"),
        ({"withdrawn": True}, "APPLICATION_WITHDRAWN"),
        ({"correction_open": True}, "CORRECTION_OPEN"),
        ({"merge": MergeProposal("p1", MASTER)}, "MERGE_PENDING"),
        ({"mediable": "N"}, "NOT_MEDIABLE"),
        ({"consent": "refused"}, "CONSENT_REFUSED"),
        ({"consent": "unreachable"}, "CONSENT_REFUSED"),
        ({"consent": ""}, "CONSENT_MISSING"),
    ],
)
@pytest.mark.req("IN5")
def test_what_stands_in_the_way_of_acceptance(known: dict[str, Any], refusal: str) -> None:
    assert reason_of(lambda: accept(started(), facts(**known), willing=False)) == refusal


@pytest.mark.req("IN5")
def test_acceptance_needs_consent_or_both_parties_willing() -> None:
    asked, present, on_the_spot = started(), started(), started()
    accept(asked, facts(consent="consented"), willing=False)
    accept(present, willing=True)
    accept(on_the_spot, on_the_spot=True, willing=False)
    assert {c.status for c in (asked, present, on_the_spot)} == {"accepted"}


def test_only_a_simple_case_is_mediated_on_the_spot() -> None:
    assert reason_of(lambda: accept(started(), facts(difficulty="ordinary"), on_the_spot=True)) == "ON_THE_SPOT_ONLY_SIMPLE"


@pytest.mark.req("IN5", "RT3")
def test_another_unit_neither_accepts_nor_declines() -> None:
    assert reason_of(lambda: accept(started(), by=TOWN)) == "NOT_RESPONSIBLE_UNIT"
    assert reason_of(lambda: decline(started(), by=TOWN)) == "NOT_RESPONSIBLE_UNIT"


@pytest.mark.req("RT3")
def test_the_first_receiver_hands_over_what_another_unit_leads() -> None:
    case = started()
    case.name_lead(Lead(OTHER_TOWN, (), "rule"), later(1))
    assert reason_of(lambda: accept(case)) == "NOT_LEAD_UNIT"
    offer(case, BUREAU)
    case.sign_transfer(BUREAU, "t1", later(2))
    accept(case)
    assert case.status == "accepted"


def test_a_pending_transfer_forbids_acceptance_and_a_second_offer() -> None:
    case = started()
    offer(case, OTHER_TOWN)
    assert reason_of(lambda: accept(case)) == "STATE_FORBIDS"
    assert reason_of(lambda: decline(case)) == "STATE_FORBIDS"
    assert reason_of(lambda: offer(case, BUREAU, transfer_id="t2")) == "STATE_FORBIDS"


@pytest.mark.req("IN4")
def test_a_merge_is_answered_by_the_responsible_unit_or_one_above() -> None:
    known = facts(merge=MergeProposal("p1", MASTER))
    case, master = started(), started(BUREAU, MASTER)
    assert reason_of(lambda: case.confirm_merge(BUREAU, master, facts(MASTER), known, later(1))) == "NOT_RESPONSIBLE_UNIT"
    case.confirm_merge(TOWN, master, facts(MASTER), known, later(1))
    assert (case.status, case.master_case_id) == ("merged", MASTER)


@pytest.mark.req("IN4")
def test_a_merge_waits_while_the_case_is_offered() -> None:
    known = facts(merge=MergeProposal("p1", MASTER))
    case, master = started(), started(BUREAU, MASTER)
    offer(case, OTHER_TOWN)
    assert reason_of(lambda: case.confirm_merge(VILLAGE, master, facts(MASTER), known, later(2))) == "STATE_FORBIDS"
    case.refuse_merge(VILLAGE, MASTER, "different_dispute", known, later(2))
    assert case.pending_merge(known) == ""
    assert case.pending_merge(facts(merge=MergeProposal("p2", MASTER))) == MASTER


def test_a_master_that_ended_or_merges_itself_takes_nothing_in() -> None:
    known = facts(merge=MergeProposal("p1", MASTER))
    master = started(BUREAU, MASTER)
    merging = facts(MASTER, merge=MergeProposal("p9", CASE))
    assert reason_of(lambda: started().confirm_merge(VILLAGE, master, merging, known, later(1))) == "MASTER_MERGING"
    master.end("performed", later(1))
    assert reason_of(lambda: started().confirm_merge(VILLAGE, master, facts(MASTER), known, later(2))) == "MASTER_ENDED"


def test_an_offer_lapses_when_the_case_ends() -> None:
    case = started()
    offer(case, OTHER_TOWN)
    case.end("terminated", later(2))
    assert case.transfers[-1].status == "lapsed"
    assert case.held_at(later(100))[0].unit == VILLAGE


@pytest.mark.req("RT1")
def test_a_case_follows_the_units_that_move_and_nobody_else_becomes_responsible() -> None:
    case = started()
    offer(case, OTHER_TOWN)
    moved_village, moved_town = unit("village", OTHER_TOWN), unit("other-town", BUREAU)
    assert case.stands_elsewhere(moved_village)
    case.follow(moved_village, later(2))
    case.follow(moved_town, later(2))
    assert (case.holder, case.organ_path, len(case.holdings)) == (moved_village, moved_village.path, 1)
    assert case.pending is not None
    assert (case.pending.sender, case.pending.receiver) == (moved_village, moved_town)
    assert not case.stands_elsewhere(moved_town)
    case.sign_transfer(moved_town, "t1", later(3))
    assert case.holder == moved_town


@pytest.mark.parametrize(
    ("sender", "receiver", "upper"),
    [
        (VILLAGE, OTHER_TOWN, CITY),
        (TOWN, VILLAGE, TOWN),
        (VILLAGE, TOWN, CITY),
        (TOWN, CITY, CITY),
        (COMMITTEE, VILLAGE, CITY),
    ],
)
def test_who_designates(sender: Unit, receiver: Unit, upper: Unit) -> None:
    assert designating_unit(sender, receiver) == upper


class ResponsibilityMachine(RuleBasedStateMachine):
    """Any order of commands against a plain model: who holds, since when, what waits."""

    @initialize(receiver=st.sampled_from(UNITS))
    def register(self, receiver: Unit) -> None:
        self.case = started(receiver)
        self.hours = 0.0
        self.intervals: list[tuple[datetime, Unit]] = [(START, receiver)]
        self.waiting: tuple[str, Unit, Unit] | None = None
        self.returned = 0
        self.designating: Unit | None = None
        self.designated = False
        self.outcome = ""
        self.known = facts()
        self.numbers = 0

    def tick(self, step: float) -> datetime:
        self.hours += step
        return later(self.hours)

    def attempt(self, act: Callable[[], None], *, allowed: bool) -> bool:
        """Do it; the aggregate must agree with the model about whether it may be done, and a refusal changes nothing."""
        before = (self.case.status, len(self.case.holdings), len(self.case.transfers), len(self.case.recorded))
        try:
            act()
        except DomainError:
            assert not allowed
            assert before == (self.case.status, len(self.case.holdings), len(self.case.transfers), len(self.case.recorded))
            return False
        assert allowed
        assert len(self.case.recorded) == before[3] + 1
        return True

    @property
    def free(self) -> bool:
        """Held by somebody, with nothing waiting."""
        return not self.outcome and self.waiting is None and self.designating is None

    @rule(by=st.sampled_from(UNITS), to=st.sampled_from(UNITS), step=st.floats(0, 5))
    def offer(self, by: Unit, to: Unit, step: float) -> None:
        self.numbers += 1
        ident, at = f"t{self.numbers}", self.tick(step)
        kind = "escalate" if to.is_above(by) else "delegate" if by.is_above(to) else "refer"
        allowed = self.free and by == self.intervals[-1][1] and to != by and not self.designated and not self.merging
        done = self.attempt(
            lambda: self.case.offer_transfer(
                by, to, transfer_id=ident, kind=kind, reason="other", proposal_sha256="ab", facts=self.known, at=at
            ),
            allowed=allowed,
        )
        if done:
            self.waiting = (ident, by, to)

    @rule(by=st.sampled_from(UNITS), step=st.floats(0, 5), stale=st.booleans())
    def sign(self, by: Unit, step: float, stale: bool) -> None:
        at = self.tick(step)
        ident = "t0" if stale or self.waiting is None else self.waiting[0]
        allowed = not self.outcome and self.waiting is not None and not stale and by == self.waiting[2]
        if self.attempt(lambda: self.case.sign_transfer(by, ident, at), allowed=allowed):
            self.intervals.append((at, by))
            self.waiting, self.designated = None, False

    @rule(by=st.sampled_from(UNITS), step=st.floats(0, 5))
    def give_back(self, by: Unit, step: float) -> None:
        at = self.tick(step)
        ident = self.waiting[0] if self.waiting else "t0"
        allowed = not self.outcome and self.waiting is not None and by == self.waiting[2]
        if self.attempt(lambda: self.case.return_transfer(by, ident, "not_competent", "", at), allowed=allowed):
            assert self.waiting is not None
            self.returned += 1
            self.designating = designating_unit(*self.waiting[1:]) if self.returned >= 2 else None
            self.waiting = None

    @precondition(lambda self: self.waiting is not None and not self.outcome)
    @rule(step=st.floats(48, 60))
    def expire(self, step: float) -> None:
        assert self.waiting is not None
        self.case.expire_transfer(self.waiting[0], self.tick(step))
        self.designating = designating_unit(*self.waiting[1:])
        self.waiting = None

    @rule(by=st.sampled_from(UNITS), to=st.sampled_from(UNITS), step=st.floats(0, 5))
    def designate(self, by: Unit, to: Unit, step: float) -> None:
        at = self.tick(step)
        holder = self.intervals[-1][1]
        entitled = self.designating or holder.parent() or holder
        allowed = (
            not self.outcome
            and self.waiting is None
            and not self.merging
            and (by == entitled or by.is_above(entitled))
            and (by == to or by.is_above(to))
        )
        if self.attempt(lambda: self.case.designate(by, to, "call_up", self.known, at), allowed=allowed):
            self.intervals.append((at, to))
            self.designating, self.designated = None, True

    @rule(by=st.sampled_from(UNITS), step=st.floats(0, 5))
    def accept(self, by: Unit, step: float) -> None:
        at = self.tick(step)
        allowed = self.free and by == self.intervals[-1][1] and not self.merging
        if self.attempt(
            lambda: self.case.accept(by, facts=self.known, on_the_spot=False, both_willing=True, mediation_kind="people", at=at),
            allowed=allowed,
        ):
            self.outcome = "accepted"

    @rule()
    def propose_merge(self) -> None:
        self.numbers += 1
        self.known.merge = MergeProposal(f"p{self.numbers}", MASTER)
        self.answered = False

    @property
    def merging(self) -> bool:
        return self.known.merge is not None and not self.answered

    @rule(confirm=st.booleans(), step=st.floats(0, 5))
    def answer_merge(self, confirm: bool, step: float) -> None:
        at = self.tick(step)
        holder = self.intervals[-1][1]
        if not confirm:
            allowed = self.merging and not self.outcome
            done = self.attempt(lambda: self.case.refuse_merge(holder, MASTER, "other", self.known, at), allowed=allowed)
        else:
            allowed = self.merging and not self.outcome and self.waiting is None
            master = started(BUREAU, MASTER)
            done = self.attempt(lambda: self.case.confirm_merge(holder, master, facts(MASTER), self.known, at), allowed=allowed)
        if done:
            self.answered = True
            self.outcome = "merged" if confirm else ""

    @rule(step=st.floats(0, 5))
    def end(self, step: float) -> None:
        at = self.tick(step)
        if self.attempt(lambda: self.case.end("terminated", at), allowed=self.outcome in ("", "accepted")):
            self.outcome, self.waiting, self.designating = "ended", None, None

    @invariant()
    def exactly_one_unit_at_every_instant(self) -> None:
        for index, (since, holder) in enumerate(self.intervals):
            until = self.intervals[index + 1][0] if index + 1 < len(self.intervals) else later(self.hours + 1)
            if since < until:
                middle = since + (until - since) / 2
                assert self.case.held_at(middle)[0].unit == holder
                assert self.case.held_at(since)[0].unit == holder
        assert self.case.held_at(later(self.hours))[0].unit == self.intervals[-1][1]
        assert [h.version for h in self.case.holdings] == list(range(1, len(self.intervals) + 1))

    @invariant()
    def what_waits_is_what_the_model_says(self) -> None:
        pending = self.case.pending
        assert (pending.id if pending else None) == (self.waiting[0] if self.waiting else None)
        assert self.case.designating == self.designating


TestResponsibilityMachine = ResponsibilityMachine.TestCase
