"""Brings packets to agencies by webhook: in the order of each case, agencies apart from each other, every attempt written down before and after."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

import httpx2
import orjson
import structlog

from tiaochu.docking.v1 import docking_service_pb2 as staff
from tiaochu.docking.v1 import door_pb2 as pb
from tiaochu_docking.domain.agency import Agency, Endpoint
from tiaochu_docking.domain.delivery import Delivery
from tiaochu_docking.domain.signature import sign
from tiaochu_docking.edge.destinations import AllowList, NotAllowed
from tiaochu_docking.edge.secrets import Secrets
from tiaochu_docking.usecases.agencies import AgencyCommands
from tiaochu_docking.usecases.deliveries import DeliveryCommands
from tiaochu_docking.usecases.own import OwnCommands
from tiaochu_docking.usecases.ports import Outbox
from tiaochu_kit import telemetry
from tiaochu_kit.failpoints import reach
from tiaochu_kit.ids import new_id

POLL_SECONDS = 1.0
TOGETHER_SECONDS = 0.02
"""Commits that come together make one look."""
AT_ONCE = 8
"""Deliveries in flight to one endpoint."""
SIGNATURES = 2
"""The newest secrets a packet is signed with: two while one follows the other."""
ANSWER_LIMIT = 64 * 1024
LONGEST_RETRY_AFTER = 24 * 3600

log = structlog.get_logger()


@dataclass(frozen=True)
class Answer:
    """What came of an attempt: a receipt, or a fault."""

    status: int = 0
    fault: str = ""
    receipt_id: str = ""
    wait_seconds: int = 0
    expected: int = 0


class Dispatcher:
    """Runs under a lease. Whoever else runs it meanwhile sends the same packet with the same id twice, which receivers must bear anyway."""

    def __init__(
        self,
        *,
        outbox: Outbox,
        own: OwnCommands,
        deliveries: DeliveryCommands,
        agencies: AgencyCommands,
        secrets: Secrets,
        destinations: AllowList,
        now: Callable[[], datetime],
        timeout: float,
    ) -> None:
        self._outbox = outbox
        self._own = own
        self._deliveries = deliveries
        self._agencies = agencies
        self._secrets = secrets
        self._destinations = destinations
        self._now = now
        self._timeout = timeout
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something was committed."""
        self._woken.set()

    async def dispatch(self) -> None:
        """For ever."""
        flying: dict[str, asyncio.Task[None]] = {}
        load: Counter[tuple[str, str]] = Counter()
        async with httpx2.AsyncClient(timeout=self._timeout, follow_redirects=False, trust_env=False) as client:
            try:
                while True:
                    await self._start_due(client, flying, load)
                    await self._rest()
            finally:
                for task in flying.values():
                    task.cancel()
                await asyncio.gather(*flying.values(), return_exceptions=True)

    async def _rest(self) -> None:
        # Not `wait_for`: on 3.11 it can swallow a cancellation that comes with a wake.
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECONDS):
                await self._woken.wait()
                await asyncio.sleep(TOGETHER_SECONDS)
        self._woken.clear()

    async def _start_due(self, client: httpx2.AsyncClient, flying: dict[str, asyncio.Task[None]], load: Counter[tuple[str, str]]) -> None:
        now = self._now()
        agencies = {agency.id: agency for agency in await self._outbox.agencies()}
        resting = await self._outbox.resting(now)
        rooms = {
            key: AT_ONCE
            for agency in agencies.values()
            for endpoint in agency.endpoints
            if endpoint.channel == "push"
            and endpoint.state == "active"
            and (key := (agency.id, endpoint.endpoint_id)) not in resting
            and load[key] < AT_ONCE
        }
        for delivery in await self._outbox.due(rooms, now):
            key = (delivery.agency_id, delivery.endpoint_id)
            if delivery.id in flying or load[key] >= AT_ONCE:
                continue
            load[key] += 1
            flying[delivery.id] = asyncio.create_task(self._carry(client, agencies[delivery.agency_id], delivery))
            flying[delivery.id].add_done_callback(partial(self._landed, flying, load, delivery.id, key))

    def _landed(
        self,
        flying: dict[str, asyncio.Task[None]],
        load: Counter[tuple[str, str]],
        delivery_id: str,
        key: tuple[str, str],
        task: asyncio.Task[None],
    ) -> None:
        flying.pop(delivery_id)
        load[key] -= 1
        if not task.cancelled() and task.exception() is not None:
            log.error("delivery.failed", error=type(task.exception()).__name__)
        self._woken.set()

    async def _carry(self, client: httpx2.AsyncClient, agency: Agency, delivery: Delivery) -> None:
        endpoint = agency.endpoint(delivery.endpoint_id)
        started = time.monotonic()
        answer = await self._attempt(client, agency, endpoint, delivery)
        reach("webhook.delivered")
        spent = int((time.monotonic() - started) * 1000)
        await self._outbox.note_attempt(delivery, at=self._now(), status=answer.status, fault=answer.fault, milliseconds=spent)
        await self._settle(agency, delivery, answer)

    async def _attempt(self, client: httpx2.AsyncClient, agency: Agency, endpoint: Endpoint, delivery: Delivery) -> Answer:
        secrets = self._secrets.valid(agency, self._now())
        if not secrets:
            return Answer(fault="NO_SECRET")
        body = await self._outbox.body(delivery)
        headers = sign(delivery.packet_id, self._now(), body, list(secrets.values())[:SIGNATURES])
        try:
            target = await self._destinations.resolve(endpoint.url)
        except NotAllowed:
            return Answer(fault="NOT_ALLOWED")
        except OSError:
            return Answer(fault="CONNECT")
        parcel = await self._outbox.hand_out(delivery, endpoint, headers, self._now())
        reach("webhook.noted")
        with telemetry.consumer_span("deliver", [parcel.traceparent]), telemetry.client_span(f"POST {endpoint.endpoint_id}"):
            sent = {**headers, **telemetry.outgoing(), "host": target.host, "content-type": "application/json; charset=utf-8"}
            request = client.build_request("POST", target.url, content=parcel.body, headers=sent, extensions={"sni_hostname": target.name})
            return await self._exchange(client, request, delivery)

    async def _exchange(self, client: httpx2.AsyncClient, request: httpx2.Request, delivery: Delivery) -> Answer:
        try:
            async with asyncio.timeout(self._timeout):
                response = await client.send(request, stream=True)
                try:
                    return read_answer(response.status_code, response.headers, await _body(response), delivery, self._now())
                finally:
                    await response.aclose()
        except (TimeoutError, httpx2.TimeoutException):
            return Answer(fault="TIMEOUT")
        except httpx2.HTTPError:
            return Answer(fault="CONNECT")

    async def _settle(self, agency: Agency, delivery: Delivery, answer: Answer) -> None:
        attempt = new_id()
        if answer.receipt_id:
            receipt = pb.RecordReceiptRequest(
                delivery_id=delivery.id, exchange_id=delivery.exchange_id, receipt_id=answer.receipt_id, channel="push"
            )
            await self._own.run(self._deliveries.record_receipt, receipt, pb.AttemptResponse, request_id=attempt)
            return
        if answer.status == 410:
            # Gone: stop knocking, keep the queue (Standard Webhooks). The packet has not failed.
            pause = staff.PauseEndpointRequest(agency_id=agency.id, endpoint_id=delivery.endpoint_id)
            await self._own.run(self._agencies.pause_endpoint, pause, staff.PauseEndpointResponse, request_id=attempt)
            return
        if 0 < answer.expected < delivery.seq:
            await self._rewind(delivery, answer.expected)
        failure = pb.RecordFailureRequest(
            delivery_id=delivery.id,
            exchange_id=delivery.exchange_id,
            status=answer.status,
            fault=answer.fault,
            wait_seconds=answer.wait_seconds,
            chance=random.randrange(1000),
        )
        await self._own.run(self._deliveries.record_failure, failure, pb.AttemptResponse, request_id=attempt)

    async def _rewind(self, delivery: Delivery, expected: int) -> None:
        lost = await self._outbox.receipted_from(delivery, expected)
        if lost:
            request = pb.RewindDeliveriesRequest(delivery_ids=lost)
            await self._own.run(self._deliveries.rewind_deliveries, request, pb.AttemptResponse, request_id=new_id())


async def _body(response: httpx2.Response) -> bytes:
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > ANSWER_LIMIT:
            break
    return bytes(content[:ANSWER_LIMIT])


def read_answer(status: int, headers: Mapping[str, str], body: bytes, delivery: Delivery, now: datetime) -> Answer:
    """What an agency's answer means. Only 2xx with a receipt over exactly these bytes is success."""
    told = _json(body)
    if 200 <= status < 300:
        receipt = told.get("receipt_id")
        if isinstance(receipt, str) and 0 < len(receipt) <= 100 and told.get("sha256") == delivery.sha256:
            return Answer(status, receipt_id=receipt)
        return Answer(status, "BAD_RECEIPT")
    expected = told.get("expected")
    out_of_order = status == 409 and told.get("reason") == "OUT_OF_ORDER" and isinstance(expected, int)
    return Answer(
        status,
        "GONE" if status == 410 else "STATUS",
        wait_seconds=1 if out_of_order else retry_after(headers.get("retry-after", ""), now),
        expected=expected if out_of_order and isinstance(expected, int) else 0,
    )


def retry_after(value: str, now: datetime) -> int:
    """Seconds an agency asks to wait (RFC 9110: seconds or a date), at most a day; 0 for none."""
    if value.isascii() and value.isdigit():
        return min(int(value), LONGEST_RETRY_AFTER)
    try:
        return max(0, min(int((parsedate_to_datetime(value) - now).total_seconds()), LONGEST_RETRY_AFTER))
    except (ValueError, TypeError):
        return 0


def _json(body: bytes) -> dict[str, Any]:
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return told if isinstance(told, dict) else {}
