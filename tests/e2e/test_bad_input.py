"""Bad input: a clear error with code, frozen reason and field, and nothing stored."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import grpc
import pytest

from e2e.office import TOWN, Office
from tiaochu.intake.v1 import case_commands_pb2 as pb
from tiaochu.intake.v1 import case_queries_pb2 as queries
from tiaochu.intake.v1 import file_service_pb2 as files
from tiaochu.routing.v1 import responsibility_service_pb2 as routing
from tiaochu_demo.driver import Actor, Clerk, Refused, Unit
from tiaochu_demo.driver.clerk import registration
from tiaochu_demo.feed import import_register
from tiaochu_demo.synthetic import papers
from tiaochu_demo.synthetic.hostile import WRITERS
from tiaochu_demo.synthetic.identity import spoiled_id
from tiaochu_demo.synthetic.register import build_register
from tiaochu_domainkit.clocks import beijing
from tiaochu_kit.ids import new_id

Spoil = Callable[[pb.RegisterCaseRequest], object]


def _set(path: str, value: object) -> Spoil:
    """Set a field of the first applicant, the first claim or the case itself."""

    def spoil(request: pb.RegisterCaseRequest) -> None:
        owner, _, name = path.rpartition(".")
        target = {"": request, "applicant": request.applicants[0], "claim": request.claims[0]}[owner]
        setattr(target, name, value)

    return spoil


def _paper(id_type: str, number: str) -> Spoil:
    def spoil(request: pb.RegisterCaseRequest) -> None:
        applicant = request.applicants[0]
        applicant.kind, applicant.id_type, applicant.id_number = ("organisation" if id_type == "credit_code" else "person"), id_type, number
        applicant.sex = applicant.born_on = ""

    return spoil


_REGISTRATIONS: dict[str, tuple[Spoil, str, str]] = {
    "id check digit": (_paper("resident_id", spoiled_id("11010519491231002X")), "applicants[0].id_number", "ID_CHECKSUM"),
    "credit check digit": (_paper("credit_code", "91350100M000100Y44"), "applicants[0].id_number", "CREDIT_CHECKSUM"),
    "malformed case id": (_set("case_id", "42"), "case_id", "ID_MALFORMED"),
    "malformed party id": (_set("applicant.party_id", "not-a-uuid"), "applicants[0].party_id", "PARTY_ID_UUID"),
    "negative amount": (_set("claim.amount", "-1"), "claims[0].amount", "MONEY_NEGATIVE"),
    "three decimals": (_set("claim.amount", "1.234"), "claims[0].amount", "MONEY_DECIMALS"),
    "ten to the fifteenth": (_set("claim.amount", "1" + "0" * 15), "claims[0].amount", "MONEY_TOO_LARGE"),
    "not a number": (_set("claim.amount", "很多"), "claims[0].amount", "MONEY_FORMAT"),
    "future day": (_set("occurred_on", "2999-01-01"), "occurred_on", "DATE_FUTURE"),
    "before 1949": (_set("occurred_on", "1948-12-31"), "occurred_on", "DATE_TOO_EARLY"),
    "29 February": (_set("occurred_on", "2025-02-29"), "occurred_on", "DATE_UNREAL"),
    "nul": (_set("facts", "前\x00后"), "facts", "TEXT_NUL"),
    "no facts": (_set("facts", ""), "facts", "STRING_MIN_LEN"),
    "unknown door": (_set("channel", "telepathy"), "channel", "CODE_UNKNOWN"),
    "unknown region": (_set("region_code", "999999000000"), "region_code", "REGION_PROVINCE"),
    "unknown organ": (_set("first_receiver_organ_id", new_id()), "first_receiver_organ_id", "ORGAN_UNKNOWN"),
}


@pytest.mark.req("IN2")
@pytest.mark.parametrize("name", _REGISTRATIONS)
async def test_a_registration_with_a_fault_is_refused_at_its_field_and_stores_nothing(office: Office, name: str) -> None:
    spoil, field, reason = _REGISTRATIONS[name]
    request = registration(office.write(), office.now())
    if not request.claims:
        request.claims.add(kind="pay", text="赔偿损失", amount="100")
    actor = office.cast.at(type(request), request.first_receiver_organ_id)
    case_id = request.case_id
    spoil(request)
    with pytest.raises(Refused) as refused:
        await office.wire.ask(actor, request)
    assert refused.value.code in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.PERMISSION_DENIED)
    assert refused.value.fields == {field: reason}
    assert refused.value.error.zh
    await _unknown(office, case_id)


@pytest.mark.req("PF1")
async def test_ids_nobody_knows_are_not_found_and_malformed_ones_are_invalid(office: Office) -> None:
    dispatcher = office.cast.role("dispatcher")
    await _unknown(office, new_id())
    with pytest.raises(Refused) as refused:
        await office.wire.ask(dispatcher, queries.GetCaseRequest(case_id="42"))
    assert refused.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert list(refused.value.fields) == ["case_id"]


@pytest.mark.req("RT1")
async def test_a_command_in_the_wrong_stage_answers_with_the_present_state_and_what_it_allows(office: Office) -> None:
    _, _, mediator = await office.seated()
    with pytest.raises(Refused) as refused:
        await mediator.close()
    assert refused.value.code is grpc.StatusCode.FAILED_PRECONDITION
    assert refused.value.reason == "STATE_FORBIDS"
    assert refused.value.error.metadata["current"] == "preparing"
    assert "schedule_session" in refused.value.error.metadata["allowed"]


@pytest.mark.req("PF2")
async def test_somebody_without_the_role_and_somebody_of_another_place_are_refused(office: Office) -> None:
    case, clerk = await office.registered()
    matter = clerk.matter
    classify = pb.ClassifyCaseRequest(case_id=matter.case_id, category=case.category, difficulty="simple", scale="01", risk="none")
    supervisor = office.cast.role("supervisor")
    with pytest.raises(Refused) as refused:
        await office.wire.ask(supervisor, classify)
    assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.PERMISSION_DENIED, "ROLE_MISSING")

    elsewhere = office.cast.role("station_head", office.organ("v107201"))
    foreigner = office.others.role("dispatcher")
    for stranger in (elsewhere, foreigner):
        classify.request_id = ""
        with pytest.raises(Refused) as refused:
            await office.wire.ask(stranger, classify, after=("intake", "routing"))
        assert refused.value.code is grpc.StatusCode.NOT_FOUND
    assert not (await clerk.case()).HasField("classification")


@pytest.mark.req("PF2")
async def test_without_a_token_or_with_a_foreign_one_nobody_enters(office: Office) -> None:
    with pytest.raises(Refused) as refused:
        await office.wire.ask(None, queries.ListCasesRequest())
    assert refused.value.code is grpc.StatusCode.UNAUTHENTICATED
    with pytest.raises(Refused) as refused:
        await office.wire.ask(Actor("nobody-at-all", ""), queries.ListCasesRequest())
    assert refused.value.code is grpc.StatusCode.PERMISSION_DENIED


@pytest.mark.req("PF1")
async def test_of_two_who_save_at_once_the_second_gets_the_new_version_and_nothing_is_overwritten(office: Office) -> None:
    case, clerk, _ = await office.classified()
    seen = (await clerk.case()).etag

    def again(risk: str) -> pb.ClassifyCaseRequest:
        return pb.ClassifyCaseRequest(
            case_id=clerk.matter.case_id, etag=seen, category=case.category, difficulty="simple", scale="01", risk=risk
        )

    await clerk.ask(again("blue"))
    with pytest.raises(Refused) as refused:
        await clerk.ask(again("yellow"))
    assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.ABORTED, "VERSION_CHANGED")
    now = await clerk.case()
    assert now.classification.risk == "blue"
    assert refused.value.error.metadata["etag"] == now.etag


@pytest.mark.req("PF1")
async def test_a_body_over_the_limit_is_refused(office: Office) -> None:
    request = registration(office.write(), office.now())
    request.place = "长" * (5 * 1024 * 1024 // 3)
    with pytest.raises(Refused) as refused:
        await office.wire.ask(office.cast.at(type(request), request.first_receiver_organ_id), request, patience=0)
    assert refused.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    await _unknown(office, request.case_id)


@pytest.mark.req("IN2")
@pytest.mark.parametrize("text", ["邻里纠纷".encode("gb18030"), "\ud83d".encode(errors="surrogatepass")])
async def test_text_in_gb18030_and_lone_surrogates_are_refused(office: Office, text: bytes) -> None:
    """No client of ours can write such a message, so that its bytes are made here."""
    request = registration(office.write(), office.now())
    request.facts = "事" * len(text)
    case_id, actor = request.case_id, office.cast.at(type(request), request.first_receiver_organ_id)
    written = request.SerializeToString().replace(request.facts.encode(), text * 3)
    with pytest.raises(Refused) as refused:
        await office.wire.ask_raw(actor, request, written)
    assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_UNREADABLE")
    assert refused.value.error.zh
    await _unknown(office, case_id)


@pytest.mark.req("IN1", "PF2")
async def test_whoever_asks_too_often_with_a_code_is_told_when_to_come_back(office: Office) -> None:
    _, clerk = await office.registered()
    ask = queries.GetProgressRequest(receipt_code=clerk.matter.receipt_code)

    async def insist() -> None:
        for _ in range(1000):
            await office.wire.ask(None, ask, patience=0)

    with pytest.raises(Refused) as refused:
        await insist()
    assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED")
    assert int(refused.value.error.metadata["retry_after_ms"]) > 0
    assert (await office.wire.ask(None, ask)).case_number, "with patience it is answered again"


@pytest.mark.req("MD2", "PF2")
async def test_a_recused_mediator_acts_no_longer(office: Office) -> None:
    _, clerk, unit = await office.accepted()
    recused = await office.seat(unit, own=False)
    assert (await clerk.raise_recusal(recused.person_id, clerk.matter.applicants[0])).replaced
    with pytest.raises(Refused) as refused:
        await recused.appoint(office.now() + timedelta(days=2), waived=True)
    assert refused.value.code in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.PERMISSION_DENIED)


_NAMES = {
    "../../etc/passwd.pdf": "FILE_NAME_PATH",
    "照片\\原件.pdf": "FILE_NAME_PATH",
    "证" * 85 + ".pdf": "FILE_NAME_TOO_LONG",
    "无\x00尽.pdf": "FILE_NAME_CHARACTER",
    "照片.jpg": "FILE_TYPE_MISMATCH",
    "清单.exe": "FILE_TYPE_MISMATCH",
}


@pytest.mark.req("IN3")
@pytest.mark.parametrize("name", _NAMES)
async def test_a_file_whose_name_is_a_trap_is_refused(office: Office, name: str) -> None:
    content = papers.letter("x.pdf", "evidence", "证明", ["内容"]).content
    with pytest.raises(Refused) as refused:
        await _upload(office, new_id(), name, content)
    assert _NAMES[name] in (*refused.value.fields.values(), refused.value.reason)


@pytest.mark.req("IN3")
async def test_a_chinese_file_name_is_kept_and_the_content_comes_back_as_it_went(office: Office) -> None:
    photo = papers.photo("现场照片㛃𠅤.png", office.book.rng)
    case = replace(office.write(), files=(photo,))
    clerk = await Clerk.register(office.wire, office.cast, case)
    file = (await clerk.case()).files[0]
    assert (file.name, file.sha256) == (photo.name, sha256(photo.content).hexdigest())
    reader = office.cast.above(files.DownloadRequest, clerk.organ_id)
    parts = [p async for p in office.wire.stream(reader, files.DownloadRequest(case_id=clerk.matter.case_id, file_id=file.file_id))]
    assert parts[0].header.name == photo.name
    assert b"".join(p.chunk for p in parts[1:]) == photo.content


@pytest.mark.req("IN9")
@pytest.mark.parametrize("name", sorted(set(WRITERS) - {"many_rows"}))
async def test_a_hostile_register_is_refused_row_by_row_or_whole_and_changes_nothing_else(
    office: Office, tmp_path: Path, name: str
) -> None:
    register = build_register(office.cast.directory, office.book.rng.randrange(10**9), beijing(office.now()).date())
    workbook = WRITERS[name](tmp_path / f"{name}.xlsx", register)
    try:
        imported = await import_register(office.wire, office.cast.role("dispatcher"), workbook)
    except Refused as refused:
        assert refused.code in (grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.INVALID_ARGUMENT)  # noqa: PT017 - either way is an answer
        assert refused.error.zh  # noqa: PT017
        return
    assert imported.refused
    assert all(reason for _, _, reason in imported.refused)


@pytest.mark.req("RT1")
async def test_the_unit_asked_about_the_future_or_the_time_before_is_told_so(office: Office) -> None:
    _, clerk = await office.registered(TOWN)
    unit = Unit(clerk.matter, clerk.organ_id)
    await clerk.matter.until(lambda: _responsible(unit), bool, "the first receiver's responsibility")
    for moment in (office.now() + timedelta(days=1), office.now() - timedelta(days=30)):
        with pytest.raises(Refused) as refused:
            await unit.responsible_at(moment)
        assert refused.value.code in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.FAILED_PRECONDITION)


async def _responsible(unit: Unit) -> str:
    try:
        return (await unit.responsible_at()).organ_id
    except Refused as refused:
        if refused.code is grpc.StatusCode.NOT_FOUND:
            return ""
        raise


async def _unknown(office: Office, case_id: str) -> None:
    """No service has the case."""
    dispatcher = office.cast.role("dispatcher")
    for question in (queries.GetCaseRequest(case_id=case_id), routing.GetResponsibilityRequest(case_id=case_id)):
        with pytest.raises(Refused) as refused:
            await office.wire.ask(dispatcher, question)
        assert refused.value.code in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT)


async def _upload(office: Office, case_id: str, name: str, content: bytes) -> None:
    header = files.UploadRequest(header=files.UploadHeader(case_id=case_id, name=name, size=len(content)))
    await office.wire.send(office.cast.role("dispatcher"), [header, files.UploadRequest(chunk=content)])
