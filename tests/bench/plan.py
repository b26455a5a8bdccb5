"""Which template is repeated on which day, how often. A plan is the same in every process that makes it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from bench.shifting import Shift
from bench.template import Template

DAYS = 720
"""Over how many days before the templates' own the cases are spread."""
SHARES = {"history": 0.70, "short": 0.20, "agreed": 0.04, "ended": 0.04, "court": 0.01, "open": 0.01}
"""Kinds of cases: a county that begins brings its registers of earlier years; of the others most never leave the village (domain guide §6)."""
_SPREAD = 0x9E3779B97F4A7
"""Odd: its multiples run through all 48-bit numbers, so that no token comes twice."""


def kind_of(template: Template) -> str:
    """History: a finished row of a register; short: agreed on the spot and closed; court: came from or went to an agency."""
    if template.timers:
        return "open"
    if "HistoryResultRecorded" in template.types:
        return "history"
    if template.events["docking"]:
        return "court"
    if "AgreementEffective" in template.types:
        return "agreed" if "SessionHeld" in template.types else "short"
    return "ended"


@dataclass
class Group:
    """Some cases of one template on one day: their tokens and the serials of their numbers."""

    shift: Shift
    tokens: Sequence[str]
    serials: Sequence[str]


class Plan:
    """`cases` cases made from `templates`; `first` is how many were made before, so that loads can follow each other."""

    def __init__(self, templates: Sequence[Template], cases: int, *, seed: str = "million", first: int = 0) -> None:
        self._kinds: dict[str, list[Template]] = {kind: [] for kind in SHARES}
        for template in templates:
            self._kinds[kind_of(template)].append(template)
        self._cases, self._seed, self._first = cases, seed, first
        self._group_size = max(10, cases // 20_000)
        self.series: Counter[str] = Counter()

    def groups(self) -> Iterator[Group]:
        """Oldest first; what is still open comes last and is not moved, so that its clocks fire when they should."""
        rng = Random(self._seed)
        self.series.clear()
        open_cases = int(self._cases * SHARES["open"])
        closed = self._cases - open_cases
        kinds = [kind for kind in SHARES if kind != "open"]
        made = self._first
        for day in range(DAYS):
            left = closed * (day + 1) // DAYS - closed * day // DAYS
            while left:
                kind = rng.choices(kinds, [SHARES[k] for k in kinds])[0]
                count = min(left, self._group_size)
                yield self._group(rng.choice(self._kinds[kind]), day - DAYS + 1, made, count)
                made, left = made + count, left - count
        while open_cases:
            count = min(open_cases, self._group_size)
            yield self._group(rng.choice(self._kinds["open"]), 0, made, count)
            made, open_cases = made + count, open_cases - count

    def _group(self, template: Template, days: int, made: int, count: int) -> Group:
        shift = Shift(template, days)
        serials = range(self.series[shift.series] + 100_000, self.series[shift.series] + 100_000 + count)
        self.series[shift.series] += count
        tokens = [f"{(made + n + 1) * _SPREAD % 2**48:012x}" for n in range(count)]
        return Group(shift, tokens, [str(serial) for serial in serials])
