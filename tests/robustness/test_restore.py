"""Backup and restore as `docs/operations/backup-and-restore.md` has it: what was acknowledged comes back, and a service that is older than its readers is noticed."""

import asyncio
import json
import re
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from robustness.backups import Backups
from robustness.books import opened
from robustness.history import History
from robustness.own_stack import furnished, settled, worked
from tiaochu_cli.main import app
from tiaochu_embedded.stack import Stack
from tiaochu_kit.clock import Clock
from tiaochu_testkit.waiting import eventually_blocking

pytestmark = pytest.mark.asyncio(loop_scope="module")
RTO_SECONDS = 60.0


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of this module's own: its history is rewritten."""
    with furnished(tmp_path_factory.mktemp("restored")) as running:
        yield running


@pytest.fixture(scope="module")
def backups(stack: Stack) -> Iterator[Backups]:
    taken = Backups(stack, stack.folder.path.parent / "backup")
    try:
        taken.begin()
        yield taken
    finally:
        taken.end()


@pytest.mark.req("PF4")
@pytest.mark.timeout(400)
async def test_a_dropped_database_comes_back_with_everything_that_was_acknowledged(
    stack: Stack, backups: Backups, history: History, record_property: Callable[[str, object], None]
) -> None:
    [(oid,)] = backups.sql("SELECT oid FROM pg_database WHERE datname = 'intake'")
    took = []

    def strike() -> None:
        backups.sql("DROP DATABASE intake WITH (FORCE)")
        began = time.monotonic()
        aside = backups.aside(backups.run("dropped", backups.folder, oid))
        aside.load("intake")
        took.append(time.monotonic() - began)
        aside.stop()

    await worked(stack, history, "dropped", 40, strike)
    await settled(stack, history)
    record_property("rto_seconds", round(took[0], 1))
    assert took[0] < RTO_SECONDS


@pytest.mark.req("PF4")
@pytest.mark.timeout(400)
async def test_a_lost_disk_loses_nothing_that_was_acknowledged(
    stack: Stack, backups: Backups, history: History, record_property: Callable[[str, object], None]
) -> None:
    took = []

    def strike() -> None:
        backups.lose_the_disk()
        began = time.monotonic()
        backups.end()
        backups.put_back(backups.aside("latest"))
        took.append(time.monotonic() - began)

    await worked(stack, history, "disk", 40, strike)
    await settled(stack, history)
    record_property("rto_seconds", round(took[0], 1))
    assert took[0] < RTO_SECONDS


@pytest.mark.req("PF4")
@pytest.mark.timeout(400)
async def test_who_read_more_than_a_restored_service_knows_stops_and_goes_on_when_the_loss_is_accepted(
    stack: Stack, backups: Backups, tmp_path_factory: pytest.TempPathFactory, history: History
) -> None:
    await asyncio.to_thread(backups.end)  # a lost disk ended that archive: the cluster is on a new timeline
    backups = Backups(stack, tmp_path_factory.mktemp("again") / "backup")
    try:
        await asyncio.to_thread(backups.begin)
        await worked(stack, history, "before", 20)
        await settled(stack, history)
        [(moment,)] = backups.sql("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
        at = Clock(stack.folder.clock).now().isoformat()  # the same moment by the services' clock, which was moved on
        kept = set(history.holders)
        await worked(stack, history, "after", 20)
        gone = set(history.holders) - kept
        await settled(stack, history)

        aside = await asyncio.to_thread(backups.aside, str(moment))
        await asyncio.to_thread(aside.load, "intake")
        await asyncio.to_thread(aside.stop)
    finally:
        await asyncio.to_thread(backups.end)
        backups.sql("ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")

    forked = await asyncio.to_thread(eventually_blocking, lambda: _forked(stack), 30)
    assert {fork["producer"] for fork in forked["forks"]} == {"intake"}
    assert {fork["consumer"] for fork in forked["forks"]} == {"routing", "mediation", "docking", "reporting"}
    assert forked["ways_out"]
    for reader in ("routing", "reporting"):
        address = stack.addresses["http"][reader]
        assert await asyncio.to_thread(eventually_blocking, lambda a=address: "intake" in _stopped(a), 30)
        assert "head-behind-cursor.md" in stack.folder.log(reader).read_text()

    order = ("recover", "accept-loss", "intake", "--restored-to", at, "--reason", "演练")
    code, planned = await asyncio.to_thread(operator, stack, *order)
    assert (code, planned["carried_out"]) == (0, False)
    assert planned["rebuilds"] == ["docking", "mediation", "reporting", "routing"]
    assert (await asyncio.to_thread(_forked, stack))["forks"] == forked["forks"], "a dry run changes nothing"
    code, done = await asyncio.to_thread(operator, stack, *order, "--carry-out")
    assert (code, done["carried_out"]) == (0, True)

    await asyncio.to_thread(eventually_blocking, lambda: _all_read(stack), 60)
    with opened(stack) as books:
        unknown = books.unknown_to("intake")
    assert unknown >= gone, "what is lost is known"
    assert not unknown & kept
    await worked(stack, history, "again", 10)
    assert not history.broken, history.broken[:5]
    await asyncio.to_thread(eventually_blocking, lambda: _all_read(stack), 60)


def operator(stack: Stack, *arguments: str) -> tuple[int, Any]:
    """The operator's command on the stack: its exit code and its JSON."""
    environment = {"TIAOCHU_STACK": str(stack.folder.path), "TIAOCHU_AS": "operator"}
    told = CliRunner().invoke(app, [*arguments, "--json"], env=environment)
    return told.exit_code, json.loads(told.stdout)


def _forked(stack: Stack) -> Any:
    code, said = operator(stack, "status")
    assert code == 1, said
    assert len({fork["consumer"] for fork in said["forks"]}) == 4, said["forks"]
    return said


def _all_read(stack: Stack) -> bool:
    code, said = operator(stack, "status")
    assert code == 0, said["forks"]
    assert not said["forks"]
    return True


def _stopped(address: str) -> set[str]:
    """The producers whose logs a service says it does not read any more."""
    with urllib.request.urlopen(f"{address}/metrics", timeout=5) as answer:
        figures = answer.read().decode()
    return set(re.findall(r'^tiaochu_consumer_stopped\{.*producer="(\w+)".*\} 1\.0$', figures, re.MULTILINE))
