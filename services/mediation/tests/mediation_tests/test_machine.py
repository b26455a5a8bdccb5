"""Random lives of a mediation against a plain model of it: a handful of variables and the rules in their shortest words."""

from dataclasses import replace
from datetime import datetime, timedelta

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tiaochu_domainkit.errors import DomainError
from tiaochu_mediation.domain import states
from tiaochu_mediation.domain.events import AgreementEffective, AgreementSigned, RecusalDecided
from tiaochu_mediation.domain.mediation import Mediation

from .table import (  # noqa: TID252 - tests of one package
    APPLICANT,
    CLERK,
    DAY,
    DUE,
    HEAD,
    NOTICE,
    PAYMENT,
    RESPONDENT,
    ROSTER,
    STUDY,
    accept,
    choose,
    draft,
    follow_up,
    hold,
    ident,
    opened,
    schedule,
    sign,
    terminate,
)

PEOPLE = ("m1", "m2", "m3", "m4")
PARTIES = (APPLICANT, RESPONDENT)
SELDOM = st.integers(0, 9).map(lambda n: n == 0)
RESULTS = st.sampled_from(["agreed", "agreed", "not_agreed", "aborted"])
PROMISES = (PAYMENT, replace(PAYMENT, obligation_id="ob-2", kind="repair", amount_fen=0))


class Life(RuleBasedStateMachine):
    """Whatever a random user tries is taken up exactly when the model says so."""

    mediation: Mediation

    @initialize(on_the_spot=st.booleans())
    def accepted(self, on_the_spot: bool) -> None:
        self.mediation = opened(on_the_spot=on_the_spot)
        assert self.mediation.opened_at is not None
        self.now: datetime = self.mediation.opened_at
        self.on_the_spot = on_the_spot
        self.named = ""
        self.mediator = ""
        self.out: set[str] = set()
        self.asked: set[str] = set()
        self.pending: list[tuple[str, str]] = []
        self.told: set[str] = set()
        self.appointed = False
        self.results: list[str] = []
        self.studied = False
        self.late = False
        self.approved: set[int] = set()
        self.marks: set[str] | None = None
        self.partial = False
        self.open: dict[str, int] = {}
        self.overdue: set[str] = set()
        self.promised = 0
        self.over = ""

    # What the model knows

    @property
    def at_the_table(self) -> bool:
        return not self.over and (not self.promised or self.rest)

    @property
    def rest(self) -> bool:
        """A partial agreement binds and the rest is still open."""
        return self.mediation.status in states.TABLE

    @property
    def number(self) -> int:
        return 1 + sum(r != "aborted" for r in self.results)

    def attempt(self, expected: bool, act: object, *args: object, **kwargs: object) -> bool:
        """Do it; the outcome must be the expected one. Answers whether it was done."""
        before = snapshot(self.mediation)
        try:
            act(*args, **kwargs)  # type: ignore[operator]
        except DomainError as error:
            if expected:
                raise AssertionError(f"refused: {error}") from error
            assert snapshot(self.mediation) == before, "a refusal changed something"
            return False
        assert expected, f"taken up, now in {self.mediation.status}"
        self.now += timedelta(hours=1)
        return True

    @property
    def needs_approval(self) -> bool:
        return self.number > 2 or (self.number == 2 and self.late)

    # What people do

    @rule(result=RESULTS, data=st.data())
    def next_step(self, result: str, data: st.DataObject) -> None:
        """The natural next step, so that lives get far; the other rules try everything everywhere."""
        match self.mediation.status:
            case states.OPENED:
                self.name(data.draw(st.sampled_from(sorted(set(PEOPLE) - self.out) or list(PEOPLE))))
            case states.ASSIGNED:
                self.takes_it(self.named)
            case states.PREPARING | states.IN_SESSION | states.STUDY if untold := set(PARTIES) - self.told:
                self.is_told(min(untold))
            case states.PREPARING | states.IN_SESSION if self.results and self.results[-1] == "agreed":
                self.writes_down(data.draw(SELDOM), data.draw(st.booleans()))
            case states.PREPARING | states.IN_SESSION if self.appointed:
                self.sits(result)
            case states.PREPARING | states.IN_SESSION | states.STUDY:
                self.appoints(studied=True)
            case states.SUSPENDED:
                self.goes_on()
            case states.AGREED if missing := {*PARTIES, "mediator", "seal"} - (self.marks or set()):
                self.marks_it(min(missing))

    further_step = one_more_step = next_step

    @rule(person=st.sampled_from(PEOPLE))
    def name(self, person: str) -> None:
        allowed = self.mediation.status in {states.OPENED, states.ASSIGNED} and person not in self.out and person != self.named
        if self.attempt(allowed, choose, self.mediation, person):
            if self.named:
                self.gone(self.named)
            self.named, self.mediator = person, ""

    @rule(person=st.sampled_from(PEOPLE))
    def takes_it(self, person: str) -> None:
        if self.attempt(self.mediation.status == states.ASSIGNED and person == self.named, accept, self.mediation, person):
            self.mediator = person

    @rule(person=st.sampled_from(PEOPLE), seldom=SELDOM)
    def steps_back(self, person: str, seldom: bool) -> None:
        state = self.mediation.status
        allowed = person == self.named != "" and state in {
            states.ASSIGNED,
            states.PREPARING,
            states.IN_SESSION,
            states.STUDY,
            states.AGREED,
        }
        if seldom and self.attempt(allowed, self.mediation.decline_assignment, reason="load", by=person, at=self.now):
            self.gone(person)
            self.named = self.mediator = ""

    @rule(party=st.sampled_from(PARTIES), person=st.sampled_from(PEOPLE))
    def objects(self, party: str, person: str) -> None:
        allowed = self.mediation.status in states.TABLE and person == self.named != "" and (party, person) not in self.pending
        ident_ = ident()
        if self.attempt(
            allowed,
            self.mediation.raise_recusal,
            recusal_id=ident_,
            mediator_id=person,
            party_id=party,
            roster=ROSTER,
            by=CLERK,
            at=self.now,
        ):
            if party in self.asked:
                self.pending.append((party, person))
            else:
                self.replaced(person)
            self.asked.add(party)

    @rule(replaced=st.booleans())
    def head_decides(self, replaced: bool) -> None:
        waiting = self.mediation.pending_recusal
        allowed = bool(self.pending) and self.mediation.status in states.TABLE
        recusal_id = waiting.id if waiting else "none"
        if self.attempt(allowed, self.mediation.decide_recusal, recusal_id=recusal_id, replaced=replaced, by=HEAD, at=self.now):
            _, person = self.pending.pop(0)
            if replaced:
                self.replaced(person)

    def replaced(self, person: str) -> None:
        self.out.add(person)
        self.pending = [p for p in self.pending if p[1] != person]
        self.named = self.mediator = ""
        if self.marks is not None:
            self.marks.discard("mediator")

    def gone(self, person: str) -> None:
        """Whoever goes while a request about him waits counts as replaced."""
        if any(p[1] == person for p in self.pending):
            self.out.add(person)
        self.pending = [p for p in self.pending if p[1] != person]
        if self.marks is not None:
            self.marks.discard("mediator")

    @rule(party=st.sampled_from(PARTIES))
    def is_told(self, party: str) -> None:
        states_ = {states.OPENED, states.ASSIGNED, states.PREPARING, states.IN_SESSION, states.STUDY}
        allowed = self.mediation.status in states_ and party not in self.told
        values = {"party_id": party, "identity_check": "original_seen", "roster": ROSTER, "by": CLERK, "at": self.now}
        if self.attempt(allowed, self.mediation.acknowledge_notice, **values):
            self.told.add(party)

    @rule(studied=st.booleans())
    def appoints(self, studied: bool) -> None:
        needs_study = self.number == 2 and "not_agreed" in self.results and not self.studied
        allowed = (
            self.mediation.status in {states.PREPARING, states.IN_SESSION, states.STUDY}
            and (studied or not needs_study)
            and (not self.needs_approval or self.number in self.approved)
        )
        if self.attempt(allowed, schedule, self.mediation, self.now, study=STUDY if studied else None):
            self.appointed = True
            self.studied |= studied

    @rule(seldom=SELDOM)
    def second_comes_late(self, seldom: bool) -> None:
        in_time = {states.PREPARING, states.IN_SESSION, states.STUDY, states.SUSPENDED}
        allowed = self.mediation.status in in_time and self.number == 2 and not self.late
        if seldom and self.attempt(allowed, self.mediation.require_approval, at=self.now):
            self.late = True

    @rule(seldom=SELDOM)
    def does_not_answer(self, seldom: bool) -> None:
        current = self.mediation.current_assignment
        ident_ = current.id if current else "none"
        if seldom and self.attempt(
            self.mediation.status == states.ASSIGNED, self.mediation.lapse_assignment, assignment_id=ident_, at=self.now
        ):
            self.gone(self.named)
            self.named = ""

    @rule()
    def allows_one_more(self) -> None:
        allowed = (
            self.mediation.status in {states.PREPARING, states.IN_SESSION, states.STUDY}
            and self.needs_approval
            and self.number not in self.approved
        )
        if self.attempt(allowed, self.mediation.approve_session, text_id="why", by=HEAD, at=self.now):
            self.approved.add(self.number)

    @precondition(lambda self: self.appointed)
    @rule(result=RESULTS)
    def sits(self, result: str) -> None:
        allowed = (
            self.mediation.status in {states.PREPARING, states.IN_SESSION}
            and self.mediator != ""
            and not self.pending
            and len(self.told) == 2
        )
        if self.attempt(allowed, hold, self.mediation, result):
            self.now = max(self.now, self.mediation.held[-1].held_at or self.now)
            self.results.append(result)
            self.appointed = False

    @rule()
    def stands_still(self) -> None:
        allowed = self.mediation.status in {states.PREPARING, states.IN_SESSION, states.STUDY}
        self.attempt(allowed, self.mediation.suspend, reason="appraisal", by=CLERK, at=self.now)

    @rule()
    def goes_on(self) -> None:
        self.attempt(self.mediation.status == states.SUSPENDED, self.mediation.resume, reason="ended", by=CLERK, at=self.now)

    @rule(partial=st.booleans(), many=st.booleans())
    def writes_down(self, partial: bool, many: bool) -> None:
        by = self.mediator or "m4"
        spot = self.on_the_spot
        allowed = (
            self.mediation.status in {states.OPENED, states.PREPARING, states.IN_SESSION, states.AGREED}
            and (self.mediator != "" or (spot and not self.named))
            and by not in self.out
            and not self.pending
            and len(self.told) == 2
            and (spot or bool(self.results and self.results[-1] == "agreed"))
            and not (partial and spot and not self.results)
            and self.now.date() <= DUE
        )
        promises = tuple(replace(p, obligation_id=f"{p.obligation_id}-{self.promised}") for p in PROMISES[: 1 + many])
        if self.attempt(allowed, draft, self.mediation, *promises, by=by, partial=partial, agreed_at=self.now):
            self.named = self.mediator = by
            self.marks, self.partial = set(), partial
            self.written = promises

    @rule(who=st.sampled_from([*PARTIES, "mediator", "seal"]))
    def marks_it(self, who: str) -> None:
        if self.mediation.draft is None:
            return
        assert self.marks is not None
        allowed = self.mediation.status == states.AGREED and who not in self.marks and not (who == "mediator" and self.pending)
        if self.attempt(allowed, sign, self.mediation, who, at=self.now):
            self.marks.add(who)
            if len(self.marks) == 4:
                self.open |= {p.obligation_id: p.amount_fen for p in self.written}
                self.promised += 1
                self.marks = None

    @precondition(lambda self: self.promised)
    @rule(data=st.data(), part=st.booleans())
    def keeps(self, data: st.DataObject, part: bool) -> None:
        obligation = data.draw(st.sampled_from(sorted({o.id for a in self.mediation.effective_agreements for o in a.obligations})))
        agreement = next(a for a in self.mediation.effective_agreements if a.obligation(obligation))
        due = self.open.get(obligation)
        pay = due is None or due > 0
        fen = (max(1, (due or 2) // 2) if part else (due or 1)) if pay else 0
        allowed = due is not None and self.mediation.status in (*states.TABLE, *states.SETTLED[:3])
        values = {
            "agreement_id": agreement.id,
            "obligation_id": obligation,
            "amount_fen": fen,
            "performed_on": agreement.agreed_at.date() + DAY,
            "complete": not part,
            "by": CLERK,
            "at": self.now,
        }
        if self.attempt(allowed, self.mediation.record_performance, **values):
            assert due is not None
            left = due - fen
            if (pay and left == 0) or (not pay and not part):
                del self.open[obligation]
                self.overdue.discard(obligation)
            else:
                self.open[obligation] = left

    @precondition(lambda self: self.promised)
    @rule(data=st.data())
    def breaks(self, data: st.DataObject) -> None:
        obligation = data.draw(st.sampled_from(sorted({o.id for a in self.mediation.effective_agreements for o in a.obligations})))
        allowed = (
            obligation in self.open and obligation not in self.overdue and self.mediation.status in (*states.TABLE, *states.SETTLED[:3])
        )
        if self.attempt(allowed, self.mediation.breach_obligation, obligation_id=obligation, at=self.now):
            self.overdue.add(obligation)

    @rule(party=st.sampled_from(PARTIES), seldom=SELDOM)
    def refuses(self, party: str, seldom: bool) -> None:
        """A party's refusal ends it in every state of the table, whatever else is going on."""
        if seldom and self.attempt(self.mediation.status in states.TABLE, terminate, self.mediation, party_id=party, at=self.now):
            self.marks = None
            self.over = "" if self.promised else "terminated"

    @rule(seldom=SELDOM)
    def time_is_up(self, seldom: bool) -> None:
        allowed = self.mediation.status in set(states.TABLE) - {states.AGREED}
        if seldom and self.attempt(allowed, self.mediation.expire, notice=NOTICE, at=self.now):
            self.marks = None
            self.over = "" if self.promised else "terminated"

    @rule()
    def is_visited(self) -> None:
        self.attempt(self.mediation.status in (*states.SETTLED, states.TERMINATED, states.FOLLOWED_UP), follow_up, self.mediation)

    @rule(route=st.sampled_from(["", "suit"]), seldom=SELDOM)
    def ends(self, route: str, seldom: bool) -> None:
        status = self.mediation.status
        breached = status == states.BREACHED
        allowed = status in {states.BREACHED, states.PERFORMED, states.TERMINATED, states.FOLLOWED_UP} and breached == bool(route)
        if seldom and self.attempt(allowed, self.mediation.close, court_route=route, by=CLERK, at=self.now):
            self.over = "closed"
            assert self.mediation.result == ("to_court" if breached else "performed" if self.promised else "terminated")

    # What always holds

    @invariant()
    def mediator_and_recused_agree_with_the_model(self) -> None:
        assert self.mediation.mediator_id == self.mediator
        assert self.mediation.recused == self.out
        assert self.mediator not in self.out or not self.mediator

    @invariant()
    def status_follows_from_what_is_open(self) -> None:
        status = self.mediation.status
        if status in states.SETTLED:
            assert self.promised
            assert (status == states.PERFORMED) == (not self.open)
            assert (status == states.BREACHED) == bool(self.overdue)
        if self.over == "terminated":
            assert status in {states.TERMINATED, states.FOLLOWED_UP}

    @invariant()
    def nothing_binds_with_the_mark_of_somebody_recused(self) -> None:
        signed: dict[str, str] = {}
        out: set[str] = set()
        for event in (r.event for r in self.mediation.recorded):
            if isinstance(event, RecusalDecided) and event.replaced:
                out.add(event.mediator_id)
            if isinstance(event, AgreementSigned) and event.signed_as == "mediator":
                assert event.signer_id not in out
                signed[event.agreement_id] = event.signer_id
            if isinstance(event, AgreementEffective):
                assert signed[event.agreement_id] not in out

    @invariant()
    def the_allowed_commands_are_those_of_the_table(self) -> None:
        for command, transition in Mediation.TRANSITIONS.items():
            binds = command not in Mediation.NEEDS_AGREEMENT or self.promised > 0
            assert (command in self.mediation.allowed_commands()) == (binds and self.mediation.status in transition.allowed_in)


def snapshot(mediation: Mediation) -> tuple[bytes, int]:
    """As it would be stored, and how much it has recorded. Who the parties are is told by intake with each command and no change."""
    document = msgspec.to_builtins(mediation)
    document.pop("participants")
    return msgspec.json.encode(document), len(mediation.recorded)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
