"""Deputies: who may stand in for whom and when, what ends it, and that a deputy acts in the post and as themselves."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiaochu.routing.v1 import directory_service_pb2 as pb
from tiaochu.routing.v1 import responsibility_service_pb2 as cases
from tiaochu_domainkit.errors import DomainError
from tiaochu_kit.ids import new_id
from tiaochu_routing.domain.deputies import Deputation, DeputyRoll
from tiaochu_routing.domain.directory import Post
from tiaochu_testkit import assert_transitions_match, eventually

DISTRICT = "329901"
NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
TODAY = date(2026, 11, 24)
SECONDS = 5


def test_transitions_match() -> None:
    assert_transitions_match(DeputyRoll)


def post_of(person: str) -> Post:
    return Post(id=f"post-{person}", district=DISTRICT, person_id=person, organ_id="o", organ_path="/o/", role="r", valid_from=TODAY)


@pytest.mark.req("RT3")
@given(st.lists(st.tuples(*[st.sampled_from("abcd")] * 2, st.integers(0, 12), st.integers(1, 8)), max_size=12))
def test_no_day_has_two_deputies_of_a_post_or_a_circle(wanted: list[tuple[str, str, int, int]]) -> None:
    roll, refused = DeputyRoll(id="roll", district=DISTRICT), set[str]()
    for number, (principal, deputy, start, length) in enumerate(wanted):
        first = TODAY + timedelta(days=start)
        new = Deputation(str(number), f"post-{principal}", "o", "r", principal, deputy, first, first + timedelta(days=length), "leave")
        try:
            roll.appoint(new, post_of(principal), [post_of(deputy)], TODAY, NOW)
        except DomainError as refusal:
            refused.add(refusal.reason)
    assert refused <= {"FIELD_INVALID", "DEPUTY_OVERLAPS", "DEPUTY_CIRCULAR"}
    for day in (TODAY + timedelta(days=n) for n in range(21)):
        in_force = [d for d in roll.deputations if d.valid_from <= day < d.valid_to]
        stands_in = {d.principal_id: d.deputy_id for d in in_force}
        assert len(stands_in) == len(in_force)
        for person in stands_in:
            reached = person
            for _ in stands_in:
                reached = stands_in.get(reached, "")
                assert reached != person


class Leave:
    """The clerk of the town is away; the mediator of the village, who otherwise sees nothing there, may stand in."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.director = world.person("city", "office_director")
        self.principal = world.people["town", "acceptance_clerk"]
        self.deputy = world.people["village", "village_mediator"]

    async def post(self, organ: str, person: str) -> str:
        listed = await self.world.call("DirectoryService/ListStaff", pb.ListStaffRequest(organ_id=self.world.organs[organ]))
        return str(next(s.posts[-1].post_id for s in listed.staff if s.person_id == person))

    async def appoint(self, first: date, end: date, *, by: Any = None, **other: str) -> str:
        fields = {"post_id": await self.post("town", self.principal), "deputy_id": self.deputy, "ground": "leave", **other}
        request = pb.AppointDeputyRequest(district=DISTRICT, valid_from_on=first.isoformat(), valid_to_on=end.isoformat(), **fields)
        answer = await self.world.call("DirectoryService/AppointDeputy", request, by=by or self.director)
        return str(answer.deputation_id)

    async def refusal(self, first: date, end: date, **other: Any) -> str:
        with pytest.raises(DomainError) as refused:
            await self.appoint(first, end, **other)
        return refused.value.violations[0].reason if refused.value.violations else refused.value.reason

    async def end(self, deputation_id: str, *, by: Any = None, day: str = "") -> None:
        post_id = await self.post("town", self.principal)
        request = pb.EndDeputyRequest(district=DISTRICT, post_id=post_id, deputation_id=deputation_id, valid_to_on=day)
        await self.world.call("DirectoryService/EndDeputy", request, by=by or self.director)

    async def vacate(self, organ: str, person: str, day: date) -> None:
        request = pb.VacatePostRequest(post_id=await self.post(organ, person), valid_to_on=day.isoformat())
        await self.world.call("DirectoryService/VacatePost", request, by=self.director)
        await self.world.settle()

    async def listed(self) -> list[tuple[str, str, str]]:
        answer = await self.world.call("DirectoryService/ListDeputies", pb.ListDeputiesRequest(organ_id=self.world.organs["town"]))
        return [(d.valid_from_on, d.valid_to_on, d.end_ground) for d in answer.deputations]

    async def offered(self) -> cases.SignTransferRequest:
        """A case that waits for the town's signature."""
        case_id = await self.world.classified("town_b")
        transfer_id = await self.world.offer(case_id, self.world.person("town_b"), "town")
        return cases.SignTransferRequest(case_id=case_id, transfer_id=transfer_id)

    async def sign(self, request: cases.SignTransferRequest) -> str:
        """The reason why the deputy may not sign in the town's post, empty when they signed."""
        await self.world.read("routing")
        request.request_id = new_id()
        token = self.world.routing.issuer.token(self.deputy)
        try:
            await self.world.routing.call(
                "tiaochu.routing.v1.ResponsibilityService/SignTransfer",
                request,
                authorization=f"Bearer {token}",
                tiaochu_organ=self.world.organs["town"],
            )
        except DomainError as refused:
            return refused.reason
        return ""

    async def must_sign(self, request: cases.SignTransferRequest) -> None:
        await self._must(request, "")

    async def must_not_sign(self, request: cases.SignTransferRequest) -> None:
        await self._must(request, "ROLE_MISSING")

    async def _must(self, request: cases.SignTransferRequest, reason: str) -> None:
        async def answered() -> bool:
            assert await self.sign(request) == reason
            return True

        await eventually(answered, SECONDS)


@pytest.fixture
def leave(world: Any) -> Leave:
    return Leave(world)


@pytest.mark.req("RT3")
async def test_a_deputy_signs_in_the_post_of_somebody_else_as_themselves(leave: Leave) -> None:
    request = await leave.offered()
    await leave.must_not_sign(request)
    await leave.appoint(TODAY, TODAY + timedelta(days=3))
    await leave.must_sign(request)
    case = await leave.world.case(request.case_id)
    assert case.holdings[-1].organ_id == leave.world.organs["town"]
    async with leave.world.routing.kit.database.transaction() as tx:
        rows = await tx.rows("SELECT headers FROM journal WHERE type LIKE '%%.TransferSigned' AND subject = %s", (request.case_id,))
    told = orjson.loads(rows[0][0])
    assert (told["actor"], told["organ"]) == (leave.deputy, leave.world.organs["town"])
    assert told["deputised_post"] == await leave.post("town", leave.principal)


@pytest.mark.req("RT3")
async def test_nothing_before_and_nothing_after_without_anybody_doing_anything(leave: Leave) -> None:
    """Days begin at midnight in Beijing, eight hours before they do in UTC."""
    request = await leave.offered()
    await leave.appoint(TODAY + timedelta(days=1), TODAY + timedelta(days=2))
    await leave.must_not_sign(request)
    leave.world.step(hours=13, minutes=59)  # 23:59 in Beijing
    await leave.must_not_sign(request)
    leave.world.step(minutes=1)
    await leave.must_sign(request)
    again = await leave.offered()
    leave.world.step(days=1)
    await leave.must_not_sign(again)


@pytest.mark.req("RT3")
async def test_ended_early_is_over_at_once(leave: Leave) -> None:
    deputation = await leave.appoint(TODAY, TODAY + timedelta(days=9))
    request = await leave.offered()
    await leave.end(deputation)
    await leave.must_not_sign(request)
    assert await leave.listed() == [("2026-11-24", "2026-11-24", "recalled")]
    with pytest.raises(DomainError) as refused:
        await leave.end(deputation)
    assert refused.value.reason == "DEPUTATION_OVER"
    await leave.appoint(TODAY, TODAY + timedelta(days=9))


@pytest.mark.req("RT3")
async def test_a_vacated_post_takes_its_deputy_along_and_gives_none_back(leave: Leave) -> None:
    await leave.appoint(TODAY, TODAY + timedelta(days=9))
    request = await leave.offered()
    await leave.vacate("town", leave.principal, TODAY)
    await leave.must_not_sign(request)
    assert await leave.listed() == [("2026-11-24", "2026-11-24", "post_vacated")]
    fill = pb.FillPostRequest(
        district=DISTRICT,
        person_id=leave.principal,
        organ_id=leave.world.organs["town"],
        role="acceptance_clerk",
        valid_from_on="2024-01-01",
    )
    await leave.world.call("DirectoryService/FillPost", fill, by=leave.director)
    await leave.must_not_sign(request)


@pytest.mark.req("RT3")
async def test_a_deputy_who_leaves_stands_in_for_nobody(leave: Leave) -> None:
    await leave.appoint(TODAY, TODAY + timedelta(days=9))
    request = await leave.offered()
    await leave.vacate("village", leave.deputy, TODAY + timedelta(days=1))
    assert await leave.listed() == [("2026-11-24", "2026-11-25", "deputy_left")]
    leave.world.step(days=1)
    await leave.must_not_sign(request)
    assert await leave.refusal(TODAY + timedelta(days=1), TODAY + timedelta(days=2)) == "DEPUTY_NOT_ACTIVE"


@pytest.mark.req("RT3")
async def test_who_is_refused_as_a_deputy(leave: Leave) -> None:
    week = (TODAY, TODAY + timedelta(days=7))
    assert await leave.refusal(*week, deputy_id=leave.principal) == "DEPUTY_IS_PRINCIPAL"
    assert await leave.refusal(*week, deputy_id=new_id()) == "PERSON_UNKNOWN"
    assert await leave.refusal(*week, post_id=new_id()) == "POST_UNKNOWN"
    assert await leave.refusal(TODAY, TODAY) == "DEPUTY_PERIOD_EMPTY"
    assert await leave.refusal(TODAY - timedelta(days=1), TODAY + timedelta(days=1)) == "DATE_PAST"
    assert await leave.refusal(*week, by=leave.world.person("town_b", "office_director")) == "OUTSIDE_SUBTREE"
    assert await leave.refusal(*week, by=leave.world.person("town", "acceptance_clerk")) == "ROLE_MISSING"
    await leave.appoint(*week, by=leave.world.person("town", "office_director"))
    assert await leave.refusal(TODAY + timedelta(days=6), TODAY + timedelta(days=8)) == "DEPUTY_OVERLAPS"
    back = {"post_id": await leave.post("village", leave.deputy), "deputy_id": leave.principal}
    assert await leave.refusal(*week, **back) == "DEPUTY_CIRCULAR"
    await leave.appoint(TODAY + timedelta(days=7), TODAY + timedelta(days=8), **back)


@pytest.mark.req("RT3")
async def test_two_who_would_stand_in_for_each_other_are_never_both_appointed(leave: Leave) -> None:
    back = {"post_id": await leave.post("village", leave.deputy), "deputy_id": leave.principal}
    for run in range(15):
        days = (TODAY + timedelta(days=run), TODAY + timedelta(days=run + 1))
        outcomes = await asyncio.gather(leave.appoint(*days), leave.appoint(*days, **back), return_exceptions=True)
        assert sorted(o.reason if isinstance(o, DomainError) else "" for o in outcomes) == ["", "DEPUTY_CIRCULAR"], outcomes
