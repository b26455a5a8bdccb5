"""A TCP proxy that misbehaves on request: between a service and its database, its broker or another service."""

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

_CHUNK = 65536
# Close with RST instead of FIN, as a crashed peer or a firewall does.
_LINGER_RESET = struct.pack("ii", 1, 0)


class FaultProxy:
    """Forwards `127.0.0.1:port` to a target until told otherwise. It runs in a thread of its own: use it from any test.

    `with FaultProxy("127.0.0.1", postgres.port) as proxy:` give `proxy.port` to the client; the methods below disturb it.
    """

    def __init__(self, host: str, port: int) -> None:
        self.host = "127.0.0.1"
        self.port = 0
        self._target = (host, port)
        self._delay = 0.0
        self._refusing = False
        self._tearing = False
        self._torn = threading.Event()
        self._flowing = asyncio.Event()
        self._links: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy", daemon=True)

    # --- faults

    def heal(self) -> None:
        """Forward again, at once; connections that survived go on."""
        self._run(self._set(delay=0.0, refusing=False, flowing=True))

    def delay(self, seconds: float) -> None:
        """Hold back every chunk, in both directions, for `seconds`."""
        self._run(self._set(delay=seconds))

    def black_hole(self) -> None:
        """Accept and stay silent: nothing is forwarded and nothing is closed, as behind a dead router."""
        self._run(self._set(flowing=False))

    def reset(self) -> None:
        """Reset every open connection; new ones are served."""
        self._run(self._reset())

    def tear(self, seconds: float) -> bool:
        """Let half of the next reply through and reset its connection; whether there was one within `seconds`."""
        self._torn.clear()
        self._tearing = True
        if not self._torn.wait(seconds):
            self._tearing = False
        return self._torn.is_set()

    def cut(self) -> None:
        """Reset every open connection and every new one until `heal`."""
        self._run(self._set(refusing=True))
        self._run(self._reset())

    @property
    def connections(self) -> int:
        """How many connections are open now."""
        return len(self._links)

    # --- running

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._listen())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10.0)

    async def _listen(self) -> None:
        self._flowing.set()
        self._server = await asyncio.start_server(self._accept, self.host, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        await self._reset()

    async def _set(self, *, delay: float | None = None, refusing: bool | None = None, flowing: bool | None = None) -> None:
        if delay is not None:
            self._delay = delay
        if refusing is not None:
            self._refusing = refusing
        if flowing is not None:
            self._flowing.set() if flowing else self._flowing.clear()

    async def _reset(self) -> None:
        for writer in self._writers:
            _abort(writer)
        links = list(self._links)
        for link in links:
            link.cancel()
        await asyncio.gather(*links, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            _abort(writer)
            return
        link = asyncio.current_task()
        assert link is not None
        self._links.add(link)
        self._writers.add(writer)
        try:
            await self._link(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # a broken link is what this class is for
        finally:
            self._links.discard(link)
            self._writers.discard(writer)
            writer.close()

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target_reader, target_writer = await asyncio.open_connection(*self._target)
        self._writers.add(target_writer)
        try:
            await asyncio.gather(self._pump(reader, target_writer), self._pump(target_reader, writer, reply=True))
        finally:
            self._writers.discard(target_writer)
            target_writer.close()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, reply: bool = False) -> None:
        while chunk := await source.read(_CHUNK):
            await self._flowing.wait()
            if self._delay:
                await asyncio.sleep(self._delay)
            if reply and self._tearing:
                self._tearing = False
                sink.write(chunk[: len(chunk) // 2])
                await sink.drain()
                self._torn.set()
                _abort(sink)
                raise ConnectionResetError
            sink.write(chunk)
            await sink.drain()
        await self._flowing.wait()
        if sink.can_write_eof() and not sink.is_closing():
            sink.write_eof()


def _abort(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    if raw is not None and raw.fileno() != -1:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
    writer.transport.abort()
