"""Signed changes that are no letters: acknowledgements, secrets, addresses, the test call."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx2
import orjson

from tiaochu.docking.v1 import door_pb2 as pb
from tiaochu_docking.domain.letter import faulty, mismatch
from tiaochu_docking.domain.schema import Struct, read_structs
from tiaochu_docking.domain.signature import sign
from tiaochu_docking.edge import shapes
from tiaochu_docking.edge.destinations import AllowList, NotAllowed
from tiaochu_docking.edge.door import Door
from tiaochu_docking.edge.gate import Signed
from tiaochu_docking.edge.secrets import Secrets
from tiaochu_docking.usecases.agencies import AgencyCommands
from tiaochu_docking.usecases.deliveries import DeliveryCommands
from tiaochu_docking.usecases.own import OwnCommands
from tiaochu_docking.usecases.ports import Outbox
from tiaochu_domainkit.errors import FieldViolation
from tiaochu_kit.ids import new_id

ACKS_AT_ONCE = 200

SHAPES = read_structs(
    {
        "ack": "packet_id u, receipt_id x, sha256 x",
        "acks": "acks ack[]",
        "credential": "secret? x, retire? u, at_once? b",
        "endpoint": "endpoint_id x, channel c:channel, url? s, preferred? b",
        "seen": "packet_id u, sha256 x",
        "day": "date d, packets? seen[]",
    },
    {"channel": {"push": "推送", "pull": "拉取"}},
)


def sound(shape: Struct, document: dict[str, Any]) -> dict[str, Any]:
    """The document, or a refusal with all its faults."""
    faults: list[FieldViolation] = list(shape.faults(document, ""))
    if faults:
        raise faulty(faults)
    return document


class Changes:
    """What an agency changes about itself and its queue."""

    def __init__(
        self,
        *,
        door: Door,
        own: OwnCommands,
        agencies: AgencyCommands,
        deliveries: DeliveryCommands,
        outbox: Outbox,
        secrets: Secrets,
        destinations: AllowList,
        now: Callable[[], datetime],
        timeout: float,
    ) -> None:
        self._door = door
        self._own = own
        self._agencies = agencies
        self._deliveries = deliveries
        self._outbox = outbox
        self._secrets = secrets
        self._destinations = destinations
        self._now = now
        self._timeout = timeout

    async def acknowledge(self, signed: Signed) -> shapes.AckAnswer:
        """Receipts for packets read from the outbox. Saying it twice changes nothing."""
        document = sound(SHAPES["acks"], signed.typed("acks"))
        if len(document["acks"]) > ACKS_AT_ONCE:
            raise faulty([FieldViolation("/acks", "FIELD_INVALID", f"至多{ACKS_AT_ONCE}条")])
        return shapes.AckAnswer(acks=[await self._acknowledge(signed, ack) for ack in document["acks"]])

    async def _acknowledge(self, signed: Signed, ack: dict[str, str]) -> shapes.AckOutcome:
        delivery = await self._outbox.of_packet(signed.agency.id, ack["packet_id"])
        if delivery is None:
            return shapes.AckOutcome(packet_id=ack["packet_id"], outcome="unknown")
        if delivery.sha256 != ack["sha256"]:
            return shapes.AckOutcome(packet_id=ack["packet_id"], outcome="hash_differs")
        request = pb.RecordReceiptRequest(
            delivery_id=delivery.id, exchange_id=delivery.exchange_id, receipt_id=ack["receipt_id"], channel="pull"
        )
        await self._own.run(self._deliveries.record_receipt, request, pb.AttemptResponse, request_id=new_id())
        return shapes.AckOutcome(packet_id=ack["packet_id"], outcome="receipted")

    async def credential(self, signed: Signed) -> shapes.ChangeAnswer:
        """A further secret, or the end of one."""
        document = sound(SHAPES["credential"], signed.typed("credential"))
        request = pb.AgencyChangeRequest(agency_id=signed.agency.id)
        if document.get("secret"):
            request.secret.secret = document["secret"]
        elif document.get("retire"):
            request.retired.credential_id = document["retire"]
            request.retired.at_once = bool(document.get("at_once"))
        else:
            raise faulty([FieldViolation("/secret", "FIELD_INVALID", "secret与retire须填其一")])
        return await self._change(signed, request)

    async def endpoint(self, signed: Signed, endpoint_id: str) -> shapes.ChangeAnswer:
        """An address."""
        document = sound(SHAPES["endpoint"], signed.typed("endpoint"))
        if document["endpoint_id"] != endpoint_id:
            raise mismatch("path", "endpoint_id")
        request = pb.AgencyChangeRequest(agency_id=signed.agency.id)
        request.endpoint.endpoint_id = endpoint_id
        request.endpoint.channel = document["channel"]
        request.endpoint.url = document.get("url") or ""
        request.endpoint.preferred = bool(document.get("preferred"))
        return await self._change(signed, request)

    async def _change(self, signed: Signed, request: pb.AgencyChangeRequest) -> shapes.ChangeAnswer:
        taken = await self._door.run(signed, self._agencies.change_agency, request, pb.AgencyChangeResponse)
        r = taken.response
        end = r.valid_to.ToDatetime(UTC) if r.HasField("valid_to") else None
        return shapes.ChangeAnswer(credential_id=r.credential_id, valid_to=end)

    async def ping(self, signed: Signed, endpoint_id: str) -> shapes.PingAnswer:
        """One signed call without content to the agency's own endpoint."""
        endpoint = signed.agency.endpoint(endpoint_id)
        body = orjson.dumps({"type": "cn.tiaochu.docking.ping.v1", "timestamp": self._now().isoformat(), "data": {}})
        headers = sign(new_id(), self._now(), body, list(self._secrets.valid(signed.agency, self._now()).values())[:2])
        started = time.monotonic()
        status, fault = await self._call(endpoint.url, headers, body)
        return shapes.PingAnswer(status=status, fault=fault, milliseconds=int((time.monotonic() - started) * 1000))

    async def _call(self, url: str, headers: dict[str, str], body: bytes) -> tuple[int, str]:
        try:
            target = await self._destinations.resolve(url)
            async with httpx2.AsyncClient(timeout=self._timeout, follow_redirects=False, trust_env=False) as client:
                sent = {**headers, "host": target.host, "content-type": "application/json"}
                answer = await client.post(target.url, content=body, headers=sent, extensions={"sni_hostname": target.name})
        except NotAllowed:
            return 0, "NOT_ALLOWED"
        except httpx2.TimeoutException:
            return 0, "TIMEOUT"
        except (httpx2.HTTPError, OSError):
            return 0, "CONNECT"
        return answer.status_code, ""
