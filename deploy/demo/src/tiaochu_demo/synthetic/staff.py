"""The 80 registrations of staff: city and town windows, hotlines, village stations; with every special case the field knows."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import cycle, islice
from random import Random

from tiaochu_demo.directory.model import Directory, Organ, Region
from tiaochu_demo.synthetic.casebook import Casebook
from tiaochu_demo.synthetic.channels import TIERS
from tiaochu_demo.synthetic.mix import CENTRE_MIX, leaves
from tiaochu_demo.synthetic.model import Party, SyntheticCase
from tiaochu_demo.synthetic.narrative import templates

TOTAL = 80
TWINS = 5
DAYS = 5
_DOORS = ("window", "hotline", "screening", "window", "grid", "hotline", "screening", "proxy")
# Doors that every set has once beside the common ones; those bound to a kind of dispute stand with the special cases.
_OTHER_DOORS = (
    "police",
    "petition",
    "hotline_12345",
    "leader",
    "city_leader",
    "mobile",
    "web",
    "kiosk",
    "message",
    "monitoring",
    "legal_aid",
    "other_organ",
    "hand_up",
    "hand_down",
    "cross_region",
)


@dataclass(frozen=True)
class _Place:
    """What is fixed of a case before it is written; empty fields are drawn."""

    leaf: str
    channel: str
    party: str = ""
    flags: tuple[str, ...] = ()
    difficulty: str = ""
    risk: str = ""


# Cases the set must hold whatever the dice say.
_SPECIALS = (
    _Place("0701", "window", flags=("migrant_worker_wages", "group"), difficulty="major", risk="orange"),
    _Place("0101", "hotline", flags=("domestic_violence",), difficulty="major", risk="red"),
    _Place("0102", "screening", party="without_papers", flags=("elderly",), difficulty="ordinary", risk="blue"),
    _Place("0501", "window", party="minor", difficulty="complex", risk="yellow"),
    _Place("0402", "petition", flags=("group",), difficulty="major", risk="orange"),
    _Place("0303", "police", difficulty="ordinary", risk="yellow"),
    _Place("1102", "hand_up", flags=("group",), difficulty="complex", risk="yellow"),
    _Place("0299", "window", party="foreigner", difficulty="simple", risk="none"),
    _Place("0502", "hotline", difficulty="complex", risk="yellow"),
    _Place("0701", "labour", difficulty="ordinary", risk="blue"),
    _Place("0303", "procuratorate", difficulty="ordinary", risk="blue"),
    _Place("0601", "hotline_12315", difficulty="simple", risk="none"),
    _Place("0201", "proxy", party="without_papers", difficulty="simple", risk="none"),
    _Place("0202", "window", party="represented", difficulty="ordinary", risk="none"),
    _Place("1403", "window", difficulty="ordinary", risk="blue"),
)


def staff_cases(directory: Directory, seed: int, today: date) -> tuple[SyntheticCase, ...]:
    """`TOTAL` cases in the order of registration over `DAYS` days from `today`; `TWINS` of them are the second door of an earlier one."""
    rng = Random(f"staff:{seed}")
    book = Casebook(directory, rng, today)
    drawn = leaves(TOTAL - TWINS, CENTRE_MIX, rng)
    for special in _SPECIALS:  # each special takes the place of an ordinary case of its group, or of any
        group = next((leaf for leaf in drawn if leaf[:2] == special.leaf[:2]), drawn[0])
        drawn.remove(group)
    doors = [*_OTHER_DOORS, *islice(cycle(_DOORS), len(drawn) - len(_OTHER_DOORS))]
    rng.shuffle(doors)
    places = [*_SPECIALS, *(_Place(leaf, door) for leaf, door in zip(drawn, doors, strict=True))]
    rng.shuffle(places)
    cases = [_case(book, number, place, today) for number, place in enumerate(places, 1)]
    early = [c for c in cases if c.category.startswith("02") and c.registered_after < timedelta(days=DAYS - 1)]
    paired = rng.sample([c for c in early if _known_by_number(c.applicants) and _known_by_number(c.respondents)], TWINS)
    for number, first in enumerate(paired, len(cases) + 1):
        channel = "hotline_12345" if first.channel != "hotline_12345" else "hotline"
        receiver = _receiver(directory, rng, "city" if first.first_receiver_organ_id != _centre(directory).id else "town")
        cases.append(book.twin(first, f"staff:{number:02d}", channel, receiver, delay=timedelta(days=1)))
    return tuple(sorted(cases, key=lambda c: c.registered_after))


def _known_by_number(side: Iterable[Party]) -> bool:
    """Whether somebody of a side has a paper number or a phone: by these a second door is recognised."""
    return any(p.id_number or p.phone for p in side)


def _case(book: Casebook, number: int, place: _Place, today: date) -> SyntheticCase:
    rng = book.rng
    receiver = _receiver(book.directory, rng, rng.choice(TIERS[place.channel]))
    minutes = (number - 1) * DAYS * 540 // TOTAL
    after = timedelta(days=minutes // 540, hours=8, minutes=30 + minutes % 540)
    late = rng.choice((1, 2, 2, 3, 4)) if receiver.tier == "village" and (place.party or rng.random() < 0.45) else 0
    wanted = set(place.flags)
    return book.write(
        f"staff:{number:02d}",
        place.leaf,
        place.channel,
        receiver,
        received_on=today + timedelta(days=after.days - late),
        registered_after=after,
        template=next(t for t in templates()[place.leaf] if wanted <= set(t.flags)) if wanted else None,
        applicant=_party(book, place, receiver),
        difficulty=place.difficulty,
        risk=place.risk,
        files=rng.choice((0, 0, 1, 2, 3)),
    )


def _party(book: Casebook, place: _Place, receiver: Organ) -> Party | None:
    people = book.people
    make: dict[str, Callable[[Region], Party]] = {
        "without_papers": people.without_papers,
        "minor": people.minor,
        "foreigner": people.foreigner,
        "represented": lambda village: people.with_agent(people.person(village), village),
    }
    return make[place.party](book.village_for(receiver)) if place.party else None


def _centre(directory: Directory) -> Organ:
    return directory.organs_by_code["centre"]


def _receiver(directory: Directory, rng: Random, tier: str) -> Organ:
    if tier == "city":
        return _centre(directory)
    return rng.choice(directory.organs_of_kind("town_centre" if tier == "town" else "village_committee"))
