"""The rules of counting, without any machinery."""

from dataclasses import fields
from datetime import UTC, date, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiaochu.reporting.events.v1 import report_events_pb2
from tiaochu_domainkit.errors import DomainError
from tiaochu_reporting.domain import events
from tiaochu_reporting.domain.books import Books, Lock, books_id, cut
from tiaochu_reporting.domain.facts import FACTS, Fact
from tiaochu_reporting.domain.figures import FIGURES, WHOLE, Organ, Tally, body_of, figure, rows, values
from tiaochu_reporting.domain.ledger import Entry, entries, head, postings
from tiaochu_reporting.domain.periods import Period, next_month, parse_month, parse_period, previous_month
from tiaochu_reporting.usecases.fold import fact
from tiaochu_testkit.transitions import assert_transitions_match

from .stories import PATHS, TOWN, VILLAGE, Case  # noqa: TID252 - tests of one package

BEIJING = timezone(timedelta(hours=8))
MARCH, APRIL, MAY = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)


def facts_of(case: Case) -> list[Fact]:
    """The case's events as the consumer would cut them down."""
    made = []
    positions: dict[str, int] = {}
    for told in case.told:
        type_ = told.body.DESCRIPTOR.full_name
        positions[told.producer] = positions.get(told.producer, 0) + 1
        if type_ in FACTS:
            event = SimpleNamespace(
                body=told.body,
                district="329901",
                producer=told.producer,
                position=positions[told.producer],
                type=type_,
                occurred_at=told.occurred_at,
                recorded_at=told.recorded_at,
            )
            made.append(fact(cast("Any", event)))
    return made


def months(case: Case) -> dict[str, date]:
    return {act: e.month for act, e in entries(facts_of(case)).items()}


def test_transitions_as_data_equal_the_methods() -> None:
    assert_transitions_match(Books)


def test_events_have_the_fields_of_their_messages() -> None:
    messages = report_events_pb2.DESCRIPTOR.message_types_by_name
    classes = {n: c for n, c in vars(events).items() if isinstance(c, type) and c.__module__ == events.__name__}
    assert set(classes) == set(messages)
    for name, cls in classes.items():
        assert [f.name for f in fields(cls)] == [f.name for f in messages[name].fields]


def test_a_case_counts_in_the_month_its_agreement_took_effect_and_its_performance_in_its_own() -> None:
    case = Case().registered().classified().accepted()
    case.agreed(recorded_at=datetime(2026, 4, 2, tzinfo=BEIJING), effective_at=datetime(2026, 3, 31, 23, 59, tzinfo=BEIJING))
    case.performed("2026-05-20", recorded_at=datetime(2026, 5, 21, tzinfo=BEIJING))
    assert months(case) == {"registered": MARCH, "accepted": MARCH, "result": MARCH, "performed": MAY}


def test_midnight_in_beijing_divides_the_months() -> None:
    case = Case().registered().accepted().agreed(recorded_at=datetime(2026, 3, 31, 16, 0, tzinfo=UTC))
    assert months(case)["result"] == APRIL


def test_what_ended_before_acceptance_was_never_mediated() -> None:
    assert "result" not in months(Case().registered().terminated(before_acceptance=True))
    assert months(Case().registered().declined()).keys() == {"registered", "declined"}


def test_a_partial_agreement_counts_as_success_once_whatever_ends_the_rest() -> None:
    [result] = [e for act, e in entries(facts_of(Case().registered().accepted().agreed().terminated())).items() if act == "result"]
    assert result.agreed


def test_a_merged_entry_counts_with_its_master_only() -> None:
    case = Case().registered().classified()
    assert months(case)
    assert months(case.merged("master")) == {}


def test_other_kinds_of_mediation_stand_beside_the_ministrys_table() -> None:
    assert months(Case().registered().accepted(kind="administrative").agreed()).keys() == {"registered", "accepted", "other_result"}
    assert "result" in months(Case().registered().accepted(kind="industry").agreed())


def test_a_case_of_an_old_register_counts_in_the_month_it_was_closed() -> None:
    case = Case().registered(history=True).history("2025-11-30", form="oral")
    found = entries(facts_of(case))
    assert {act: e.month for act, e in found.items()} == {"registered": MARCH, "result": date(2025, 11, 1), "performed": date(2025, 11, 1)}
    assert (found["result"].form, found["result"].moj_type) == ("oral", "contract")


def test_a_code_of_a_later_release_counts_as_other_so_that_columns_still_add_up() -> None:
    found = entries(facts_of(Case().registered(source="drone").classified(moj_type="weather").accepted().agreed()))
    assert (found["result"].source, found["result"].moj_type) == ("other_organ", "other")


def test_a_later_classification_takes_the_old_entry_back_and_leaves_the_rest_alone() -> None:
    case = Case().registered().classified("neighbour").accepted().agreed().classified("contract")
    made = postings(facts_of(case))
    assert [(p.sign, p.entry.moj_type) for p in made if p.entry.act == "result"] == [(1, "neighbour"), (-1, "neighbour"), (1, "contract")]
    assert [p.sign for p in made if p.entry.act != "result"] == [1, 1]


def test_the_holder_is_the_one_of_the_highest_responsibility_version() -> None:
    case = Case().registered().held("town", version=2).held("village", version=1)
    assert head(facts_of(case)).organ_path == PATHS["town"]


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-11", date(2026, 11, 1), date(2026, 11, 1)),
        ("2026-Q4", date(2026, 10, 1), date(2026, 12, 1)),
        ("2026-H1", date(2026, 1, 1), date(2026, 6, 1)),
        ("2026", date(2026, 1, 1), date(2026, 12, 1)),
    ],
)
def test_periods(text: str, first: date, last: date) -> None:
    assert parse_period(text) == Period(first, last)
    assert len(parse_period(text).months) == (last.month - first.month + 1)


@pytest.mark.parametrize("text", ["2026-13", "2026-Q5", "2026-H3", "26-01", "2026-1", "", "1026-01"])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(DomainError) as refusal:
        parse_period(text)
    assert refusal.value.violations[0].reason == "PERIOD_FORMAT"


def test_a_quarter_is_no_month() -> None:
    with pytest.raises(DomainError):
        parse_month("2026-Q1")


def test_months_follow_each_other_across_the_year() -> None:
    assert next_month(date(2025, 12, 1)) == date(2026, 1, 1)
    assert previous_month(date(2026, 1, 1)) == date(2025, 12, 1)


class TestLocking:
    def books(self) -> Books:
        return Books(id=books_id("329901"), district="329901")

    def test_a_month_is_locked_once_it_is_over(self) -> None:
        books = self.books()
        with pytest.raises(DomainError) as refusal:
            books.lock_month(MARCH, "p", datetime(2026, 3, 31, 23, 59, tzinfo=BEIJING))
        assert refusal.value.reason == "MONTH_NOT_OVER"
        books.lock_month(MARCH, "p", datetime(2026, 4, 1, 0, 1, tzinfo=BEIJING))
        assert [type(r.event).__name__ for r in books.recorded] == ["MonthLocked"]

    def test_a_lock_closes_the_months_before_it_too(self) -> None:
        books = self.books()
        books.lock_month(APRIL, "p", datetime(2026, 5, 3, tzinfo=BEIJING))
        for month in (MARCH, APRIL):
            with pytest.raises(DomainError) as refusal:
                books.lock_month(month, "p", datetime(2026, 5, 4, tzinfo=BEIJING))
            assert refusal.value.reason == "MONTH_LOCKED"

    @given(
        gaps=st.lists(st.tuples(st.integers(1, 3), st.integers(1, 60)), max_size=5),
        month=st.integers(0, 14),
        recorded=st.integers(0, 500),
    )
    def test_every_posting_shows_in_exactly_one_month_and_in_every_period_that_holds_it(
        self, gaps: list[tuple[int, int]], month: int, recorded: int
    ) -> None:
        months = [date(2026 + n // 12, n % 12 + 1, 1) for n in range(20)]
        locks, last, day = [], -1, 0
        for step, days in gaps:
            last, day = last + step, day + days
            locks.append(self._lock(months[last], day))
        far = datetime(2030, 1, 1, tzinfo=BEIJING)
        at = datetime(2026, 4, 1, tzinfo=BEIJING) + timedelta(days=recorded, hours=1)
        shown = [m for m in months if cut(locks, Period(m, m), far).shows(months[month], at)]
        open_then = next((m for m in months if not any(k.month >= m and k.cut_at < at for k in locks)), months[-1])
        assert shown == [max(months[month], open_then)]
        for first, end in ((0, 11), (0, 5), (6, 11), (9, 11), (12, 19)):
            period = Period(months[first], months[end])
            assert cut(locks, period, far).shows(months[month], at) == (months[first] <= shown[0] <= months[end])

    def test_a_correction_goes_to_the_first_open_month(self) -> None:
        locks = [self._lock(MARCH, 5), self._lock(MAY, 40)]
        far = datetime(2030, 1, 1, tzinfo=BEIJING)
        for day, month in ((0, MARCH), (6, APRIL), (41, date(2026, 6, 1))):
            at = datetime(2026, 4, 1, 1, tzinfo=BEIJING) + timedelta(days=day)
            assert cut(locks, Period(month, month), far).shows(MARCH, at)

    def test_a_lock_made_later_does_not_change_what_was_known_before(self) -> None:
        made = cut([self._lock(MARCH, 5)], Period(MARCH, MARCH), datetime(2026, 4, 2, tzinfo=BEIJING))
        assert (made.locked, made.until) == (False, datetime(2026, 4, 2, tzinfo=BEIJING))

    def _lock(self, month: date, day: int) -> Lock:
        at = datetime(2026, 4, 1, tzinfo=BEIJING) + timedelta(days=day)
        return Lock(month, at, at, "p")


class TestRows:
    ENTRY = Entry("result", MARCH, VILLAGE, PATHS[VILLAGE], agreed=True, source="court", moj_type="contract", form="oral", parties=5)
    TALLY = Tally(VILLAGE, PATHS[VILLAGE], adjustment=False, values={code: 2 * value for code, value in values(ENTRY).items()})

    def test_a_tally_counts_for_its_unit_and_all_above_it(self) -> None:
        table = rows([self.TALLY], {}, WHOLE, 3)
        assert [(r.organ.organ_id, r.values["total"], r.own.get("total", 0)) for r in table] == [
            ("", 2, 0),
            ("city", 2, 0),
            ("town", 2, 0),
            ("village", 2, 2),
        ]

    def test_levels_limit_the_rows_and_the_unit_comes_first(self) -> None:
        town = Organ("town", PATHS["town"], "town_centre", "town")
        assert [r.organ.organ_id for r in rows([self.TALLY], {TOWN: town}, town, 1)] == ["town", "village"]
        assert [r.organ.organ_id for r in rows([self.TALLY], {TOWN: town}, town, 0)] == ["town"]

    def test_other_units_do_not_count(self) -> None:
        bureau = Organ("bureau", PATHS["bureau"], "labour_bureau", "city")
        [row] = rows([self.TALLY], {}, bureau, 1)
        assert row.values == {}

    def test_a_unit_that_moved_keeps_its_figures(self) -> None:
        moved = Organ(VILLAGE, "/city/other/village/", "village_committee", "village")
        [row] = rows([self.TALLY], {VILLAGE: moved}, moved, 1)
        assert row.values["total"] == 2

    def test_a_court_case_stands_in_its_column_and_in_the_sub_total(self) -> None:
        [row] = rows([self.TALLY], {}, WHOLE, 0)
        assert {c for c in row.values if c.startswith("source.")} == {"source.court", "source.entrusted"}


def test_the_form_has_its_columns() -> None:
    by_group: dict[str, int] = {}
    for column in FIGURES.values():
        by_group[column.group] = by_group.get(column.group, 0) + 1
    assert (by_group["type"], by_group["body"], by_group["source"], by_group["form"]) == (18, 6, 8, 2)


def test_an_unknown_figure_is_refused() -> None:
    with pytest.raises(DomainError) as refusal:
        figure("type.weather")
    assert refusal.value.violations[0].reason == "FIGURE_UNKNOWN"


def test_every_kind_of_organ_has_a_handling_body() -> None:
    assert [body_of(k) for k in ("village_committee", "town_centre", "traffic_committee", "court_workroom", "women_federation", "")] == [
        "village",
        "town",
        "industry",
        "stationed",
        "social",
        "social",
    ]
