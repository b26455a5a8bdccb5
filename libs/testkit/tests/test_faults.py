"""The fault proxy against a real TCP server."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from tiaochu_testkit import FaultProxy, eventually


@pytest.fixture
async def proxy() -> AsyncIterator[FaultProxy]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(1024):
            writer.write(chunk)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    with FaultProxy("127.0.0.1", server.sockets[0].getsockname()[1]) as proxy:
        yield proxy
    server.close()


async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, word: bytes, seconds: float = 5.0) -> bytes:
    writer.write(word)
    return await asyncio.wait_for(reader.readexactly(len(word)), seconds)


async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        assert await say(reader, writer, b"hello") == b"hello"


async def read_all(proxy: FaultProxy) -> bytes:
    """Connect and read: the reset may come before either ends."""
    reader, _ = await asyncio.open_connection(proxy.host, proxy.port)
    return await asyncio.wait_for(reader.read(), 5)


async def test_it_forwards_both_ways_and_passes_the_end_on(proxy: FaultProxy) -> None:
    reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
    assert await say(reader, writer, b"hello") == b"hello"
    writer.write_eof()
    assert await asyncio.wait_for(reader.read(), 5) == b""
    await eventually(lambda: proxy.connections == 0)


async def test_a_black_hole_is_silent_and_loses_nothing_when_healed(proxy: FaultProxy) -> None:
    reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
    await say(reader, writer, b"before")
    proxy.black_hole()
    with pytest.raises(asyncio.TimeoutError):
        await say(reader, writer, b"during", 0.2)
    proxy.heal()
    assert await asyncio.wait_for(reader.readexactly(6), 5) == b"during"


async def test_a_cut_resets_old_and_new_connections_until_healed(proxy: FaultProxy) -> None:
    reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
    await say(reader, writer, b"before")
    proxy.cut()
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reader.read(), 5)
    with pytest.raises(ConnectionResetError):
        await read_all(proxy)
    proxy.heal()
    assert await say(*await asyncio.open_connection(proxy.host, proxy.port), b"after") == b"after"


async def test_a_reset_spares_new_connections(proxy: FaultProxy) -> None:
    reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
    await say(reader, writer, b"before")
    proxy.reset()
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reader.read(), 5)
    assert await say(*await asyncio.open_connection(proxy.host, proxy.port), b"after") == b"after"


async def test_a_delay_holds_back_each_direction(proxy: FaultProxy) -> None:
    reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
    proxy.delay(0.1)
    begun = time.monotonic()
    await say(reader, writer, b"slow")
    assert time.monotonic() - begun >= 0.2


async def test_a_torn_reply_ends_in_the_middle(proxy: FaultProxy) -> None:
    reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
    assert await say(reader, writer, b"hello") == b"hello"
    tearing = asyncio.create_task(asyncio.to_thread(proxy.tear, 5.0))
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await talk(reader, writer)
    assert await tearing
    reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
    assert await say(reader, writer, b"again") == b"again"
