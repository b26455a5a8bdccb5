"""NATS for tests: JetStream works, and a service cannot speak for another."""

import asyncio

import nats.errors as nats_errors
import pytest
from nats.aio.client import Client
from nats.js.api import StreamConfig

from tiaochu_embedded.nats import OPERATOR, Nats


async def connect(server: Nats, user: str, password: str | None = None) -> Client:
    client = Client()
    await client.connect(
        server.url, user=user, password=password or server.password_file(user).read_text(), allow_reconnect=False, connect_timeout=2
    )
    return client


async def test_a_service_publishes_its_own_events_and_others_read_them(nats: Nats) -> None:
    producer, consumer = await connect(nats, "alpha"), await connect(nats, "beta")
    await producer.jetstream().add_stream(StreamConfig(name="alpha", subjects=["tiaochu.evt.alpha.>"]))
    await producer.jetstream().publish("tiaochu.evt.alpha.321282.noted.v1", b"1")
    subscription = await consumer.jetstream().pull_subscribe("tiaochu.evt.alpha.>", durable="beta", stream="alpha")
    [message] = await subscription.fetch(1, timeout=2)
    assert message.data == b"1"
    await message.ack_sync()
    await producer.close()
    await consumer.close()


FOREIGN_SUBJECTS = ["tiaochu.evt.beta.321282.noted.v1", "$JS.API.STREAM.DELETE.alpha", "$JS.API.STREAM.PURGE.alpha", "$SYS.REQ.SERVER.PING"]


@pytest.mark.parametrize("subject", FOREIGN_SUBJECTS)
async def test_a_service_cannot_publish_anything_else(nats: Nats, subject: str) -> None:
    client = Client()
    refusals: asyncio.Queue[Exception] = asyncio.Queue()
    await client.connect(nats.url, user="alpha", password=nats.password_file("alpha").read_text(), error_cb=refusals.put)
    await client.publish(subject, b"forged")
    refusal = await asyncio.wait_for(refusals.get(), 5)
    assert "permissions violation" in str(refusal).lower()
    await client.close()


async def test_a_wrong_password_is_refused(nats: Nats) -> None:
    with pytest.raises((nats_errors.Error, ConnectionError)):
        await connect(nats, "alpha", "guess")


async def test_wiping_leaves_an_empty_server(nats: Nats) -> None:
    operator = await connect(nats, OPERATOR)
    await operator.jetstream().add_stream(StreamConfig(name="alpha", subjects=["tiaochu.evt.alpha.>"]))
    await operator.close()
    nats.stop()
    nats.wipe()
    nats.start(["alpha"])
    operator = await connect(nats, OPERATOR)
    assert await operator.jetstream().streams_info() == []
    await operator.close()


async def test_a_killed_server_keeps_what_it_acknowledged(nats: Nats) -> None:
    operator = await connect(nats, OPERATOR)
    await operator.jetstream().add_stream(StreamConfig(name="alpha", subjects=["tiaochu.evt.alpha.>"]))
    await operator.jetstream().publish("tiaochu.evt.alpha.321282.noted.v1", b"1")
    await operator.close()
    nats.kill()
    nats.start(["alpha"])
    operator = await connect(nats, OPERATOR)
    assert (await operator.jetstream().stream_info("alpha")).state.messages == 1
    await operator.close()
