"""The directory: import, places by date, posts, and that people get their rights from its log."""

from typing import Any

import pytest

from tiaochu.routing.v1 import directory_service_pb2 as pb
from tiaochu.routing.v1 import responsibility_service_pb2 as cases
from tiaochu_domainkit.errors import DomainError
from tiaochu_kit.ids import new_id
from tiaochu_kit.principal import Principal
from tiaochu_testkit import eventually


async def reason_of(call: Any) -> tuple[str, str]:
    with pytest.raises(DomainError) as refusal:
        await call
    violations = refusal.value.violations
    return (violations[0].path, violations[0].reason) if violations else ("", refusal.value.reason)


@pytest.mark.req("RT1")
async def test_the_same_files_again_change_nothing(world: Any) -> None:
    answer = await world.call("DirectoryService/ImportDirectory", world.directory_request())
    assert (answer.regions, answer.organs, answer.staff, answer.posts, answer.mediators) == (0, 0, 0, 0, 0)


@pytest.mark.req("RT1")
async def test_organs_come_by_place_in_pages(world: Any) -> None:
    dispatcher = world.person("city")
    found: list[str] = []
    token = ""
    for _ in range(4):
        answer = await world.call("DirectoryService/ListOrgans", pb.ListOrgansRequest(page_size=2, page_token=token), by=dispatcher)
        found += [o.code for o in answer.organs]
        token = answer.next_page_token
        if not token:
            break
    assert sorted(found) == sorted(world.organs)
    assert found[0] == "city"
    assert found.index("town") + 1 == found.index("village")


async def test_a_token_of_another_question_is_refused(world: Any) -> None:
    dispatcher = world.person("city")
    answer = await world.call("DirectoryService/ListOrgans", pb.ListOrgansRequest(page_size=2), by=dispatcher)
    other = pb.ListOrgansRequest(kind="town_centre", page_size=2, page_token=answer.next_page_token)
    assert await reason_of(world.call("DirectoryService/ListOrgans", other, by=dispatcher)) == ("page_token", "OTHER_QUESTION")


@pytest.mark.req("RT1")
async def test_a_moved_organ_takes_what_is_below_it_along_and_the_past_stays(world: Any) -> None:
    director = world.person("city", "office_director")
    case_id = await world.classified("village")
    organ = pb.Organ(
        organ_id=world.organs["village"],
        code="village",
        name="渡口村调委会",
        kind="village_committee",
        tier="village",
        region_code="329901100201",
        parent_organ_id=world.organs["town_b"],
        valid_from_on="2026-06-01",
    )
    await world.call("DirectoryService/PlaceOrgan", pb.PlaceOrganRequest(district="329901", organ=organ), by=director)
    await world.settle()
    got = await world.call("DirectoryService/GetOrgan", pb.GetOrganRequest(organ_id=world.organs["village"]), by=director)
    assert [p.valid_from_on for p in got.places] == ["2020-01-01", "2026-06-01"]
    assert world.organs["town_b"] in got.places[1].organ_path
    then = await world.call("DirectoryService/ListOrgans", pb.ListOrgansRequest(on="2026-05-31", kind="village_committee"), by=director)
    assert then.organs[0].parent_organ_id == world.organs["town"]
    mediator = world.people["village", "village_mediator"]
    async with world.routing.kit.database.transaction() as tx:
        rows = await tx.rows("SELECT organ_path FROM posts WHERE person_id = %s", (mediator,))
    assert rows == [(got.places[1].organ_path,)]
    new_upper = world.person("town_b", "centre_director")
    seen = await world.call("ResponsibilityService/GetResponsibility", cases.GetResponsibilityRequest(case_id=case_id), by=new_upper)
    assert seen.responsibility.holdings[-1].organ_path == got.places[1].organ_path
    assert len(seen.responsibility.holdings) == 1
    work = await world.call("ResponsibilityService/ListWorklist", cases.ListWorklistRequest(with_subordinates=True), by=new_upper)
    assert [i.case_id for i in work.items] == [case_id]


@pytest.mark.req("RT1")
async def test_a_unit_cannot_stand_below_itself(world: Any) -> None:
    director = world.person("city", "office_director")
    organ = pb.Organ(
        organ_id=world.organs["town"],
        code="town",
        name="新渡镇调处中心",
        kind="town_centre",
        tier="town",
        region_code="329901100000",
        parent_organ_id=world.organs["village"],
        valid_from_on="2026-06-01",
    )
    request = pb.PlaceOrganRequest(district="329901", organ=organ)
    assert await reason_of(world.call("DirectoryService/PlaceOrgan", request, by=director)) == ("organ.parent_organ_id", "ORGAN_CYCLE")
    request.organ.parent_organ_id = new_id()
    request.request_id = new_id()
    assert await reason_of(world.call("DirectoryService/PlaceOrgan", request, by=director)) == ("organ.parent_organ_id", "ORGAN_UNKNOWN")


@pytest.mark.req("RT1")
async def test_a_post_opens_and_closes(world: Any) -> None:
    director = world.person("city", "office_director")
    person = world.people["town", "mediator"]
    fill = pb.FillPostRequest(
        district="329901", person_id=person, organ_id=world.organs["bureau"], role="dispatcher", valid_from_on="2026-01-01"
    )
    post_id = (await world.call("DirectoryService/FillPost", fill, by=director)).post_id
    await world.settle()
    fill.request_id = new_id()
    assert (await reason_of(world.call("DirectoryService/FillPost", fill, by=director)))[1] == "STATE_FORBIDS"
    listed = await world.call("DirectoryService/ListStaff", pb.ListStaffRequest(organ_id=world.organs["bureau"]), by=director)
    assert [(s.person_id, s.posts[0].role, s.phone) for s in listed.staff] == [(person, "dispatcher", "199****0001")]
    early = pb.VacatePostRequest(post_id=post_id, valid_to_on="2025-12-31")
    assert (await reason_of(world.call("DirectoryService/VacatePost", early, by=director)))[1] == "POST_BEFORE_ITS_BEGINNING"
    await world.call("DirectoryService/VacatePost", pb.VacatePostRequest(post_id=post_id, valid_to_on="2026-02-01"), by=director)
    await world.settle()
    async with world.routing.kit.database.transaction() as tx:
        rows = await tx.rows("SELECT valid_to::text FROM posts WHERE post_id = %s", (post_id,))
    assert rows == [("2026-02-01",)]


@pytest.mark.req("RT1")
async def test_a_post_that_is_filled_again_right_after_it_was_vacated_is_held(world: Any) -> None:
    """All three are read in one batch, and still count in their order."""
    director = world.person("city", "office_director")
    person = world.people["town", "mediator"]
    fill = pb.FillPostRequest(
        district="329901", person_id=person, organ_id=world.organs["bureau"], role="dispatcher", valid_from_on="2026-01-01"
    )
    post_id = (await world.call("DirectoryService/FillPost", fill, by=director)).post_id
    await world.call("DirectoryService/VacatePost", pb.VacatePostRequest(post_id=post_id, valid_to_on="2026-02-01"), by=director)
    fill.request_id = new_id()
    await world.call("DirectoryService/FillPost", fill, by=director)
    await world.read("routing")
    async with world.routing.kit.database.transaction() as tx:
        rows = await tx.rows("SELECT valid_to FROM posts WHERE post_id = %s", (post_id,))
    assert rows == [(None,)]


async def test_a_row_that_names_nobody_is_refused_with_its_path(world: Any) -> None:
    request = world.directory_request()
    request.posts.add(person_id=new_id(), organ_id=world.organs["town"], role="mediator", valid_from_on="2024-01-01")
    assert await reason_of(world.call("DirectoryService/ImportDirectory", request)) == ("posts[5].person_id", "PERSON_UNKNOWN")


async def test_another_district_is_not_mine_to_edit(world: Any) -> None:
    director = world.person("city", "system_admin")
    request = world.directory_request()
    request.district = "329902"
    assert (await reason_of(world.call("DirectoryService/ImportDirectory", request, by=director)))[1] == "OUTSIDE_DISTRICT"


async def test_names_stand_in_no_event(world: Any) -> None:
    async with world.routing.kit.database.transaction() as tx:
        rows = await tx.rows("SELECT payload, headers FROM journal")
    assert all("王伟".encode() not in bytes(payload) and "王伟" not in headers for payload, headers in rows)


@pytest.mark.req("RT1")
async def test_people_get_their_rights_from_the_log_of_the_directory(live_world: Any) -> None:
    world = live_world
    case_id = await world.register("town")
    clerk = world.people["town", "acceptance_clerk"]
    token = world.routing.issuer.token(clerk)

    async def seen() -> bool:
        request = cases.GetResponsibilityRequest(case_id=case_id)
        try:
            await world.routing.call(
                "tiaochu.routing.v1.ResponsibilityService/GetResponsibility",
                request,
                by="service:nobody",
                authorization=f"Bearer {token}",
                tiaochu_organ=world.organs["town"],
            )
        except DomainError:
            return False
        return True

    await eventually(seen)
    assert isinstance(world.person("town"), Principal)
