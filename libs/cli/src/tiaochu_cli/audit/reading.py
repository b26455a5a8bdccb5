"""Reads what the checks need from a running cell."""

from collections.abc import Callable, Sequence

from tiaochu.docking.v1 import docking_service_pb2 as docking
from tiaochu.log.v1 import log_service_pb2 as log_pb
from tiaochu.reporting.v1 import report_service_pb2 as reports
from tiaochu.routing.v1 import clock_service_pb2 as clocks
from tiaochu_cli.audit.clocks import default_lengths
from tiaochu_cli.audit.journals import Journals
from tiaochu_cli.moments import stamp
from tiaochu_cli.wire import Wire
from tiaochu_domainkit.errors import DomainError, Kind

_RANGE = 500
_PAGE = 200
_EVERY_TIER = 8

Told = Callable[[str, int, int], None]
"""(log, read, head): how far the reading is."""


class Reader:
    """Reads journals on from where they stand, and asks the services what is compared with them."""

    def __init__(self, wire: Wire, services: Sequence[str], district: str = "") -> None:
        self._wire, self._services, self._district = wire, services, district
        self.asked_at = wire.cell.clock.now()

    def read(self, journals: Journals, told: Told) -> None:
        """Bring `journals` to the heads of all logs. A consumer's reactions are journal rows too, so its log is read after its producers'."""
        if "docking" in self._services:
            journals.queue = self._deliveries()  # before the journals: what stands in the queue is recorded then
        for service in self._services:
            answer = self._wire.call(log_pb.ReadHeadsRequest(district=self._district), service=service)
            for head in answer.heads:
                self._read_log(journals, service, head, told)
            journals.heads[service] = list(answer.heads)
        journals.parked = [(s, p.producer, p.event) for s in self._services for p in self._parked(s)]

    def _read_log(self, journals: Journals, service: str, head: log_pb.Head, told: Told) -> None:
        while (position := journals.position(service, head.district)) < head.position:
            request = log_pb.ReadLogRequest(district=head.district, after=position, limit=_RANGE)
            events = self._wire.call(request, service=service).events
            if not events:
                return  # the check of the chain tells that the head is not reached
            journals.add(service, events)
            told(f"{service}/{head.district}", journals.position(service, head.district), head.position)

    def _parked(self, service: str) -> Sequence[log_pb.ParkedEvent]:
        found: Sequence[log_pb.ParkedEvent] = self._wire.call(log_pb.ListParkedRequest(limit=1000), service=service).parked
        return [p for p in found if not self._district or p.event.district == self._district]

    def lengths(self, districts: Sequence[str]) -> dict[str, str]:
        """Lengths of all versions of deadline rules: the defaults, and what the districts put where the caller may read it."""
        found = default_lengths()
        for district in districts:
            try:
                answer = self._wire.call(clocks.ListClockRulesRequest(district=district, with_history=True))
            except DomainError:
                continue
            found |= {rule.version: rule.length for rule in answer.rules}
        return found

    def _deliveries(self) -> list[docking.Delivery] | None:
        """The gateway's deliveries of exchanges; None where the caller may not see them."""
        found: list[docking.Delivery] = []
        request = docking.ListDeliveriesRequest(page_size=_PAGE)
        try:
            while True:
                answer = self._wire.call(request)
                found += [delivery for delivery in answer.deliveries if delivery.exchange_id]
                if not answer.next_page_token:
                    return found
                request.page_token = answer.next_page_token
        except DomainError as error:
            if error.kind is Kind.PERMISSION_DENIED:
                return None
            raise

    def table(self, district: str, period: str) -> reports.GetMonthTableResponse:
        """The table of a period with a row for every unit, as known when the audit began."""
        request = reports.GetMonthTableRequest(district=district, period=period, levels=_EVERY_TIER, as_of=stamp(self.asked_at))
        answer: reports.GetMonthTableResponse = self._wire.call(request)
        return answer

    def locked(self, district: str) -> bool:
        """Whether months of the district are locked."""
        return bool(self._wire.call(reports.ListMonthLocksRequest(district=district)).locked_through)
