"""Registers (台账) as workbooks: open, history, preview, again."""

from datetime import date
from pathlib import Path

import pytest

from e2e.office import Office
from tiaochu.intake.v1 import register_import_service_pb2 as pb
from tiaochu.reporting.v1.report_service_pb2 import LockMonthRequest
from tiaochu_demo.directory import CITY
from tiaochu_demo.driver import Clerk, Unit
from tiaochu_demo.feed import ACCEPTED, PRESENT, REFUSED, check_faults, import_register, preview_register
from tiaochu_demo.synthetic.register import HEADINGS, Register, build_register, write_workbook
from tiaochu_domainkit.clocks import beijing
from tiaochu_testkit.waiting import eventually

_HISTORY = pb.IMPORT_MODE_HISTORY


@pytest.mark.req("IN9")
async def test_good_rows_become_cases_bad_ones_are_refused_with_column_and_reason(office: Office, tmp_path: Path) -> None:
    register, workbook = _register(office, tmp_path, seed=1)
    dispatcher = office.cast.role("dispatcher")

    previewed, summary = await preview_register(office.wire, dispatcher, workbook)
    check_faults(register, previewed)
    assert (summary.rows, summary.refused) == (len(register.rows), len(register.faults))

    imported = await import_register(office.wire, dispatcher, workbook)
    check_faults(register, imported)
    assert imported.outcomes == {ACCEPTED: len(register.cases), REFUSED: len(register.faults)}
    assert set(imported.cases) == set(register.cases)

    again = await import_register(office.wire, dispatcher, workbook)
    assert again.outcomes == {PRESENT: len(register.cases), REFUSED: len(register.faults)}
    assert again.cases == imported.cases

    number, case = next(iter(register.cases.items()))
    clerk = await Clerk.take_up(office.wire, office.cast, imported.cases[number], case.first_receiver_organ_id)
    entry = await clerk.case()
    assert beijing(entry.first_received_at.ToDatetime(tzinfo=office.now().tzinfo)).date() == case.received_on
    assert entry.facts == case.facts


@pytest.mark.req("IN9")
async def test_a_preview_stores_nothing(office: Office, tmp_path: Path) -> None:
    _, workbook = _register(office, tmp_path, seed=2, rows=12)
    dispatcher = office.cast.role("dispatcher")
    first, _ = await preview_register(office.wire, dispatcher, workbook)
    second, _ = await preview_register(office.wire, dispatcher, workbook)
    assert first.outcomes == second.outcomes
    assert PRESENT not in second.outcomes


@pytest.mark.req("IN9")
async def test_history_has_results_and_no_clocks(office: Office, tmp_path: Path) -> None:
    register, workbook = _register(office, tmp_path, seed=3, rows=10, history=True)
    imported = await import_register(office.wire, office.cast.role("dispatcher"), workbook, mode=_HISTORY)
    assert imported.outcomes == {ACCEPTED: 10}
    for number, case_id in imported.cases.items():
        case = register.cases[number]
        clerk = await Clerk.take_up(office.wire, office.cast, case_id, case.first_receiver_organ_id)
        entry = await clerk.case()
        assert entry.history
        assert entry.stage >= 95
        assert not await Unit(clerk.matter, clerk.organ_id).clocks()


@pytest.mark.req("IN9")
async def test_open_rows_are_refused_as_history_without_results(office: Office, tmp_path: Path) -> None:
    _, workbook = _register(office, tmp_path, seed=4, rows=5)
    imported = await import_register(office.wire, office.cast.role("dispatcher"), workbook, mode=_HISTORY)
    assert imported.outcomes == {REFUSED: 5}


@pytest.mark.req("IN9")
async def test_history_stays_out_of_a_month_that_reporting_locked(office: Office, tmp_path: Path) -> None:
    await office.wire.ask(office.cast.role("statistician"), LockMonthRequest(district=CITY, month="2020-01"))
    register, _ = _register(office, tmp_path, seed=5, rows=1, history=True)
    row = {**register.rows[0], "登记日期": date(2019, 12, 20), "结案日期": date(2020, 1, 10)}
    workbook = write_workbook(tmp_path / "锁定月份.xlsx", HEADINGS, [[row[h] for h in HEADINGS]])

    async def heard() -> bool:
        previewed, _ = await preview_register(office.wire, office.cast.role("dispatcher"), workbook, mode=_HISTORY)
        return {reason for _, _, reason in previewed.refused} == {"MONTH_LOCKED"}

    await eventually(heard)
    imported = await import_register(office.wire, office.cast.role("dispatcher"), workbook, mode=_HISTORY)
    assert imported.outcomes == {REFUSED: 1}


def _register(office: Office, folder: Path, *, seed: int, rows: int = 0, history: bool = False) -> tuple[Register, Path]:
    """A register of people of its own; with `rows` only so many good rows of it."""
    register = build_register(office.cast.directory, office.book.rng.randrange(10**9), beijing(office.now()).date(), history=history)
    if not rows:
        return register, register.save(folder / f"台账{seed}.xlsx")
    good = sorted(register.cases)[:rows]
    cut = Register(tuple(register.rows[n - 2] for n in good), {place: register.cases[n] for place, n in enumerate(good, 2)}, ())
    return cut, write_workbook(folder / f"台账{seed}.xlsx", HEADINGS, [[row[h] for h in HEADINGS] for row in cut.rows])
