"""诉调对接: the sandbox court as a real agency, over signed HTTP and over the pull feed."""

import pytest

from e2e.office import Office
from tiaochu.docking.v1 import docking_service_pb2 as docking
from tiaochu_demo.driver import Clerk, Court, Unit
from tiaochu_demo.driver.matter import until
from tiaochu_demo.synthetic.court import CourtOffer


@pytest.mark.req("DG1", "DG5", "DG10")
@pytest.mark.parametrize("channel", ["push", "pull"])
async def test_a_delegated_case_is_registered_signed_and_its_result_goes_back(office: Office, channel: str) -> None:
    await office.court.dock()
    offer = office.delegation(channel)
    exchange_id = await office.court.offer(offer)
    clerk = await _taken(office, offer, exchange_id)
    entry = await clerk.case()
    assert (entry.channel, entry.source, entry.external_no) == ("court", "court", offer.case.external_no)
    assert {f.sha256 for f in entry.files} >= {row["sha256"] for row in offer.packet({ref: ref for ref in offer.files})["files"]}

    await clerk.classify(offer.case)
    holder = Unit(clerk.matter, clerk.organ_id)
    lead = Unit(clerk.matter, await holder.lead())
    if lead.organ.id != holder.organ.id:
        await lead.sign(await holder.offer(lead.organ.id))
    await clerk.win_consent()
    await lead.accept()
    mediator = await office.seat(lead)
    await _came(office.court, exchange_id, "sign")
    await mediator.tell_rights()
    await office.sit(mediator, "agreed")
    draft = await mediator.draft((office.payment(),))
    await mediator.sign(draft)
    await _came(office.court, exchange_id, "result")
    assert (await office.court.matter(exchange_id))["outcome"] in ("agreed", "")

    story = office.shell(mediator.person_id, "case", "timeline", clerk.matter.case_id).stdout
    assert story.count(office.court.name) > 3, "the court is told by its name"
    assert office.court.agency_id not in story
    assert lead.organ.short_name in story


@pytest.mark.req("DG5")
async def test_a_declined_delegation_goes_back_to_the_court(office: Office) -> None:
    await office.court.dock()
    offer = office.delegation("push")
    exchange_id = await office.court.offer(offer)
    clerk = await _taken(office, offer, exchange_id)
    await clerk.classify(offer.case)
    unit = Unit(clerk.matter, clerk.organ_id)
    await unit.lead()
    await unit.decline("already_handled")
    await _came(office.court, exchange_id, "return")


@pytest.mark.req("MD8", "DG5")
@pytest.mark.parametrize("ruling", ["valid", "dismissed"])
async def test_a_joint_application_is_ruled_on_and_the_ruling_stands_on_the_agreement(office: Office, ruling: str) -> None:
    await office.court.dock()
    _, mediator, draft = await office.agreed()
    await office.court.decide(ruling=ruling)
    try:
        await mediator.apply_for_confirmation(draft, office.court.agency_id)

        async def ruled() -> str:
            return str((await mediator.agreement(draft.agreement_id)).confirmations[-1].ruling)

        assert await mediator.matter.until(ruled, bool, "the ruling") == ruling
    finally:
        await office.court.decide(ruling="valid")
    confirmation = (await mediator.agreement(draft.agreement_id)).confirmations[-1]
    assert confirmation.ruling_no
    assert confirmation.ruled_on


@pytest.mark.req("DG10")
async def test_the_same_matter_offered_twice_is_one_case(office: Office) -> None:
    await office.court.dock()
    offer = office.delegation("push")
    await office.court.misbehave("twice")
    exchange_id = await office.court.offer(offer)
    case_id = await office.court.case_of(exchange_id)
    listed = await office.wire.ask(office.cast.role("court_liaison"), docking.ListExchangesRequest(external_no=offer.case.external_no))
    assert [e.case_id for e in listed.exchanges] == [case_id]


@pytest.mark.req("DG13")
async def test_a_court_that_answers_badly_gets_the_packet_again_until_it_confirms(office: Office) -> None:
    await office.court.dock()
    _, mediator, draft = await office.agreed()
    await office.court.misbehave("refuse", times=1, value=503)
    await mediator.apply_for_confirmation(draft, office.court.agency_id)

    async def ruled() -> str:
        office.step(seconds=10)  # the next attempt is some seconds away, in the stack's time
        return str((await mediator.agreement(draft.agreement_id)).confirmations[-1].ruling)

    assert await mediator.matter.until(ruled, bool, "the ruling after a refused delivery") == "valid"


async def _taken(office: Office, offer: CourtOffer, exchange_id: str) -> Clerk:
    case_id = await office.court.case_of(exchange_id)
    return await Clerk.take_up(office.wire, office.cast, case_id, offer.case.first_receiver_organ_id)


async def _came(court: Court, exchange_id: str, kind: str) -> None:
    async def kinds() -> list[str]:
        return [p["kind"] for p in await court.packets(exchange_id) if p["direction"] == "in"]

    await until(kinds, lambda found: kind in found, f"the packet {kind} at the court")
