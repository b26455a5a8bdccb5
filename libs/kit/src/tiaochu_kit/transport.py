"""NATS JetStream as transport: the only module that knows the client library.

Streams and consumers are made anew whenever they are missing, since the broker's disk may be lost at any time.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import nats
import orjson
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext, api
from nats.js.errors import NotFoundError

from tiaochu.log.v1.log_service_pb2 import LoggedEvent
from tiaochu_kit import telemetry
from tiaochu_kit.failpoints import reach
from tiaochu_kit.settings import Settings

log = structlog.get_logger()
DUPLICATE_WINDOW = 120.0
"""Seconds in which NATS drops a second copy of a message id."""


def stream_name(service: str) -> str:
    """The stream of one producing service."""
    return f"{service.upper()}_EVENTS"


def subject_of(service: str, district: str, type_name: str) -> str:
    """`tiaochu.evt.<service>.<district>.<event>.v1`; no ids, names or places."""
    words = "".join(f"-{c.lower()}" if c.isupper() else c for c in type_name.rsplit(".", 1)[1]).strip("-")
    return f"tiaochu.evt.{service}.{district}.{words}.v1"


def to_headers(event: LoggedEvent, service: str) -> dict[str, str]:
    """Everything about an event but its body: CloudEvents attributes, place in the log, trace."""
    own: dict[str, str] = orjson.loads(event.headers or "{}")
    headers = {
        "Nats-Msg-Id": event.event_id,
        "ce-specversion": "1.0",
        "ce-id": event.event_id,
        "ce-source": f"/tiaochu/{service}",
        "ce-type": event.type,
        "ce-time": event.occur_time.ToJsonString(),
        "ce-datacontenttype": "application/protobuf",
        "ce-sequence": str(event.version),
        "ce-aggregate": event.aggregate_id,
        "ce-district": event.district,
        "tiaochu-recorded": event.record_time.ToJsonString(),
        "tiaochu-position": str(event.position),
        "tiaochu-previous": event.previous_hash.hex(),
        "tiaochu-hash": event.hash.hex(),
        "tiaochu-headers": event.headers,
    }
    if event.subject:
        headers["ce-subject"] = event.subject
    if "traceparent" in own:
        headers["traceparent"] = own["traceparent"]
    return headers


def from_message(message: Msg) -> LoggedEvent:
    """The event of a message. Raises `KeyError` or `ValueError` when it is not one of ours."""
    h = message.headers or {}
    event = LoggedEvent(
        district=h["ce-district"],
        position=int(h["tiaochu-position"]),
        previous_hash=bytes.fromhex(h["tiaochu-previous"]),
        hash=bytes.fromhex(h["tiaochu-hash"]),
        event_id=h["ce-id"],
        type=h["ce-type"],
        aggregate_id=h["ce-aggregate"],
        version=int(h["ce-sequence"]),
        subject=h.get("ce-subject", ""),
        headers=h["tiaochu-headers"],
        payload=message.data,
    )
    event.occur_time.FromJsonString(h["ce-time"])
    event.record_time.FromJsonString(h["tiaochu-recorded"])
    return event


async def _ours(message: Msg) -> LoggedEvent | None:
    """The event of a message, or nothing for what somebody else put into the stream: it is never asked for again."""
    try:
        return from_message(message)
    except (KeyError, ValueError):
        log.warning("subscription.stranger", subject=message.subject)
        return None


class Transport:
    """One connection of one service to NATS; reconnects for ever."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: Client | None = None
        self._js: JetStreamContext | None = None
        self._password: str | None = None
        self._connecting = asyncio.Lock()

    async def js(self) -> JetStreamContext:
        """The JetStream context; connects on first use, and anew with another password. Raises `NatsError` or `OSError` while NATS is away."""
        async with self._connecting:
            password = self._settings.nats_password()
            if self._js is not None and password == self._password:
                return self._js
            await self.close()
            self._password = password
            client = await nats.connect(
                self._settings.nats_url,
                tls=self._trusted(),
                user=self._settings.nats_user,
                password=password,
                name=self._settings.service,
                max_reconnect_attempts=-1,
                reconnect_time_wait=0.5,
                connect_timeout=2,
                error_cb=_log_error,
                inbox_prefix=f"_INBOX_{self._settings.service}",
            )
            self._client, self._js = client, client.jetstream(timeout=3, publish_async_max_pending=1000)
            return self._js

    def _trusted(self) -> ssl.SSLContext | None:
        """Whose certificate the broker must show, from the file as it is now; `None` leaves it to the machine's own authorities."""
        file = self._settings.nats_ca_file
        return ssl.create_default_context(cafile=str(file)) if file else None

    async def ensure_stream(self, service: str) -> None:
        """Make this service's stream unless it exists."""
        js = await self.js()
        try:
            await js.stream_info(stream_name(service))
        except NotFoundError:
            await js.add_stream(
                api.StreamConfig(
                    name=stream_name(service),
                    subjects=[f"tiaochu.evt.{service}.>"],
                    storage=api.StorageType.FILE,
                    duplicate_window=DUPLICATE_WINDOW,
                    max_age=7 * 24 * 3600,
                )
            )

    async def close(self) -> None:
        """Leave NATS, whether it is there or not; what was not published stays in the journal."""
        client, self._client, self._js = self._client, None, None
        if client is not None:
            with contextlib.suppress(ConnectionError):
                await client.close()


async def _log_error(error: Exception) -> None:
    log.warning("nats.error", error=type(error).__name__)


class Publisher:
    """Publishes positioned events of one service."""

    def __init__(self, transport: Transport, service: str) -> None:
        self._transport = transport
        self._service = service
        self._stream_known = False

    async def publish(self, events: Sequence[LoggedEvent]) -> None:
        """Publish events of one log in order and wait until the broker has them all. Raises while it has not."""
        js = await self._transport.js()
        if not self._stream_known:
            await self._transport.ensure_stream(self._service)
        self._stream_known = False  # looked for again unless all goes well: the broker's disk may have been lost
        acknowledgements = [
            await js.publish_async(subject_of(self._service, e.district, e.type), e.payload, headers=to_headers(e, self._service))
            for e in events
        ]
        async with asyncio.timeout(5):
            await asyncio.gather(*acknowledgements)
        self._stream_known = True
        for e in events:
            stored = orjson.loads(e.headers or "{}").get("traceparent", "")
            telemetry.mark_published(e.type, subject_of(self._service, e.district, e.type), stored)


class Subscription:
    """One consuming service's durable pull consumer on one producer's stream."""

    def __init__(self, transport: Transport, consumer: str, producer: str) -> None:
        self._transport = transport
        self._durable = f"{consumer}-{producer}"
        self._producer = producer
        self._pull: Any = None

    async def run(self, handle: Callable[[list[LoggedEvent]], Awaitable[None]]) -> None:
        """Fetch for ever: decode, let `handle` apply, acknowledge. What cannot be had comes by catch-up."""
        while True:
            try:
                messages = await self._fetch()
                events = [event for message in messages if (event := await _ours(message)) is not None]
                if events:
                    await handle(events)
                    reach("batch.committed")
                for message in messages:
                    await message.ack()
            except Exception as error:  # noqa: BLE001 - a loop of kit must outlive any failure of what it depends on
                self._pull = None
                log.info("subscription.retry", producer=self._producer, error=type(error).__name__)
                await asyncio.sleep(0.5)

    async def _fetch(self) -> list[Msg]:
        if self._pull is None:
            js = await self._transport.js()
            config = api.ConsumerConfig(
                durable_name=self._durable,
                deliver_policy=api.DeliverPolicy.ALL,
                ack_policy=api.AckPolicy.EXPLICIT,
                ack_wait=30,
                max_deliver=10,
                max_ack_pending=1000,
            )
            await js.add_consumer(stream_name(self._producer), config)
            self._pull = await js.pull_subscribe_bind(durable=self._durable, stream=stream_name(self._producer))
        try:
            return list(await self._pull.fetch(100, timeout=1))
        except TimeoutError:
            return []
