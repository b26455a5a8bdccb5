"""Somebody stands in for an absent colleague (代理): in every service, for as long as it was said, and no second longer."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from google.protobuf.message import Message

from e2e.office import TOWN, Office
from tiaochu.intake.v1 import case_commands_pb2 as intake
from tiaochu.intake.v1 import case_queries_pb2 as queries
from tiaochu.mediation.v1 import mediation_service_pb2 as mediation
from tiaochu.reporting.v1 import report_service_pb2 as reporting
from tiaochu.routing.v1 import directory_service_pb2 as directory
from tiaochu.routing.v1 import responsibility_service_pb2 as routing
from tiaochu_demo.driver import Refused, Unit
from tiaochu_demo.driver.cast import Actor
from tiaochu_demo.driver.clerk import behalf
from tiaochu_domainkit.clocks import beijing
from tiaochu_testkit import eventually

EVERYWHERE = {"routing", "intake", "mediation", "reporting"}
SECONDS = 5
"""In which what the directory says holds in every service."""


class StandIn:
    """Somebody of another town who stands in for a person of the unit, as seen on one case."""

    def __init__(self, office: Office, case_id: str, principal: Actor, deputy: Actor) -> None:
        self.office, self.case_id, self.principal, self.deputy = office, case_id, principal, deputy
        self.acting = Actor(deputy.person_id, principal.organ_id)
        self.director = office.cast.role("office_director")
        self.post_id = ""

    async def appointed(self, first_day: int, days: int) -> str:
        """From so many days after today on, for so many days."""
        wire, today = self.office.wire, beijing(self.office.now()).date()
        staff = (await wire.ask(self.director, directory.ListStaffRequest(organ_id=self.principal.organ_id))).staff
        mine = next(s for s in staff if s.person_id == self.principal.person_id)
        self.post_id = mine.posts[0].post_id
        request = directory.AppointDeputyRequest(
            district=self.office.cast.directory.district,
            post_id=self.post_id,
            deputy_id=self.deputy.person_id,
            valid_from_on=(today + timedelta(days=first_day)).isoformat(),
            valid_to_on=(today + timedelta(days=first_day + days)).isoformat(),
            ground="leave",
        )
        return str((await wire.ask(self.director, request)).deputation_id)

    async def end(self, deputation_id: str) -> None:
        district = self.office.cast.directory.district
        request = directory.EndDeputyRequest(district=district, post_id=self.post_id, deputation_id=deputation_id)
        await self.office.wire.ask(self.director, request)

    async def reach(self) -> set[str]:
        """The services that let the deputy into the case."""
        asked = {
            "routing": routing.GetResponsibilityRequest(case_id=self.case_id),
            "intake": queries.GetCaseRequest(case_id=self.case_id),
            "mediation": mediation.GetMediationRequest(case_id=self.case_id),
            "reporting": reporting.GetCaseTimelineRequest(case_id=self.case_id),
        }
        return {service for service, request in asked.items() if await self._answers(request)}

    async def _answers(self, request: Message) -> bool:
        try:
            await self.office.wire.ask(self.acting, request)
        except Refused as refused:
            if refused.reason != "ROLE_MISSING":
                raise
            return False
        return True

    async def reaches(self, services: set[str]) -> None:
        """Within five seconds exactly these services let the deputy in."""
        await eventually(self._comparing(services), SECONDS)

    def _comparing(self, services: set[str]) -> Callable[[], Awaitable[bool]]:
        async def same() -> bool:
            assert await self.reach() == services
            return True

        return same


@pytest.mark.req("RT3")
async def test_a_deputy_acts_in_every_service_for_as_long_as_was_said(office: Office) -> None:
    _, clerk, holder = await office.classified(TOWN)
    lead = Unit(clerk.matter, await holder.lead())
    principal = office.cast.at(routing.SignTransferRequest, lead.organ.id)
    elsewhere = next(
        o for o in office.cast.directory.organs if o.tier == "town" and not office.cast.is_above(o.id, lead.organ.id) and o.code != TOWN
    )
    deputy = office.cast.at(routing.SignTransferRequest, elsewhere.id)
    stand_in = StandIn(office, clerk.matter.case_id, principal, deputy)
    await stand_in.appointed(1, 1)
    await stand_in.reaches(set())

    office.step(days=1)
    await stand_in.reaches(EVERYWHERE)
    transfer = await holder.offer(lead.organ.id)
    sign = routing.SignTransferRequest(case_id=clerk.matter.case_id, transfer_id=transfer)
    await office.wire.ask(stand_in.acting, sign)
    party = clerk.matter.respondents[0]
    attempt = intake.RecordConsentAttemptRequest(
        case_id=clerk.matter.case_id, party_id=party, channel="phone", outcome="consented", on_behalf_of=behalf(party, "call_back")
    )
    await office.wire.ask(stand_in.acting, attempt)
    assert (await lead.responsible_at()).organ_id == lead.organ.id
    timeline = await clerk.ask(reporting.GetCaseTimelineRequest(case_id=clerk.matter.case_id))
    acts = {e.type.rpartition(".")[2]: e for e in timeline.entries if e.actor == deputy.person_id}
    assert {"TransferSigned", "ConsentAttempted"} <= set(acts)
    assert {(e.organ_id, e.deputised_post) for e in acts.values()} == {(lead.organ.id, stand_in.post_id)}

    office.step(days=1)
    await stand_in.reaches(set())
    deputation = await stand_in.appointed(0, 30)
    await stand_in.reaches(EVERYWHERE)
    await stand_in.end(deputation)
    await stand_in.reaches(set())
    attempt.request_id = ""
    with pytest.raises(Refused) as refused:
        await office.wire.ask(stand_in.acting, attempt)
    assert refused.value.reason == "ROLE_MISSING"
