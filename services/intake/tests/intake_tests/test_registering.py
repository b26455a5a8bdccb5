"""Taking disputes in, through gRPC, on real PostgreSQL."""

from datetime import date, timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from tiaochu.intake.events.v1 import case_events_pb2 as events
from tiaochu.intake.v1 import case_pb2
from tiaochu.intake.v1.case_queries_pb2 import GetProgressRequest, GetReceiptRequest
from tiaochu_domainkit.errors import DomainError
from tiaochu_kit.ids import new_id
from tiaochu_testkit import mothers

from .desk import (  # noqa: TID252 - tests of one package
    CLERK,
    DISTRICT,
    FOREIGN_CLERK,
    MEDIATOR,
    OTHER_CLERK,
    PATHS,
    STATISTICIAN,
    TOWN,
    Desk,
    person,
    registration,
)


async def refusal(call: Any) -> str:
    with pytest.raises(DomainError) as caught:
        await call
    return caught.value.violations[0].reason if caught.value.violations else caught.value.reason


async def rows(desk: Desk, table: str) -> int:
    async with desk.running.kit.database.transaction() as tx:
        return int((await tx.rows(f"SELECT count(*) FROM {table}"))[0][0])


@pytest.mark.req("IN1", "IN2")
async def test_a_registered_case_has_a_number_a_receipt_and_its_first_receiver(desk: Desk) -> None:
    answer = await desk.registered()
    assert answer.case_number == f"{DISTRICT}-{desk.running.kit.clock.now().year}-100-000001"
    shown = await desk.get(answer.case_id)
    assert (shown.stage, shown.status, shown.source, shown.amount_fen) == (20, "registered", "application", 120_050)
    assert shown.first_receiver_organ_id == TOWN
    assert [p.side for p in shown.parties] == ["applicant", "respondent"]
    [(name, payload)] = await desk.journal(answer.case_id)
    event = events.CaseRegistered.FromString(payload)
    assert (name, event.first_receiver_organ_path, event.person_count) == ("CaseRegistered", PATHS[TOWN], 2)


@pytest.mark.req("IN2")
async def test_whoever_holds_the_receipt_learns_the_progress_and_no_name(desk: Desk) -> None:
    answer = await desk.classified()
    request = GetProgressRequest(receipt_code=answer.receipt_code.lower().replace("-", " "))
    progress = await desk.call("GetProgress", request, "service:portal")
    assert (progress.case_number, progress.stage, [s.stage for s in progress.steps]) == (answer.case_number, 30, [20, 30])
    names = [p.name for p in (await desk.get(answer.case_id)).parties]
    assert not any(name in str(progress) for name in names)
    again = await desk.call("GetReceipt", GetReceiptRequest(case_id=answer.case_id))
    assert again.receipt_code == answer.receipt_code


async def test_the_receipt_code_is_stored_nowhere_in_clear(desk: Desk) -> None:
    answer = await desk.registered()
    code = answer.receipt_code.replace("-", "")
    async with desk.running.kit.database.transaction() as tx:
        for table in ("cases", "request_keys", "journal"):
            assert not any(
                code in str(row) or code.encode() in b"".join(bytes(v) for v in row if isinstance(v, (bytes, memoryview)))
                for row in await tx.rows(f"SELECT * FROM {table}")
            )


async def test_a_wrong_receipt_code_answers_like_an_unknown_one_or_a_slip(desk: Desk) -> None:
    answer = await desk.registered()
    assert await refusal(desk.call("GetProgress", GetProgressRequest(receipt_code="2222-2222-2222"), "service:portal")) == "NOT_FOUND"
    slip = ("3" if answer.receipt_code[0] != "3" else "4") + answer.receipt_code[1:]
    assert await refusal(desk.call("GetProgress", GetProgressRequest(receipt_code=slip), "service:portal")) == "RECEIPT_CODE_FORMAT"


@pytest.mark.req("IN1")
async def test_the_same_key_answers_the_same_case_with_its_receipt(desk: Desk) -> None:
    key = new_id()
    first = await desk.call("RegisterCase", registration(), request_id=key)
    again = await desk.call("RegisterCase", registration(), request_id=key)
    assert first == again
    assert first.receipt_code
    assert await refusal(desk.call("RegisterCase", registration(2), request_id=key)) == "REQUEST_ID_REUSED"
    assert await rows(desk, "cases") == 1


@pytest.mark.req("IN1")
async def test_an_agencys_number_is_one_case_for_ever_whatever_the_key(desk: Desk) -> None:
    offer = registration(
        channel="court",
        first_receiver_organ_id=TOWN,
        agency_id="0190d000-0000-7000-8000-000000000001",
        exchange_id=new_id(),
        docking_mode="before_filing",
        external_no="(2026)苏9901诉前调1号",
    )
    await desk.place_organs()
    first = await desk.call("RegisterCase", offer, "service:docking")
    again = await desk.call("RegisterCase", offer, "service:docking")
    assert (again.case_id, again.case_number, again.already_registered) == (first.case_id, first.case_number, True)
    assert await rows(desk, "cases") == 1
    assert await refusal(desk.call("RegisterCase", offer, CLERK)) == "DOCKING_ONLY"


async def test_a_phone_without_network_mints_the_case_id(desk: Desk) -> None:
    minted = new_id()
    answer = await desk.registered(case_id=minted, by=MEDIATOR)
    assert answer.case_id == minted
    assert await refusal(desk.call("RegisterCase", registration(2, case_id=minted), MEDIATOR)) == "ALREADY_EXISTS"
    assert await refusal(desk.call("RegisterCase", registration(2, case_id="7"), MEDIATOR)) == "ID_MALFORMED"


async def test_a_late_entry_keeps_the_moment_it_was_received(desk: Desk) -> None:
    received = Timestamp()
    received.FromDatetime(desk.running.kit.clock.now() - timedelta(days=3))
    answer = await desk.registered(received_at=received)
    assert (await desk.get(answer.case_id)).first_received_at == received
    received.FromDatetime(desk.running.kit.clock.now() - timedelta(days=90))
    assert await refusal(desk.call("RegisterCase", registration(2, received_at=received))) == "OCCURRED_TOO_LONG_AGO"
    received.FromDatetime(desk.running.kit.clock.now() + timedelta(hours=2))
    assert await refusal(desk.call("RegisterCase", registration(2, received_at=received))) == "DATE_FUTURE"


@pytest.mark.req("IN2")
async def test_a_minor_with_a_guardian_an_agent_and_somebody_without_papers(desk: Desk) -> None:
    child, parent, lawyer = mothers.person(50, born=date(2015, 5, 1)), mothers.person(51), mothers.person(52)
    guardian = case_pb2.RepresentativeInput(
        kind="guardian", name=parent.name, id_type="resident_id", id_number=parent.id_number, relation="父亲"
    )
    agent = case_pb2.RepresentativeInput(
        kind="agent", name=lawyer.name, id_type="resident_id", id_number=lawyer.id_number, authority="special"
    )
    minor = case_pb2.PartyInput(kind="person", name="小䶮", id_type="resident_id", id_number=child.id_number, representatives=[guardian])
    old = case_pb2.PartyInput(kind="person", name="张𠅤", id_type="none", identity_note="村干部当面证明", representatives=[agent])
    answer = await desk.registered(applicants=[minor, old])
    shown = await desk.get(answer.case_id)
    assert [list(p.care) for p in shown.parties[:2]] == [["minor"], []]
    assert shown.parties[0].representatives[0].kind == "guardian"
    assert (shown.parties[1].id_type, shown.parties[1].representatives[0].authority) == ("none", "special")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"applicants": [person(1, id_number="110105194912310021")]}, "ID_CHECKSUM"),
        (
            {
                "applicants": [
                    case_pb2.PartyInput(kind="organisation", name="某公司", id_type="credit_code", id_number="91350100M000100Y44")
                ]
            },
            "CREDIT_CHECKSUM",
        ),
        ({"applicants": [person(1, id_type="none", id_number="", identity_note="")]}, "IDENTITY_NOTE_REQUIRED"),
        ({"applicants": [person(1, phone="123")]}, "PHONE_FORMAT"),
        ({"applicants": [person(1, name="\x07")]}, "NAME_CHARACTER"),
        ({"applicants": []}, "APPLICANT_REQUIRED"),
        ({"respondents": []}, "REPEATED_MIN_ITEMS"),
        ({"applicants": [person(3)], "respondents": [person(3)]}, "PARTY_BOTH_SIDES"),
        ({"claims": [case_pb2.ClaimInput(kind="pay", text="赔偿", amount="-1")]}, "MONEY_NEGATIVE"),
        ({"claims": [case_pb2.ClaimInput(kind="pay", text="赔偿", amount="1.005")]}, "MONEY_DECIMALS"),
        ({"claims": [case_pb2.ClaimInput(kind="pay", text="赔偿", amount="1" + "0" * 15)]}, "MONEY_TOO_LARGE"),
        ({"occurred_on": "1948-12-31"}, "DATE_TOO_EARLY"),
        ({"occurred_on": "2025-02-29"}, "DATE_UNREAL"),
        ({"occurred_on": "2999-01-01"}, "DATE_FUTURE"),
        ({"facts": "a\x00b"}, "TEXT_NUL"),
        ({"facts": " \n "}, "TEXT_REQUIRED"),
        ({"facts": "长" * 5001}, "STRING_MAX_LEN"),
        ({"channel": "pigeon"}, "CODE_UNKNOWN"),
        ({"source": "court"}, "SOURCE_NOT_OF_CHANNEL"),
        ({"region_code": "329901999999"}, "REGION_RANGE"),
        ({"region_code": "329902100201"}, "OUTSIDE_DISTRICT"),
        ({"category_hint": "0298"}, "CATEGORY_UNKNOWN"),
        ({"file_ids": ["0190d000-0000-7000-8000-000000000001"]}, "FILE_UNKNOWN"),
        ({"first_receiver_organ_id": "0190d000-0000-7000-8000-000000000001"}, "ORGAN_UNKNOWN"),
    ],
)
async def test_bad_input_is_told_and_stores_nothing(desk: Desk, given: dict[str, Any], reason: str) -> None:
    assert await refusal(desk.call("RegisterCase", registration(**given))) == reason
    assert [await rows(desk, t) for t in ("cases", "journal", "case_texts", "number_series")] == [0, 0, 0, 0]


async def test_who_may_not_register_or_see(desk: Desk) -> None:
    assert await refusal(desk.call("RegisterCase", registration(), STATISTICIAN)) == "ROLE_MISSING"
    assert await refusal(desk.call("RegisterCase", registration(), FOREIGN_CLERK)) == "OUTSIDE_DISTRICT"
    answer = await desk.registered()
    for stranger in (OTHER_CLERK, FOREIGN_CLERK):
        assert await refusal(desk.get(answer.case_id, stranger)) == "NOT_FOUND"
    assert await refusal(desk.get("7")) == "STRING_UUID"
    assert await refusal(desk.get(new_id())) == "NOT_FOUND"


@pytest.mark.req("IN2")
async def test_acting_through_staff_is_recorded_with_the_identity_check(desk: Desk) -> None:
    await desk.registered(on_behalf_of=case_pb2.OnBehalfOf(identity_check="original_seen"))
    async with desk.running.kit.database.transaction() as tx:
        found = await tx.rows("SELECT action, identity_check, staff_id FROM staff_acts")
    assert found == [("register_case", "original_seen", CLERK.id)]
