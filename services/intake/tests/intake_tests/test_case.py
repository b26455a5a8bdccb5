from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest
from google.protobuf import descriptor_pool

from tiaochu.intake.events.v1 import case_events_pb2
from tiaochu_domainkit.errors import DomainError, InvalidTransition
from tiaochu_intake.domain import case as case_module
from tiaochu_intake.domain import events
from tiaochu_intake.domain.case import Case
from tiaochu_intake.domain.files import FileFacts
from tiaochu_intake.domain.keywords import KeywordTable
from tiaochu_intake.domain.policies import PolicyBook
from tiaochu_intake.domain.unmasking import Unmasking
from tiaochu_testkit.transitions import assert_transitions_match

from .mothers import NOW, PERSISTENCE, case, classification, classified, party, sealed  # noqa: TID252 - tests of one package


def names(subject: Case) -> list[str]:
    return [type(r.event).__name__ for r in subject.recorded]


def refusal(act: Callable[[], Any]) -> str:
    with pytest.raises(DomainError) as caught:
        act()
    return caught.value.violations[0].reason if caught.value.violations else caught.value.reason


@pytest.mark.parametrize("aggregate", [Case, KeywordTable, PolicyBook, Unmasking])
def test_transitions_as_data_equal_the_methods(aggregate: type[Any]) -> None:
    assert_transitions_match(aggregate)


def test_events_have_the_fields_of_their_messages() -> None:
    messages = descriptor_pool.Default().FindFileByName(case_events_pb2.DESCRIPTOR.name).message_types_by_name
    classes = {n: c for n, c in vars(events).items() if isinstance(c, type) and c.__module__ == events.__name__}
    assert set(classes) == set(messages)
    for name, cls in classes.items():
        assert [f.name for f in fields(cls)] == [f.name for f in messages[name].fields]


class TestRegister:
    def test_counts_and_amount_travel_but_no_name_does(self) -> None:
        made = Case.register(
            id="c",
            district="329901",
            entry=case().entry,
            applicants=[party("a1"), party("a2", kind="organisation")],
            respondents=[party("r1")],
            claims=case().claims,
            occurred_at=NOW,
        )
        [event] = [r.event for r in made.recorded]
        assert (event.applicant_count, event.respondent_count, event.person_count, event.organisation_count) == (2, 1, 2, 1)
        assert event.amount_fen == 120_000
        assert "当事人" not in repr(event)

    def test_nobody_stands_on_both_sides(self) -> None:
        def register(applicants: list[Any], respondents: list[Any]) -> Case:
            return Case.register(
                id="c",
                district="329901",
                entry=case().entry,
                applicants=applicants,
                respondents=respondents,
                claims=[],
                occurred_at=NOW,
            )

        assert refusal(lambda: register([party("x")], [party("y", id_number=sealed("x"))])) == "PARTY_BOTH_SIDES"
        assert refusal(lambda: register([party("x"), party("z", id_number=sealed("x"))], [party("y")])) == "PARTY_TWICE"
        assert refusal(lambda: register([], [party("y")])) == "APPLICANT_REQUIRED"
        assert refusal(lambda: register([party("x")], [])) == "RESPONDENT_REQUIRED"
        assert refusal(lambda: register([party(f"x{n}") for n in range(40)], [party("y")])) == "PARTIES_TOO_MANY"

    def test_people_without_papers_do_not_collide(self) -> None:
        Case.register(
            id="c",
            district="329901",
            entry=case().entry,
            applicants=[party("x", id_number=None)],
            respondents=[party("y", id_number=None), party("z", id_number=None)],
            claims=[],
            occurred_at=NOW,
        )

    def test_the_centre_may_act_on_its_own_initiative_without_an_applicant(self) -> None:
        made = case(source="initiative", applicants=0, respondents=2)
        assert [p.id for p in made.must_consent()] == ["r0", "r1"]

    def test_the_place_lies_in_the_district(self) -> None:
        assert refusal(lambda: case(region_code="329902100201")) == "REGION_OUTSIDE_DISTRICT"


class TestCorrectParty:
    def test_names_the_fields_that_changed(self) -> None:
        made = case()
        changed = made.correct_party(party("r0", name="李四", phone=sealed("other")), NOW)
        assert changed == ("name", "phone")
        assert made.party("r0").name == "李四"
        assert names(made) == ["PartyCorrected"]

    def test_sealing_anew_is_no_change(self) -> None:
        made = case()
        same = replace(made.party("a0"), id_number=replace(sealed("a0"), token="s1.other"))
        assert refusal(lambda: made.correct_party(same, NOW)) == "NOTHING_CHANGED"

    def test_refusals(self) -> None:
        made = case()
        assert refusal(lambda: made.correct_party(party("nobody"), NOW)) == "PARTY_UNKNOWN"
        assert refusal(lambda: made.correct_party(party("a0", kind="organisation"), NOW)) == "PARTY_KIND_FIXED"
        assert refusal(lambda: made.correct_party(party("a0", id_number=sealed("r0")), NOW)) == "PARTY_BOTH_SIDES"


class TestWithdraw:
    def test_the_last_applicant_ends_it(self) -> None:
        made = case(applicants=2)
        assert made.withdraw_application("a0", "settled", NOW) == 1
        assert (made.status, names(made)) == ("registered", ["ApplicantWithdrew"])
        assert made.withdraw_application("a1", "settled", NOW) == 0
        assert (made.status, names(made)) == ("withdrawn", ["ApplicantWithdrew", "ApplicationWithdrawn"])
        assert refusal(lambda: made.withdraw_application("a1", "settled", NOW)) == "STATE_FORBIDS"

    def test_refusals(self) -> None:
        made = case(applicants=2)
        assert refusal(lambda: made.withdraw_application("r0", "other", NOW)) == "NOT_AN_APPLICANT"
        made.withdraw_application("a0", "other", NOW)
        assert refusal(lambda: made.withdraw_application("a0", "other", NOW)) == "ALREADY_WITHDRAWN"


class TestClassify:
    def test_derives_what_follows_from_the_class(self) -> None:
        made = case()
        made.classify_case(classification(category="0701", flags=("migrant_worker_wages",)), "", NOW)
        event = made.recorded[0].event
        assert (event.moj_type, event.mediable, event.region_code) == ("migrant_wages", "Y", "329901100201")

    @pytest.mark.parametrize(
        ("given", "reason"),
        [
            ({"category": "02"}, "CATEGORY_UNKNOWN"),
            ({"category": "0201", "category_detail": "060101"}, "CATEGORY_DETAIL_UNKNOWN"),
            ({"difficulty": "hard"}, "CODE_UNKNOWN"),
            ({"scale": "04"}, "CODE_UNKNOWN"),
            ({"risk": "pink"}, "CODE_UNKNOWN"),
            ({"flags": ("rich",)}, "CODE_UNKNOWN"),
            ({"category": "1601", "risk": "yellow"}, "RED_REVIEW_REQUIRED"),
        ],
    )
    def test_refusals(self, given: dict[str, Any], reason: str) -> None:
        assert refusal(lambda: classification(**given)) == reason


class TestMerge:
    def test_routing_decides(self) -> None:
        made, master = case("one"), case("two")
        made.propose_merge(master, NOW)
        assert refusal(lambda: made.propose_merge(master, NOW)) == "MERGE_PENDING"
        made.drop_merge("two", "not_the_same", NOW)
        made.propose_merge(master, NOW)
        made.merge("two", NOW)
        assert (made.status, made.slice().merged) == ("merged", True)
        assert names(made) == ["MergeProposed", "MergeDropped", "MergeProposed", "CaseMerged"]

    def test_refusals(self) -> None:
        made, master = case("one"), case("two")
        assert refusal(lambda: made.propose_merge(made, NOW)) == "MERGE_SAME_CASE"
        master.withdraw_application("a0", "settled", NOW)
        assert refusal(lambda: made.propose_merge(master, NOW)) == "MERGE_MASTER_ENDED"


class TestCorrection:
    def test_once(self) -> None:
        made = classified()
        made.request_correction(("evidence",), "clerk", NOW)
        assert made.status == "supplementing"
        made.supply_correction(NOW)
        assert made.status == "classified"
        assert refusal(lambda: made.request_correction(("evidence",), "clerk", NOW)) == "CORRECTION_ASKED_BEFORE"

    def test_lapses(self) -> None:
        made = case()
        made.request_correction(("evidence",), "clerk", NOW)
        made.lapse_correction(NOW)
        assert (made.status, made.slice().stopped) == ("stopped", True)
        assert refusal(lambda: made.supply_correction(NOW)) == "STATE_FORBIDS"

    def test_unknown_item(self) -> None:
        assert refusal(lambda: case().request_correction(("money",), "clerk", NOW)) == "CORRECTION_ITEM_UNKNOWN"


class TestConsent:
    def ask(self, subject: Case, who: str, channel: str, outcome: str) -> None:
        subject.record_consent_attempt(who, channel, outcome, PERSISTENCE, by="clerk", at=NOW)

    def test_three_tries_by_two_channels_make_a_party_unreachable(self) -> None:
        made = classified()
        for channel in ("phone", "phone", "phone"):
            self.ask(made, "r0", channel, "no_answer")
        assert (made.status, made.consent) == ("consulting", "")
        self.ask(made, "r0", "visit", "wrong_contact")
        assert (made.status, made.consent) == ("stopped", "unreachable")
        assert names(made)[-1] == "ConsentConcluded"

    def test_a_party_once_reached_is_not_out_of_reach(self) -> None:
        made = classified()
        for channel, outcome in (("phone", "undecided"), ("phone", "no_answer"), ("visit", "no_answer"), ("sms", "no_answer")):
            self.ask(made, "r0", channel, outcome)
        assert made.consent == ""

    def test_one_refusal_ends_it(self) -> None:
        made = classified(respondents=2)
        self.ask(made, "r0", "phone", "consented")
        assert made.status == "consulting"
        self.ask(made, "r1", "phone", "refused")
        assert (made.status, made.consent) == ("stopped", "refused")

    def test_those_reached_may_go_on(self) -> None:
        made = classified(respondents=2)
        for channel in ("phone", "visit", "sms"):
            self.ask(made, "r1", channel, "no_answer")
        self.ask(made, "r0", "phone", "consented")
        assert (made.status, made.consent) == ("consented", "consented")

    def test_who_applied_need_not_be_asked(self) -> None:
        assert refusal(lambda: self.ask(classified(), "a0", "phone", "consented")) == "CONSENT_NOT_NEEDED"

    def test_refusals(self) -> None:
        made = classified()
        assert refusal(lambda: self.ask(made, "r0", "pigeon", "consented")) == "CONSENT_CHANNEL_UNKNOWN"
        assert refusal(lambda: self.ask(made, "r0", "phone", "maybe")) == "CONSENT_OUTCOME_UNKNOWN"
        assert refusal(lambda: self.ask(case(), "r0", "phone", "consented")) == "STATE_FORBIDS"
        for _ in range(20):
            self.ask(made, "r0", "phone", "undecided")
        assert refusal(lambda: self.ask(made, "r0", "phone", "undecided")) == "ATTEMPTS_TOO_MANY"


class TestAttachFile:
    def file(self, **given: Any) -> FileFacts:
        return replace(FileFacts("f", "evidence", "open", "", 10, "00"), **given)

    def test_attached(self) -> None:
        made = case()
        made.attach_file(self.file(confidentiality="one_party", party_id="a0"), NOW)
        assert (made.file_count, names(made)) == (1, ["FileAttached"])

    def test_refusals(self) -> None:
        made = case()
        assert refusal(lambda: made.attach_file(self.file(kind="gift"), NOW)) == "FILE_KIND_UNKNOWN"
        assert refusal(lambda: made.attach_file(self.file(confidentiality="secret"), NOW)) == "CONFIDENTIALITY_UNKNOWN"
        assert refusal(lambda: made.attach_file(self.file(confidentiality="one_party"), NOW)) == "FILE_PARTY_REQUIRED"
        assert refusal(lambda: made.attach_file(self.file(party_id="nobody"), NOW)) == "PARTY_UNKNOWN"


def test_a_command_in_the_wrong_state_says_what_is_allowed() -> None:
    with pytest.raises(InvalidTransition) as caught:
        case().supply_correction(NOW)
    assert caught.value.metadata["current"] == "registered"
    assert "classify_case" in caught.value.metadata["allowed"].split(",")


def test_every_state_is_reachable() -> None:
    reached = {"registered"}.union(*(t.leads_to for t in Case.TRANSITIONS.values()))
    assert reached == {*case_module.BEFORE_END, case_module.WITHDRAWN, case_module.MERGED, case_module.HISTORY}
