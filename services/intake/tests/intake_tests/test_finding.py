"""Lists, full text, duplicates, suggestions, settings: through gRPC, on real PostgreSQL."""

import random
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from tiaochu.intake.v1 import case_commands_pb2 as commands
from tiaochu.intake.v1 import case_pb2
from tiaochu.intake.v1 import case_queries_pb2 as pb
from tiaochu.intake.v1 import keyword_service_pb2 as keyword_pb
from tiaochu.intake.v1 import policy_service_pb2 as policy_pb
from tiaochu.routing.events.v1 import responsibility_events_pb2
from tiaochu_domainkit.errors import DomainError
from tiaochu_domainkit.stages import IntakeSlice, MediationSlice, RoutingSlice, Stage, case_stage
from tiaochu_intake.store.tables import CASES, JOINED, stage
from tiaochu_testkit import mothers

from .desk import (  # noqa: TID252 - tests of one package
    CITY,
    CLERK,
    DISPATCHER,
    DISTRICT,
    FOREIGN_CLERK,
    MEDIATOR,
    OTHER_CLERK,
    OTHER_TOWN,
    PATHS,
    STATISTICIAN,
    TOWN,
    Desk,
    classification,
    person,
    staff,
)

KEYWORDS, POLICIES = "tiaochu.intake.v1.KeywordService/", "tiaochu.intake.v1.PolicyService/"
HEAD = staff("office_director", CITY)


async def reason(call: Any) -> str:
    with pytest.raises(DomainError) as caught:
        await call
    return caught.value.violations[0].reason if caught.value.violations else caught.value.reason


async def listed(desk: Desk, by: Any = DISPATCHER, **given: Any) -> list[str]:
    answer = await desk.call("ListCases", pb.ListCasesRequest(**given), by)
    return [c.case_id for c in answer.cases]


async def found(desk: Desk, text: str, by: Any = DISPATCHER, **given: Any) -> list[str]:
    answer = await desk.call("SearchCases", pb.SearchCasesRequest(text=text, **given), by)
    return [c.case_id for c in answer.cases]


class TestLists:
    async def test_pages_hold_everything_once_in_every_order(self, desk: Desk) -> None:
        amounts = ["10", "30", "20", "30", "", "10", "5"]
        ids = [
            (await desk.registered(n, claims=[case_pb2.ClaimInput(kind="pay", text="赔偿", amount=a)])).case_id
            for n, a in enumerate(amounts)
        ]
        for order_by, expected in (("", ids[::-1]), ("received_at", ids), ("case_number", ids), ("-case_number", ids[::-1])):
            assert await self.paged(desk, order_by) == expected
        by_amount = await self.paged(desk, "-amount")
        assert [float(amounts[ids.index(i)] or 0) for i in by_amount] == sorted((float(a or 0) for a in amounts), reverse=True)
        assert set(by_amount) == set(ids)

    async def paged(self, desk: Desk, order_by: str) -> list[str]:
        gathered: list[str] = []
        token = ""
        while True:
            request = pb.ListCasesRequest(order_by=order_by, page_size=3, page_token=token)
            answer = await desk.call("ListCases", request, DISPATCHER)
            gathered += [c.case_id for c in answer.cases]
            token = answer.next_page_token
            if not token:
                return gathered

    async def test_filters(self, desk: Desk) -> None:
        await desk.place_organs()
        plain, classed = (await desk.registered(1)).case_id, (await desk.registered(2, channel="hotline")).case_id
        village = (await desk.registered(3, by=MEDIATOR, region_code="329901100202")).case_id
        await desk.call("ClassifyCase", classification(classed, category="0402", difficulty="complex", risk="yellow"))
        assert await listed(desk, channel="hotline") == [classed]
        assert await listed(desk, category="04") == [classed]
        assert await listed(desk, difficulty="complex", risk="yellow") == [classed]
        assert await listed(desk, statuses=["registered"]) == [village, plain]
        assert await listed(desk, stages=[30]) == [classed]
        assert await listed(desk, region_prefix="329901100202") == [village]
        assert await listed(desk, organ_id=MEDIATOR.organ_id) == [village]
        number = (await desk.get(plain)).case_number
        assert await listed(desk, case_number_prefix=number) == [plain]
        assert await reason(listed(desk, organ_id="0190d000-0000-7000-8000-000000000001")) == "ORGAN_UNKNOWN"
        assert await reason(listed(desk, order_by="name")) == "STRING_IN"

    async def test_who_sees_what(self, desk: Desk) -> None:
        town, village = (await desk.registered(1)).case_id, (await desk.registered(2, by=MEDIATOR)).case_id
        assert set(await listed(desk, CLERK)) == {town, village}
        assert await listed(desk, MEDIATOR) == [village]
        assert await listed(desk, OTHER_CLERK) == []
        assert await listed(desk, FOREIGN_CLERK) == []
        offered = responsibility_events_pb2.TransferOffered(
            case_id=town, transfer_id="t", from_organ_id=TOWN, to_organ_id=OTHER_TOWN, to_organ_path=PATHS[OTHER_TOWN]
        )
        await desk.hear(offered)
        assert await listed(desk, OTHER_CLERK) == [town]
        assert (await desk.get(town, OTHER_CLERK)).stage == 20 + 15

    async def test_a_token_of_another_question_is_refused(self, desk: Desk) -> None:
        for n in range(3):
            await desk.registered(n)
        answer = await desk.call("ListCases", pb.ListCasesRequest(page_size=2), DISPATCHER)
        other = pb.ListCasesRequest(page_size=2, channel="hotline", page_token=answer.next_page_token)
        assert await reason(desk.call("ListCases", other, DISPATCHER)) == "OTHER_QUESTION"

    async def test_a_minors_name_is_hidden_in_lists(self, desk: Desk) -> None:
        child, parent = mothers.person(1, born=date(2015, 1, 1)), mothers.person(2)
        guardian = case_pb2.RepresentativeInput(kind="guardian", name=parent.name, id_type="resident_id", id_number=parent.id_number)
        party = case_pb2.PartyInput(
            kind="person", name="王小明", id_type="resident_id", id_number=child.id_number, representatives=[guardian]
        )
        case_id = (await desk.registered(applicants=[party])).case_id
        answer = await desk.call("ListCases", pb.ListCasesRequest(), DISPATCHER)
        assert list(answer.cases[0].applicants) == ["***"]
        assert (await desk.get(case_id)).parties[0].name == "王小明"


class TestStageInSql:
    async def test_it_is_the_function(self, desk: Desk) -> None:
        """`store.tables.stage` and `case_stage` read the same slices alike."""
        rng = random.Random(7)
        expected: dict[str, int] = {}
        for n in range(60):
            case_id = (await desk.registered(n, case_id=f"0190e000-0000-7000-8000-{n:012d}")).case_id
            own = rng.choice(
                [
                    IntakeSlice(registered=True),
                    IntakeSlice(registered=True, classified=True),
                    IntakeSlice(registered=True, correction="open"),
                    IntakeSlice(registered=True, consent="asked"),
                    IntakeSlice(registered=True, withdrawn=True),
                    IntakeSlice(registered=True, merged=True),
                    IntakeSlice(registered=True, history=True),
                ]
            )
            routing = RoutingSlice(*(rng.random() < 0.4 for _ in range(4)))
            mediation = MediationSlice(stage=rng.choice([0, 0, *(int(s) for s in Stage if 50 <= s <= 98)]))
            expected[case_id] = int(case_stage(own, routing, mediation))
            await self.write(desk, case_id, own, routing, mediation, copies=rng.random() < 0.9)
            if not await self.has_copies(desk, case_id):
                expected[case_id] = int(case_stage(own, RoutingSlice(), MediationSlice()))
        async with desk.running.kit.database.read_scope() as connection:
            rows = await connection.execute(select(CASES.c.id, stage()).select_from(JOINED))
            assert dict(tuple(row) for row in rows) == expected

    async def write(
        self, desk: Desk, case_id: str, own: IntakeSlice, routing: RoutingSlice, mediation: MediationSlice, *, copies: bool
    ) -> None:
        own_stage = int(case_stage(own, RoutingSlice(), MediationSlice()))
        async with desk.running.kit.database.transaction() as tx:
            await tx.queue("UPDATE cases SET own_stage = %s WHERE id = %s", (own_stage, case_id))
            if copies:
                values = (case_id, DISTRICT, routing.transfer_pending, routing.accepted, routing.declined, routing.ended)
                await tx.queue("INSERT INTO routing_copies VALUES (%s, %s, 'copied', 1, %s, %s, %s, %s, '', '{}')", values)
                await tx.queue("INSERT INTO mediation_copies VALUES (%s, %s, 'copied', 1, %s, '{}')", (case_id, DISTRICT, mediation.stage))

    async def has_copies(self, desk: Desk, case_id: str) -> bool:
        async with desk.running.kit.database.transaction() as tx:
            return bool(await tx.rows("SELECT 1 FROM routing_copies WHERE id = %s", (case_id,)))


@pytest.mark.req("RP8")
class TestSearch:
    async def test_every_stretch_of_two_characters_and_more_is_found_at_once(self, desk: Desk) -> None:
        facts = "王家屋檐滴水,流入李家院内;双方争吵不休。䶮𠅤㛃"
        case_id = (await desk.registered(1, facts=facts, place="和谐村东头")).case_id
        await desk.registered(2, facts="借款三万元到期不还。")
        kept = [c for c in facts if c not in ",;。"]
        for length in (2, 3, 5, 9):
            for start in range(len(kept) - length + 1):
                assert case_id in await found(desk, "".join(kept[start : start + length]))
        assert await found(desk, "滴水,流入") == [case_id]
        assert await found(desk, "滴水 争吵") == [case_id]
        assert await found(desk, "村东") == [case_id]
        assert await found(desk, "东头王家") == []

    async def test_names_numbers_and_whole_phone_or_paper_numbers(self, desk: Desk) -> None:
        answer = await desk.registered(1)
        await desk.registered(2)
        someone = mothers.person(2)
        for typed in (
            someone.name,
            answer.case_number,
            answer.case_number[-6:],
            someone.phone,
            someone.id_number,
            someone.id_number.lower(),
        ):
            assert answer.case_id in await found(desk, typed)
        assert await found(desk, someone.phone) == [answer.case_id]
        assert await found(desk, someone.phone[:8]) == []

    async def test_a_corrected_name_is_found_and_the_old_one_no_more(self, desk: Desk) -> None:
        answer = await desk.registered(1)
        party = case_pb2.PartyInput(party_id=answer.applicant_ids[0], kind="person", name="欧阳䶮")
        before = (await desk.get(answer.case_id)).parties[0].name
        await desk.call("CorrectParty", commands.CorrectPartyRequest(case_id=answer.case_id, party=party))
        assert await found(desk, "欧阳䶮") == [answer.case_id]
        assert await found(desk, before + "第1") == []

    async def test_newest_first_in_pages_and_only_what_one_may_see(self, desk: Desk) -> None:
        ids = [(await desk.registered(n, facts=f"滴水纠纷{n}号")).case_id for n in range(5)]
        first = await desk.call("SearchCases", pb.SearchCasesRequest(text="滴水纠纷", page_size=3), DISPATCHER)
        second = pb.SearchCasesRequest(text="滴水纠纷", page_size=3, page_token=first.next_page_token)
        rest = await desk.call("SearchCases", second, DISPATCHER)
        assert [c.case_id for c in (*first.cases, *rest.cases)] == ids[::-1]
        assert "滴水" in first.cases[0].excerpt
        assert await found(desk, "滴水纠纷", OTHER_CLERK) == []
        assert await found(desk, "滴水纠纷", FOREIGN_CLERK) == []

    async def test_one_character_is_too_little_and_signs_do_no_harm(self, desk: Desk) -> None:
        assert await reason(found(desk, "水")) == "QUERY_TOO_SHORT"
        assert await reason(found(desk, "'|&!")) == "QUERY_TOO_SHORT"
        await desk.registered(1, facts="it's 'quoted' & |barred| <-> !")
        assert len(await found(desk, "'quoted' & |barred|")) == 1


@pytest.mark.req("IN4")
class TestDuplicates:
    async def candidates(self, desk: Desk, case_id: str, by: Any = DISPATCHER) -> list[tuple[str, str]]:
        answer = await desk.call("FindDuplicates", pb.FindDuplicatesRequest(case_id=case_id), by)
        return [(c.case.case_id, c.ground) for c in answer.candidates]

    async def test_two_doors_for_one_dispute(self, desk: Desk) -> None:
        sides: dict[str, Any] = {"applicants": [person(1)], "respondents": [person(2)], "category_hint": "0201"}
        first = (await desk.registered(1, **sides)).case_id
        by_phone = person(1, id_type="none", id_number="", identity_note="电话登记")
        other_door = (await desk.registered(2, **sides | {"applicants": [by_phone]}, channel="hotline")).case_id
        swapped = (await desk.registered(3, **sides | {"applicants": [person(2)], "respondents": [person(1)]})).case_id
        await desk.registered(4, **sides | {"category_hint": "0804"}, facts="借款三万元到期不还。")
        await desk.registered(5, **sides | {"respondents": [person(3)]}, facts="租房押金不退。")
        assert set(await self.candidates(desk, first)) == {(other_door, "same_parties"), (swapped, "same_parties")}

    async def test_same_place_same_respondent_alike_text(self, desk: Desk) -> None:
        facts = "王某在和谐村新建围墙,占用了原有的巷道,影响村民通行,多人到村反映。"
        first = (await desk.registered(1, facts=facts, respondents=[person(9)])).case_id
        alike = (await desk.registered(2, facts=facts + "要求拆除。", respondents=[person(9)])).case_id
        await desk.registered(3, facts="借款三万元到期不还,经多次催讨仍不归还本金利息。", respondents=[person(9)])
        await desk.registered(4, facts=facts, respondents=[person(9)], region_code="329901100202")
        assert await self.candidates(desk, first) == [(alike, "same_place")]

    async def test_only_what_one_may_see_and_not_beyond_the_window(self, desk: Desk) -> None:
        sides: dict[str, Any] = {"applicants": [person(1)], "respondents": [person(2)], "category_hint": "0201"}
        await desk.registered(1, **sides)
        village = (await desk.registered(2, **sides, by=MEDIATOR)).case_id
        assert await self.candidates(desk, village, MEDIATOR) == []
        assert len(await self.candidates(desk, village)) == 1


@pytest.mark.req("IN4")
class TestSuggestions:
    async def suggested(self, desk: Desk, text: str) -> list[tuple[str, list[str]]]:
        answer = await desk.call("SuggestCategory", pb.SuggestCategoryRequest(text=text))
        return [(s.category, list(s.keywords)) for s in answer.suggestions]

    async def test_the_text_suggests_and_the_district_edits(self, desk: Desk) -> None:
        assert (await self.suggested(desk, "包工头拖欠工资三个月"))[0][0] == "0701"
        assert await self.suggested(desk, "无从说起") == []
        change = keyword_pb.ChangeKeywordsRequest(district=DISTRICT, put=[keyword_pb.Keyword(word="从说", category="1099", weight=9)])
        changed = await desk.call(KEYWORDS + "ChangeKeywords", change, HEAD)
        assert await self.suggested(desk, "无从说起") == [("1099", ["从说"])]
        shown = await desk.call(KEYWORDS + "ListKeywords", keyword_pb.ListKeywordsRequest(category="1099"))
        assert ([k.word for k in shown.keywords], shown.etag) == (["从说"], changed.etag)
        remove = keyword_pb.ChangeKeywordsRequest(district=DISTRICT, remove=[keyword_pb.KeywordKey(word="从说", category="1099")])
        await desk.call(KEYWORDS + "ChangeKeywords", remove, HEAD)
        assert await self.suggested(desk, "无从说起") == []
        assert await reason(desk.call(KEYWORDS + "ChangeKeywords", remove, HEAD)) == "KEYWORD_UNKNOWN"
        assert await reason(desk.call(KEYWORDS + "ChangeKeywords", change, CLERK)) == "ROLE_MISSING"
        foreign = keyword_pb.ChangeKeywordsRequest(district="329902", put=change.put)
        assert await reason(desk.call(KEYWORDS + "ChangeKeywords", foreign, HEAD)) == "OUTSIDE_DISTRICT"


class TestPolicies:
    async def test_a_value_holds_from_a_day_on_for_its_district(self, desk: Desk) -> None:
        put = policy_pb.PutPolicyRequest(district=DISTRICT, name="consent_attempts", value=5, valid_from_on="2999-01-01")
        await desk.call(POLICIES + "PutPolicy", put, HEAD)

        async def value(on: str) -> int:
            answer = await desk.call(POLICIES + "ListPolicies", policy_pb.ListPoliciesRequest(on=on), HEAD)
            return next(int(p.value) for p in answer.policies if p.name == "consent_attempts")

        assert (await value(""), await value("2998-12-31"), await value("2999-01-01")) == (3, 3, 5)

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ({"name": "colour"}, "SETTING_UNKNOWN"),
            ({"value": 99}, "SETTING_RANGE"),
            ({"valid_from_on": "2020-01-01"}, "VALID_FROM_PAST"),
            ({"valid_from_on": "2025-02-29"}, "DATE_UNREAL"),
            ({"district": "329902"}, "OUTSIDE_DISTRICT"),
        ],
    )
    async def test_refusals(self, desk: Desk, given: dict[str, Any], expected: str) -> None:
        fields: dict[str, Any] = {"district": DISTRICT, "name": "consent_attempts", "value": 4}
        assert await reason(desk.call(POLICIES + "PutPolicy", policy_pb.PutPolicyRequest(**fields | given), HEAD)) == expected
        assert (
            await reason(
                desk.call(POLICIES + "PutPolicy", policy_pb.PutPolicyRequest(**fields), replace(STATISTICIAN, roles=frozenset({"leader"})))
            )
            == "ROLE_MISSING"
        )
