"""Who mediates: choice, disclosure, refusal, recusal."""

import pytest
from google.protobuf.message import Message

from e2e.office import Office
from tiaochu.intake.v1 import case_queries_pb2 as intake
from tiaochu.mediation.v1 import mediation_service_pb2 as mediation
from tiaochu.routing.v1 import responsibility_service_pb2 as routing
from tiaochu_demo.driver import Actor, Clerk, Mediator, Refused
from tiaochu_demo.driver.matter import until
from tiaochu_domainkit.errors import Kind

RECUSAL_SECONDS = 5.0
"""Within this time a recused mediator no longer reads the case, in any service."""


@pytest.mark.req("MD1")
async def test_the_ranking_explains_its_score_and_leaves_out_who_declined(office: Office) -> None:
    _, _, unit = await office.accepted()
    first = (await unit.ranked())[0]
    assert first.score == sum(p.points for p in first.parts)
    assert all(p.zh for p in first.parts)
    await unit.choose_mediator(first.mediator_id)
    await Mediator(unit.matter, first.mediator_id, unit.organ.id).decline()
    assert first.mediator_id not in [m.mediator_id for m in await unit.ranked()]


@pytest.mark.req("MD2")
async def test_a_relation_needs_the_consent_of_every_party(office: Office) -> None:
    _, _, unit = await office.accepted()
    chosen = (await unit.ranked())[0]
    await unit.choose_mediator(chosen.mediator_id)
    mediator = Mediator(unit.matter, chosen.mediator_id, unit.organ.id)
    relation = mediation.Relation(kind="relative", party_id=unit.matter.respondents[0])
    with pytest.raises(Refused) as refused:
        await mediator.accept(relations=[relation], consenting=unit.matter.applicants)
    assert refused.value.reason == "RELATION_NEEDS_CONSENT"
    await mediator.accept(relations=[relation], consenting=unit.matter.parties)


@pytest.mark.req("MD2")
async def test_a_first_request_replaces_and_a_later_one_waits_for_the_head(office: Office) -> None:
    _, clerk, unit = await office.accepted()
    party = clerk.matter.applicants[0]
    stranger = await office.seat(unit, own=False)
    assert (await clerk.raise_recusal(stranger.person_id, party)).replaced
    clerk.matter.barred.add(stranger.person_id)
    with pytest.raises(Refused) as refused:
        await unit.choose_mediator(stranger.person_id)
    assert refused.value.reason == "MEDIATOR_RECUSED_BEFORE"
    second = await office.seat(unit)
    later = await clerk.raise_recusal(second.person_id, party)
    assert not later.replaced
    await unit.decide_recusal(later.recusal_id, replaced=False, besides=second.person_id)
    assert (await second.mediation()).recusals[-1].state == "kept"


@pytest.mark.req("MD2", "PF2")
async def test_a_recused_mediator_no_longer_reads_the_case_in_any_service(office: Office) -> None:
    _, clerk, unit = await office.accepted()
    stranger = await office.seat(unit, own=False)
    post = office.cast.person(stranger.person_id, mediation.GetMediationRequest)
    for question in _questions(clerk):
        await clerk.matter.ask(post, question)
    assert (await clerk.raise_recusal(stranger.person_id, clerk.matter.applicants[0])).replaced

    async def readable() -> list[str]:
        return [type(q).__name__ for q in _questions(clerk) if await _reads(office, post, q)]

    await until(readable, lambda found: not found, "the recusal in every service", RECUSAL_SECONDS)


def _questions(clerk: Clerk) -> tuple[Message, ...]:
    case_id = clerk.matter.case_id
    return (
        mediation.GetMediationRequest(case_id=case_id),
        intake.GetCaseRequest(case_id=case_id),
        routing.GetResponsibilityRequest(case_id=case_id),
    )


async def _reads(office: Office, actor: Actor, question: Message) -> bool:
    try:
        await office.wire.ask(actor, question)
    except Refused as refused:
        if refused.error.kind in (Kind.NOT_FOUND, Kind.PERMISSION_DENIED):
            return False
        raise
    return True
