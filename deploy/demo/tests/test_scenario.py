"""The plan keeps the shares of the main job and never asks for what the law or the stage forbids."""

from collections import Counter
from datetime import date

import pytest

from tiaochu_demo.directory import load_directory
from tiaochu_demo.scenario import Path, Scenario, build_scenario
from tiaochu_domainkit.categories import categories
from tiaochu_domainkit.codes import code_list

TODAY = date(2026, 11, 2)


@pytest.fixture(scope="module", params=(1, 2, 3, 4))
def scenario(request: pytest.FixtureRequest) -> Scenario:
    return build_scenario(load_directory(), request.param, TODAY)


def test_every_good_case_has_exactly_one_way(scenario: Scenario) -> None:
    assert Counter(p.door for p in scenario.plans) == {"register": 192, "court": 20, "staff": 80}
    assert len({p.key for p in scenario.plans}) == 292


def test_shares_are_those_of_the_main_job(scenario: Scenario) -> None:
    count = Counter(p.path for p in scenario.plans)
    total = sum(count.values()) - count[Path.MERGED]
    agreements = count[Path.AGREED] + count[Path.ON_THE_SPOT] + count[Path.CONFIRMED]
    assert abs(agreements / total - 0.70) < 0.03
    assert abs(count[Path.ON_THE_SPOT] / agreements - 1 / 3) < 0.05
    assert abs(count[Path.CONFIRMED] / agreements - 1 / 4) < 0.03
    assert abs(count[Path.ENDED] / total - 0.15) < 0.02
    for path in (Path.DECLINED, Path.RETURNED, Path.OPEN):
        assert abs(count[path] / total - 0.05) < 0.02
    assert {p.returns for p in scenario.plans} == {0, 1, 2}


def test_ways_respect_category_and_grade(scenario: Scenario) -> None:
    for plan in scenario.plans:
        leaf = categories()[plan.case.category]
        if leaf.mediable == "N":
            assert plan.path is Path.DECLINED
        if plan.path is Path.ON_THE_SPOT:
            assert plan.case.difficulty == "simple"
            assert plan.door != "court"
        if plan.path is Path.CONFIRMED:
            assert not leaf.status
            assert plan.form == "written"
            assert plan.performance != "on_the_spot"
        assert (plan.path is Path.ENDED) == bool(plan.ending)
        assert (plan.path is Path.DECLINED) == bool(plan.decline_ground)
        assert (plan.path is Path.OPEN) == bool(plan.open_at)


def test_first_doors_of_merged_cases_stay_open_long_enough(scenario: Scenario) -> None:
    merged = [p for p in scenario.plans if p.path is Path.MERGED]
    assert len(merged) == 5
    for plan in merged:
        assert scenario.plan_of(plan.case.twin_of).path in (Path.AGREED, Path.CONFIRMED, Path.RETURNED, Path.OPEN)


def test_court_offers_carry_what_the_docking_asks(scenario: Scenario) -> None:
    assert len(scenario.offers) == 20
    assert {o.channel for o in scenario.offers} == {"push", "pull"}
    assert len({o.case.external_no for o in scenario.offers}) == 20
    for offer in scenario.offers:
        packet = offer.packet({ref: f"id-{ref}" for ref in offer.files})
        content, parties = packet["content"], packet["content"]["parties"]
        assert content["mode"] == "before_filing"
        assert content["clock_start_on"] >= TODAY.isoformat()
        assert content["plaint"] == "id-F1"
        assert content["evidence_list"] == ["id-F2", "id-F5"]
        refs = {p["party_ref"] for p in parties}
        applicants = {p["party_ref"] for p in parties if p["role"] == "applicant"}
        assert applicants == {c["party_ref"] for c in packet["consents"]}
        assert any(p["role"] == "respondent" for p in parties)
        for party in parties:
            if party["role"] in ("agent", "representative", "guardian"):
                assert party["acts_for"] in refs
                assert party["proof"] == "id-F6"
        assert [f["kind"] for f in packet["files"]][:5] == ["plaint", "evidence", "assignment_letter", "consent", "evidence"]


def test_grounds_are_of_the_code_lists(scenario: Scenario) -> None:
    for plan in scenario.plans:
        assert not plan.ending or plan.ending in code_list("termination_ground")
        assert not plan.decline_ground or plan.decline_ground in code_list("decline_ground")
