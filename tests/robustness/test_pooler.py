"""Everything works behind a transaction pooler: the same work, the same kills, the same books."""

from collections.abc import Iterator

import psycopg
import pytest

from robustness.history import History
from robustness.own_stack import furnished, settled, worked
from robustness.pooler import PROGRAM, Pooler
from robustness.stage import SERVICES
from tiaochu_embedded.stack import Stack

pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason="PgBouncer is not installed: apt-get install pgbouncer"),
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest.fixture(scope="module")
def pooled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, Pooler]]:
    """A stack whose services know only the pooler."""
    folder, poolers = tmp_path_factory.mktemp("pooled"), []

    def put_before(stack: Stack) -> None:
        poolers.append(pooler := Pooler(stack, folder / "pgbouncer"))
        pooler.start()
        for service in SERVICES:
            pooler.put_before(service)

    try:
        with furnished(folder, put_before) as stack:
            yield stack, poolers[0]
    finally:
        for pooler in poolers:
            pooler.kill()


@pytest.mark.req("PF2")
@pytest.mark.timeout(400)
@pytest.mark.parametrize("part", ["routing", "pgbouncer", "postgres"])
async def test_what_was_acknowledged_is_everywhere_once_behind_a_pooler(pooled: tuple[Stack, Pooler], history: History, part: str) -> None:
    stack, pooler = pooled

    def strike() -> None:
        if part == "pgbouncer":
            pooler.kill()
            pooler.start()
        else:
            stack.kill(part)
            stack.restart(part)

    await worked(stack, history, f"pooler:{part}", 40, strike)
    await settled(stack, history)


async def test_nothing_of_a_session_is_left_to_the_pooler(pooled: tuple[Stack, Pooler]) -> None:
    stack, _ = pooled
    with psycopg.connect(stack.parts.postgres.admin_dsn()) as admin:
        clients = "SELECT DISTINCT client_port FROM pg_stat_activity WHERE usename = ANY(%s)"
        held = admin.execute(clients, (list(SERVICES),)).fetchall()
        locks = admin.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory'").fetchall()
    assert 0 < len(held) <= 8 * len(SERVICES)
    assert not locks
