"""The demonstration's plan as data: what becomes of every case that the three doors bring.

The shares are those of the main job: about 70 % agreements (a third of them on the spot, a quarter confirmed by the court), 15 % ended
without, 5 % declined, 5 % returned once or twice, 5 % still open with a clock about to expire. Second doors of one dispute are merged and not counted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from random import Random

from tiaochu_demo.directory import deciding_rule, lead_organ, load_routing_rules
from tiaochu_demo.directory.model import Directory, Organ
from tiaochu_demo.synthetic.court import CourtOffer, court_offers
from tiaochu_demo.synthetic.mix import quotas
from tiaochu_demo.synthetic.model import SyntheticCase
from tiaochu_demo.synthetic.register import Register, build_register
from tiaochu_demo.synthetic.staff import staff_cases
from tiaochu_domainkit.categories import categories


class Path(StrEnum):
    """The way a case goes."""

    ON_THE_SPOT = "on_the_spot"  # accepted and agreed in one go at the village or town
    AGREED = "agreed"  # sessions, agreement, performance
    CONFIRMED = "confirmed"  # agreed, then confirmed by the court
    ENDED = "ended"  # terminated without agreement
    DECLINED = "declined"
    RETURNED = "returned"  # a transfer is returned once or twice, then agreed
    OPEN = "open"  # stays where it is, a clock about to expire
    MERGED = "merged"  # second door of another case


MIX = {
    Path.AGREED: 0.70 - 0.70 / 3 - 0.70 / 4,
    Path.ON_THE_SPOT: 0.70 / 3,
    Path.CONFIRMED: 0.70 / 4,
    Path.ENDED: 0.15,
    Path.DECLINED: 0.05,
    Path.RETURNED: 0.05,
    Path.OPEN: 0.05,
}
_ENDINGS = ("party_refused", "not_agreed", "not_agreed", "withdrawn", "unreachable", "expired", "wide_gap", "refused_to_sign")
_DECLINES = ("already_handled", "not_civil_dispute", "no_definite_respondent")
_OPEN_AT = ("classification", "transfer", "consent", "assignment", "session", "performance")
_PERFORMANCE = ("on_the_spot", "on_time", "on_time", "on_time", "instalments", "breached_then_performed", "breached")


@dataclass(frozen=True)
class CasePlan:
    """One case and its way. Fields that do not apply are empty.

    `returns` counts returned transfers, the second leads to a designation; `ending` is the ground of termination, `decline_ground` that of
    a refusal to accept; `open_at` names the stage whose clock is about to expire; `performance` how the obligations are kept; `form` oral or written;
    `sessions` how many are held; `replaced_mediator` says that a recusal replaces the first mediator; `corrected` that papers are asked for first.
    """

    case: SyntheticCase
    path: Path
    returns: int = 0
    ending: str = ""
    decline_ground: str = ""
    open_at: str = ""
    performance: str = ""
    form: str = ""
    sessions: int = 0
    replaced_mediator: bool = False
    corrected: bool = False

    @property
    def key(self) -> str:
        return self.case.key

    @property
    def door(self) -> str:
        """register, court or staff."""
        return self.case.key.partition(":")[0]


@dataclass(frozen=True)
class Scenario:
    """Everything one demonstration feeds: the three doors and the plan of every good case, in the order of the doors."""

    directory: Directory
    today: date
    register: Register
    offers: tuple[CourtOffer, ...]
    staff: tuple[SyntheticCase, ...]
    plans: tuple[CasePlan, ...]

    def plan_of(self, key: str) -> CasePlan:
        return next(p for p in self.plans if p.key == key)


def build_scenario(directory: Directory, seed: int, today: date, *, register: Register | None = None, round_number: int = 1) -> Scenario:
    """Same directory, seed and day, same scenario.

    `register` is one that was taken in before: its cases are not planned again. `round_number` tells the court's numbers of one
    demonstration from those of another in the same stack.
    """
    offers = court_offers(directory, seed, today, round_number=round_number)
    staff = staff_cases(directory, seed, today)
    cases = [*(o.case for o in offers), *staff]
    if register is None:
        register = build_register(directory, seed, today)
        cases = [*register.cases.values(), *cases]
    return Scenario(directory, today, register, offers, staff, _plan(directory, cases, today, Random(f"scenario:{seed}")))


def _plan(directory: Directory, cases: Sequence[SyntheticCase], today: date, rng: Random) -> tuple[CasePlan, ...]:
    counted = [c for c in cases if not c.twin_of]
    masters = {c.twin_of for c in cases if c.twin_of}
    left = quotas(len(counted), MIX)
    organs = directory.organs_by_id
    unfit = {c.code for c in categories().values() if c.mediable == "N"}
    confirmable = {c.code for c in categories().values() if not c.status and c.mediable != "N"}

    def receiver(case: SyntheticCase) -> Organ:
        return organs[case.first_receiver_organ_id]

    moving = {c.key for c in cases if _lead(directory, c, today) != receiver(c)}

    fits: dict[Path, Callable[[SyntheticCase], bool]] = {
        # What no mediator may take is declined first; then what only some cases can do, the commonest way last.
        Path.DECLINED: lambda c: c.key not in masters and not c.key.startswith("court"),
        Path.ON_THE_SPOT: lambda c: c.difficulty == "simple" and receiver(c).tier != "city" and c.key not in moving | masters,
        Path.RETURNED: lambda c: c.key in moving,
        Path.CONFIRMED: lambda c: c.category in confirmable and c.difficulty != "major",
        Path.OPEN: lambda _: True,
        Path.ENDED: lambda c: c.key not in masters,
        Path.AGREED: lambda _: True,
    }
    ways: dict[str, Path] = {c.key: Path.DECLINED for c in counted if c.category in unfit}
    left[Path.DECLINED] -= len(ways)
    for path, fit in fits.items():
        candidates = [c for c in counted if c.key not in ways and fit(c)]
        for case in rng.sample(candidates, min(max(left[path], 0), len(candidates))):
            ways[case.key] = path
    return tuple(
        _detail(c, Path.MERGED if c.twin_of else ways.get(c.key, Path.AGREED), rng, unfit=c.category in unfit, moves=c.key in moving)
        for c in cases
    )


def _lead(directory: Directory, case: SyntheticCase, on: date) -> Organ:
    rule = deciding_rule(
        load_routing_rules(),
        category=case.category,
        channel=case.channel,
        region=case.region_code,
        single_legal_relation=case.single_legal_relation,
        on=on,
    )
    return lead_organ(directory, rule, case.region_code)


def _detail(case: SyntheticCase, path: Path, rng: Random, *, unfit: bool, moves: bool) -> CasePlan:
    if path is Path.MERGED:
        return CasePlan(case, path)
    if path is Path.DECLINED:
        return CasePlan(case, path, decline_ground="reserved_to_organ" if unfit else rng.choice(_DECLINES))
    if path is Path.OPEN:
        stages = _OPEN_AT[3:] if case.key.startswith("court") else _OPEN_AT
        choices = [stage for stage in stages if moves or stage != "transfer"]
        return CasePlan(case, path, open_at=rng.choice(choices), sessions=1)
    corrected = path is not Path.ON_THE_SPOT and rng.random() < 0.1
    replaced = path is not Path.ON_THE_SPOT and rng.random() < 0.06
    if path is Path.ENDED:
        ending = rng.choice(_ENDINGS)
        sessions = {"party_refused": 0, "withdrawn": 0, "unreachable": 0, "expired": 1, "refused_to_sign": 1}.get(ending, 2)
        return CasePlan(case, path, ending=ending, sessions=sessions, replaced_mediator=replaced, corrected=corrected)
    if path is Path.ON_THE_SPOT:
        form = rng.choice(("oral", "oral", "written"))
        return CasePlan(case, path, performance=rng.choice(("on_the_spot", "on_the_spot", "on_time")), form=form)
    return CasePlan(
        case,
        path,
        returns=rng.choice((1, 1, 2)) if path is Path.RETURNED else 0,
        performance=rng.choice(_PERFORMANCE[1:] if path is Path.CONFIRMED else _PERFORMANCE),
        form="written",
        sessions=3 if case.difficulty == "major" else rng.choice((1, 1, 2)),
        replaced_mediator=replaced,
        corrected=corrected,
    )
