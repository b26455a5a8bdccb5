"""How long until everything works again: what was committed before has been told to everybody, and a command is acknowledged."""

import asyncio
import time

import psycopg

from robustness.history import History
from robustness.stage import FOLLOWS, PRODUCERS, Stage
from tiaochu_testkit.waiting import eventually, eventually_blocking

LIMIT_SECONDS = 150.0
COMMANDED = ("intake", "routing", "mediation")
"""Services that the clients give commands all the time."""

_COMMITTED_SQL = "SELECT district, count(*) FROM journal GROUP BY district"
_CURSORS_SQL = "SELECT producer, district, position FROM cursors"


async def recovered(stage: Stage, history: History, part: str) -> float | None:
    """Seconds from now until the events committed by now are in every consumer, and the part (any, when it answers no commands) has
    acknowledged a command that was given from now on. `None` when that does not happen in time, or the part gets no command meanwhile."""
    began, since = time.monotonic(), history.now()
    wanted: dict[tuple[str, str], int] = {}

    def told() -> bool:
        wanted.update(wanted or _committed(stage))
        return _reached(_cursors(stage), wanted)

    try:
        await asyncio.to_thread(eventually_blocking, told, LIMIT_SECONDS, retry=(psycopg.Error,))
        until_told = time.monotonic() - began
        answered = await eventually(lambda: _answered(history, part, since), LIMIT_SECONDS)
    except AssertionError:
        return None
    return max(until_told, answered - since)


def _answered(history: History, part: str, since: float) -> float:
    wanted = {part} if part in COMMANDED else set(COMMANDED)
    return min((t.ended for t in reversed(history.told[-2000:]) if t.ended > since and t.answer and t.service in wanted), default=0.0)


def _committed(stage: Stage) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for producer in PRODUCERS:
        with stage.database(producer) as connection:
            found |= {(producer, district): count for district, count in connection.execute(_COMMITTED_SQL).fetchall()}
    return found


def _cursors(stage: Stage) -> dict[tuple[str, str, str], int]:
    found: dict[tuple[str, str, str], int] = {}
    for consumer in FOLLOWS:
        with stage.database(consumer) as connection:
            rows = connection.execute(_CURSORS_SQL).fetchall()
            found |= {(consumer, producer, district): position for producer, district, position in rows}
    return found


def _reached(cursors: dict[tuple[str, str, str], int], wanted: dict[tuple[str, str], int]) -> bool:
    return all(
        cursors.get((consumer, producer, district), 0) >= count
        for (producer, district), count in wanted.items()
        for consumer, producers in FOLLOWS.items()
        if producer in producers
    )
