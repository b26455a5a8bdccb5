"""Nothing that was acknowledged is lost or done twice, whatever dies in the middle of the input."""

import asyncio
import json
from typing import Any

import nats
import pytest
from typer.testing import CliRunner

from robustness.books import FOLLOWS, NOT_PUBLISHED, Books, opened
from robustness.clients import Crowd, Ledger
from tiaochu_cli.main import app
from tiaochu_embedded.nats import OPERATOR
from tiaochu_embedded.stack import Stack
from tiaochu_kit.transport import stream_name
from tiaochu_testkit.waiting import eventually_blocking

SERVICES = tuple(FOLLOWS)
CASES, OFFERS = 4, 1
"""Fed while one part dies; in all some forty cases."""
SETTLE_SECONDS = 60.0
AWAY_SECONDS = 30.0
"""How long the broker is away: longer than any retry or lease waits."""


async def settled(books: Books, ledger: Ledger, *, untold: bool = False) -> None:
    """The books agree with each other and with what was acknowledged, once everything on its way has arrived.

    `untold`: although the broker could not be told.
    """

    def agree() -> bool:
        books.refresh()
        found = [p for p in books.problems(ledger) if not (untold and p.endswith(NOT_PUBLISHED))]
        assert not found, "\n".join(found[:20])
        return True

    await asyncio.to_thread(eventually_blocking, agree, SETTLE_SECONDS)


def operator(stack: Stack, *arguments: str) -> tuple[int, Any]:
    """The operator's command on the stack: its exit code and its JSON."""
    environment = {"TIAOCHU_STACK": str(stack.folder.path), "TIAOCHU_AS": "operator"}
    told = CliRunner().invoke(app, [*arguments, "--json"], env=environment)
    return told.exit_code, json.loads(told.stdout)


async def streams(stack: Stack) -> dict[str, int]:
    """How many messages each producer's stream holds on the broker."""
    parts = stack.parts.nats
    client = await nats.connect(parts.url, user=OPERATOR, password=parts.password_file(OPERATOR).read_text())
    try:
        held = {info.config.name: info.state.messages for info in await client.jetstream().streams_info()}
    finally:
        await client.close()
    return {service: held.get(stream_name(service), 0) for service in ("intake", "routing", "mediation", "docking")}


@pytest.mark.req("PF1")
@pytest.mark.timeout(180)
@pytest.mark.parametrize("part", [*SERVICES, "sandbox", "postgres", "nats"])
async def test_what_was_acknowledged_is_everywhere_once_after_a_kill(shaken: Stack, crowd: Crowd, ledger: Ledger, part: str) -> None:
    feeding = asyncio.create_task(crowd.feed(CASES, OFFERS))
    await ledger.more(CASES * 2, feeding)
    await asyncio.to_thread(shaken.kill, part)
    await asyncio.to_thread(shaken.restart, part)
    await feeding
    with opened(shaken) as books:
        await settled(books, ledger)


@pytest.mark.req("PF1")
@pytest.mark.timeout(180)
async def test_work_goes_on_without_the_broker_and_its_disk_can_be_lost(shaken: Stack, crowd: Crowd, ledger: Ledger) -> None:
    feeding = asyncio.create_task(crowd.feed(CASES, OFFERS))
    await ledger.more(CASES, feeding)
    await asyncio.to_thread(shaken.stop_nats)
    back = asyncio.get_running_loop().time() + AWAY_SECONDS
    await feeding
    feeding = asyncio.create_task(crowd.feed(CASES, OFFERS))
    await ledger.more(CASES, feeding)
    await asyncio.to_thread(shaken.kill, "routing")
    await asyncio.to_thread(shaken.restart, "routing")
    await feeding
    while asyncio.get_running_loop().time() < back:
        await crowd.feed(1)
    with opened(shaken) as books:
        await settled(books, ledger, untold=True)

    await asyncio.to_thread(shaken.wipe_nats)
    feeding = asyncio.create_task(crowd.feed(CASES))
    await ledger.more(CASES, feeding)
    await asyncio.to_thread(shaken.start_nats)
    await feeding
    with opened(shaken) as books:
        await settled(books, ledger)
    assert min((await streams(shaken)).values()) > 0, "the streams were made again, and what happens is told in them"


@pytest.mark.req("PF1")
@pytest.mark.timeout(180)
async def test_after_all_that_the_operators_audit_finds_the_books_consistent(shaken: Stack, crowd: Crowd, ledger: Ledger) -> None:
    await crowd.feed(1)
    code, told = await asyncio.to_thread(operator, shaken, "audit", "consistency", "--settle", "60")
    assert (code, told["consistent"]) == (0, True), [check for check in told["checks"] if not check["holds"]]
    looked_at = {check["name"]: check["looked_at"] for check in told["checks"]}
    assert min(looked_at[name] for name in ("chains", "responsibility", "clocks", "deliveries", "effects", "statistics")) > 0
    code, table = await asyncio.to_thread(operator, shaken, "report", "month")
    assert int(table["rows"][0]["values"]["registered"]) == len(ledger.holders)
    assert len(ledger.holders) >= 40
