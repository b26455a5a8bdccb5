"""What the generators make: the same from the same seed, valid numbers, texts a clerk could have written."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from tiaochu_demo.directory import CITY, NEIGHBOUR, load_directory, load_keywords
from tiaochu_demo.scenario import Scenario, build_scenario
from tiaochu_demo.synthetic.channels import TIERS
from tiaochu_demo.synthetic.model import Party, SyntheticCase
from tiaochu_demo.synthetic.narrative import templates
from tiaochu_domainkit import identity
from tiaochu_domainkit.categories import categories
from tiaochu_domainkit.codes import CHANNEL_SOURCES, code_list

TODAY = date(2026, 11, 2)
SEEDS = (1, 2, 2026)


@pytest.fixture(scope="module", params=SEEDS)
def scenario(request: pytest.FixtureRequest) -> Scenario:
    return build_scenario(load_directory(), request.param, TODAY)


def cases(scenario: Scenario) -> list[SyntheticCase]:
    return [p.case for p in scenario.plans]


def people(scenario: Scenario) -> Iterator[Party]:
    return (p for c in cases(scenario) for p in c.parties)


def id_digit(first17: str) -> str:
    """GB 11643, written as the standard states it: the digit that makes the weighted sum 1 modulo 11."""
    weights = [pow(2, 18 - place, 11) for place in range(1, 18)]
    total = sum(int(d) * w for d, w in zip(first17, weights, strict=True))
    return next("0123456789X"[digit] for digit in range(11) if (total + digit) % 11 == 1)


def credit_digit(first17: str) -> str:
    """GB 32100: the character that makes the weighted sum 0 modulo 31."""
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    weights = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28]
    total = sum(alphabet.index(c) * w for c, w in zip(first17, weights, strict=True))
    return next(c for c in alphabet if (total + alphabet.index(c)) % 31 == 0)


def org_digit(first8: str) -> str:
    """GB 11714."""
    rest = sum((int(c, 36)) * w for c, w in zip(first8, (3, 7, 9, 10, 5, 8, 4, 2), strict=True)) % 11
    return {1: "X", 0: "0"}.get(rest, str(11 - rest))


def test_the_checks_know_the_standards_vectors() -> None:
    assert id_digit("11010519491231002") == "X"
    assert id_digit("44052418800101001") == "4"
    assert credit_digit("91350100M000100Y4") == "3"
    assert org_digit("D2143569") == "X"


def test_same_seed_same_data_other_seed_other_data() -> None:
    first, again, other = (build_scenario(load_directory(), seed, TODAY) for seed in (7, 7, 8))
    assert first == again
    assert first.plans != other.plans


def test_numbers_are_valid(scenario: Scenario) -> None:
    for party in people(scenario):
        if party.id_type == "resident_id":
            number = party.id_number
            assert len(number) == 18
            assert number[17] == id_digit(number[:17])
            assert party.born_on is not None
            assert number[6:14] == f"{party.born_on:%Y%m%d}"
            assert party.born_on < TODAY
            assert (int(number[16]) % 2 == 1) == (party.sex == "male")
            assert number.startswith("32990")
        elif party.id_type == "credit_code":
            assert party.id_number[17] == credit_digit(party.id_number[:17])
            assert party.id_number[16] == org_digit(party.id_number[8:16])
        else:
            assert party.id_type == "passport" or party.identity_note
        for r in party.representatives:
            assert r.id_number[17] == id_digit(r.id_number[:17])
        assert party.phone == "" or re.fullmatch(r"19900\d{6}|0523-8\d{7}", party.phone)


def test_domain_library_accepts_the_numbers(scenario: Scenario) -> None:
    for party in people(scenario):
        if party.id_type == "resident_id":
            identity.resident_id("id", party.id_number, TODAY, birth_date=party.born_on)
        elif party.id_type == "credit_code":
            identity.credit_code("code", party.id_number)
        if party.phone:
            identity.phone("phone", party.phone)


def test_texts_read_like_records(scenario: Scenario) -> None:
    texts = [c.facts for c in cases(scenario)]
    assert all(100 <= len(t) <= 600 for t in texts)
    assert max(map(len, texts)) > 400
    assert len(set(texts)) == len(texts)
    assert not [t for t in texts if re.search(r"[{}|]", t)]
    for case in cases(scenario):
        assert case.applicants[0].name in case.facts
        assert case.claims
        assert all(c.text for c in case.claims)


def test_every_template_renders_for_every_leaf() -> None:
    assert set(templates()) == set(categories())
    assert len(templates()["0201"]) >= 5
    assert len(templates()["0299"]) >= 5


def test_category_mix_is_that_of_the_field(scenario: Scenario) -> None:
    share = Counter(c.category[:2] for c in cases(scenario))
    total = sum(share.values())
    assert 0.72 <= share["02"] / total <= 0.87
    assert 0.04 <= share["01"] / total <= 0.08
    assert 0.035 <= share["04"] / total <= 0.08
    assert 0.02 <= share["11"] / total <= 0.06
    register = Counter(c.category[:2] for c in scenario.register.cases.values())
    assert abs(register["02"] / sum(register.values()) - 0.827) < 0.02


def test_staff_doors_hold_every_grade_and_special_case(scenario: Scenario) -> None:
    staff = scenario.staff
    assert len(staff) == 80
    assert {c.difficulty for c in staff} == {"simple", "ordinary", "complex", "major"}
    assert {c.risk for c in staff} == {"none", "blue", "yellow", "orange", "red"}
    assert {c.channel for c in staff} == set(TIERS) - {"court"}
    assert {c.source for c in staff} == {"initiative", "application", "procuratorate", "police", "petition", "other_organ"}
    assert {"minor", "elderly", "domestic_violence", "group", "migrant_worker_wages", "foreign"} <= {f for c in staff for f in c.flags}
    assert {"01", "02", "03"} == {c.scale for c in staff}
    assert any(len(c.applicants) > 5 for c in staff)
    parties = [p for c in staff for p in c.parties]
    assert any("minor" in p.care and p.representatives[0].kind == "guardian" for p in parties)
    assert any(p.id_type == "none" and p.identity_note and not p.phone for p in parties)
    assert any(r.kind == "agent" for p in parties for r in p.representatives)
    assert {"䶮", "𠅤", "㛃"} <= set("".join([p.name for p in parties] + [r.name for p in parties for r in p.representatives]))
    assert {f.media_type for c in staff for f in c.files} == {"application/pdf", "image/png", "image/jpeg"}


def test_times_are_plausible(scenario: Scenario) -> None:
    for case in scenario.staff:
        registered = TODAY + timedelta(days=case.registered_after.days)
        assert case.occurred_on <= case.received_on <= registered
        assert registered - case.received_on <= timedelta(days=4)
    assert sum(c.received_on < TODAY + timedelta(days=c.registered_after.days) for c in scenario.staff) >= 3
    assert [c.registered_after for c in scenario.staff] == sorted(c.registered_after for c in scenario.staff)


def test_two_doors_share_parties_and_kind(scenario: Scenario) -> None:
    by_key = {c.key: c for c in cases(scenario)}
    twins = [c for c in cases(scenario) if c.twin_of]
    assert len(twins) == 5
    for twin in twins:
        first = by_key[twin.twin_of]
        assert [p.id_number for p in twin.parties] == [p.id_number for p in first.parties]
        assert twin.category == first.category
        assert twin.facts != first.facts
        assert twin.channel != first.channel
        assert twin.registered_after > first.registered_after
        assert twin.first_receiver_organ_id != first.first_receiver_organ_id


def test_receivers_and_codes_exist(scenario: Scenario) -> None:
    for case in cases(scenario):
        receiver = scenario.directory.organs_by_id[case.first_receiver_organ_id]
        assert receiver.tier in TIERS[case.channel]
        assert case.region_code in scenario.directory.regions_by_code
        assert case.source in CHANNEL_SOURCES[case.channel]
        assert case.amount_fen == sum(c.amount_fen for c in case.claims)


def test_keyword_table_suggests_the_leaf_of_most_texts(scenario: Scenario) -> None:
    hits = 0
    for case in cases(scenario):
        score: Counter[str] = Counter()
        for keyword in load_keywords():
            if keyword.word in case.facts:
                score[keyword.category] += keyword.weight
        hits += case.category in [leaf for leaf, _ in score.most_common(3)]
    assert hits / len(scenario.plans) > 0.9


def test_neighbour_district_can_be_fed_too() -> None:
    neighbour = build_scenario(load_directory(NEIGHBOUR), 1, TODAY)
    assert not {c.first_receiver_organ_id for c in cases(neighbour)} & set(load_directory(CITY).organs_by_id)
    assert all(c.region_code.startswith(NEIGHBOUR) for c in cases(neighbour))


def test_codes_are_those_of_the_code_lists(scenario: Scenario) -> None:
    for case in cases(scenario):
        assert case.channel in code_list("channel")
        assert case.difficulty in code_list("difficulty")
        assert case.risk in code_list("risk")
        assert case.scale in code_list("scale")
        assert all(flag in code_list("flag") for flag in case.flags)
