"""The pipeline: what is written comes back as it was, an error stops what is behind it, a connection is whole again or gone."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tiaochu_embedded.postgres import Database
from tiaochu_kit.pipeline import Connection, Pipeline

ODD = "䶮𠅤㛃 '\"\\%{},NULL\n\t"


@pytest.fixture(params=[True, False], ids=["prepared", "unprepared"])
async def pipeline(make_database: Callable[[str], Database], request: pytest.FixtureRequest) -> AsyncIterator[Pipeline]:
    connection = await Connection.connect(make_database("alpha").dsn, autocommit=True, prepare_threshold=None)
    yield Pipeline(connection, prepare=request.param)
    await connection.close()


async def test_a_value_comes_back_as_it_was_written(pipeline: Pipeline) -> None:
    rng = Random(1)
    texts = ["".join(rng.choices(ODD, k=rng.randrange(6))) for _ in range(200)]
    values: dict[str, list[Any]] = {
        "text": [ODD, "", None],
        "bigint": [-(2**62), 0],
        "boolean": [True, False],
        "double precision": [0.1],
        "numeric": [Decimal("10.10")],
        "uuid": [UUID(int=7)],
        "date": [date(2028, 2, 29)],
        "timestamptz": [datetime(2026, 11, 24, 1, 2, 3, 4, UTC)],
        "bytea": [bytes(range(256)), b""],
        "text[]": [texts, ["NULL", None, ""], []],
        "bytea[]": [[b"", b"\\\x00\xff"]],
        "bigint[]": [[1, None, 3]],
        "boolean[]": [[True, False]],
        "timestamptz[]": [[datetime(2026, 1, 1, tzinfo=UTC)]],
    }
    for type_, members in values.items():
        for value in members:
            for _ in range(2):
                assert await pipeline.queue(f"SELECT %s::{type_}", (value,)).fetchone() == (value,)


@pytest.mark.parametrize(("value", "error"), [("a\0b", psycopg.DataError), (["\0"], psycopg.DataError), ("\ud800", UnicodeEncodeError)])
async def test_a_text_that_cannot_be_stored_is_refused_and_not_cut(pipeline: Pipeline, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        pipeline.queue("SELECT %s::text", (value,))


async def test_nothing_behind_an_error_is_done_and_the_connection_goes_on(pipeline: Pipeline) -> None:
    for _ in range(2):  # the second time everything is prepared
        pipeline.queue("BEGIN", ())
        pipeline.queue("INSERT INTO compat (release) VALUES (%s / 0)", (1,))
        late = pipeline.queue("SELECT 41 + %s::int", (1,))
        with pytest.raises(psycopg.Error):
            await pipeline.send()
        assert late.rows is None
        assert pipeline.open
        await pipeline.queue("ROLLBACK", ()).fetchall()
        assert not pipeline.open
        assert not pipeline.torn
        assert await pipeline.queue("SELECT 41 + %s::int", (1,)).fetchone() == (42,)


async def test_more_than_the_sockets_hold_travels_both_ways_at_once(pipeline: Pipeline) -> None:
    large = "调" * 1_000_000
    answers = [pipeline.queue("SELECT %s::text || %s::text", (large, str(n))) for n in range(8)]
    await asyncio.wait_for(pipeline.send(), 60)
    assert [rows[0][0][-1] for a in answers if (rows := a.rows)] == [str(n) for n in range(8)]


async def test_who_gives_up_in_the_middle_leaves_a_connection_that_says_so(pipeline: Pipeline) -> None:
    pipeline.queue("SELECT pg_sleep(30)", ())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(pipeline.send(), 0.2)
    assert pipeline.torn


async def test_a_connection_that_the_server_ends_is_an_operational_error(pipeline: Pipeline) -> None:
    with pytest.raises(psycopg.OperationalError):
        await pipeline.queue("SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(5)", ()).fetchall()
    assert pipeline.torn
