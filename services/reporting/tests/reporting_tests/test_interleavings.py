"""Random histories, fed in random interleavings of the producers, against a plain count: the order of arrival never matters."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tiaochu.reporting.v1 import report_service_pb2 as pb
from tiaochu_domainkit.codes import ENTRUSTED_SOURCES, code_list
from tiaochu_reporting.domain.periods import month_of, month_text, previous_month
from tiaochu_testkit.services import Cell, Running

from .stories import (  # noqa: TID252 - tests of one package
    BUREAU,
    COURTROOM,
    KINDS,
    PATHS,
    TOWN,
    VILLAGE,
    Case,
    Logs,
    Told,
    feed_in_turns,
    lock_on,
    organs,
    stamp,
    told_by,
)

REPORT = "tiaochu.reporting.v1.ReportService"
FIRST_DAY = datetime(2026, 1, 10, 2, tzinfo=UTC)
PERIOD = "2026"
BODY = {"village_committee": "village", "town_centre": "town", "court_workroom": "stationed", "labour_bureau": "social"}
_districts = (f"{number:06d}" for number in itertools.count(110101))


@dataclass(frozen=True)
class Plot:
    """What happens to one case, in the words of the plain count."""

    organ: str
    source: str
    parties: tuple[int, int]
    amount_fen: int
    types: tuple[str, ...]
    """Classifications; the last one stands."""
    difficulty: str
    kind: str
    outcome: str
    form: str
    merged: bool
    gap_hours: int
    late_days: int
    """Corrections and the merge come so much later."""

    def tell(self) -> Case:
        case = Case(organ=self.organ, at=FIRST_DAY + timedelta(hours=self.gap_hours))
        history = self.outcome == "history"
        case.registered(self.source, self.parties, self.amount_fen, history=history)
        first, *corrections = self.types
        case.classified(first, self.difficulty)
        if history:
            case.history("2026-02-03", form=self.form)
        elif self.outcome == "declined":
            case.declined()
        elif self.outcome == "dropped":
            case.terminated(before_acceptance=True)
        elif self.outcome != "open":
            case.held(self.organ).accepted(self.kind)
            self._end(case)
        case.at += timedelta(days=self.late_days)
        for moj_type in corrections:
            case.classified(moj_type, self.difficulty)
        return case.merged("master") if self.merged else case

    def _end(self, case: Case) -> None:
        if self.outcome == "failed":
            case.terminated()
        elif self.outcome in ("agreed", "performed", "confirmed"):
            case.agreed(self.form)
        if self.outcome == "performed":
            case.performed(case.at.date().isoformat())
        if self.outcome == "confirmed":
            case.confirmed()

    def count(self) -> Counter[str]:
        """The plain count of this case's columns for the year."""
        if self.merged:
            return Counter()
        found = Counter(registered=1, declined=self.outcome == "declined")
        mediated = self.outcome in ("accepted", "failed", "agreed", "performed", "confirmed")
        found["accepted"] += mediated
        if not (self.outcome == "history" or (mediated and self.outcome != "accepted")):
            return found
        if self.kind != "people" and self.outcome != "history":
            found["other_mediation"] += 1
        else:
            self._count_result(found)
        found["performed"] += self.outcome in ("performed", "history")
        for column in ("confirmation_applied", "confirmation_valid"):
            found[column] += self.outcome == "confirmed"
        return found

    def _count_result(self, found: Counter[str]) -> None:
        history, agreed = self.outcome == "history", self.outcome != "failed"
        moj_type = "contract" if history else self.types[-1]
        found.update(total=1, parties=sum(self.parties), amount=self.amount_fen, successful=agreed, failed=not agreed)
        found["difficult"] += self.difficulty in ("complex", "major") and not history
        found["agreed_amount"] += self.amount_fen if history else 0
        found[f"body.{BODY[KINDS[self.organ]]}"] += 1
        found[f"source.{self.source}"] += 1
        found["source.entrusted"] += self.source in ENTRUSTED_SOURCES
        found[f"type.{moj_type or 'other'}"] += 1
        if agreed:
            found[f"form.{self.form}"] += 1


plots = st.builds(
    Plot,
    organ=st.sampled_from([VILLAGE, TOWN, COURTROOM, BUREAU]),
    source=st.sampled_from(list(code_list("source").names)),
    parties=st.tuples(st.integers(1, 3), st.integers(1, 30)),
    amount_fen=st.integers(0, 10**13),
    types=st.lists(st.sampled_from(["", *code_list("moj_type").names]), min_size=1, max_size=3).map(tuple),
    difficulty=st.sampled_from(["", "simple", "ordinary", "complex", "major"]),
    kind=st.sampled_from(["people", "people", "administrative"]),
    outcome=st.sampled_from(["open", "declined", "dropped", "accepted", "failed", "agreed", "performed", "confirmed", "history"]),
    form=st.sampled_from(["oral", "written"]),
    merged=st.sampled_from([False, False, False, True]),
    gap_hours=st.integers(0, 24 * 200),
    late_days=st.integers(0, 60),
)


def turns(seed: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    return itertools.cycle(seed)


async def told_to(reporting: Running, told: list[Told], order: list[tuple[int, int]]) -> str:
    """Feed a fresh district; answers it."""
    district = next(_districts)
    await feed_in_turns(reporting, Logs(district), told, turns(order))
    return district


async def values_by_unit(reporting: Running, district: str, as_of: datetime | None = None) -> dict[str, dict[str, int]]:
    request = pb.GetMonthTableRequest(district=district, period=PERIOD, levels=8, as_of=stamp(as_of) if as_of else None)
    answer = await reporting.call(f"{REPORT}/GetMonthTable", request)
    return {row.organ_id: {k: v for k, v in row.values.items() if v} for row in answer.rows}


orders = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 40)), min_size=1, max_size=8)


@pytest.mark.req("RP1")
@given(cases=st.lists(plots, min_size=1, max_size=8), one=orders, other=orders, cut_days=st.integers(0, 220))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_figures_are_a_pure_function_of_what_was_recorded(
    reporting: Running, cases: list[Plot], one: list[tuple[int, int]], other: list[tuple[int, int]], cut_days: int
) -> None:
    told = [*organs(), *told_by([plot.tell() for plot in cases])]
    district = await told_to(reporting, told, one)
    table = await values_by_unit(reporting, district)

    expected = sum((plot.count() for plot in cases), Counter[str]())
    assert table[""] == {column: value for column, value in expected.items() if value}
    for unit in (VILLAGE, TOWN, COURTROOM, BUREAU):
        below = [plot for plot in cases if f"/{unit}/" in PATHS[plot.organ]]
        assert table[unit] == {c: v for c, v in sum((p.count() for p in below), Counter[str]()).items() if v}

    then = FIRST_DAY + timedelta(days=cut_days)
    again = [*organs(), *told_by([plot.tell() for plot in cases])]
    early = await told_to(reporting, [t for t in again if t.recorded_at <= then], other)
    assert await values_by_unit(reporting, district, as_of=then) == await values_by_unit(reporting, early)

    proof = await reporting.call(f"{REPORT}/Reconcile", pb.ReconcileRequest(district=district, period=PERIOD))
    assert [c for c in proof.checks if not c.holds] == []
    assert proof.cases_recounted == len(cases)


async def test_consumers_of_several_logs_may_touch_one_case_at_once(reporting: Running) -> None:
    for _ in range(10):
        district = next(_districts)
        logs = Logs(district)
        cases = [Case().registered().classified().accepted().agreed().performed("2026-03-30") for _ in range(5)]
        written = logs.write(told_by(cases))
        await asyncio.gather(*(reporting.kit.consumers[producer].apply(district, events) for producer, events in written.items()))
        found = (await values_by_unit(reporting, district))[""]
        assert (found["registered"], found["accepted"], found["total"], found["performed"]) == (5, 5, 5, 5)


@pytest.mark.req("RP1")
@pytest.mark.usefixtures("producers")
@given(
    cases=st.lists(plots, min_size=3, max_size=10),
    order=orders,
    locks=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 40)), max_size=3),
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_locked_or_not_every_period_is_proven_at_every_moment_and_months_add_up(
    cell: Cell, reporting: Running, cases: list[Plot], order: list[tuple[int, int]], locks: list[tuple[int, int]]
) -> None:
    """Reconcile counts again from the facts by `Cut.shows`; the table comes from totals and, inside a divided week, from postings."""
    told = told_by([plot.tell() for plot in cases])
    district = await told_to(reporting, [*organs(), *told], order)
    # A lock falls some hours from something recorded, so that it divides a week in which there is something to divide.
    at = sorted(told[pick % len(told)].recorded_at + timedelta(hours=hours) for pick, hours in locks)
    last = date(2025, 12, 1)
    for day in at:
        month = previous_month(month_of(day - timedelta(minutes=2)))
        if month > last:
            await lock_on(cell, reporting, month_text(month), day, district=district)
            last = month
    moments = [None, *(day + timedelta(days=2) for day in at), datetime(2026, 4, 15, 7, tzinfo=UTC)]
    for period, as_of in itertools.product([*(f"2026-{m:02d}" for m in range(1, 7)), "2026-Q2", "2026-H2"], moments):
        request = pb.ReconcileRequest(district=district, period=period, as_of=stamp(as_of) if as_of else None)
        proof = await reporting.call(f"{REPORT}/Reconcile", request)
        assert [(period, c) for c in proof.checks if not c.holds] == []
    whole = (await values_by_unit(reporting, district))[""]
    parts: Counter[str] = Counter()
    for number in range(1, 13):
        asked = pb.GetMonthTableRequest(district=district, period=f"2026-{number:02d}")
        parts.update((await reporting.call(f"{REPORT}/GetMonthTable", asked)).rows[0].values)
    assert {column: value for column, value in parts.items() if value} == whole
