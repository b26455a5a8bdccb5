"""Old registers: workbooks of every kind, through the stream."""

import io
import zipfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from openpyxl import Workbook

from tiaochu.intake.events.v1 import case_events_pb2 as events
from tiaochu.intake.v1 import policy_service_pb2 as policy_pb
from tiaochu.intake.v1 import register_import_service_pb2 as pb
from tiaochu_demo.directory import load_directory
from tiaochu_demo.synthetic import hostile
from tiaochu_demo.synthetic.register import Register, build_register
from tiaochu_domainkit.errors import DomainError
from tiaochu_kit.errors import from_rpc
from tiaochu_testkit import mothers

from .desk import CLERK, DISTRICT, NAMES, OTHER_TOWN, STATISTICIAN, TOWN, VILLAGE, Desk  # noqa: TID252 - tests of one package

SERVICE = "/tiaochu.intake.v1.RegisterImportService/"
OPEN, HISTORY = pb.IMPORT_MODE_OPEN, pb.IMPORT_MODE_HISTORY
HEADINGS = (
    "序号",
    "登记日期",
    "受理渠道",
    "申请人",
    "证件号码",
    "电话",
    "被申请人",
    "证件号码",
    "电话",
    "纠纷类别",
    "简要案情",
    "涉及金额",
)
RESULTS = ("处理结果", "结案日期", "协议形式", "履行情况")


@dataclass
class Fate:
    """What came of a register."""

    rows: list[pb.RowReport]
    summary: pb.RegisterSummary

    @property
    def outcomes(self) -> list[str]:
        return [r.outcome for r in self.rows]

    @property
    def problems(self) -> list[tuple[int, str, str]]:
        return [(r.row_number, p.column, p.reason) for r in self.rows for p in r.problems]


async def send(desk: Desk, content: bytes, mode: Any = OPEN, *, preview: bool = False, by: Any = CLERK, **header: Any) -> Fate:
    """Stream a workbook in and gather what streams out. Raises the `DomainError` that came back."""
    request = pb.PreviewRegisterRequest if preview else pb.ImportRegisterRequest
    response = pb.PreviewRegisterResponse if preview else pb.ImportRegisterResponse

    async def parts() -> AsyncIterator[Any]:
        yield request(header=pb.RegisterHeader(name="台账.xlsx", mode=mode, **header))
        for start in range(0, len(content), 300_000):
            yield request(chunk=content[start : start + 300_000])

    rpc = SERVICE + ("PreviewRegister" if preview else "ImportRegister")
    call: Any = desk.running.channel.stream_stream(
        rpc, request_serializer=lambda m: m.SerializeToString(), response_deserializer=response.FromString
    )
    fate = Fate([], pb.RegisterSummary())
    try:
        async for part in call(parts(), timeout=100, metadata=await desk.running.identity(by)):
            if part.HasField("row"):
                fate.rows.append(part.row)
            else:
                fate.summary = part.summary
    except grpc.aio.AioRpcError as error:
        raise from_rpc(error) from error
    return fate


async def refusal(call: Any) -> str:
    with pytest.raises(DomainError) as caught:
        await call
    return caught.value.violations[0].reason


def book(rows: Sequence[Sequence[Any]], headings: Sequence[Any] = HEADINGS, before: Sequence[Sequence[Any]] = ()) -> bytes:
    made = Workbook()
    sheet = made.active
    assert sheet is not None
    for row in (*before, headings, *rows):
        sheet.append(list(row))
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def row(n: int, **given: Any) -> list[Any]:
    one, other = mothers.person(100 + 2 * n), mothers.person(101 + 2 * n)
    fields = {
        "序号": n,
        "登记日期": date(2026, 3, 2) + timedelta(days=n),
        "受理渠道": "来访窗口",
        "申请人": one.name,
        "n1": one.id_number,
        "p1": one.phone,
        "被申请人": other.name,
        "n2": other.id_number,
        "p2": other.phone,
        "纠纷类别": "邻里纠纷",
        "简要案情": f"第{n}件:因院墙界址发生争吵。",
        "涉及金额": 1200.5,
    }
    return list({**fields, **given}.values())


async def count(desk: Desk) -> int:
    async with desk.running.kit.database.transaction() as tx:
        return int((await tx.rows("SELECT count(*) FROM cases"))[0][0])


@pytest.fixture
async def placed(desk: Desk) -> Desk:
    """The intake has heard of the organs."""
    await desk.place_organs()
    return desk


@pytest.mark.req("IN9")
async def test_every_good_row_becomes_a_case_with_its_original_date_and_clocks_from_now(placed: Desk) -> None:
    fate = await send(placed, book([row(n) for n in range(3)]))
    assert (fate.outcomes, fate.summary.accepted, fate.summary.refused) == (["accepted"] * 3, 3, 0)
    shown = await placed.get(fate.rows[1].case_id)
    assert shown.first_received_at.ToDatetime().date() == date(2026, 3, 2)  # 3 March, 00:00 in Beijing
    assert (shown.case_number, shown.category_hint, shown.amount_fen) == (fate.rows[1].case_number, "02", 120_050)
    assert [p.name for p in shown.parties] == [mothers.person(102).name, mothers.person(103).name]
    async with placed.running.kit.database.transaction() as tx:
        [(occurred, recorded)] = await tx.rows("SELECT occurred_at, recorded_at FROM journal WHERE subject = %s", (fate.rows[1].case_id,))
    assert occurred == recorded


@pytest.mark.req("IN9")
async def test_the_same_file_again_changes_nothing_nor_does_next_months_with_the_old_rows_in_it(placed: Desk) -> None:
    first = await send(placed, book([row(n) for n in range(3)]))
    again = await send(placed, book([row(n) for n in range(3)]))
    assert again.outcomes == ["present"] * 3
    assert [r.case_id for r in again.rows] == [r.case_id for r in first.rows]
    longer = await send(placed, book([row(9, 序号=1), *(row(n, 序号=n + 7) for n in range(3))]))
    assert (longer.outcomes, await count(placed)) == (["accepted", "present", "present", "present"], 4)


@pytest.mark.req("IN9")
async def test_two_equal_rows_are_two_cases_and_stay_two(placed: Desk) -> None:
    same = book([row(1), row(1), row(2)])
    assert (await send(placed, same)).outcomes == ["accepted"] * 3
    assert (await send(placed, same)).outcomes == ["present"] * 3
    assert await count(placed) == 3


@pytest.mark.req("IN9")
async def test_a_preview_says_the_same_and_stores_nothing(placed: Desk) -> None:
    content = book([row(1), row(2, 纠纷类别="鸡毛蒜皮"), row(3, n2=mothers.person(106).id_number)])
    preview = await send(placed, content, preview=True)
    async with placed.running.kit.database.transaction() as tx:
        assert await tx.rows("SELECT * FROM number_series") == []
    assert (preview.outcomes, await count(placed)) == (["accepted", "refused", "refused"], 0)
    assert (await send(placed, content)).problems == preview.problems
    assert (await send(placed, content, preview=True)).outcomes == ["present", "refused", "refused"]


@pytest.mark.req("IN9")
async def test_headings_in_any_order_with_synonyms_under_a_title(placed: Desk) -> None:
    headings = ("联系电话", "身份证号", "申请方", "收件日期", "案情简介", "类型未知列", "对方当事人", "纠纷类型")
    one = mothers.person(1)
    cells = [one.phone, one.id_number, one.name, "2026年3月5日", "借款不还", "x", "李四", "借贷及担保"]
    fate = await send(placed, book([cells], headings, before=[["某镇矛盾纠纷登记台账"], []]))
    assert (fate.outcomes, [r.row_number for r in fate.rows], list(fate.summary.unknown_headings)) == (["accepted"], [4], ["类型未知列"])
    assert (await placed.get(fate.rows[0].case_id)).category_hint == "0804"


@pytest.mark.parametrize(
    ("given", "column", "reason"),
    [
        ({"n1": "110105194912310021"}, "证件号码", "ID_CHECKSUM"),
        ({"p1": "123"}, "电话", "PHONE_FORMAT"),
        ({"登记日期": date(2999, 1, 1)}, "登记日期", "DATE_FUTURE"),
        ({"登记日期": date(1948, 1, 1)}, "登记日期", "DATE_TOO_EARLY"),
        ({"登记日期": "2025-02-29"}, "登记日期", "DATE_UNREAL"),
        ({"登记日期": None}, "登记日期", "DATE_REQUIRED"),
        ({"受理渠道": "飞鸽"}, "受理渠道", "CODE_UNKNOWN"),
        ({"申请人": ""}, "申请人", "NAME_EMPTY"),
        ({"n1": "无、无、无"}, "申请人", "PARTY_COUNT_MISMATCH"),
        ({"纠纷类别": "0298"}, "纠纷类别", "CATEGORY_UNKNOWN"),
        ({"简要案情": None}, "简要案情", "TEXT_REQUIRED"),
        ({"涉及金额": -1}, "涉及金额", "MONEY_NEGATIVE"),
        ({"涉及金额": "12.345"}, "涉及金额", "MONEY_DECIMALS"),
        ({"涉及金额": 10**15}, "涉及金额", "MONEY_TOO_LARGE"),
        ({"涉及金额": "很多"}, "涉及金额", "MONEY_FORMAT"),
        ({"涉及金额": "=1+1"}, "涉及金额", "FORMULA"),
        ({"n2": mothers.person(102).id_number}, "被申请人", "PARTY_BOTH_SIDES"),
    ],
)
@pytest.mark.req("IN9")
async def test_a_bad_row_is_told_with_number_column_and_reason_and_the_others_come_in(
    placed: Desk, given: dict[str, Any], column: str, reason: str
) -> None:
    fate = await send(placed, book([row(1, **given), row(2)]))
    assert (fate.problems, fate.outcomes, await count(placed)) == ([(2, column, reason)], ["refused", "accepted"], 1)
    assert all(p.zh for p in fate.rows[0].problems)


@pytest.mark.req("IN9")
async def test_every_fault_of_a_row_is_told_at_once(placed: Desk) -> None:
    fate = await send(placed, book([row(1, 纠纷类别="x", 涉及金额=-1, n1="1")]))
    assert {reason for _, _, reason in fate.problems} == {"CATEGORY_UNKNOWN", "MONEY_NEGATIVE", "ID_FORMAT"}


@pytest.mark.req("IN9")
async def test_several_people_amounts_in_ten_thousands_and_organisations(placed: Desk) -> None:
    company = mothers.organisation(5)
    given = {
        "申请人": "张三、李四",
        "n1": f"{mothers.person(1).id_number}、无",
        "p1": "",
        "被申请人": company.name,
        "n2": company.credit_code,
        "涉及金额": "1.5万元",
    }
    fate = await send(placed, book([row(1, **given)]))
    shown = await placed.get(fate.rows[0].case_id)
    assert [(p.kind, p.id_type) for p in shown.parties] == [("person", "resident_id"), ("person", "none"), ("organisation", "credit_code")]
    assert shown.amount_fen == 1_500_000


@pytest.mark.req("IN9")
async def test_organs_are_found_by_name_and_must_be_ones_own(placed: Desk) -> None:
    names = ["德胜村", NAMES[TOWN], NAMES[OTHER_TOWN], "天上镇调处中心"]
    fate = await send(placed, book([[*row(n), name] for n, name in enumerate(names)], (*HEADINGS, "受理单位")))
    assert fate.outcomes == ["accepted", "accepted", "refused", "refused"]
    assert fate.problems == [(4, "受理单位", "ORGAN_DENIED"), (5, "受理单位", "ORGAN_UNKNOWN")]
    assert [(await placed.get(r.case_id)).first_receiver_organ_id for r in fate.rows[:2]] == [VILLAGE, TOWN]


def finished(
    n: int, said: str = "调解成功", closed: Any = date(2026, 3, 20), form: str = "书面协议", performed: str = "已履行"
) -> list[Any]:
    return [*row(n), said, closed, form, performed]


@pytest.mark.req("IN9")
async def test_history_has_results_no_clocks_and_is_closed(placed: Desk) -> None:
    rows = [finished(1), finished(2, "调解不成", form="")]
    fate = await send(placed, book(rows, (*HEADINGS, *RESULTS)), HISTORY)
    assert fate.outcomes == ["accepted", "accepted"]
    shown = await placed.get(fate.rows[0].case_id)
    assert (shown.stage, shown.history) == (95, True)
    registered, result = await placed.journal(fate.rows[0].case_id)
    assert events.CaseRegistered.FromString(registered[1]).history
    body = events.HistoryResultRecorded.FromString(result[1])
    assert (body.outcome, body.form, body.closed_on, body.performed, body.category, body.moj_type) == (
        "agreed",
        "written",
        "2026-03-20",
        True,
        "0299",
        "neighbour",
    )


@pytest.mark.req("IN9")
async def test_history_wants_its_result_columns_and_open_cases_want_none(placed: Desk) -> None:
    assert await refusal(send(placed, book([row(1)]), HISTORY)) == "HEADING_MISSING"
    rows = [finished(1, ""), finished(2, "不知道"), finished(3, form=""), finished(4, closed=date(2026, 1, 1)), finished(5, closed="x")]
    fate = await send(placed, book(rows, (*HEADINGS, *RESULTS)), HISTORY)
    reasons = [reason for _, _, reason in fate.problems]
    assert reasons == ["RESULT_REQUIRED", "RESULT_UNKNOWN", "FORM_REQUIRED", "CLOSED_BEFORE_RECEIVED", "DATE_FORMAT"]
    fate = await send(placed, book([finished(1)], (*HEADINGS, *RESULTS)), OPEN)
    assert fate.problems == [(2, "处理结果", "ALREADY_FINISHED")]


@pytest.mark.req("IN9")
async def test_history_never_goes_into_a_locked_month(placed: Desk) -> None:
    lock = policy_pb.PutPolicyRequest(district=DISTRICT, name="locked_month", value=202603)
    await placed.call("tiaochu.intake.v1.PolicyService/PutPolicy", lock, STATISTICIAN)
    rows = [finished(1), [*row(40), "调解成功", date(2026, 4, 20), "口头协议", ""]]
    fate = await send(placed, book(rows, (*HEADINGS, *RESULTS)), HISTORY)
    assert (fate.outcomes, fate.problems) == (["refused", "accepted"], [(2, "结案日期", "MONTH_LOCKED")])


@pytest.fixture(scope="module")
def register() -> Register:
    return build_register(load_directory(), 2026, date(2026, 11, 2))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("wrong_headings", "HEADING"),
        ("zip_bomb", "REGISTER_BOMB"),
        ("gb18030_csv", "REGISTER_NOT_XLSX"),
        ("nul_and_surrogates", "REGISTER_BROKEN"),
    ],
)
@pytest.mark.req("IN9")
async def test_hostile_registers_are_refused_whole(placed: Desk, register: Register, tmp_path: Path, name: str, reason: str) -> None:
    content = hostile.WRITERS[name](tmp_path / "hostile.xlsx", register).read_bytes()
    assert (await refusal(send(placed, content))).startswith(reason)
    assert await count(placed) == 0


@pytest.mark.req("IN9")
async def test_fifty_thousand_rows_are_refused_before_any_is_read(placed: Desk) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book([row(1)]))) as small, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as large:
        for name in small.namelist():
            part = small.read(name)
            if name == "xl/worksheets/sheet1.xml":
                start, end = part.rindex(b"<row"), part.index(b"</sheetData>")
                part = part[:end] + part[start:end].replace(b' r="2"', b"") * 50_000 + part[end:]
            large.writestr(name, part)
    assert await refusal(send(placed, made.getvalue())) == "ROWS_TOO_MANY"
    assert await count(placed) == 0


@pytest.mark.req("IN9")
async def test_merged_cells_and_escaped_characters_are_faults_of_their_rows(placed: Desk) -> None:
    made = Workbook()
    sheet = made.active
    assert sheet is not None
    for cells in (["某中心台账"], HEADINGS, row(1), row(2), row(3, 简要案情="a_x0000_b"), row(4, 申请人="张_xD83D_三")):
        sheet.append(list(cells))
    sheet.merge_cells("A1:L1")
    sheet.merge_cells("D3:D4")
    file = io.BytesIO()
    made.save(file)
    fate = await send(placed, file.getvalue())
    assert fate.problems == [(4, "申请人", "MERGED_CELL"), (5, "简要案情", "TEXT_NUL"), (6, "申请人", "NAME_CHARACTER")]


async def test_macros_passwords_and_document_types_are_refused(placed: Desk) -> None:
    def with_part(name: str, content: bytes) -> bytes:
        file = io.BytesIO(book([row(1)]))
        with zipfile.ZipFile(file, "a") as archive:
            archive.writestr(name, content)
        return file.getvalue()

    assert await refusal(send(placed, with_part("xl/vbaProject.bin", b"x"))) == "REGISTER_MACROS"
    entity = b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'
    assert await refusal(send(placed, with_part("xl/worksheets/sheet9.xml", entity))) == "REGISTER_BROKEN"
    assert await refusal(send(placed, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"0" * 512)) == "REGISTER_NOT_XLSX"
    assert await refusal(send(placed, book([row(1)]), sheet="不存在")) == "SHEET_UNKNOWN"
    assert await refusal(send(placed, b"")) == "REGISTER_NOT_XLSX"


@pytest.mark.req("IN9")
async def test_the_demonstrations_register_is_taken_in_but_for_its_bad_rows(placed: Desk, register: Register, tmp_path: Path) -> None:
    good = [n for n, row in enumerate(register.rows, 2) if n not in {f.row for f in register.faults}]
    organs = {str(row["受理单位"]) for row in register.rows}
    rows = [{k: v for k, v in row.items() if k != "受理单位"} for row in register.rows]
    headings = [h for h in rows[0] if h != "受理单位"]
    fate = await send(placed, book([[row[h] for h in headings] for row in rows], headings))
    faults = [(f.row, f.column, f.reason) for f in register.faults if f.column != "受理单位"]
    assert (sorted(fate.problems), len(organs) > 1) == (sorted(faults), True)
    assert {r.row_number for r in fate.rows if r.outcome == "accepted"} >= set(good)


async def test_a_child_applies_through_the_guardian_whom_the_register_names(placed: Desk) -> None:
    child, parent, other = mothers.person(900, born=date(2015, 5, 4)), mothers.person(901), mothers.person(902)
    grown, alone = row(1), row(2)
    for cells in (grown, alone):
        cells[3], cells[4], cells[5] = child.name, child.id_number, ""
    together = row(3)
    together[3], together[4] = f"{other.name}、{child.name}", f"{other.id_number}、{child.id_number}"
    spoiled = row(4)
    spoiled[3], spoiled[4], spoiled[5] = child.name, child.id_number, ""
    wrong = parent.id_number[:-1] + ("1" if parent.id_number[-1] != "1" else "2")
    rows = [
        [*grown, parent.name, parent.id_number, "母亲"],
        [*alone, "", "", ""],
        [*together, f"无、{parent.name}", f"无、{parent.id_number}", "无、母亲"],
        [*spoiled, parent.name, wrong, "母亲"],
    ]
    fate = await send(placed, book(rows, (*HEADINGS, "监护人", "监护人证件号码", "与申请人关系")))
    assert fate.problems == [(3, "监护人", "GUARDIAN_REQUIRED"), (5, "监护人证件号码", "ID_CHECKSUM")]
    assert fate.outcomes == ["accepted", "refused", "accepted", "refused"]
    for imported in (fate.rows[0], fate.rows[2]):
        case = await placed.get(imported.case_id)
        [guardian] = [r for p in case.parties for r in p.representatives]
        assert (guardian.kind, guardian.name, guardian.relation) == ("guardian", parent.name, "母亲")
