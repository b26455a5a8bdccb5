"""Calls to intake and routing. They carry ids and codes only into mediation; names stay where they are."""

from collections.abc import Sequence
from time import monotonic

from tiaochu.intake.v1 import case_queries_pb2, case_service_pb2  # noqa: F401 - the service's descriptor must be known
from tiaochu.routing.v1 import directory_service_pb2
from tiaochu_kit.peers import Peers
from tiaochu_mediation.domain.participants import Seat
from tiaochu_mediation.usecases.ports import Organ

ORGAN_SECONDS = 300.0
"""How long an organ's name and tier are believed. They change by a decree, not by the minute."""


class IntakeParties:
    """Answers `usecases.ports.Parties`."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    async def roster(self, case_id: str) -> Sequence[Seat]:
        """The parties that did not withdraw. Mediation asks for itself: it has guarded the case before it uses the answer."""
        request = case_queries_pb2.GetPartiesRequest(case_id=case_id)
        answer = await self._peers.call("intake", "tiaochu.intake.v1.CaseService/GetParties", request)
        return [Seat(p.party_id, p.side) for p in answer.parties if not p.withdrawn]


class RoutingOrgans:
    """Answers `usecases.ports.Organs`."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        self._known: dict[str, tuple[float, Organ]] = {}

    async def organ(self, organ_id: str) -> Organ:
        """The organ as the directory has it today."""
        known = self._known.get(organ_id)
        if known is not None and monotonic() - known[0] < ORGAN_SECONDS:
            return known[1]
        request = directory_service_pb2.GetOrganRequest(organ_id=organ_id)
        answer = await self._peers.call("routing", "tiaochu.routing.v1.DirectoryService/GetOrgan", request)
        organ = Organ(answer.organ.short_name, answer.organ.tier)
        self._known[organ_id] = (monotonic(), organ)
        return organ
