"""Routing rules and their dry run, worklists, and the ranking of mediators."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tiaochu.routing.v1 import responsibility_service_pb2 as pb
from tiaochu.routing.v1 import rule_service_pb2 as rules
from tiaochu_domainkit.errors import DomainError

NEVER = datetime(9999, 1, 1, tzinfo=UTC)


async def reason_of(call: Any) -> str:
    with pytest.raises(DomainError) as refusal:
        await call
    violations = refusal.value.violations
    return violations[0].reason if violations else refusal.value.reason


def bureau_rule(valid_from: str = "2020-01-01", **more: Any) -> rules.RoutingRule:
    told = {"code": "R9", "category": "0201", "legal_relation": "any", "lead_kind": "housing_bureau", "lead_tier": "city", "priority": 90}
    return rules.RoutingRule(**{**told, "valid_from_on": valid_from, **more})


@pytest.mark.req("RT2")
async def test_a_rule_takes_effect_on_its_day(world: Any) -> None:
    director = world.person("city", "office_director")
    tomorrow = (world.now() + timedelta(days=2)).date().isoformat()
    request = rules.PutRoutingRuleRequest(district="329901", rule=bureau_rule(tomorrow))
    await world.call("RuleService/PutRoutingRule", request, by=director)
    assert (await world.case(await world.classified())).lead_organ_id == world.organs["village"]
    world.step(days=3)
    assert (await world.case(await world.classified())).lead_organ_id == world.organs["bureau"]


@pytest.mark.req("RT2")
async def test_a_dry_run_tells_which_past_cases_would_go_elsewhere(world: Any) -> None:
    case_id, other = await world.classified(), await world.classified(category="0402")
    director = world.person("city", "office_director")
    request = rules.DryRunRoutingRuleRequest(rule=bureau_rule("2027-01-01"), from_on=(world.now() - timedelta(days=3)).date().isoformat())
    answer = await world.call("RuleService/DryRunRoutingRule", request, by=director)
    assert (answer.cases, answer.changed) == (2, 1)
    effect = answer.effects[0]
    assert (effect.case_id, effect.lead_organ_id, effect.new_lead_organ_id) == (case_id, world.organs["village"], world.organs["bureau"])
    assert other != case_id
    listed = await world.call("RuleService/ListRoutingRules", rules.ListRoutingRulesRequest(with_history=True), by=director)
    assert "R9" not in {r.code for r in listed.rules}


@pytest.mark.req("RT2")
async def test_a_new_version_ends_the_one_before(world: Any) -> None:
    director = world.person("city", "office_director")
    for day, priority in (("2026-01-01", 60), ("2026-07-01", 61)):
        request = rules.PutRoutingRuleRequest(district="329901", rule=bureau_rule(day, priority=priority))
        await world.call("RuleService/PutRoutingRule", request, by=director)
    listed = await world.call("RuleService/ListRoutingRules", rules.ListRoutingRulesRequest(with_history=True), by=director)
    versions = sorted((r.valid_from_on, r.valid_to_on, r.priority) for r in listed.rules if r.code == "R9")
    assert versions == [("2026-01-01", "2026-07-01", 60), ("2026-07-01", "", 61)]
    then = await world.call("RuleService/ListRoutingRules", rules.ListRoutingRulesRequest(on="2026-03-01"), by=director)
    assert [r.priority for r in then.rules if r.code == "R9"] == [60]
    wrong = rules.PutRoutingRuleRequest(district="329901", rule=bureau_rule("2026-07-01", valid_to_on="2026-06-01"))
    assert await reason_of(world.call("RuleService/PutRoutingRule", wrong, by=director)) == "RULE_ENDS_BEFORE_IT_BEGINS"


@pytest.mark.req("RT2")
async def test_reclassification_names_the_lead_anew(world: Any) -> None:
    case_id = await world.classified()
    await world.classify(case_id, category="0402")
    await world.settle()
    assert (await world.case(case_id)).lead_organ_id == world.organs["committee"]
    await world.classify(case_id, category="0402")
    await world.settle()
    assert (await world.events(case_id)).count("LeadNamed") == 2


async def worklist(world: Any, by: Any, **more: Any) -> list[tuple[str, int]]:
    answer = await world.call("ResponsibilityService/ListWorklist", pb.ListWorklistRequest(**more), by=by)
    return [(item.case_id, item.part) for item in answer.items]


async def test_a_worklist_shows_what_a_unit_has_to_do(world: Any) -> None:
    mine, offered = await world.classified("town_b"), await world.classified("village")
    transfer_id = await world.offer(offered, world.person("village"), "town_b")
    await world.settle()
    clerk = world.person("town_b")
    assert dict(await worklist(world, clerk)) == {mine: pb.WORKLIST_PART_RESPONSIBLE, offered: pb.WORKLIST_PART_TO_SIGN}
    assert await worklist(world, clerk, part=pb.WORKLIST_PART_TO_SIGN) == [(offered, pb.WORKLIST_PART_TO_SIGN)]
    answer = await world.call("ResponsibilityService/ListWorklist", pb.ListWorklistRequest(part=pb.WORKLIST_PART_TO_SIGN), by=clerk)
    item = answer.items[0]
    assert (item.pending_transfer_id, item.organ_name, item.category, item.clock_rule_code) == (
        transfer_id,
        "渡口村调委会",
        "0201",
        "SIGN_TRANSFER",
    )
    assert {c for c, _ in await worklist(world, world.person("town"), part=pb.WORKLIST_PART_HELPING)} == {mine, offered}
    assert await worklist(world, world.person("bureau"), part=pb.WORKLIST_PART_HELPING) == []
    assert await worklist(world, clerk, statuses=["accepted"]) == []
    assert await worklist(world, clerk, category="06") == []


async def test_a_worklist_comes_by_the_nearest_clock_in_pages(world: Any) -> None:
    cases = []
    for _ in range(5):
        cases.append(await world.classified("village"))
        world.step(days=1)
    city = world.person("city")
    expected = [c for c, _ in await worklist(world, city, organ_id=world.organs["village"])]
    assert sorted(expected) == sorted(cases)
    dues = []
    found: list[str] = []
    token = ""
    while True:
        request = pb.ListWorklistRequest(organ_id=world.organs["village"], page_size=2, page_token=token)
        answer = await world.call("ResponsibilityService/ListWorklist", request, by=city)
        found += [i.case_id for i in answer.items]
        dues += [i.due_at.ToDatetime(tzinfo=UTC) if i.HasField("due_at") else NEVER for i in answer.items]
        token = answer.next_page_token
        if not token:
            break
    assert found == expected
    assert dues == sorted(dues)
    assert len(set(dues)) > 1
    newest = await worklist(world, city, organ_id=world.organs["village"], sort=pb.WORKLIST_SORT_NEWEST)
    assert [c for c, _ in newest] == cases[::-1]


async def test_the_worklist_of_a_unit_that_is_not_below_mine_does_not_exist(world: Any) -> None:
    request = pb.ListWorklistRequest(organ_id=world.organs["town_b"])
    assert await reason_of(world.call("ResponsibilityService/ListWorklist", request, by=world.person("town"))) == "NOT_FOUND"


@pytest.mark.req("RT5")
async def test_mediators_are_ranked_with_every_part_explained(world: Any) -> None:
    case_id = await world.classified("village", flags=["elderly"])
    answer = await world.call("ResponsibilityService/RankMediators", pb.RankMediatorsRequest(case_id=case_id))
    best = answer.mediators[0]
    assert best.mediator_id == world.people["village", "village_mediator"]
    assert best.score == sum(p.points for p in best.parts)
    assert {p.criterion for p in best.parts} == {"category", "area", "language", "care", "load"}
    assert all(p.zh for p in best.parts)
    assert [m.score for m in answer.mediators] == sorted((m.score for m in answer.mediators), reverse=True)


@pytest.mark.req("RT5")
async def test_who_declined_or_was_recused_cannot_be_chosen_and_load_counts(world: Any) -> None:
    case_id, other = await world.classified("village"), await world.classified("village")
    village, town = world.people["village", "village_mediator"], world.people["town", "mediator"]
    await world.mediation.tell("MediatorChosen", case_id=case_id, assignment_id="x", mediator_id=village, chosen_by="centre")
    await world.mediation.tell("AssignmentAccepted", case_id=case_id, assignment_id="x", mediator_id=village)
    await world.mediation.tell("RecusalDecided", case_id=case_id, recusal_id="r", mediator_id=village, replaced=True)
    await world.mediation.tell("MediatorChosen", case_id=case_id, assignment_id="y", mediator_id=town, chosen_by="centre")
    await world.settle()
    answer = await world.call("ResponsibilityService/RankMediators", pb.RankMediatorsRequest(case_id=case_id))
    ranked = {m.mediator_id: m for m in answer.mediators}
    assert (ranked[village].excluded, ranked[village].score) == ("recused", 0)
    assert answer.mediators[-1].mediator_id == village
    assert ranked[town].open_cases == 1
    elsewhere = await world.call("ResponsibilityService/RankMediators", pb.RankMediatorsRequest(case_id=other))
    assert next(m for m in elsewhere.mediators if m.mediator_id == village).excluded == ""
