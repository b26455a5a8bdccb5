"""The services around the gateway, at its boundary: their logs as it reads them, and the few answers it asks for, over real gRPC."""

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import grpc
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import Message
from grpc_status import rpc_status

from tiaochu.intake.v1 import case_commands_pb2 as intake
from tiaochu.intake.v1 import case_pb2, case_queries_pb2, file_service_pb2
from tiaochu.log.v1.log_service_pb2 import LoggedEvent
from tiaochu.mediation.v1 import mediation_pb2, mediation_service_pb2
from tiaochu_domainkit.errors import DomainError
from tiaochu_embedded.ports import HOST, free_port
from tiaochu_kit.errors import to_status
from tiaochu_kit.ids import new_id
from tiaochu_testkit import mothers
from tiaochu_testkit.services import Running

DISTRICT = "321282"
PARTY_IDS = ("019b76da-a800-7000-8000-0000000000a1", "019b76da-a800-7000-8000-0000000000a2")
AGREEMENT_ID = "019b76da-a800-7000-8000-0000000000b1"


class Around:
    """intake, routing and mediation."""

    def __init__(self) -> None:
        self.port = free_port()
        self.registered: list[intake.RegisterCaseRequest] = []
        self.files: list[tuple[str, bytes]] = []
        self.refusal: DomainError | None = None
        self.effective_at: datetime | None = None
        self.terms = "乙方于2026年12月31日前归还甲方借款三万元。"
        self._positions: dict[str, tuple[int, bytes]] = {}

    @property
    def peers(self) -> dict[str, str]:
        """Addresses for the gateway's settings."""
        return dict.fromkeys(("intake", "routing", "mediation"), f"{HOST}:{self.port}")

    # Logs

    async def say(self, running: Running, case_id: str, body: Message, *, at: datetime | None = None) -> None:
        """An event of whoever owns its type reaches the gateway, as the next of that log."""
        producer = body.DESCRIPTOR.full_name.split(".")[1]
        position, running_hash = self._positions.get(producer, (0, bytes(32)))
        event = LoggedEvent(
            district=DISTRICT,
            position=position + 1,
            previous_hash=running_hash,
            hash=hashlib.sha256(running_hash + body.SerializeToString(deterministic=True)).digest(),
            event_id=new_id(),
            type=body.DESCRIPTOR.full_name,
            aggregate_id=case_id,
            version=position + 1,
            subject=case_id,
            headers="{}",
            payload=body.SerializeToString(deterministic=True),
        )
        moment = at or running.kit.clock.now()
        event.occur_time.FromDatetime(moment)
        event.record_time.FromDatetime(moment)
        await running.kit.consumers[producer].apply(DISTRICT, [event])
        self._positions[producer] = (position + 1, event.hash)

    # Answers

    async def register_case(self, request: intake.RegisterCaseRequest) -> intake.RegisterCaseResponse:
        """intake registers what it is given, or refuses."""
        if self.refusal is not None:
            raise self.refusal
        if all(r.case_id != request.case_id for r in self.registered):
            self.registered.append(request)
        return intake.RegisterCaseResponse(case_id=request.case_id, case_number="321282-2026-001-000001", etag="1")

    async def get_parties(self, _request: Any) -> case_queries_pb2.GetPartiesResponse:
        """Two persons with their numbers."""
        people = [mothers.person(1), mothers.person(2)]
        parties = [
            case_pb2.Party(
                party_id=ident, side=side, kind="person", name=p.name, id_type="resident_id", id_number=p.id_number, phone=p.phone, address=p.address,
                region_code="321282100201", ethnicity="汉族",
            )
            for ident, side, p in zip(PARTY_IDS, ("applicant", "respondent"), people, strict=True)
        ]  # fmt: skip
        return case_queries_pb2.GetPartiesResponse(case_number="321282-2026-001-000001", parties=parties)

    async def get_agreement(self, request: Any) -> mediation_service_pb2.GetAgreementResponse:
        """An agreement to pay thirty thousand yuan."""
        agreement = mediation_pb2.Agreement(
            agreement_id=request.agreement_id,
            case_id=request.case_id,
            agreement_number="(2026)靖调字第0001号",
            form="written",
            state="effective",
            terms=self.terms,
            obligations=[
                mediation_pb2.Obligation(
                    obligation_id=new_id(),
                    kind="pay",
                    obligor_party_id=PARTY_IDS[1],
                    obligee_party_id=PARTY_IDS[0],
                    amount_fen=3_000_000,
                    due_on="2026-12-31",
                    detail="归还借款",
                )
            ],
        )
        if self.effective_at is not None:
            agreement.effective_at.FromDatetime(self.effective_at)
        return mediation_service_pb2.GetAgreementResponse(agreement=agreement)

    async def upload(self, requests: AsyncIterator[file_service_pb2.UploadRequest]) -> file_service_pb2.UploadResponse:
        """intake takes a file."""
        name, content = "", b""
        async for request in requests:
            if request.WhichOneof("part") == "header":
                name = request.header.name
            content += request.chunk
        self.files.append((name, content))
        return file_service_pb2.UploadResponse(file_id=new_id(), size=len(content), sha256=hashlib.sha256(content).hexdigest())

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Around"]:
        """Listen."""
        server = grpc.aio.server()
        unary: dict[str, dict[str, Callable[[Any], Any]]] = {
            "tiaochu.intake.v1.CaseService": {"RegisterCase": self.register_case, "GetParties": self.get_parties},
            "tiaochu.mediation.v1.MediationService": {"GetAgreement": self.get_agreement},
        }
        for service, methods in unary.items():
            handlers = {name: _unary(service, name, method) for name, method in methods.items()}
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))

        async def take(requests: Any, _context: Any) -> Any:
            return await self.upload(requests)

        upload: Any = grpc.stream_unary_rpc_method_handler(
            take,
            request_deserializer=file_service_pb2.UploadRequest.FromString,
            response_serializer=lambda m: m.SerializeToString(),
        )
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("tiaochu.intake.v1.FileService", {"Upload": upload}),))
        server.add_insecure_port(f"{HOST}:{self.port}")
        await server.start()
        try:
            yield self
        finally:
            await server.stop(0.5)


def _unary(service: str, name: str, method: Callable[[Any], Any]) -> Any:
    descriptor = descriptor_pool.Default().FindServiceByName(service).methods_by_name[name]
    requests = message_factory.GetMessageClass(descriptor.input_type)

    async def answer(request: Any, context: Any) -> Any:
        try:
            return await method(request)
        except DomainError as error:
            await context.abort_with_status(rpc_status.to_status(to_status(error, service)))

    return grpc.unary_unary_rpc_method_handler(
        answer, request_deserializer=requests.FromString, response_serializer=lambda m: m.SerializeToString()
    )
