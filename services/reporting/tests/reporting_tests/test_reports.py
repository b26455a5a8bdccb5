"""The table, the list behind its figures and the locks, through gRPC on real PostgreSQL."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tiaochu.mediation.events.v1 import table_events_pb2 as mediation
from tiaochu.reporting.v1 import report_service_pb2 as pb
from tiaochu.routing.events.v1 import directory_events_pb2 as directory
from tiaochu_domainkit.errors import DomainError, Kind
from tiaochu_kit.ids import new_id
from tiaochu_kit.principal import Principal
from tiaochu_testkit.services import Cell, Running

from .stories import (  # noqa: TID252 - tests of one package
    BUREAU,
    CITY,
    COURTROOM,
    DISTRICT,
    PATHS,
    START,
    TOWN,
    VILLAGE,
    Case,
    Logs,
    Told,
    feed,
    lock,
    lock_on,
    organs,
    placed,
    stamp,
    told_by,
)

REPORT = "tiaochu.reporting.v1.ReportService"
APRIL_3 = datetime(2026, 4, 3, tzinfo=UTC)


async def table(reporting: Running, period: str = "2026-03", *, by: Principal | str = "service:test", **more: Any) -> Any:
    more.setdefault("district", DISTRICT)
    return await reporting.call(f"{REPORT}/GetMonthTable", pb.GetMonthTableRequest(period=period, **more), by=by)


async def figures(reporting: Running, period: str = "2026-03", **more: Any) -> dict[str, int]:
    return dict((await table(reporting, period, **more)).rows[0].values)


async def cases_of(reporting: Running, figure: str, period: str = "2026-03", *, by: Principal | str = "service:test", **more: Any) -> Any:
    more.setdefault("district", DISTRICT)
    return await reporting.call(f"{REPORT}/ListFigureCases", pb.ListFigureCasesRequest(period=period, figure=figure, **more), by=by)


async def proven(reporting: Running, period: str) -> Any:
    answer = await reporting.call(f"{REPORT}/Reconcile", pb.ReconcileRequest(district=DISTRICT, period=period))
    assert [c for c in answer.checks if not c.holds] == []
    assert answer.balanced
    return answer


def person(organ: str = CITY, *roles: str, district: str = DISTRICT) -> Principal:
    return Principal(new_id(), frozenset(roles or {"leader"}), organ, PATHS[organ], frozenset({district}))


def agreed(organ: str = VILLAGE, **more: Any) -> Case:
    return Case(organ=organ).registered(**more).classified().held(organ).accepted().agreed()


@pytest.mark.req("RP1")
async def test_a_table_rolls_up_from_village_to_city(reporting: Running) -> None:
    cases = [
        Case(VILLAGE).registered("initiative", (1, 2), 500).classified("neighbour").accepted().agreed("oral", 300),
        Case(TOWN)
        .registered("court", (2, 2), 700)
        .classified("contract", "complex")
        .accepted()
        .agreed()
        .confirmed()
        .performed("2026-03-25"),
        Case(COURTROOM).registered("police").classified("traffic", "major").accepted().terminated(),
        Case(BUREAU).registered().declined(),
        Case(CITY).registered(),
    ]
    await feed(reporting, Logs(), [*organs(), *told_by(cases)])
    answer = await table(reporting, levels=2)
    assert [r.organ_id for r in answer.rows] == ["", "city", "bureau", "courtroom", "town"]
    whole, city, bureau, courtroom, town = ({k: v for k, v in r.values.items() if v} for r in answer.rows)
    assert whole == city
    assert (town["total"], town["body.village"], town["body.town"], town["parties"], town["amount"]) == (2, 1, 1, 7, 1200)
    assert (town["source.initiative"], town["source.court"], town["source.entrusted"]) == (1, 1, 1)
    assert (town["form.oral"], town["form.written"], town["agreed_amount"], town["performed"]) == (1, 1, 300, 1)
    assert (town["confirmation_applied"], town["confirmation_valid"], town["difficult"]) == (1, 1, 1)
    assert (courtroom["total"], courtroom["failed"], courtroom["body.stationed"], courtroom["type.traffic"]) == (1, 1, 1, 1)
    assert bureau == {"registered": 1, "declined": 1}
    assert (city["registered"], city["accepted"], city["total"], city["difficult"]) == (5, 3, 3, 2)
    assert dict(answer.rows[1].own) == {"registered": 1}
    assert [c.figure for c in answer.columns][:4] == ["registered", "accepted", "declined", "total"]
    assert (await proven(reporting, "2026-03")).cases_recounted == 5


async def test_quarter_half_year_and_year_add_up_their_months(reporting: Running) -> None:
    april = Case(at=APRIL_3).registered().accepted().agreed()
    await feed(reporting, Logs(), told_by([agreed(), april]))
    totals = {
        p: (await figures(reporting, p)).get("total", 0) for p in ("2026-03", "2026-04", "2026-Q1", "2026-Q2", "2026-H1", "2026-H2", "2026")
    }
    assert totals == {"2026-03": 1, "2026-04": 1, "2026-Q1": 1, "2026-Q2": 1, "2026-H1": 2, "2026-H2": 0, "2026": 2}


@pytest.mark.req("RP1")
async def test_the_table_of_any_past_moment_can_be_made_again(reporting: Running) -> None:
    case = Case().registered().classified("neighbour").accepted().agreed()
    agreed_at = case.at
    case.classified("contract", recorded_at=agreed_at + timedelta(days=30))
    await feed(reporting, Logs(), told_by([case]))
    before = await figures(reporting, as_of=stamp(agreed_at - timedelta(seconds=1)))
    then = await figures(reporting, as_of=stamp(agreed_at))
    now = await figures(reporting)
    assert "total" not in before
    assert (then["total"], then["type.neighbour"]) == (1, 1)
    assert (now["total"], now["type.contract"], now.get("type.neighbour", 0)) == (1, 1, 0)


async def test_merged_entries_count_once(reporting: Running) -> None:
    master = agreed()
    merged = Case().registered().classified().merged(master.ident)
    await feed(reporting, Logs(), told_by([master, merged]))
    found = await figures(reporting)
    assert (found["total"], found["registered"]) == (1, 1)
    assert [c.case_id for c in (await cases_of(reporting, "registered")).cases] == [master.ident]


@pytest.mark.req("IN9")
async def test_cases_of_an_old_register_count_in_the_month_they_were_closed(reporting: Running) -> None:
    await feed(reporting, Logs(), told_by([Case().registered(history=True).history("2025-12-31")]))
    found = await figures(reporting, "2025-12")
    assert (found["total"], found["type.contract"], found["performed"]) == (1, 1, 1)
    assert "total" not in await figures(reporting, "2026-03")


async def test_the_same_events_again_change_nothing(reporting: Running) -> None:
    logs = Logs()
    written = logs.write(told_by([agreed(), agreed()]))
    for _ in range(2):
        for producer, events in written.items():
            await reporting.kit.consumers[producer].apply(DISTRICT, events)
    assert (await figures(reporting))["total"] == 2


@pytest.mark.usefixtures("producers")
class TestLocks:
    @pytest.mark.req("RP1")
    async def test_a_correction_of_a_locked_month_is_an_adjustment_of_the_next(self, cell: Cell, reporting: Running) -> None:
        logs = Logs()
        first = Case().registered().classified("neighbour").accepted().agreed()
        await feed(reporting, logs, told_by([first]))
        await lock_on(cell, reporting, "2026-03", datetime(2026, 4, 2, tzinfo=UTC))
        late = Case(at=datetime(2026, 4, 4, tzinfo=UTC)).registered().accepted()
        late.agreed(effective_at=datetime(2026, 3, 30, tzinfo=UTC))
        correction = Told(
            "intake",
            first.classified("contract", recorded_at=datetime(2026, 4, 9, tzinfo=UTC)).told[-1].body,
            first.at,
            first.at,
            first.ident,
        )
        await feed(reporting, logs, [correction, *told_by([late])])
        march = await figures(reporting, "2026-03")
        assert {k: v for k, v in march.items() if k.startswith(("total", "type"))} == {"total": 1, "type.neighbour": 1}
        [april] = (await table(reporting, "2026-04", levels=-1)).rows
        assert {k: v for k, v in april.adjustments.items() if k.startswith(("total", "type"))} == {
            "total": 1,
            "type.contract": 1,
            "type.neighbour": -1,
            "type.other": 1,
        }
        assert april.values["total"] == 1
        both = await figures(reporting, "2026-H1")
        assert (both["total"], both["type.contract"], both.get("type.neighbour", 0)) == (2, 1, 0)
        listed = await cases_of(reporting, "type.neighbour", "2026-04")
        assert [(c.case_id, c.value, c.adjustment, c.month) for c in listed.cases] == [(first.ident, -1, True, "2026-03")]
        for period in ("2026-03", "2026-04", "2026-H1"):
            await proven(reporting, period)

    async def test_a_month_is_locked_once_and_others_can_ask(self, cell: Cell, reporting: Running) -> None:
        asked = pb.ListMonthLocksRequest(district=DISTRICT)
        assert (await reporting.call(f"{REPORT}/ListMonthLocks", asked)).locked_through == ""
        answer = await lock_on(cell, reporting, "2026-03", APRIL_3)
        assert answer.etag == "1"
        listed = await reporting.call(f"{REPORT}/ListMonthLocks", asked)
        assert (listed.locked_through, [k.month for k in listed.locks], listed.locks[0].locked_by) == (
            "2026-03",
            ["2026-03"],
            "service:test",
        )
        assert (await table(reporting, "2026-03")).locked
        assert not (await table(reporting, "2026-H1")).locked
        for month in ("2026-03", "2026-02"):
            with pytest.raises(DomainError) as refusal:
                await lock(reporting, month)
            assert (refusal.value.kind, refusal.value.reason) == (Kind.ALREADY_EXISTS, "MONTH_LOCKED")

    async def test_a_month_that_is_not_over_is_not_locked(self, cell: Cell, reporting: Running) -> None:
        with pytest.raises(DomainError) as refusal:
            await lock_on(cell, reporting, "2026-04", APRIL_3)
        assert refusal.value.reason == "MONTH_NOT_OVER"

    async def test_only_some_roles_lock_and_only_their_own_district(self, cell: Cell, reporting: Running) -> None:
        for who, district, reason in (
            (person(CITY, "leader"), DISTRICT, "ROLE_MISSING"),
            (person(CITY, "statistician"), "329902", "OUTSIDE_DISTRICT"),
        ):
            with pytest.raises(DomainError) as refusal:
                await lock(reporting, "2026-01", by=who, district=district)
            assert refusal.value.reason == reason


class TestFigureCases:
    async def test_pages_hold_every_case_once(self, reporting: Running) -> None:
        cases = [agreed() for _ in range(7)]
        await feed(reporting, Logs(), told_by(cases))
        seen: list[str] = []
        token = ""
        for _ in range(4):
            page = await cases_of(reporting, "total", page_size=2, page_token=token)
            seen += [c.case_id for c in page.cases]
            token = page.next_page_token
        assert (seen, token) == (sorted(c.ident for c in cases), "")

    async def test_a_token_of_another_question_is_refused(self, reporting: Running) -> None:
        await feed(reporting, Logs(), told_by([agreed(), agreed()]))
        page = await cases_of(reporting, "total", page_size=1)
        with pytest.raises(DomainError) as refusal:
            await cases_of(reporting, "successful", page_size=1, page_token=page.next_page_token)
        assert refusal.value.violations[0].reason == "OTHER_QUESTION"

    @pytest.mark.parametrize(
        "figure", ["parties", "amount", "body.village", "body.social", "source.entrusted", "type.contract", "difficult", "form.oral"]
    )
    async def test_every_figure_is_the_sum_of_its_list(self, reporting: Running, figure: str) -> None:
        cases = [
            Case(VILLAGE).registered("court", (1, 3), 900).classified("contract", "major").accepted().agreed("oral"),
            Case(BUREAU).registered("petition", (2, 1), 100).classified("contract").accepted().agreed(),
            agreed(TOWN),
        ]
        await feed(reporting, Logs(), [*organs(), *told_by(cases)])
        listed = await cases_of(reporting, figure)
        assert sum(c.value for c in listed.cases) == (await figures(reporting))[figure] != 0

    async def test_a_unit_sees_what_lies_below_it_and_a_barred_mediator_does_not_see_the_case(self, reporting: Running) -> None:
        mine, other, barred = agreed(VILLAGE), agreed(COURTROOM), agreed(VILLAGE)
        mediator = person(TOWN, "mediator")
        barred.tell("mediation", mediation.RecusalDecided(case_id=barred.ident, recusal_id="r", mediator_id=mediator.id, replaced=True))
        await feed(reporting, Logs(), [*organs(), *told_by([mine, other, barred])])
        assert [c.case_id for c in (await cases_of(reporting, "total", by=mediator)).cases] == [mine.ident]
        assert len((await cases_of(reporting, "total", by=person(TOWN, "leader"))).cases) == 2
        assert len((await cases_of(reporting, "total", by=person(CITY, "leader"))).cases) == 3


class TestScope:
    async def test_a_persons_table_is_that_of_his_own_unit(self, reporting: Running) -> None:
        await feed(reporting, Logs(), [*organs(), *told_by([agreed(VILLAGE), agreed(COURTROOM)])])
        answer = await table(reporting, by=person(TOWN), district="")
        assert [(r.organ_id, r.values["total"], r.kind) for r in answer.rows] == [
            ("town", 1, "town_centre"),
            ("village", 1, "village_committee"),
        ]

    @pytest.mark.parametrize("unit", [CITY, COURTROOM, "nobody"])
    async def test_units_not_below_ones_own_do_not_exist(self, reporting: Running, unit: str) -> None:
        await feed(reporting, Logs(), organs())
        with pytest.raises(DomainError) as refusal:
            await table(reporting, by=person(TOWN), organ_id=unit)
        assert refusal.value.reason == "NOT_FOUND"

    async def test_another_district_is_refused_and_its_cases_are_not_counted(self, reporting: Running) -> None:
        await feed(reporting, Logs("329902"), told_by([agreed()]))
        await feed(reporting, Logs(), told_by([agreed(), agreed()]))
        assert (await figures(reporting, by=person(CITY)))["total"] == 2
        with pytest.raises(DomainError) as refusal:
            await table(reporting, by=person(CITY), district="329902")
        assert refusal.value.reason == "OUTSIDE_DISTRICT"

    async def test_a_service_must_name_the_district(self, reporting: Running) -> None:
        with pytest.raises(DomainError) as refusal:
            await table(reporting, district="")
        assert refusal.value.violations[0].reason == "DISTRICT_REQUIRED"

    @pytest.mark.parametrize(("period", "figure"), [("2026-13", "total"), ("2026", "type.weather"), ("2026", "")])
    async def test_what_cannot_be_asked_is_refused(self, reporting: Running, period: str, figure: str) -> None:
        with pytest.raises(DomainError) as refusal:
            await cases_of(reporting, figure, period)
        assert refusal.value.reason == "FIELD_INVALID"

    async def test_a_handling_body_follows_the_kind_the_organ_had_then(self, reporting: Running) -> None:
        later = START + timedelta(days=60)
        change = placed(VILLAGE, PATHS[VILLAGE], "court_workroom", "village", valid_from_on="2026-05-01")
        assert isinstance(change, directory.OrganPlaced)
        may = Case(at=datetime(2026, 5, 3, tzinfo=UTC)).registered().accepted().agreed()
        await feed(reporting, Logs(), [*organs(), Told("routing", change, later, later), *told_by([agreed(), may])])
        assert (await figures(reporting, "2026-03"))["body.village"] == 1
        assert (await figures(reporting, "2026-05"))["body.stationed"] == 1
