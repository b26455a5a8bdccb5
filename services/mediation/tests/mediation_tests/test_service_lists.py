"""Lists of mediations: what the caller may see, filtered, in order, page by page."""

from typing import Any

import pytest

from tiaochu.mediation.v1 import mediation_service_pb2 as pb
from tiaochu_kit.principal import Principal

from .centre import Centre, person  # noqa: TID252 - tests of one package
from .table import refusal  # noqa: TID252

pytestmark = pytest.mark.asyncio(loop_scope="module")
LIST = "tiaochu.mediation.v1.MediationService/ListMediations"


async def page(centre: Centre, by: Principal, **fields: Any) -> pb.ListMediationsResponse:
    answer: pb.ListMediationsResponse = await centre.running.call(LIST, pb.ListMediationsRequest(**fields), by=by)
    return answer


async def pages(centre: Centre, by: Principal, **fields: Any) -> list[str]:
    """Every case id, two a page."""
    found: list[str] = []
    token = ""
    while True:
        answer = await page(centre, by, page_size=2, page_token=token, **fields)
        assert len(answer.mediations) <= 2
        found += [m.case_id for m in answer.mediations]
        token = answer.next_page_token
        if not token:
            return found


async def test_a_mediators_cases_newest_first_and_by_appointment(centre: Centre) -> None:
    mediator = centre.people.mediator
    cases = [await centre.prepared() for _ in range(5)]
    mine = [c.id for c in reversed(cases)]
    assert await pages(centre, mediator, mediator_id=mediator.id) == mine
    for case in (cases[3], cases[1]):
        await centre.schedule(case)
        centre.later(minutes=5)
    assert await pages(centre, mediator, mediator_id=mediator.id, sort="next_session") == [cases[3].id, cases[1].id]
    await centre.do("SuspendMediation", cases[0], centre.people.clerk, reason="appraisal")
    assert await pages(centre, mediator, mediator_id=mediator.id, statuses=["suspended"]) == [cases[0].id]


async def test_from_above_all_from_the_side_nothing(centre: Centre) -> None:
    case = await centre.prepared()
    filters = {"mediator_id": centre.people.mediator.id}
    assert await pages(centre, centre.people.director, **filters) == [case.id]
    assert await pages(centre, centre.people.stranger, **filters) == []
    assert await pages(centre, person("mediator", district="329902"), **filters) == []


async def test_a_token_of_another_question_is_refused(centre: Centre) -> None:
    for _ in range(2):
        await centre.prepared()
    token = (await page(centre, centre.people.director, page_size=1)).next_page_token
    assert token
    with refusal("FIELD_INVALID"):
        await page(centre, centre.people.director, page_size=1, page_token=token, statuses=["opened"])
    with refusal("FIELD_INVALID"):
        await page(centre, centre.people.director, page_token="nonsense")
    with refusal("FIELD_INVALID"):
        await page(centre, centre.people.director, statuses=["unheard_of"])


@pytest.mark.req("MD1")
async def test_who_acted_for_a_party_and_how_it_was_identified_is_kept(centre: Centre) -> None:
    case = await centre.prepared()
    async with centre.running.kit.database.transaction() as tx:
        rows = await tx.rows("SELECT action, party_id, identity_check, staff_id FROM staff_acts WHERE case_id = %s", (case.id,))
    assert sorted(rows) == sorted(("acknowledge_notice", p, "original_seen", centre.people.clerk.id) for p in case.parties)
