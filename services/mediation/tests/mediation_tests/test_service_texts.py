"""Words stay in their rows: events have hashes that prove them, and nothing of them."""

import hashlib

import pytest

from .centre import Case, Centre, behalf, pays, said  # noqa: TID252 - tests of one package

pytestmark = pytest.mark.asyncio(loop_scope="module")

MARK = "秘标7319"


async def a_talkative_case(centre: Centre) -> Case:
    """Every free text there is carries the mark."""
    people = centre.people
    case = await centre.prepared(flags=["domestic_violence"])
    await centre.do("RaiseRecusal", case, people.clerk, mediator_id=people.mediator.id, on_behalf_of=behalf(case.applicant), reason=MARK)
    centre.people.mediator = people.other
    await centre.choose(case, people.mediator)
    await centre.do("AcceptAssignment", case, people.mediator, note=MARK)
    await centre.do("RecordSafetyCheck", case, people.clerk, joint_sessions_allowed=True, note=MARK)
    await centre.schedule(case, place=MARK)
    await centre.hold(case, "not_agreed", facts=MARK, summary=MARK, statements=_said(case), caucus_notes=_said(case))
    await centre.do("SuspendMediation", case, people.clerk, reason="appraisal", note=MARK)
    await centre.do("ResumeMediation", case, people.clerk, reason="ended")
    await centre.schedule(case, study_note=MARK)
    await centre.hold(case, "not_agreed")
    await centre.do("ApproveSession", case, people.head, reason=MARK)
    await centre.schedule(case)
    await centre.hold(case, "agreed")
    promise = pays(case, "10", (centre.now()).date().replace(year=centre.now().year + 1).isoformat())
    for name in ("detail", "condition", "evidence", "penalty"):
        setattr(promise, name, MARK)
    await centre.draft(case, facts=MARK, terms=MARK, obligations=[promise])
    await centre.do("TerminateMediation", case, people.clerk, ground="refused_to_sign", on_behalf_of=behalf(case.applicant), note=MARK)
    await centre.do("RecordFollowUp", case, people.clerk, side="applicant", performance="not_applicable", note=MARK)
    return case


def _said(case: Case) -> list[object]:
    statements = said(*case.parties)
    for statement in statements:
        statement.text = MARK
    return list(statements)


@pytest.mark.req("MD3", "MD7")
async def test_no_word_leaves_its_row_and_every_hash_proves_one(centre: Centre, capfd: pytest.CaptureFixture[str]) -> None:
    await a_talkative_case(centre)
    async with centre.running.kit.database.transaction() as tx:
        journal = await tx.rows("SELECT payload, headers FROM journal")
        documents = await tx.rows("SELECT doc::text FROM mediations")
        answers = await tx.rows("SELECT response FROM request_keys")
        texts = await tx.rows("SELECT kind, body, salt, sha256 FROM texts")
    marked = {kind for kind, body, _, _ in texts if MARK in body}
    assert marked == {
        "disclosure",
        "recusal",
        "safety",
        "place",
        "session_record",
        "caucus_note",
        "suspension",
        "study",
        "approval",
        "agreement",
        "termination_note",
        "follow_up",
    }
    for stored in (*(p for p, _ in journal), *(r for (r,) in answers)):
        assert MARK.encode() not in bytes(stored)
    assert all(MARK not in text for (text,) in documents)
    assert all(MARK not in headers for _, headers in journal)
    assert MARK not in "".join(capfd.readouterr())
    for _, body, salt, sha256 in texts:
        assert hashlib.sha256(bytes(salt) + body.encode()).hexdigest() == sha256
    named = b"".join(bytes(p) for p, _ in journal)
    for kind in ("session_record", "agreement", "study", "remedies_notice"):
        assert any(k == kind and sha256.encode() in named for k, _, _, sha256 in texts)


async def test_equal_words_have_unequal_hashes(centre: Centre) -> None:
    case = await centre.prepared()
    for _ in range(2):
        await centre.do("RecordSafetyCheck", case, centre.people.clerk, joint_sessions_allowed=True, note=MARK)
    async with centre.running.kit.database.transaction() as tx:
        rows = await tx.rows("SELECT sha256 FROM texts WHERE kind = 'safety' AND case_id = %s", (case.id,))
    assert len({sha for (sha,) in rows}) == 2
