"""Who sees and does what: roles, the unit's subtree, recusal, and what was said to the mediator alone."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from typing import Any

import pytest

from tiaochu_domainkit.errors import DomainError
from tiaochu_kit.principal import Principal
from tiaochu_testkit.waiting import eventually

from .centre import CITY, ELSEWHERE, VILLAGE, VILLAGE_PATH, Case, Centre, behalf, person, said  # noqa: TID252 - tests of one package
from .table import refusal  # noqa: TID252

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET = "愿意让步到三千元"


async def held_apart(centre: Centre) -> Case:
    """A session in which the applicant told the mediator something the respondent shall not know."""
    case = await centre.prepared()
    await centre.schedule(case, separate=True)
    await centre.hold(case, "not_agreed", statements=[], caucus_notes=_note(case.applicant))
    return case


def _note(party: str) -> list[object]:
    [note] = said(party)
    note.text = SECRET
    return [note]


async def notes_read(centre: Centre, case: Case, by: Principal | str) -> list[str]:
    record = (await centre.do("GetSessionRecord", case, by, session_id=case.session)).record
    return [n.text for n in record.caucus_notes]


@pytest.mark.req("MD3")
async def test_what_was_said_apart_is_for_the_mediator_and_the_side_that_spoke(centre: Centre) -> None:
    case = await held_apart(centre)
    people = centre.people
    assert await notes_read(centre, case, people.mediator) == [SECRET]
    assert await notes_read(centre, case, party(case.applicant)) == [SECRET]
    for reader in (party(case.respondent), people.clerk, people.head, people.director, people.other, "service:docking"):
        assert await notes_read(centre, case, reader) == [], reader
    with refusal("NOT_FOUND"):
        await notes_read(centre, case, people.stranger)


def party(party_id: str) -> Principal:
    """A party who signed in by himself, in whatever post lets him see his case."""
    return Principal(party_id, frozenset({"information_officer"}), VILLAGE, VILLAGE_PATH, frozenset({"329901"}))


@pytest.mark.req("MD3")
async def test_what_was_said_apart_is_not_in_the_record_nor_the_events(centre: Centre) -> None:
    case = await held_apart(centre)
    record = (await centre.do("GetSessionRecord", case, centre.people.clerk, session_id=case.session)).record
    assert SECRET not in str(record)
    async with centre.running.kit.database.transaction() as tx:
        payloads = await tx.rows("SELECT payload, headers FROM journal")
        record_body = await tx.rows("SELECT body FROM texts WHERE kind = 'session_record' AND case_id = %s", (case.id,))
    assert all(SECRET.encode() not in bytes(p) and SECRET not in h for p, h in payloads)
    assert SECRET not in record_body[0][0]


@pytest.mark.req("MD2", "MD3")
async def test_a_recused_mediator_reads_and_does_nothing_from_that_moment_on(centre: Centre) -> None:
    case = await held_apart(centre)
    mediator = centre.people.mediator
    await recuse(centre, case, mediator)
    for query in ("GetMediation", "ListSessions", "ListAllowedActions"):
        with refusal("NOT_FOUND"):
            await centre.do(query, case, mediator)
    with refusal("NOT_FOUND"):
        await notes_read(centre, case, mediator)
    with pytest.raises(DomainError) as caught:
        await centre.do("AcknowledgeNotice", case, mediator, on_behalf_of=behalf(case.applicant))
    assert caught.value.reason in {"NOT_FOUND", "MEDIATOR_RECUSED"}


@pytest.mark.req("MD2")
async def test_the_successor_reads_what_was_said_apart(centre: Centre) -> None:
    case = await held_apart(centre)
    await recuse(centre, case, centre.people.mediator)
    assert await notes_read(centre, case, centre.people.other) == []
    await centre.assign(case, centre.people.other)
    assert await notes_read(centre, case, centre.people.other) == [SECRET]


async def recuse(centre: Centre, case: Case, mediator: Principal, party_id: str = "") -> bool:
    answer = await centre.do(
        "RaiseRecusal",
        case,
        centre.people.clerk,
        mediator_id=mediator.id,
        on_behalf_of=behalf(party_id or case.applicant),
        reason="有亲属关系",
    )
    return bool(answer.replaced)


async def test_a_mediator_from_elsewhere_sees_the_case_while_he_is_named(centre: Centre) -> None:
    case = await centre.register()
    await centre.accept(case)
    guest = centre.people.stranger
    with refusal("NOT_FOUND"):
        await centre.do("GetMediation", case, guest)
    await centre.choose(case, guest)
    await seen(centre, case, guest, yes=True)
    await centre.do("DeclineAssignment", case, guest, reason="load")
    await seen(centre, case, guest, yes=False)


async def seen(centre: Centre, case: Case, who: Principal, *, yes: bool) -> None:
    async def as_wanted() -> bool:
        outcome = (await asyncio.gather(centre.do("GetMediation", case, who), return_exceptions=True))[0]
        hidden = isinstance(outcome, DomainError) and outcome.reason == "NOT_FOUND"
        return hidden != yes

    await eventually(as_wanted, timeout=5)


async def test_the_case_is_seen_from_above_and_not_from_the_side(centre: Centre) -> None:
    case = await centre.register()
    await centre.accept(case)
    await centre.do("GetMediation", case, centre.people.director)
    with refusal("NOT_FOUND"):
        await centre.do("GetMediation", case, centre.people.stranger)
    with refusal("NOT_FOUND"):
        await centre.do("GetMediation", case, person("centre_director", district="329902"))


async def test_a_unit_that_helps_reads_the_case_and_does_not_act_on_it_but_a_party_may_speak_there(centre: Centre) -> None:
    case = await centre.register()
    await centre.accept(case)
    helper = person("acceptance_clerk", organ=ELSEWHERE, path=f"/{CITY}/{ELSEWHERE}/")
    await centre.hear(
        centre.routing, "LeadNamed", case, lead_organ_id=VILLAGE, lead_organ_path=VILLAGE_PATH, co_organ_paths=[helper.organ_path]
    )
    await seen(centre, case, helper, yes=True)
    fields = {"ground": "other"}
    with refusal("NOT_THIS_UNIT"):
        await centre.do("TerminateMediation", case, helper, **fields)
    listed = (await centre.do("ListAllowedActions", case, helper)).actions
    assert {a.reason for a in listed if not a.allowed} <= {"NOT_THIS_UNIT", "ROLE_MISSING", "STATE_FORBIDS"}
    assert {a.action for a in listed if a.allowed} == {"TerminateMediation"}
    await centre.do("TerminateMediation", case, helper, ground="party_refused", on_behalf_of=behalf(case.respondent))
    assert await centre.status(case) == "terminated"


@pytest.mark.parametrize(
    ("rpc", "fields"),
    [
        ("DecideRecusal", {"recusal_id": "019b76da-a800-7000-8000-000000000001", "replaced": True, "reason": "x"}),
        ("ApproveSession", {"reason": "x"}),
        ("HoldSession", {"session_id": "019b76da-a800-7000-8000-000000000001", "result": "agreed", "summary": "x"}),
    ],
)
async def test_a_clerk_has_not_every_role(centre: Centre, rpc: str, fields: dict[str, object]) -> None:
    case = await centre.register()
    await centre.accept(case)
    with refusal("ROLE_MISSING"):
        await centre.do(rpc, case, centre.people.clerk, **fields)


async def after(centre: Centre, case: Case, reads: int, act: Awaitable[Any]) -> Any:
    """Do it a few reads later, so that now one and now the other comes first."""
    for _ in range(reads):
        await centre.do("GetMediation", case, centre.people.clerk)
    return await act


@pytest.mark.req("MD2")
async def test_recusal_against_signing_many_times(centre: Centre) -> None:
    """Whoever comes first: nothing binds with the mark of a mediator who was replaced, and once it binds nobody is replaced any more."""
    outcomes: Counter[str] = Counter()
    for turn in range(18):
        case = await centre.agreed()
        await centre.draft(case)
        for who in (*case.parties, "seal"):
            await centre.sign(case, who)
        signing = after(centre, case, turn % 6, centre.sign(case, "mediator"))
        answers = await asyncio.gather(recuse(centre, case, centre.people.mediator), signing, return_exceptions=True)
        refused = [a for a in answers if isinstance(a, BaseException)]
        assert len(refused) == 1, answers
        assert isinstance(refused[0], DomainError)
        names = await centre.events(case)
        effective, replaced = "AgreementEffective" in names, "RecusalDecided" in names
        assert effective != replaced
        assert await centre.status(case) == ("effective" if effective else "opened")
        assert names.count("AgreementSigned") == (4 if effective else 3)
        outcomes["effective" if effective else "replaced"] += 1
    assert sum(outcomes.values()) == 18
