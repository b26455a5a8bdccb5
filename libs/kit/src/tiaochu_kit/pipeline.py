"""A transaction's statements over one connection: queued here, sent together, answered in one round trip, prepared once a connection.

Statements stand on libpq as psycopg hands it out. Its own cursors in a pipeline cost more CPU than the statements themselves (ADR 3).
"""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult


class Connection(AsyncConnection[Any]):
    """A connection that knows which statements the server has prepared on it, as many as the code has, and how its rows become values."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.statements: dict[bytes, bytes] = {}
        self.loading = Transformer(self)


class Answer:
    """The rows of a queued statement; asking for them sends what is queued."""

    __slots__ = ("_pipeline", "rows")

    def __init__(self, pipeline: "Pipeline") -> None:
        self._pipeline = pipeline
        self.rows: list[tuple[Any, ...]] | None = None

    async def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows; none for a statement without rows."""
        if self.rows is None:
            await self._pipeline.send()
        return self.rows or []

    async def fetchone(self) -> tuple[Any, ...] | None:
        """The first row."""
        rows = await self.fetchall()
        return rows[0] if rows else None


class Pipeline:
    """Sends statements over `connection`, which nobody else uses meanwhile. `prepare`: whether the server may keep statements."""

    def __init__(self, connection: Connection, *, prepare: bool) -> None:
        self._libpq: PGconn = connection.pgconn
        self._prepare = prepare
        self._prepared = connection.statements
        self._loading = connection.loading
        self._queued: list[tuple[bytes, list[bytes | None], Answer]] = []
        self.torn = False
        """Whether a round trip was left in its middle: such a connection is of no more use."""

    def queue(self, sql: str, values: Sequence[Any]) -> Answer:
        """Queue a statement with `%s` for each value. Raises `psycopg.DataError` for a text with U+0000."""
        answer = Answer(self)
        self._queued.append((_numbered(sql), [_written(v) for v in values], answer))
        return answer

    def drop(self) -> None:
        """Forget what is queued and not sent."""
        self._queued.clear()

    @property
    def open(self) -> bool:
        """Whether the server has a transaction open."""
        return self._libpq.transaction_status != TransactionStatus.IDLE

    async def send(self) -> None:
        """Send what is queued and read the answers. Raises the first error; nothing behind it was done."""
        queued, self._queued = self._queued, []
        if not queued:
            return
        self.torn = True
        self._libpq.enter_pipeline_mode()
        expected = self._push(queued)
        self._libpq.pipeline_sync()
        await self._flush()
        error = await self._collect(expected)
        self._libpq.exit_pipeline_mode()
        self.torn = False
        if error is not None:
            raise error

    def _push(self, queued: Sequence[tuple[bytes, list[bytes | None], Answer]]) -> list[Answer | tuple[bytes, bytes]]:
        """Hand everything to libpq; answers what is to come back: the answer to a run, or (statement, name) of what is prepared."""
        expected: list[Answer | tuple[bytes, bytes]] = []
        new: dict[bytes, bytes] = {}
        for sql, values, answer in queued:
            if self._prepare:
                name = self._prepared.get(sql) or new.get(sql)
                if name is None:
                    name = new[sql] = b"s%d" % (len(self._prepared) + len(new))
                    self._libpq.send_prepare(name, sql)
                    expected.append((sql, name))
                self._libpq.send_query_prepared(name, values)
            else:
                self._libpq.send_query_params(sql, values)
            expected.append(answer)
        return expected

    async def _flush(self) -> None:
        while self._libpq.flush():
            await self._ready(writing=True)
            self._libpq.consume_input()  # a server that cannot get rid of its answers reads no more statements

    async def _collect(self, expected: Sequence[Answer | tuple[bytes, bytes]]) -> psycopg.Error | None:
        """Read every answer up to the end of the round trip; the first error, if there was one."""
        error: psycopg.Error | None = None
        try:
            for awaited in expected:
                while (result := await self._result()) is not None:
                    if result.status == ExecStatus.FATAL_ERROR:
                        error = error or error_from_result(result)
                    elif result.status == ExecStatus.PIPELINE_ABORTED:
                        continue
                    elif isinstance(awaited, Answer):
                        awaited.rows = self._rows(result)
                    else:
                        statement, name = awaited
                        self._prepared[statement] = name
            while (result := await self._result()) is None or result.status != ExecStatus.PIPELINE_SYNC:
                pass
        except psycopg.OperationalError as lost:
            raise lost from error
        return error

    async def _result(self) -> PGresult | None:
        while self._libpq.is_busy():
            await self._ready()
            self._libpq.consume_input()
        result = self._libpq.get_result()
        if result is None and self._libpq.status == ConnStatus.BAD:
            raise psycopg.OperationalError("the connection is lost")
        return result

    def _rows(self, result: PGresult) -> list[tuple[Any, ...]]:
        if result.status != ExecStatus.TUPLES_OK or not result.ntuples:
            return []
        self._loading.set_pgresult(result)
        rows = self._loading.load_rows(0, result.ntuples, tuple)
        self._loading.set_pgresult(None)  # an idle connection keeps no rows
        return rows

    async def _ready(self, *, writing: bool = False) -> None:
        """Wait until the server has said something, or (`writing`) listens again."""
        loop, descriptor = asyncio.get_running_loop(), self._libpq.socket
        ready: asyncio.Future[None] = loop.create_future()
        loop.add_reader(descriptor, _tell, ready)
        if writing:
            loop.add_writer(descriptor, _tell, ready)
        try:
            await ready
        finally:
            loop.remove_reader(descriptor)
            if writing:
                loop.remove_writer(descriptor)


def _tell(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)


@cache
def _numbered(sql: str) -> bytes:
    """The statement with `$1`, `$2` … for `%s`."""
    first, *rest = sql.split("%s")
    return (first + "".join(f"${n}{part}" for n, part in enumerate(rest, 1))).encode()


def _written(value: Any) -> bytes | None:
    """A value as PostgreSQL reads it; its type follows from where it stands in the statement. Raises `TypeError` for what is not known."""
    if value is None:
        return None
    text = value if isinstance(value, str) else _array(value) if isinstance(value, list | tuple) else _plain(value)
    written = text.encode()
    if b"\0" in written:
        raise psycopg.DataError("a text cannot hold U+0000")
    return written


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, int | float | Decimal | UUID):
        return str(value)
    if isinstance(value, date):  # and datetime
        return value.isoformat() if not isinstance(value, datetime) else value.isoformat(" ")
    if isinstance(value, bytes | bytearray | memoryview):
        return "\\x" + value.hex()
    raise TypeError(f"no way to write a {type(value).__name__}")


def _array(values: Sequence[Any]) -> str:
    return "{" + ",".join(map(_item, values)) + "}"


def _item(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, list | tuple):
        return _array(value)
    if isinstance(value, str):
        text = value
    elif isinstance(value, bool | int | float):
        return _plain(value)
    else:
        text = _plain(value)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
