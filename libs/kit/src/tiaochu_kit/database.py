"""PostgreSQL: one pool for the executor's fixed statements (psycopg), one engine for queries (SQLAlchemy). No session state anywhere."""

import asyncio
import select
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg.errors import FeatureNotSupported, InvalidSqlStatementName
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout
from sqlalchemy import event, text
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection as ReadConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from tiaochu_kit import telemetry
from tiaochu_kit.migrations import Schema
from tiaochu_kit.pipeline import Answer, Connection, Pipeline
from tiaochu_kit.principal import ALL_DISTRICTS, Context
from tiaochu_kit.settings import Settings

log = structlog.get_logger()

OPEN_SECONDS = 0.5
"""Between two looks at a database that is not there yet."""
IDLE_SECONDS = 30
"""How long a transaction may stand still before the server ends it: a frozen process must not hold the others' locks."""
_SCOPE_SQL = "SELECT set_config('tiaochu.districts', %s, true), set_config('idle_in_transaction_session_timeout', %s, true)"
VERSION_LOST = "TC409"
"""SQLSTATE raised by `kit_expect_saved`."""
_AWAY = ("08", "40", "53", "55", "57")
"""Classes of SQLSTATE that say nothing about the statement: connection, rollback, resources, objects in use, shutdown."""


class Tx:
    """A transaction of fixed statements. Statements queue up and travel together; fetching sends what is queued."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    async def queue(self, sql: str, values: Sequence[Any] = ()) -> Answer:
        """Queue a statement; its rows can be fetched after `send`."""
        return self._pipeline.queue(sql, values)

    async def send(self) -> None:
        """Send what is queued and read the answers: one round trip."""
        await self._pipeline.send()

    async def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a statement now and answer its rows."""
        return await self._pipeline.queue(sql, values).fetchall()


class Database:
    """The database of one service."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            settings.database_url,
            connection_class=_connection_class(settings),
            kwargs={"autocommit": True, "prepare_threshold": None},
            min_size=1,
            max_size=settings.database_pool,
            max_idle=60,
            timeout=10,
            open=False,
        )
        self._engine = _engine(settings)

    async def open(self, schema: Schema | None = None) -> None:
        """Open the pool; waits, for as long as it takes, until the database answers and has a schema that is new enough."""
        await self._pool.open()
        told = ""
        while (missing := await self._missing(schema)) != "":
            if missing != told:
                log.warning("database.waiting", missing=missing)
            told = missing
            await asyncio.sleep(OPEN_SECONDS)

    async def _missing(self, schema: Schema | None) -> str:
        """What is still missing before this process can work, empty when nothing is."""
        try:
            async with self._pool.connection(timeout=2) as connection:
                there = await (await connection.execute("SELECT to_regclass('alembic_version')")).fetchone()
                found = await (await connection.execute("SELECT version_num FROM alembic_version")).fetchone() if there != (None,) else None
        except psycopg.OperationalError:
            return "connection"
        return "" if schema is None or schema.satisfied_by(found[0] if found else None) else f"schema {schema.head}"

    async def close(self) -> None:
        """Give all connections back."""
        await self._pool.close()
        await self._engine.dispose()

    async def _take(self) -> Connection:
        """A connection that a restarted server or pooler has not cut, found without a round trip. The pool's own check would pause between two."""
        while _cut((connection := await self._pool.getconn()).fileno()):
            await connection.close()
            await self._pool.putconn(connection)
        return connection

    @asynccontextmanager
    async def transaction(self, scope: str = ALL_DISTRICTS) -> AsyncIterator[Tx]:
        """A transaction for the districts in `scope`; commits at the end, rolls back on an exception. The end travels with what is queued."""
        with telemetry.database_span():
            connection = await self._take()
            try:
                pipeline = Pipeline(connection, prepare=self._settings.database_prepare)
                try:
                    pipeline.queue("BEGIN", ())
                    pipeline.queue(_SCOPE_SQL, (scope, f"{IDLE_SECONDS}s"))
                    yield Tx(pipeline)
                    pipeline.queue("COMMIT", ())
                    await pipeline.send()
                except BaseException as error:
                    await _undo(connection, pipeline, error)
                    raise
            finally:
                await self._pool.putconn(connection)

    @asynccontextmanager
    async def read(self, ctx: Context) -> AsyncIterator[ReadConnection]:
        """A connection for queries, limited to the caller's districts."""
        async with self.read_scope(ctx.principal.scope) as connection:
            yield connection

    @asynccontextmanager
    async def read_scope(self, scope: str = ALL_DISTRICTS) -> AsyncIterator[ReadConnection]:
        """A connection for queries over the districts in `scope`."""
        with telemetry.database_span():
            async with self._engine.connect() as connection:
                await connection.execute(text("SELECT set_config('tiaochu.districts', :scope, true)"), {"scope": scope})
                yield connection

    async def ready(self) -> bool:
        """Whether the database answers."""
        try:
            async with self._pool.connection(timeout=2) as connection:
                await connection.execute("SELECT 1")
        except (psycopg.Error, TimeoutError):
            return False
        return True


async def _undo(connection: Connection, pipeline: Pipeline, error: BaseException) -> None:
    """Roll back what the server has begun; a connection that cannot is closed, and the pool makes another."""
    pipeline.drop()
    if pipeline.torn or stale(error):
        await connection.close()
    elif pipeline.open:
        pipeline.queue("ROLLBACK", ())
        await pipeline.send()


def stale(error: BaseException) -> bool:
    """Whether a connection believes in prepared statements that the server does not have, or has otherwise.

    A migration or a pooler makes it so.
    """
    return isinstance(error, InvalidSqlStatementName | FeatureNotSupported)


def lost_race(error: Exception) -> bool:
    """Whether a transaction failed only because another was faster, or on a stale connection: the same again may succeed."""
    return isinstance(error, psycopg.Error) and (error.sqlstate == VERSION_LOST or (error.sqlstate or "").startswith("40") or stale(error))


def away(error: Exception) -> bool:
    """Whether the database, and not what was asked of it, is at fault."""
    if isinstance(error, PoolTimeout | PoolClosed):
        return True
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    return bool(error.sqlstate is None or error.sqlstate[:2] in _AWAY)


def _cut(descriptor: int) -> bool:
    """Whether the server has ended an idle connection: it has nothing to say on one, so what can be read is the end (or the reason for it)."""
    looking = select.poll()
    looking.register(descriptor, select.POLLIN)
    return bool(looking.poll(0))


def _refuse_cut_for_reads(dbapi_connection: Any, _record: Any, _proxy: Any) -> None:
    if _cut(dbapi_connection.driver_connection.fileno()):
        raise DisconnectionError


def _connection_class(settings: Settings) -> type[Connection]:
    class PasswordFromFile(Connection):
        """Reads the password at each connect, so that a rotated secret needs no restart."""

        @classmethod
        async def connect(cls, conninfo: str = "", **kwargs: Any) -> Connection:  # type: ignore[override]
            password = settings.database_password()
            return await super().connect(make_conninfo(conninfo, password=password), **kwargs)

    return PasswordFromFile


def _engine(settings: Settings) -> AsyncEngine:
    async def connect() -> AsyncConnection[Any]:
        password = settings.database_password()
        conninfo = make_conninfo(settings.database_url, password=password)
        return await AsyncConnection.connect(conninfo, prepare_threshold=None)

    half = max(1, settings.database_pool // 2)
    engine = create_async_engine("postgresql+psycopg://", async_creator=connect, pool_size=half, max_overflow=half)
    event.listen(engine.sync_engine, "checkout", _refuse_cut_for_reads)
    return engine
