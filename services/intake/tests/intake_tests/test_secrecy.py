"""What names a person stays in documents and rows: not in events, headers, stored answers, logs or errors."""

import secrets
from dataclasses import replace
from typing import Any

import pytest

from tiaochu.intake.v1 import case_commands_pb2 as commands
from tiaochu.intake.v1 import case_pb2
from tiaochu_domainkit.errors import DomainError
from tiaochu_intake.store.resealing import Resealing
from tiaochu_intake.usecases.documents import CASES
from tiaochu_intake.usecases.particulars import Sealer
from tiaochu_testkit import mothers

from .desk import Desk, classification, person, registration  # noqa: TID252 - tests of one package

MARK = "欧阳䶮𠅤"
WORDS = "只有当事人知道的秘密"


@pytest.mark.req("PF5")
async def test_names_numbers_and_texts_leave_no_trace_outside(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    someone = mothers.person(2)
    planted = [MARK, WORDS, someone.id_number, someone.phone]
    answer = await desk.registered(1, applicants=[person(2, name=MARK, address=f"{WORDS}路1号")], facts=WORDS, place=WORDS)
    await desk.call("ClassifyCase", classification(answer.case_id))
    attempt = commands.RecordConsentAttemptRequest(
        case_id=answer.case_id, party_id=answer.respondent_ids[0], channel="phone", outcome="undecided", note=WORDS
    )
    await desk.call("RecordConsentAttempt", attempt)
    corrected = case_pb2.PartyInput(party_id=answer.applicant_ids[0], kind="person", name=MARK + "二")
    await desk.call("CorrectParty", commands.CorrectPartyRequest(case_id=answer.case_id, party=corrected))
    errors = [
        await refused(desk, registration(2, applicants=[person(2, name=MARK, id_number=someone.id_number[:-1] + "?")])),
        await refused(desk, registration(3, applicants=[person(2, name=MARK, phone=f"{someone.phone}9")])),
        await refused(desk, registration(4, facts=WORDS + "\x00")),
        await refused(desk, registration(5, applicants=[person(2)], respondents=[person(2)])),
    ]
    written = [
        *errors,
        await everything(desk, ("journal", "request_keys", "natural_keys", "staff_acts", "case_access")),
        capfd.readouterr().out,
    ]
    assert not [s for s in planted for text in written if s in text]
    # The look is sharp enough: where these words belong, it finds them.
    belongs = await everything(desk, ("cases", "case_texts"))
    assert [s in belongs for s in planted] == [True, True, False, False]


@pytest.mark.req("PF5")
async def test_a_new_key_reseals_every_number_without_a_new_version_or_an_event(desk: Desk) -> None:
    kit = desk.running.kit
    answer = await desk.registered()
    events_before = await desk.journal(answer.case_id)
    rotated = replace(kit.keyring, keys={**kit.keyring.keys, "data-2": secrets.token_bytes(32)}, current="data-2")
    resealing = Resealing(kit.database, Sealer(rotated))
    assert [await resealing.walk(), await resealing.walk()] == [1, 0]
    async with kit.database.transaction() as tx:
        [(version, doc)] = await tx.rows("SELECT version, doc::text FROM cases")
    case = CASES.decode(doc)
    party = case.applicants[0]
    assert (version, await desk.journal(answer.case_id)) == (1, events_before)
    only_new = replace(rotated, keys={"data-2": rotated.keys["data-2"]})
    assert Sealer(only_new).open_number(case.id, party.id, party.id_number) == mothers.person(2).id_number
    assert "data-1" not in doc


async def refused(desk: Desk, request: commands.RegisterCaseRequest) -> str:
    with pytest.raises(DomainError) as caught:
        await desk.call("RegisterCase", request)
    e = caught.value
    return f"{e} {e.zh} {dict(e.metadata)} {e.violations}"


async def everything(desk: Desk, tables: tuple[str, ...]) -> str:
    """Every value of every row, bytes read as UTF-8 where they can be."""

    def shown(value: Any) -> str:
        if isinstance(value, (bytes, memoryview)):
            return bytes(value).decode("utf-8", errors="replace")
        return str(value)

    found = []
    async with desk.running.kit.database.transaction() as tx:
        for table in tables:
            found += [shown(value) for row in await tx.rows(f"SELECT * FROM {table}") for value in row]
    return "\n".join(found)
