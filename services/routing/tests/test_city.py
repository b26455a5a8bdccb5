"""The synthetic city of the demonstration in the directory: two districts that know nothing of each other, every category led by somebody."""

from datetime import date
from typing import Any

import pytest
import pytest_asyncio

from tiaochu.routing.v1 import directory_service_pb2 as pb
from tiaochu.routing.v1 import rule_service_pb2 as rules
from tiaochu_demo.directory import deciding_rule, load_directory, load_routing_rules
from tiaochu_demo.prepare import directory_request
from tiaochu_domainkit.categories import categories
from tiaochu_domainkit.errors import DomainError
from tiaochu_kit.ids import new_id
from tiaochu_kit.principal import Principal

CITY, NEIGHBOUR = "329901", "329902"
TODAY = date(2026, 11, 24)


def rule_messages() -> list[rules.RoutingRule]:
    return [
        rules.RoutingRule(
            code=r.code,
            valid_from_on=r.valid_from.isoformat(),
            valid_to_on=r.valid_to.isoformat() if r.valid_to else "",
            territory=r.territory,
            category=r.category,
            channel=r.channel,
            legal_relation=r.legal_relation,
            lead_kind=r.lead_kind,
            lead_tier=r.lead_tier,
            co_kinds=r.co_kinds,
            priority=r.priority,
        )
        for r in load_routing_rules()
    ]


@pytest_asyncio.fixture
async def city(empty_world: Any) -> Any:
    for district in (CITY, NEIGHBOUR):
        request = directory_request(load_directory(district))
        request.request_id = new_id()
        await empty_world.call("DirectoryService/ImportDirectory", request)
        put = rules.ImportRoutingRulesRequest(request_id=new_id(), district=district, rules=rule_messages())
        await empty_world.call("RuleService/ImportRoutingRules", put)
    await empty_world.settle()
    return empty_world


def clerk(district: str) -> Principal:
    organ = load_directory(district).organs[0]
    return Principal(new_id(), frozenset({"dispatcher"}), organ.id, f"/{organ.id}/", frozenset({district}))


@pytest.mark.req("RT1")
async def test_two_districts_know_nothing_of_each_other(city: Any) -> None:
    for district in (CITY, NEIGHBOUR):
        answer = await city.call("DirectoryService/ListOrgans", pb.ListOrgansRequest(), by=clerk(district))
        assert {o.organ_id for o in answer.organs} == {o.id for o in load_directory(district).organs}
    foreign = load_directory(NEIGHBOUR).organs[0].id
    with pytest.raises(DomainError) as refusal:
        await city.call("DirectoryService/GetOrgan", pb.GetOrganRequest(organ_id=foreign), by=clerk(CITY))
    assert refusal.value.reason == "NOT_FOUND"
    staff = await city.call("DirectoryService/ListStaff", pb.ListStaffRequest(organ_id=foreign), by=clerk(CITY))
    assert list(staff.staff) == []


@pytest.mark.req("RT1")
async def test_zones_without_a_national_code_stand_in_the_tree(city: Any) -> None:
    answer = await city.call("DirectoryService/ListRegions", pb.ListRegionsRequest(), by=clerk(CITY))
    zones = [r for r in answer.regions if r.level == "zone"]
    assert zones
    assert {z.parent_code for z in zones} == {"329901000000"}


@pytest.mark.req("RT2")
async def test_every_category_is_led_by_the_organ_its_rule_names(city: Any) -> None:
    directory = load_directory(CITY)
    region = "329901100201"
    receiver = directory.organs_of_kind("village_committee")[0]
    paths = {
        o.organ_id: o.organ_path for o in (await city.call("DirectoryService/ListOrgans", pb.ListOrgansRequest(), by=clerk(CITY))).organs
    }
    wanted: dict[str, str] = {}
    for number, category in enumerate(categories()):
        case_id, single = new_id(), number % 2 == 0
        told = {"first_receiver_organ_id": receiver.id, "first_receiver_organ_path": paths[receiver.id], "region_code": region}
        await city.intake.tell("CaseRegistered", case_id=case_id, case_number=str(number), channel="window", **told)
        await city.intake.tell(
            "CaseClassified",
            case_id=case_id,
            category=category,
            mediable="Y",
            difficulty="simple",
            single_legal_relation=single,
            region_code=region,
            flags=[],
        )
        rule = deciding_rule(
            load_routing_rules(), category=category, channel="window", region=region, single_legal_relation=single, on=TODAY
        )
        organ = directory.competent_organ(rule.lead_kind, region)
        assert organ is not None, rule.code
        wanted[case_id] = organ.id
    await city.settle()
    found = {case_id: (await city.case(case_id)).lead_organ_id for case_id in wanted}
    assert found == wanted
