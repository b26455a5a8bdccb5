"""Every question the services answer, asked as the centre and as a village, in the ways staff ask it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from e2e.office import VILLAGE, Office
from google.protobuf import message_factory
from google.protobuf.message import Message

from bench.people import PLANTED
from tiaochu.docking.v1 import docking_service_pb2 as docking
from tiaochu.intake.v1 import case_queries_pb2 as intake
from tiaochu.mediation.v1 import mediation_service_pb2 as mediation
from tiaochu.reporting.v1 import report_service_pb2 as reporting
from tiaochu.routing.v1 import responsibility_service_pb2 as routing
from tiaochu_cli.rpcs import _methods, is_mutation, service_of
from tiaochu_demo.directory import CITY
from tiaochu_demo.driver import Refused
from tiaochu_demo.driver.matter import stamp

LISTS = ("List", "Search", "Find", "Rank")
"""How the RPCs begin whose answer grows with the number of cases."""
_SKIPPED = ("log", "options")


@dataclass(frozen=True)
class Asked:
    """One question and whether it was answered."""

    rpc: str
    who: str
    refusal: str = ""


class Questions:
    """Asks about some cases of a loaded stack."""

    def __init__(self, office: Office, cases: Sequence[str]) -> None:
        self._office = office
        self._cases = cases
        directory = office.cast.directory
        self._mediator = next(s.id for s in directory.staff if s.mediator)
        self._village = directory.organs_by_code[VILLAGE]

    async def ask_all(self) -> list[Asked]:
        """Ask everything; a refusal is noted, for what a sample case has not."""
        told = []
        centre = self._office.cast.directory.organs_by_code["centre"].id
        for request in (*self._plain(), *self._varied()):
            for who, organ in (("centre", centre), ("village", self._village.id)):
                told.append(await self._ask(request, who, organ))
        return told

    async def _ask(self, request: Message, who: str, organ: str) -> Asked:
        name = request.DESCRIPTOR.name.removesuffix("Request")
        try:
            actor = self._office.cast.above(type(request), organ)
        except LookupError:
            holders = [s for s in self._office.cast.directory.staff if s.posts]
            actor = next((a for s in holders if (a := self._as(s.id, type(request)))), None) or self._office.cast.role("dispatcher")
        try:
            answer = await self._office.wire.ask(actor, request, patience=0)
            if token := getattr(answer, "next_page_token", ""):
                following = type(request)()
                following.CopyFrom(request)
                setattr(following, "page_token", token)  # noqa: B010 - lists have the field, no common type says so
                await self._office.wire.ask(actor, following, patience=0)
        except Refused as refused:
            return Asked(name, who, f"{refused.code.name} {refused.reason}")
        return Asked(name, who)

    def _as(self, person_id: str, request: type[Message]) -> Any:
        try:
            return self._office.cast.person(person_id, request)
        except LookupError:
            return None

    def _plain(self) -> Iterator[Message]:
        """Every query once for each sample case, its fields filled by their names."""
        for method in _methods().values():
            if is_mutation(method) or method.client_streaming or method.server_streaming or service_of(method) in _SKIPPED:
                continue
            cls = message_factory.GetMessageClass(method.input_type)
            for case_id in self._cases if "case_id" in cls.DESCRIPTOR.fields_by_name else self._cases[:1]:
                yield self._filled(cls, case_id)

    def _filled(self, cls: type[Message], case_id: str) -> Message:
        known = {
            "case_id": case_id,
            "organ_id": self._village.id,
            "mediator_id": self._mediator,
            "period": "2026-03",
            "figure": "registered",
        }
        known |= {"text": PLANTED[1][0], "agency_id": "", "district": CITY}
        request = cls()
        for field in cls.DESCRIPTOR.fields:
            if field.name in known and field.type == field.TYPE_STRING and not field.is_repeated:
                setattr(request, field.name, known[field.name])
        return request

    def _varied(self) -> Iterator[Message]:
        """Lists as they are filtered and sorted at work."""
        now = self._office.now()
        for order in ("", "received_at", "case_number", "-case_number", "amount", "-amount"):
            yield intake.ListCasesRequest(order_by=order, include_history=True)
        yield intake.ListCasesRequest(category="0201")
        yield intake.ListCasesRequest(category="02", stages=[95], include_history=True)
        yield intake.ListCasesRequest(risk="red", channel="window")
        yield intake.ListCasesRequest(region_prefix=self._village.region, include_history=True)
        yield intake.ListCasesRequest(case_number_prefix="329901-2026-1", include_history=True)
        yield intake.ListCasesRequest(received_from=stamp(now - timedelta(days=30)), received_before=stamp(now))
        yield intake.ListCasesRequest(organ_id=self._village.id, include_history=True)
        for text in (*(phrase for phrase, _ in PLANTED), "赔偿", "王伟", "19900123456", "329901200001011234"):
            yield intake.SearchCasesRequest(text=text, include_history=True)
            yield intake.SearchCasesRequest(text=text)
        for sort in routing.WorklistSort.values():
            for part in routing.WorklistPart.values():
                for deep in (False, True):
                    yield routing.ListWorklistRequest(sort=sort, part=part, with_subordinates=deep)
        yield routing.ListWorklistRequest(with_subordinates=True, statuses=["ended"])
        yield routing.ListWorklistRequest(with_subordinates=True, category="02", due_before=stamp(now))
        yield mediation.ListMediationsRequest()
        yield mediation.ListMediationsRequest(mediator_id=self._mediator)
        for figure in ("registered", "successful", "total", "type.neighbour"):
            yield reporting.ListFigureCasesRequest(period="2026-03", figure=figure)
        for period in ("2026-03", "2026", "2026-Q1"):
            yield reporting.GetMonthTableRequest(period=period)
        for state in ("", "done", "open"):
            yield docking.ListExchangesRequest(state=state)
        yield docking.ListDeliveriesRequest(state="waiting")
        yield docking.ListDeliveriesRequest(case_id=self._cases[0])
        yield docking.ListSharingRequest(case_id=self._cases[0])
