"""All checks together, given time to settle: what one service just recorded needs a moment to reach the others."""

import time
from collections.abc import Iterator, Sequence

from tiaochu_cli.audit.chains import check_chains
from tiaochu_cli.audit.clocks import check_clocks
from tiaochu_cli.audit.deliveries import check_deliveries
from tiaochu_cli.audit.effects import check_effects
from tiaochu_cli.audit.finding import Check, Finding, collect
from tiaochu_cli.audit.journals import Journals
from tiaochu_cli.audit.reading import Reader, Told
from tiaochu_cli.audit.responsibility import check_responsibility
from tiaochu_cli.audit.statistics import check_statistics

NAMES = ("chains", "parked", "responsibility", "clocks", "deliveries", "effects", "statistics")
"""The checks in the order they are told."""
_PAUSE_SECONDS = 1.0


def check_all(reader: Reader, seconds: float, told: Told) -> tuple[Journals, list[Check]]:
    """Read every journal and run every check. While something differs, read on and check again, for at most `seconds`."""
    journals = Journals(asked_at=reader.asked_at)
    until = time.monotonic() + seconds
    while True:
        reader.read(journals, told)
        checks = run_checks(reader, journals)
        if all(check.holds for check in checks) or time.monotonic() >= until:
            return journals, checks
        time.sleep(_PAUSE_SECONDS)


def run_checks(reader: Reader, journals: Journals) -> list[Check]:
    """Every check once."""
    lengths = reader.lengths(journals.districts) if "routing" in journals.services else {}
    return [
        check_chains(journals),
        collect("parked", "搁置的事件", len(journals.parked), _parked(journals)),
        check_responsibility(journals),
        check_clocks(journals, lengths),
        check_deliveries(journals),
        check_effects(journals),
        check_statistics(journals, reader.table, reader.locked),
    ]


def _parked(journals: Journals) -> Iterator[Finding]:
    """An event that was put aside has no effect yet."""
    for service, producer, event in journals.parked:
        yield Finding("PARKED", event.district, event.subject, f"{service} has not applied {producer}/{event.district}/{event.position}")


def consistent(checks: Sequence[Check]) -> bool:
    """Nothing differs anywhere."""
    return all(check.holds for check in checks)
