"""Random lives of a case against a plain model: what is allowed when, what it leads to, what is recorded."""

import copy
from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tiaochu_domainkit.errors import DomainError
from tiaochu_domainkit.stages import IntakeSlice, MediationSlice, RoutingSlice, case_stage
from tiaochu_intake.domain.case import Case

from .mothers import NOW, PERSISTENCE, case, classification, sealed  # noqa: TID252 - tests of one package

LIVE = {"registered", "supplementing", "classified", "consulting", "consented"}
PRESSED = 20
"""Attempts at one party after which asking is pressing."""
NOBODY = [("", "")] * PRESSED
EVENT_PACKAGE = "tiaochu.intake.events.v1."


class CaseLife(RuleBasedStateMachine):
    """The model is a state in words, a set of applicants, the answers of each respondent, and whether papers were asked and a merge waits."""

    def __init__(self) -> None:
        super().__init__()
        self.case = case()
        self.status = "registered"
        self.before_papers = ""
        self.asked_papers = False
        self.merge_waits = False
        self.applicants: set[str] = set()
        self.answers: dict[str, list[tuple[str, str]]] = {}
        self.events: list[tuple[str, Any]] = []

    @initialize(applicants=st.integers(1, 3), respondents=st.integers(1, 2))
    def begin(self, applicants: int, respondents: int) -> None:
        self.case = case(applicants=applicants, respondents=respondents)
        self.applicants = {f"a{n}" for n in range(applicants)}
        self.answers = {f"r{n}": [] for n in range(respondents)}

    def act(self, allowed: bool, command: str, *arguments: Any, **named: Any) -> bool:
        """Do it; it succeeds exactly when the model allows it, and changes nothing when it is refused."""
        before = copy.deepcopy(self.case)
        try:
            getattr(self.case, command)(*arguments, **named)
        except DomainError:
            assert not allowed
            assert self.case == before
            assert [r.event for r in self.case.recorded] == [r.event for r in before.recorded]
            return False
        assert allowed
        assert len(self.case.recorded) > 0
        self.events += [(type(r.event).__name__, r.event) for r in self.case.recorded]
        self.case.recorded.clear()
        return True

    @rule(category=st.sampled_from(["0201", "0804", "1401"]))
    def classify_anew(self, category: str) -> None:
        self.classify(category)

    def classify(self, category: str) -> None:
        if self.act(self.status in ("registered", "classified"), "classify_case", classification(category=category), "", NOW):
            self.status = "classified"

    @rule()
    def ask_for_papers(self) -> None:
        allowed = self.status in ("registered", "classified") and not self.asked_papers
        if self.act(allowed, "request_correction", ("evidence",), "clerk", NOW):
            self.before_papers, self.status, self.asked_papers = self.status, "supplementing", True

    @rule(in_time=st.booleans())
    def papers(self, in_time: bool) -> None:
        if self.act(self.status == "supplementing", "supply_correction" if in_time else "lapse_correction", NOW):
            self.status = self.before_papers if in_time else "stopped"

    @rule(
        who=st.sampled_from(["r0", "r1", "a0"]),
        channel=st.sampled_from(["phone", "visit"]),
        outcome=st.sampled_from(["no_answer", "no_answer", "wrong_contact", "undecided", "consented", "refused"]),
    )
    def ask(self, who: str, channel: str, outcome: str) -> None:
        self.try_once(who, channel, outcome)

    def try_once(self, who: str, channel: str, outcome: str) -> None:
        allowed = self.status in ("classified", "consulting") and len(self.answers.get(who, NOBODY)) < PRESSED
        if self.act(allowed, "record_consent_attempt", who, channel, outcome, PERSISTENCE, by="clerk", at=NOW):
            self.answers[who].append((channel, outcome))
            self.status = {"": "consulting", "consented": "consented"}.get(self.decided(), "stopped")

    @rule(who=st.sampled_from(["r0", "r1"]), channels=st.lists(st.sampled_from(["phone", "visit"]), min_size=2, max_size=4))
    def try_hard(self, who: str, channels: list[str]) -> None:
        """Nobody there, again and again."""
        self.classify("0201")
        for channel in channels:
            self.try_once(who, channel, "no_answer")

    def decided(self) -> str:
        stands = {self.stands(answers) for answers in self.answers.values()}
        if "refused" in stands:
            return "refused"
        if "open" in stands:
            return ""
        return "consented" if "consented" in stands else "unreachable"

    def stands(self, answers: list[tuple[str, str]]) -> str:
        clear = [o for _, o in answers if o in ("consented", "refused")]
        if clear:
            return clear[-1]
        reached = any(o == "undecided" for _, o in answers)
        return "unreachable" if not reached and len(answers) >= 3 and len({c for c, _ in answers}) >= 2 else "open"

    @rule(who=st.sampled_from(["a0", "a1", "a2", "r0"]))
    def withdraw(self, who: str) -> None:
        if self.act(self.status in LIVE and who in self.applicants, "withdraw_application", who, "settled", NOW):
            self.applicants.discard(who)
            if not self.applicants:
                self.status = "withdrawn"

    @rule(changed=st.booleans())
    def correct(self, changed: bool) -> None:
        party = self.case.applicants[0]
        corrected = replace(party, phone=sealed(f"phone-{len(self.events)}")) if changed else party
        self.act(changed and self.status in LIVE | {"stopped"}, "correct_party", corrected, NOW)

    @rule()
    def propose_merge(self) -> None:
        allowed = self.status in ("registered", "classified") and not self.merge_waits
        if self.act(allowed, "propose_merge", case("master"), NOW):
            self.merge_waits = True

    @rule(confirmed=st.booleans())
    def decide_merge(self, confirmed: bool) -> None:
        """Routing's word counts whatever happened meanwhile."""
        if not self.merge_waits:
            return
        command = ("merge", "master") if confirmed else ("drop_merge", "master", "other")
        self.act(True, *command, NOW)
        self.merge_waits = False
        if confirmed:
            self.status = "merged"

    @invariant()
    def the_case_is_as_the_model(self) -> None:
        assert self.case.status == self.status
        assert self.case.consent == (self.decided() if self.answers and self.case.attempts else "")

    @invariant()
    def the_commands_told_are_those_of_the_table(self) -> None:
        assert set(self.case.allowed_commands()) == {c for c, t in Case.TRANSITIONS.items() if self.status in t.allowed_in}

    @invariant()
    def the_events_alone_tell_the_same_stage(self) -> None:
        folded = IntakeSlice(registered=True)
        for name, body in self.events:
            folded = folded.after(EVENT_PACKAGE + name, body)
        nothing = (RoutingSlice(), MediationSlice())
        assert case_stage(folded, *nothing) == case_stage(self.case.slice(), *nothing)


CaseLife.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestCaseLife = CaseLife.TestCase
