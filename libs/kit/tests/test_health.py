"""What a platform asks of a process: does it live, has it started, is it ready; and what a process waits for before it starts."""

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest

from tiaochu_embedded.postgres import Database
from tiaochu_kit import figures, migrations
from tiaochu_kit.migrations import Schema, schema_of
from tiaochu_kit.runner import Kit, Service
from tiaochu_kit.settings import MigrationSettings
from tiaochu_testkit.faults import FaultProxy
from tiaochu_testkit.services import Cell
from tiaochu_testkit.toy import alpha
from tiaochu_testkit.waiting import eventually

AWAY = (httpx2.HTTPError, AssertionError)
_ENV = "from alembic import context\nfrom tiaochu_kit.migrations import run_env\nrun_env(context)\n"
_STEP = "from alembic import op\nrevision = {own!r}\ndown_revision = {before!r}\ndef upgrade():\n    op.execute({statement!r})\n"


@pytest.fixture
def aged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package whose code needs its second migration."""
    versions = tmp_path / "aged" / "migrations" / "versions"
    versions.mkdir(parents=True)
    (versions.parent.parent / "__init__.py").touch()
    (versions.parent / "env.py").write_text(_ENV)
    (versions / "0001.py").write_text(_STEP.format(own="0001", before=None, statement="CREATE TABLE kept (id int)"))
    (versions / "0002.py").write_text(_STEP.format(own="0002", before="0001", statement="ALTER TABLE kept ADD COLUMN note text"))
    monkeypatch.syspath_prepend(tmp_path)
    yield "aged"
    sys.modules.pop("aged", None)


def as_owner(database: Database) -> MigrationSettings:
    return MigrationSettings(database_owner_url=database.owner_url, database_owner_password_file=database.owner_password_file)


async def status(address: str, path: str) -> int:
    async with httpx2.AsyncClient() as client:
        return (await client.get(f"http://{address}{path}", timeout=5)).status_code


async def health(address: str) -> tuple[int, int, int]:
    """/live, /started, /ready."""
    live, started, ready = [await status(address, path) for path in ("/live", "/started", "/ready")]
    return live, started, ready


def test_the_code_needs_its_newest_schema_and_bears_a_newer_one(aged: str) -> None:
    schema = schema_of(aged)
    assert schema == Schema("0002", frozenset({"0001"}))
    assert [schema.satisfied_by(found) for found in (None, "0001", "0002", "0003 of a later release")] == [False, False, True, True]
    assert schema_of("nobody") is None


@pytest.mark.req("PF3")
async def test_a_new_release_lives_but_starts_only_when_its_schema_is_there(cell: Cell, aged: str) -> None:
    settings = cell.settings("alpha")
    service = Service(Kit(settings, aged), alpha.build)
    starting = asyncio.ensure_future(service.start(work=False))
    try:

        async def lives_and_waits() -> bool:
            return await health(settings.http_listen) == (200, 503, 503)

        await eventually(lives_and_waits, retry=AWAY)
        await asyncio.to_thread(migrations.migrate, as_owner(cell.databases["alpha"]), aged)

        async def works() -> bool:
            return await health(settings.http_listen) == (200, 200, 200)

        await eventually(works, retry=AWAY)
        assert starting.done()
    finally:
        await service.stop()


@pytest.mark.req("PF8")
async def test_without_its_database_a_process_lives_answers_nobody_and_still_tells_its_figures(cell: Cell) -> None:
    figures.setup()
    settings = cell.settings("alpha")
    server = cell.databases["alpha"].port
    with FaultProxy("127.0.0.1", server) as proxy:
        url = settings.database_url.replace(f":{server}/", f":{proxy.port}/")
        async with cell.running("alpha", "toy", alpha.build, work=False, database_url=url) as a:

            async def told(wanted: tuple[int, int, int], reachable: int) -> bool:
                async with httpx2.AsyncClient() as client:
                    text = (await client.get(f"http://{a.http_address}/metrics", timeout=20)).text
                [found] = [line for line in text.splitlines() if line.startswith("tiaochu_database_reachable{") and '"alpha"' in line]
                return await health(a.http_address) == wanted and float(found.rsplit(" ", 1)[1]) == reachable

            await eventually(lambda: told((200, 200, 200), 1), retry=AWAY)
            proxy.cut()
            await eventually(lambda: told((200, 200, 503), 0), timeout=60, retry=AWAY)
            proxy.heal()
            await eventually(lambda: told((200, 200, 200), 1), timeout=60, retry=AWAY)


async def test_what_the_platform_asks_stands_on_a_port_apart(cell: Cell, free_port: Callable[[], int]) -> None:
    ops = f"127.0.0.1:{free_port()}"
    async with cell.running("alpha", "toy", alpha.build, work=False, ops_listen=ops) as a:

        async def ready() -> bool:
            return await health(ops) == (200, 200, 200) and await status(ops, "/metrics") == 200

        await eventually(ready, retry=AWAY)
        with pytest.raises(httpx2.ConnectError):  # alpha has no edge for outside callers
            await status(a.http_address, "/ready")


async def test_sigterm_ends_a_process_that_still_waits_for_its_database(cell: Cell, free_port: Callable[[], int], tmp_path: Path) -> None:
    settings = cell.settings("alpha", database_url=f"postgresql://alpha@127.0.0.1:{free_port()}/alpha")
    env = {f"TIAOCHU_{name.upper()}": str(value) for name, value in settings.model_dump(exclude_none=True, exclude_defaults=True).items()}
    env["TIAOCHU_PEERS"] = "{}"
    command = [sys.executable, "-m", "tiaochu_testkit.toy", "alpha", "serve"]
    with (tmp_path / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, env=env, stdout=log, stderr=log)

        async def lives() -> bool:
            return await health(settings.http_listen) == (200, 503, 503)

        await eventually(lives, timeout=60, retry=AWAY)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 25) == 0


def test_a_migration_does_not_wait_for_a_lock_that_commands_hold(
    make_database: Callable[[str], Database], aged: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = make_database("alpha")
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT", "50ms")
    with psycopg.connect(database.owner_dsn) as owner:
        owner.execute("CREATE TABLE kept (id int)")
        owner.execute("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
        owner.execute("INSERT INTO alembic_version VALUES ('0001')")
    with psycopg.connect(database.owner_dsn) as command:
        command.execute("SELECT * FROM kept")
        with pytest.raises(Exception, match="lock timeout"):
            migrations.migrate(as_owner(database), aged)
    migrations.migrate(as_owner(database), aged)
    with psycopg.connect(database.owner_dsn) as owner:
        found: Any = owner.execute("SELECT version_num FROM alembic_version").fetchone()
    assert found == ("0002",)
