"""Counts round trips between a service and its database."""

import asyncio

from tiaochu_testkit.faults import FaultProxy


class TurnCounter(FaultProxy):
    """A proxy that counts how often a client speaks after it was answered: round trips, over all connections."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self.turns = 0

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target_reader, target_writer = await asyncio.open_connection(*self._target)
        answered = asyncio.Event()
        answered.set()
        try:
            await asyncio.gather(self._ask(reader, target_writer, answered), self._answer(target_reader, writer, answered))
        finally:
            target_writer.close()

    async def _ask(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, answered: asyncio.Event) -> None:
        while chunk := await source.read(65536):
            if answered.is_set():
                self.turns += 1
                answered.clear()
            sink.write(chunk)
        sink.close()

    async def _answer(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, answered: asyncio.Event) -> None:
        while chunk := await source.read(65536):
            answered.set()
            sink.write(chunk)
        sink.close()
