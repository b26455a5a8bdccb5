"""`/docking/v1`: the surface for agencies. Writes are signed letters or signed changes, reads carry a bearer."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import IO, Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from tiaochu.docking.v1 import docking_service_pb2 as staff
from tiaochu.docking.v1 import door_pb2 as pb
from tiaochu_docking.edge import shapes
from tiaochu_docking.edge.door import Taken
from tiaochu_docking.edge.gate import Signed
from tiaochu_docking.edge.problems import refused
from tiaochu_docking.edge.surface import PREFIX, Surface, exchange_of, json_answer
from tiaochu_docking.edge.upload import FILE_LIMIT, disposition, file_name, media_type, stated_digest
from tiaochu_docking.usecases.ports import ExchangeFilter, StoredFile
from tiaochu_domainkit.clocks import BEIJING, beijing
from tiaochu_domainkit.errors import not_found
from tiaochu_kit.ids import is_uuid

PAGE = 200
OUTBOX_PAGE = 50
LONGEST_WAIT = 30
POLL_SECONDS = 0.5
CHUNK = 256 * 1024


def routes(s: Surface) -> APIRouter:
    """All routes."""
    router = APIRouter(prefix=PREFIX)
    _writes(router, s)
    _exchanges(router, s)
    _outbox(router, s)
    _files(router, s)
    _days(router, s)
    _own(router, s)
    return router


def _writes(router: APIRouter, s: Surface) -> None:
    @router.post("/exchanges", status_code=201, response_model=shapes.ReceivedAnswer, tags=["exchanges"])
    async def offer(request: Request) -> Response:
        """Offer a matter. 201 says that it is valid and stored; `sign` or `return` will follow as packets."""
        signed = await s.gate.signed(request)
        return _received(signed, await s.door.offer(signed))

    @router.post("/exchanges/{exchange_id}/packets", status_code=201, response_model=shapes.ReceivedAnswer, tags=["exchanges"])
    async def packet(exchange_id: str, request: Request) -> Response:
        """Any further packet. Kinds that change the state need `If-Match` with the exchange's ETag."""
        signed = await s.gate.signed(request)
        return _received(signed, await s.door.packet(signed, exchange_id, request.headers.get("if-match")))

    @router.post("/notices", status_code=201, response_model=shapes.ReceivedAnswer, tags=["exchanges"])
    async def notice(request: Request) -> Response:
        """A one-way duty; the answer is its receipt."""
        signed = await s.gate.signed(request)
        return _received(signed, await s.door.notice(signed))


def _exchanges(router: APIRouter, s: Surface) -> None:
    @router.get("/exchanges", response_model=shapes.ExchangePage, tags=["exchanges"])
    async def list_exchanges(
        request: Request,
        state: str = "",
        docking: str = "",
        case_no: str = "",
        external_no: str = "",
        updated_after: datetime | None = None,
        cursor: str = "",
        limit: Annotated[int, Query(ge=1, le=PAGE)] = 50,
    ) -> Response:
        """Your exchanges, by id; a signed cursor leads on, whatever is added meanwhile."""
        reader = await s.gate.reader(request)
        if updated_after is not None and updated_after.tzinfo is None:
            raise refused("FIELD_INVALID", "updated_after needs an offset", "时间须带时区", pointer="updated_after")
        asked = f"{docking}|{state}|{external_no}|{case_no}|{updated_after.isoformat() if updated_after else ''}"
        question = staff.ListExchangesRequest(agency_id=reader.agency.id, docking=asked, page_token=cursor)
        keys = s.pages.read(reader.agency.id, question)
        wanted = ExchangeFilter(
            agency_id=reader.agency.id,
            docking=docking,
            state=state,
            case_number=case_no,
            external_no=external_no,
            updated_after=updated_after,
            after=keys[0] if keys else "",
            limit=limit + 1,
        )
        found = await s.lists.exchanges(reader.agency.district, wanted)
        more = s.pages.write(reader.agency.id, question, [found[limit - 1].id]) if len(found) > limit else ""
        return json_answer(shapes.ExchangePage(exchanges=[s.view(e) for e in found[:limit]], cursor=more), headers=reader.limits)

    @router.get("/exchanges/{exchange_id}", response_model=shapes.ExchangeView, tags=["exchanges"])
    async def get_exchange(exchange_id: str, request: Request) -> Response:
        """One exchange; its ETag is what `If-Match` asks for."""
        reader = await s.gate.reader(request)
        exchange = await exchange_of(s, exchange_id, reader.agency.id)
        return json_answer(s.view(exchange), headers={"ETag": f'"{exchange.etag}"', **reader.limits})

    @router.get("/exchanges/{exchange_id}/packets", response_model=shapes.PacketList, tags=["exchanges"])
    async def list_packets(exchange_id: str, request: Request, after_seq: int = 0) -> Response:
        """Packets of both directions in the order of storing."""
        reader = await s.gate.reader(request)
        exchange = await exchange_of(s, exchange_id, reader.agency.id)
        found = await s.lists.packets(reader.agency.district, exchange.id, after_seq)
        return json_answer(shapes.PacketList(packets=[shapes.PacketView.of(p) for p in found]), headers=reader.limits)

    @router.get("/packets/{packet_id}", response_class=Response, tags=["exchanges"])
    async def get_packet(packet_id: str, request: Request) -> Response:
        """The bytes as they were signed, with the signature's headers: for proof without us."""
        reader = await s.gate.reader(request)
        packet = await s.lists.packet(reader.agency.district, packet_id) if is_uuid(packet_id) else None
        if packet is None or packet.agency_id != reader.agency.id:
            raise not_found("packet", packet_id)
        digest = base64.b64encode(bytes.fromhex(packet.sha256)).decode()
        delivery = await s.outbox.of_packet(reader.agency.id, packet_id) if packet.direction == "out" else None
        if delivery is not None:
            proof, body = await s.hand_out(reader.agency, delivery)
        else:
            headers = await s.lists.letter_headers(reader.agency.district, packet.agency_id, packet_id)
            proof = {name: value for name, value in headers.items() if name.startswith("webhook-")}
            body = await s.letters.letter(packet.agency_id, packet_id)
        return Response(body, media_type="application/json", headers={**proof, "Repr-Digest": f"sha-256=:{digest}:", **reader.limits})


def _outbox(router: APIRouter, s: Surface) -> None:
    @router.get("/outbox", response_model=shapes.OutboxPage, tags=["outbox"])
    async def outbox(
        request: Request,
        after: Annotated[int | None, Query(ge=0)] = None,
        endpoint: str = "",
        wait: Annotated[int, Query(ge=0, le=LONGEST_WAIT)] = 0,
        limit: Annotated[int, Query(ge=1, le=OUTBOX_PAGE)] = OUTBOX_PAGE,
    ) -> Response:
        """Packets for you, oldest first. Without `after`: what you have not acknowledged. With any earlier place: everything from there, again."""
        reader = await s.gate.reader(request)
        deadline = time.monotonic() + wait
        while True:
            found = await s.outbox.feed(reader.agency.id, after=after or 0, endpoint_id=endpoint, waiting_only=after is None, limit=limit)
            if found or time.monotonic() >= deadline or await request.is_disconnected():
                break
            await asyncio.sleep(POLL_SECONDS)
        entries = []
        for queued in found:
            delivery = queued.delivery
            headers, body = await s.hand_out(reader.agency, delivery)
            entries.append(shapes.OutboxEntry.of(queued, headers, body))
        last = found[-1].position if found else after or 0
        return json_answer(shapes.OutboxPage(entries=entries, after=last), headers=reader.limits)

    @router.post("/outbox/acks", response_model=shapes.AckAnswer, tags=["outbox"])
    async def acknowledge(request: Request) -> Response:
        """Say what you have stored: {"type": "cn.tiaochu.docking.acks.v1", "acks": [{packet_id, receipt_id, sha256}]}."""
        signed = await s.gate.signed(request)
        return json_answer(await s.changes.acknowledge(signed), headers=signed.limits)


def _files(router: APIRouter, s: Surface) -> None:
    @router.post("/files", status_code=201, response_model=shapes.FileView, tags=["files"])
    async def upload(request: Request) -> Response:
        """A file of at most 50 MB, signed like a letter; its id is the webhook-id. Name in `Content-Disposition`, hash in `Repr-Digest` if you like."""
        name = file_name(request.headers.get("content-disposition", ""))
        async with s.gate.signed_file(request, FILE_LIMIT) as file:
            kind = media_type(name, file.content.read(4096))
            file.content.seek(0)
            stated = stated_digest(request.headers.get("repr-digest", ""))
            if stated and base64.b64decode(stated).hex() != file.sha256:
                raise refused("FILE_HASH", "Repr-Digest is another file's", "文件摘要不符")
            known = await s.letters.files([file.ident], file.agency.id)
            if known and known[0].sha256 != file.sha256:
                raise refused("IDEMPOTENCY_KEY_REUSED", "this webhook-id is another file's", "该编号已用于另一个文件")
            if not known:
                await s.letters.put_file(file.agency, _chunks(file.content), FILE_LIMIT)
                stored = StoredFile(file.ident, file.agency.id, file.agency.district, name, kind, file.size, file.sha256, s.now())
                await s.letters.add_file(stored)
        view = shapes.FileView(file_id=file.ident, name=name, media_type=kind, size=file.size, sha256=file.sha256)
        return json_answer(view, 201, {"Location": f"{PREFIX}/files/{file.ident}"})

    @router.get("/files/{file_id}", response_class=StreamingResponse, tags=["files"])
    async def download(file_id: str, request: Request) -> Response:
        """A file of yours."""
        reader = await s.gate.reader(request)
        found = await s.letters.files([file_id], reader.agency.id) if is_uuid(file_id) else []
        if not found:
            raise not_found("file", file_id)
        digest = base64.b64encode(bytes.fromhex(found[0].sha256)).decode()
        headers = {
            "Content-Disposition": disposition(found[0].name),
            "Repr-Digest": f"sha-256=:{digest}:",
            "X-Content-Type-Options": "nosniff",
        }
        return StreamingResponse(s.letters.content(found[0]), media_type=found[0].media_type, headers=headers)


def _days(router: APIRouter, s: Surface) -> None:
    @router.get("/reconciliations/{day}", response_model=shapes.DayList, tags=["reconciliation"])
    async def our_day(day: date, request: Request) -> Response:
        """What passed on a day, as we have it."""
        reader = await s.gate.reader(request)
        found = await s.lists.packets_of_day(reader.agency.district, reader.agency.id, day)
        return json_answer(shapes.DayList(date=day.isoformat(), packets=[shapes.PacketView.of(p) for p in found]), headers=reader.limits)

    @router.post("/reconciliations/{day}", response_model=shapes.ReconciliationAnswer, tags=["reconciliation"])
    async def their_day(day: date, request: Request) -> Response:
        """Your own log of a day: {"type": "cn.tiaochu.docking.day.v1", "date", "packets": [{packet_id, sha256}]}; what you miss comes again."""
        signed = await s.gate.signed(request)
        return json_answer(await s.reconciling.compare(signed, day), headers=signed.limits)

    @router.get("/sharing", response_model=shapes.SharingPage, tags=["reconciliation"])
    async def sharing(
        request: Request, after: Annotated[int, Query(ge=0)] = 0, limit: Annotated[int, Query(ge=1, le=PAGE)] = PAGE
    ) -> Response:
        """What was disclosed to you, chained by hashes."""
        reader = await s.gate.reader(request)
        agency = reader.agency
        found = await s.lists.sharing(agency.district, agency_id=agency.id, after=(agency.id, after), limit=limit)
        lines = [shapes.SharingLine(seq=row.seq, entry=row.entry.decode(), hash=row.hash.hex()) for row in found]
        return json_answer(shapes.SharingPage(lines=lines, after=found[-1].seq if found else after), headers=reader.limits)


def _own(router: APIRouter, s: Surface) -> None:
    @router.get("/me", response_model=shapes.MeView, tags=["you"])
    async def me(request: Request) -> Response:
        """How you stand here."""
        reader = await s.gate.reader(request)
        return json_answer(shapes.MeView.of(reader.agency), headers=reader.limits)

    @router.post("/tokens", status_code=201, response_model=shapes.TokenAnswer, tags=["you"])
    async def token(request: Request) -> Response:
        """A bearer for ten minutes of reads: signed {"type": "cn.tiaochu.docking.token.v1"}."""
        signed = await s.gate.signed(request)
        signed.typed("token")
        text, end = s.tokens.issue(signed.agency.id, s.now())
        return json_answer(shapes.TokenAnswer(access_token=text, expires_at=end), 201, {"Cache-Control": "no-store", **signed.limits})

    @router.post("/me/credentials", status_code=201, response_model=shapes.ChangeAnswer, tags=["you"])
    async def credentials(request: Request) -> Response:
        """Add or retire a secret: {"type": "cn.tiaochu.docking.credential.v1", "secret"} or {…, "retire": credential_id, "at_once"?}."""
        signed = await s.gate.signed(request)
        return json_answer(await s.changes.credential(signed), 201, signed.limits)

    @router.put("/me/endpoints/{endpoint_id}", response_model=shapes.ChangeAnswer, tags=["you"])
    async def endpoint(endpoint_id: str, request: Request) -> Response:
        """Where you receive: {"type": "cn.tiaochu.docking.endpoint.v1", "endpoint_id", "channel", "url", "preferred"}."""
        signed = await s.gate.signed(request)
        return json_answer(await s.changes.endpoint(signed, endpoint_id), headers=signed.limits)

    @router.post("/me/endpoints/{endpoint_id}/ping", response_model=shapes.PingAnswer, tags=["you"])
    async def ping(endpoint_id: str, request: Request) -> Response:
        """Have a signed test call sent to your endpoint: {"type": "cn.tiaochu.docking.ping.v1"}."""
        signed = await s.gate.signed(request)
        signed.typed("ping")
        return json_answer(await s.changes.ping(signed, endpoint_id), headers=signed.limits)

    @router.get("/time", response_model=shapes.TimeAnswer, tags=["reference"])
    async def clock() -> Response:
        """Our clock; signatures may differ from it by five minutes."""
        return json_answer(shapes.TimeAnswer(now=beijing(s.now()).astimezone(BEIJING)))


def _received(signed: Signed, taken: Taken) -> Response:
    r: pb.ReceivedResponse = taken.response
    receipt = shapes.Receipt(receipt_id=r.receipt_id, sha256=signed.sha256, received_at=r.receive_time.ToDatetime(UTC))
    answer = shapes.ReceivedAnswer(packet_id=r.packet_id, exchange_id=r.exchange_id, state=r.state, etag=r.etag, receipt=receipt)
    where = f"{PREFIX}/exchanges/{r.exchange_id}" if r.exchange_id else f"{PREFIX}/packets/{r.packet_id}"
    headers = {"Location": where, **signed.limits}
    if r.etag:
        headers["ETag"] = f'"{r.etag}"'
    if taken.replayed:
        headers["Idempotent-Replay"] = "true"
    return json_answer(answer, 201, headers)


async def _chunks(content: IO[bytes]) -> AsyncIterator[bytes]:
    content.seek(0)
    while chunk := content.read(CHUNK):
        yield chunk
