"""Before time goes on, everybody has heard what happened: services have read each other's logs and packets have left for the court."""

import asyncio

from google.protobuf.message import Message

from tiaochu.docking.v1 import docking_service_pb2 as docking
from tiaochu.intake.v1 import keyword_service_pb2 as keywords
from tiaochu.mediation.v1 import mediation_service_pb2 as mediation
from tiaochu.reporting.v1 import report_service_pb2 as reporting
from tiaochu.routing.v1 import directory_service_pb2 as directory
from tiaochu_demo.driver import Cast, Refused, Wire
from tiaochu_demo.driver.matter import SERVICES, until
from tiaochu_domainkit.errors import Kind
from tiaochu_kit.ids import new_id

DELIVERY_SECONDS = 20.0


class Settling:
    """Reads all logs to their heads. A service reacts to one log by writing to its own, so it is done twice."""

    def __init__(self, wire: Wire, cast: Cast) -> None:
        self._wire = wire
        self._actor = cast.role("dispatcher")
        self.services = tuple(s for s in SERVICES if s in wire.stack.addresses["grpc"])

    async def settle(self) -> None:
        """Wait until all is told."""
        for _ in range(2):
            await asyncio.gather(*(self._read_logs(service) for service in self.services))
        if "docking" in self.services:
            await until(self._waiting, lambda count: count == 0, "the packets for the court", DELIVERY_SECONDS)

    async def _read_logs(self, service: str) -> None:
        try:
            await self._wire.ask(self._actor, _question(service), after=[s for s in self.services if s != service])
        except Refused as refused:
            if refused.error.kind is not Kind.NOT_FOUND:
                raise

    async def _waiting(self) -> int:
        answer = await self._wire.ask(self._actor, docking.ListDeliveriesRequest(state="waiting", page_size=200))
        return sum(1 for d in answer.deliveries if d.channel == "push" and d.attempts == 0)


def _question(service: str) -> Message:
    """Something cheap to ask."""
    match service:
        case "intake":
            return keywords.ListKeywordsRequest(category="99")
        case "routing":
            return directory.ListOrgansRequest(page_size=1)
        case "mediation":
            return mediation.GetMediationRequest(case_id=new_id())
        case "docking":
            return docking.ListExchangesRequest(page_size=1)
        case _:
            return reporting.ListMonthLocksRequest()
