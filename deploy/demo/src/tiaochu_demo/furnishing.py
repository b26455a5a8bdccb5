"""Gives a running stack what must be there before the first case, for suites that drive the whole stack and for whoever wants to begin at once."""

from datetime import timedelta

from tiaochu_demo import prepare
from tiaochu_demo.directory import CITY, DISTRICTS, load_directory
from tiaochu_demo.driver import Cast, Court, Wire
from tiaochu_domainkit.clocks import beijing
from tiaochu_embedded.client import RunningStack

_YEAR = timedelta(days=366)


async def furnish(running: RunningStack) -> None:
    """Directories, rules, keywords and calendars of both districts; the court docked."""
    wire = Wire(running)
    for district in DISTRICTS:
        directory = load_directory(district)
        cast = Cast(directory)
        await prepare.import_directory(wire, directory)
        await prepare.import_rules(wire, directory)
        await prepare.known_everywhere(wire, cast)
        await prepare.import_keywords(wire, cast)
        await prepare.load_calendar(wire, cast, (beijing(wire.now()) + _YEAR).date())
    court = Court(wire, Cast(load_directory(CITY)))
    await court.dock()
    await court.close()
    await wire.close()
