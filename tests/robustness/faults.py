"""What goes wrong. Each fault strikes, lasts, and is healed before it returns; how long the system then takes to recover is measured by the campaign."""

import asyncio
import shutil
import signal
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from nats.js.errors import NotFoundError

from robustness.stage import FOLLOWS, PRODUCERS, SERVICES, Stage
from tiaochu_testkit.faults import FaultProxy

REACH_SECONDS = 20.0
"""A fail point that nobody reaches in that time is taken back, and the fault counts as not reached."""


class NotReached(Exception):
    """Nobody came by the place where the fault lay."""


class NotPossible(Exception):
    """This machine does not let the fault be made."""


@dataclass(frozen=True)
class Lengths:
    """How long faults last, in seconds."""

    frozen: float
    without_nats: float
    silent: float
    slow: float
    cut: float


SHORT = Lengths(frozen=12, without_nats=5, silent=6, slow=4, cut=3)
"""Longer than a lease where that is the point."""
MIDDLE = Lengths(frozen=20, without_nats=60, silent=15, slow=8, cut=5)
LONG = Lengths(frozen=60, without_nats=300, silent=30, slow=15, cut=10)

Strike = Callable[[Stage, Lengths], Awaitable[None]]


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong. `kind` is its line in the report; `part` is what must work again."""

    name: str
    kind: str
    strike: Strike
    part: str = ""
    link: str = ""
    """The link that must lead through a proxy."""


# --- processes


async def _kill(part: str, stage: Stage, _: Lengths) -> None:
    """SIGKILL; the stack starts it again."""
    stage.signal(part, signal.SIGKILL)


async def _freeze(part: str, stage: Stage, lengths: Lengths, *, seconds: float = 0.0) -> None:
    """SIGSTOP, and awake again much later, when others may have taken over."""
    stage.signal(part, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds or (lengths.silent if part == "postgres" else lengths.frozen))
    finally:
        stage.signal(part, signal.SIGCONT)


async def _point(service: str, point: str, action: str, stage: Stage, lengths: Lengths) -> None:
    """Die, freeze or be late exactly at a named point."""
    if point.startswith("catch-up"):
        stage.arm(service, point, action)
        await _purge(FOLLOWS[service][0], stage, lengths)
        await _pause_consumers(service, stage, seconds=6)
    elif point.startswith("timer"):
        stage.arm(service, point, action)
        stage.stack.step_clock(timedelta(days=4).total_seconds())
    else:
        stage.arm(service, point, action)
    if not await stage.reached(service, point, REACH_SECONDS):
        raise NotReached(point)
    if action == "freeze":
        await asyncio.sleep(lengths.frozen)
        stage.signal(service, signal.SIGCONT)
    elif action.startswith("delay"):
        await asyncio.sleep(float(action.partition(" ")[2]))


# --- links


def _while(harm: Callable[[FaultProxy], None], lasts: Callable[[Lengths], float]) -> Callable[[str, Stage, Lengths], Awaitable[None]]:
    """A strike on a link: harmed for some time, then healed."""

    async def strike(link: str, stage: Stage, lengths: Lengths) -> None:
        proxy = stage.proxies[link]
        harm(proxy)
        await asyncio.sleep(lasts(lengths))
        proxy.heal()

    return strike


async def _torn(link: str, stage: Stage, _lengths: Lengths) -> None:
    """Three replies in a row are cut off in the middle."""
    proxy = stage.proxies[link]
    for _ in range(3):
        if not await asyncio.to_thread(proxy.tear, REACH_SECONDS):
            raise NotReached(link)


# --- the broker


async def _without_nats(stage: Stage, lengths: Lengths) -> None:
    await asyncio.to_thread(stage.stack.stop_nats)
    await asyncio.sleep(lengths.without_nats)
    await asyncio.to_thread(stage.stack.start_nats)


async def _wipe(stage: Stage, lengths: Lengths) -> None:
    """Its disk is lost."""
    await asyncio.to_thread(stage.stack.stop_nats)
    await asyncio.to_thread(stage.stack.wipe_nats)
    await asyncio.sleep(lengths.cut)
    await asyncio.to_thread(stage.stack.start_nats)


async def _purge(producer: str, stage: Stage, _: Lengths) -> None:
    """Messages it had acknowledged are gone."""
    client, js = await stage.broker()
    try:
        with suppress(NotFoundError):  # nothing was published yet
            await js.purge_stream(f"{producer.upper()}_EVENTS")
    finally:
        await client.close()


async def _purge_all(stage: Stage, lengths: Lengths) -> None:
    for producer in PRODUCERS:
        await _purge(producer, stage, lengths)


async def _pause_consumers(service: str, stage: Stage, lengths: Lengths | None = None, *, seconds: float = 0.0) -> None:
    """The broker hands a service nothing more, without a word: its consumers there stand still."""
    pause = seconds or (lengths.frozen if lengths else 0)
    until = (datetime.now(UTC) + timedelta(seconds=pause)).isoformat()
    client, _ = await stage.broker()
    try:
        for producer in FOLLOWS[service]:
            subject = f"$JS.API.CONSUMER.PAUSE.{producer.upper()}_EVENTS.{service}-{producer}"
            await client.request(subject, f'{{"pause_until": "{until}"}}'.encode(), timeout=5)
    finally:
        await client.close()
    if not seconds:
        await asyncio.sleep(pause)


# --- PostgreSQL


async def _end_sessions(stage: Stage, _lengths: Lengths) -> None:
    """All sessions of all services are ended, three times."""
    for _ in range(3):
        with stage.database("postgres") as admin:
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IS NOT NULL AND pid <> pg_backend_pid()")
        await asyncio.sleep(0.5)


async def _fill_disk(stage: Stage, lengths: Lengths) -> None:
    """Not a byte is left where the databases are."""
    data = stage.stack.folder.path / "postgres"
    if not data.is_mount():
        raise NotPossible("no disk of its own")
    ballast = data / "ballast"
    await asyncio.to_thread(_fill, ballast, data)
    try:
        await asyncio.sleep(lengths.silent)
    finally:
        ballast.unlink()


def _fill(ballast: Path, disk: Path) -> None:
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:  # to the last page, even when others give some back meanwhile
            file.write(bytes(max(4096, shutil.disk_usage(disk).free // 2)))


# --- time


async def _wrong_clock(service: str, seconds: float, stage: Stage, lengths: Lengths) -> None:
    """One service is ten minutes off."""
    clock = stage.stack.parts.clock
    wrong = stage.folder / f"clock-{service}"
    wrong.write_text(str(clock.offset + seconds))
    await asyncio.to_thread(partial(stage.stack.restart, service, TIAOCHU_CLOCK_FILE=str(wrong)))
    try:
        await asyncio.sleep(lengths.silent)
    finally:
        await asyncio.to_thread(partial(stage.stack.restart, service, TIAOCHU_CLOCK_FILE=str(clock.file)))


async def _days_pass(stage: Stage, _: Lengths) -> None:
    """Everybody's clock moves on by some days: what is due fires, in the middle of the work."""
    stage.stack.step_clock(timedelta(days=4).total_seconds())


# --- all of them

_AT_POINTS: tuple[tuple[str, str, str], ...] = (
    *((service, "command.decided", "kill") for service in ("intake", "routing", "mediation")),
    *((service, "command.committed", "kill") for service in ("intake", "routing", "mediation", "docking")),
    ("mediation", "command.committed", "delay 3"),
    *((service, "log.sequenced", "kill") for service in PRODUCERS),
    *((service, "log.published", "kill") for service in PRODUCERS),
    ("routing", "log.sequenced", "freeze"),
    ("intake", "log.published", "freeze"),
    *((service, "batch.applied", "kill") for service in SERVICES),
    *((service, "batch.committed", "kill") for service in SERVICES),
    ("reporting", "batch.applied", "freeze"),
    *((service, "catch-up.read", "kill") for service in SERVICES),
    ("routing", "timer.due", "kill"),
    ("routing", "timer.fired", "kill"),
    ("docking", "call.due", "kill"),
    ("docking", "call.made", "kill"),
    ("docking", "webhook.noted", "kill"),
    ("docking", "webhook.delivered", "kill"),
    ("intake", "file.arriving", "kill"),
    ("intake", "file.stored", "kill"),
)
_NETWORK: Mapping[str, Callable[[str, Stage, Lengths], Awaitable[None]]] = {
    "cut": _while(FaultProxy.cut, lambda lengths: lengths.cut),
    "slow": _while(lambda proxy: proxy.delay(2.0), lambda lengths: lengths.slow),
    "black hole": _while(FaultProxy.black_hole, lambda lengths: lengths.slow),
    "torn": _torn,
}
LINKS = (
    *(f"{service}→postgres" for service in SERVICES),
    *(f"{service}→nats" for service in SERVICES),
    *("routing→intake", "mediation→routing", "docking→intake", "docking→mediation", "reporting→mediation"),
    *("docking→sandbox", "sandbox→docking", "clients→intake", "clients→mediation"),
)


def _all() -> list[Fault]:
    parts = (*SERVICES, "postgres", "nats", "sandbox")
    found = [Fault(f"kill {part}", "kill -9 of a process", partial(_kill, part), part) for part in parts]
    found += [
        Fault(f"{action} {service} at {point}", f"fail point {point}", partial(_point, service, point, action), service)
        for service, point, action in _AT_POINTS
    ]
    found += [
        Fault(f"{how} {link}", f"link {how}", partial(strike, link), link.partition("→")[0].replace("clients", ""), link)
        for how, strike in _NETWORK.items()
        for link in LINKS
    ]
    found += [
        Fault("nats down", "NATS down", _without_nats),
        Fault("nats wiped", "NATS' disk lost", _wipe),
        Fault("nats purged", "messages purged", _purge_all),
        *(Fault(f"stall {service}", "consumer stalls silently", partial(_pause_consumers, service), service) for service in SERVICES),
        Fault("sessions ended", "PostgreSQL sessions ended", _end_sessions),
        Fault("freeze postgres", "PostgreSQL silent", partial(_freeze, "postgres"), "postgres"),
        Fault("disk full", "PostgreSQL disk full", _fill_disk, "postgres"),
        *(Fault(f"freeze {service}", "process frozen", partial(_freeze, service), service) for service in SERVICES),
        *(
            Fault(f"clock {service} {sign}", "clock ten minutes off", partial(_wrong_clock, service, off), service)
            for service in SERVICES
            for sign, off in (("ahead", 600.0), ("behind", -600.0))
        ),
        Fault("days pass", "days pass", _days_pass),
    ]
    return found


FAULTS: Mapping[str, Fault] = {fault.name: fault for fault in _all()}
"""Every fault by its name."""
