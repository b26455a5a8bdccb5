"""NATS for tests: JetStream works, and a service cannot speak for another."""

import asyncio

import nats.errors as nats_errors
import pytest
from nats.aio.client import Client
from nats.js.api import AckPolicy, ConsumerConfig, StreamConfig

from tiaochu_embedded.nats import OPERATOR, Nats


async def connect(server: Nats, user: str, password: str | None = None) -> Client:
    """As kit's transport connects."""
    client = Client()
    await client.connect(
        server.url,
        user=user,
        password=password or server.password_file(user).read_text(),
        inbox_prefix=f"_INBOX_{user}".encode(),
        allow_reconnect=False,
        connect_timeout=2,
    )
    return client


ALPHA = StreamConfig(name="ALPHA_EVENTS", subjects=["tiaochu.evt.alpha.>"])


async def test_a_service_publishes_its_own_events_and_others_read_them(nats: Nats) -> None:
    producer, consumer = await connect(nats, "alpha"), await connect(nats, "beta")
    await producer.jetstream().add_stream(ALPHA)
    await producer.jetstream().publish("tiaochu.evt.alpha.321282.noted.v1", b"1")
    await consumer.jetstream().add_consumer("ALPHA_EVENTS", ConsumerConfig(durable_name="beta-alpha", ack_policy=AckPolicy.EXPLICIT))
    subscription = await consumer.jetstream().pull_subscribe_bind(durable="beta-alpha", stream="ALPHA_EVENTS")
    [message] = await subscription.fetch(1, timeout=2)
    assert message.data == b"1"
    await message.ack_sync()
    await producer.close()
    await consumer.close()


FOREIGN_SUBJECTS = [
    "tiaochu.evt.beta.321282.noted.v1",
    "tiaochu.evt.alphabet.321282.noted.v1",
    "$JS.API.STREAM.DELETE.ALPHA_EVENTS",
    "$JS.API.STREAM.PURGE.ALPHA_EVENTS",
    "$JS.API.STREAM.UPDATE.BETA_EVENTS",
    "$JS.API.CONSUMER.MSG.NEXT.ALPHA_EVENTS.beta-alpha",
    "$JS.ACK.ALPHA_EVENTS.beta-alpha.1.1.1.1.0",
    "$SYS.REQ.SERVER.PING",
    "_INBOX_beta.1",
]


@pytest.mark.parametrize("subject", FOREIGN_SUBJECTS)
async def test_a_service_cannot_publish_anything_else(nats: Nats, subject: str) -> None:
    client = Client()
    refusals: asyncio.Queue[Exception] = asyncio.Queue()
    await client.connect(nats.url, user="alpha", password=nats.password_file("alpha").read_text(), error_cb=refusals.put)
    await client.publish(subject, b"forged")
    refusal = await asyncio.wait_for(refusals.get(), 5)
    assert "permissions violation" in str(refusal).lower()
    await client.close()


async def test_a_service_cannot_listen_to_what_others_are_sent(nats: Nats) -> None:
    client = Client()
    refusals: asyncio.Queue[Exception] = asyncio.Queue()
    await client.connect(nats.url, user="alpha", password=nats.password_file("alpha").read_text(), error_cb=refusals.put)
    await client.subscribe("_INBOX_beta.>")
    assert "permissions violation" in str(await asyncio.wait_for(refusals.get(), 5)).lower()
    await client.close()


async def test_a_wrong_password_is_refused(nats: Nats) -> None:
    with pytest.raises((nats_errors.Error, ConnectionError)):
        await connect(nats, "alpha", "guess")


async def test_wiping_leaves_an_empty_server(nats: Nats) -> None:
    operator = await connect(nats, OPERATOR)
    await operator.jetstream().add_stream(ALPHA)
    await operator.close()
    nats.stop()
    nats.wipe()
    nats.start()
    operator = await connect(nats, OPERATOR)
    assert await operator.jetstream().streams_info() == []
    await operator.close()


async def test_a_killed_server_keeps_what_it_acknowledged(nats: Nats) -> None:
    operator = await connect(nats, OPERATOR)
    await operator.jetstream().add_stream(ALPHA)
    await operator.jetstream().publish("tiaochu.evt.alpha.321282.noted.v1", b"1")
    await operator.close()
    nats.kill()
    nats.start()
    operator = await connect(nats, OPERATOR)
    assert (await operator.jetstream().stream_info("ALPHA_EVENTS")).state.messages == 1
    await operator.close()
