"""The checked-in directory: complete, without dangling references, apart from its neighbour."""

import uuid
from collections import Counter
from datetime import date

import pytest

from tiaochu_demo.directory import (
    CITY,
    DISTRICTS,
    NEIGHBOUR,
    deciding_rule,
    lead_organ,
    load_directory,
    load_keywords,
    load_routing_rules,
)
from tiaochu_domainkit.categories import categories, groups
from tiaochu_domainkit.codes import code_list

ON = date(2026, 11, 2)


def test_city_has_the_size_the_demonstration_promises() -> None:
    city = load_directory(CITY)
    levels = Counter(r.level for r in city.regions if r.gb_code)
    assert levels == {"county": 1, "town": 9, "village": 40}
    assert sum(not r.gb_code for r in city.regions) == 2
    assert len([o for o in city.organs if o.tier == "city" and not o.kind.endswith("_committee")]) == 14
    assert len(city.organs_of_kind("town_centre")) == 9
    assert len(city.organs_of_kind("village_committee")) == 40
    assert len(city.staff) == 120


def test_region_codes_follow_the_division_standard() -> None:
    for district in DISTRICTS:
        for region in load_directory(district).regions:
            if not region.gb_code:
                assert region.code.startswith(district + "Z")
                continue
            assert len(region.code) == 12
            assert region.code.isdigit()
            assert region.code.startswith(district)
            town, village = int(region.code[6:9]), int(region.code[9:])
            if region.level == "town":
                assert (1 <= town <= 99 and region.name.endswith("街道")) or (100 <= town <= 199 and region.name.endswith("镇"))
            if region.level == "village":
                assert (1 <= village <= 199) == region.name.endswith("社区")
                assert (200 <= village <= 399) == region.name.endswith("村")


@pytest.mark.parametrize("district", DISTRICTS)
def test_organs_form_one_tree(district: str) -> None:
    directory = load_directory(district)
    roots = [o for o in directory.organs if not o.parent_id]
    assert [o.code for o in roots] == ["centre"]
    for organ in directory.organs:
        assert organ.region in directory.regions_by_code
        if organ.parent_id:
            parent = directory.organs_by_id[organ.parent_id]
            assert organ.path == f"{parent.path}.{organ.code}"
    for village in directory.organs_of_kind("village_committee"):
        assert directory.organs_by_id[village.parent_id].region == village.region[:9] + "000"


@pytest.mark.parametrize("district", DISTRICTS)
def test_every_post_and_mediator_is_complete(district: str) -> None:
    directory = load_directory(district)
    for person in directory.staff:
        assert person.posts, person.login
        mediates = any(p.role.endswith("mediator") for p in person.posts)
        assert mediates == (person.mediator is not None)
        if person.mediator:
            assert person.mediator.specialties
            assert person.mediator.max_load > 0
            assert set(person.mediator.specialties) <= set(groups())
    for organ in directory.organs:
        if organ.kind in ("village_committee", "town_centre"):
            assert any(p.organ_id == organ.id and p.role.endswith("mediator") for s in directory.staff for p in s.posts)


def test_ids_are_uuid7_and_districts_share_none() -> None:
    city, neighbour = load_directory(CITY), load_directory(NEIGHBOUR)
    ids = [o.id for d in (city, neighbour) for o in d.organs] + [s.id for d in (city, neighbour) for s in d.staff]
    assert len(ids) == len(set(ids))
    assert all(uuid.UUID(i).version == 7 for i in ids)


def test_kinds_of_organs_and_rules_are_of_the_code_list() -> None:
    kinds = {o.kind for district in DISTRICTS for o in load_directory(district).organs}
    kinds |= {kind for rule in load_routing_rules() for kind in (rule.lead_kind, *rule.co_kinds)}
    assert not [kind for kind in kinds if kind not in code_list("organ_kind")]
    assert not [rule.code for rule in load_routing_rules() if rule.channel and rule.channel not in code_list("channel")]


def test_system_security_and_audit_are_held_by_three_persons() -> None:
    holders = [load_directory().holders(role) for role in ("system_admin", "security_admin", "audit_admin")]
    assert all(len(h) == 1 for h in holders)
    assert len({h[0].id for h in holders}) == 3


def test_every_leaf_finds_a_lead_everywhere() -> None:
    for district in DISTRICTS:
        directory = load_directory(district)
        for category in categories():
            for region in (r for r in directory.regions if r.level == "village"):
                for single in (True, False):
                    rule = deciding_rule(
                        load_routing_rules(),
                        category=category,
                        channel="window",
                        region=region.code,
                        single_legal_relation=single,
                        on=ON,
                    )
                    assert lead_organ(directory, rule, region.code).id in directory.organs_by_id


@pytest.mark.parametrize(
    ("category", "channel", "region", "single", "on", "kind"),
    [
        ("0201", "window", "329901100201", True, ON, "village_committee"),
        ("0201", "window", "329901100201", False, ON, "town_centre"),
        ("0402", "web", "329901100201", True, ON, "property_committee"),
        ("0402", "web", "329901001001", True, ON, "town_centre"),
        ("0402", "web", "329901001001", True, date(2026, 9, 30), "property_committee"),
        ("0502", "hotline", "329901100201", True, ON, "medical_committee"),
        ("0603", "court", "329901100201", True, ON, "court_workroom"),
        ("0201", "court", "329901100201", True, ON, "town_centre"),
        ("1401", "hotline", "329901100201", False, ON, "police_bureau"),
        ("0601", "web", "329901100201", True, ON, "consumer_committee"),
    ],
)
def test_rules_name_the_lead_of_the_field(category: str, channel: str, region: str, single: bool, on: date, kind: str) -> None:
    rule = deciding_rule(load_routing_rules(), category=category, channel=channel, region=region, single_legal_relation=single, on=on)
    assert lead_organ(load_directory(), rule, region).kind == kind


def test_no_two_rules_of_one_priority_contradict_each_other() -> None:
    """The lead must never depend on the order of the file."""
    rules = load_routing_rules()
    for a in rules:
        for b in rules:
            overlap = (
                (a.category.startswith(b.category) or b.category.startswith(a.category))
                and (a.territory.startswith(b.territory) or b.territory.startswith(a.territory))
                and (a.channel == b.channel or "" in (a.channel, b.channel))
                and (a.legal_relation == b.legal_relation or "any" in (a.legal_relation, b.legal_relation))
                and a.valid_from < (b.valid_to or date.max)
                and b.valid_from < (a.valid_to or date.max)
            )
            assert a is b or not (overlap and a.priority == b.priority), (a.code, b.code)


def test_keyword_table_speaks_for_each_of_the_78_leaves() -> None:
    leaves = {code for code in categories() if len(code) == 4}
    assert len(leaves) == 78
    assert {k.category for k in load_keywords()} == leaves
    pairs = [(k.word, k.category) for k in load_keywords()]
    assert len(pairs) == len(set(pairs))
    assert all(1 <= k.weight <= 9 and 2 <= len(k.word) <= 20 for k in load_keywords())
