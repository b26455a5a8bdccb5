"""The 80 registrations of staff: city and town windows, hotlines, village stations; with every special case the field knows."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from tiaochu_demo.directory.model import Directory, Organ
from tiaochu_demo.synthetic.casebook import Casebook
from tiaochu_demo.synthetic.mix import CENTRE_MIX, leaves
from tiaochu_demo.synthetic.model import Party, SyntheticCase
from tiaochu_demo.synthetic.narrative import templates

TOTAL = 80
TWINS = 5
DAYS = 5
_DOORS = ("window", "hotline", "screening", "window", "grid", "hotline", "screening", "proxy")
_OTHER_DOORS = ("police", "petition", "hotline_12345", "leader", "mobile", "web", "kiosk", "hand_up")
_TIERS = {"screening": "village", "grid": "village", "proxy": "village", "mobile": "village"}
_CITY_DOORS = ("web", "kiosk")


@dataclass(frozen=True)
class _Special:
    """A case the set must hold whatever the dice say."""

    leaf: str
    channel: str
    party: str = ""
    flag: str = ""
    difficulty: str = ""
    risk: str = ""


_SPECIALS = (
    _Special("0701", "window", flag="migrant_worker_wages,group", difficulty="major", risk="orange"),
    _Special("0101", "hotline", flag="domestic_violence", difficulty="major", risk="red"),
    _Special("0102", "screening", party="without_papers", flag="elderly", difficulty="ordinary", risk="blue"),
    _Special("0501", "window", party="minor", difficulty="complex", risk="yellow"),
    _Special("0402", "petition", flag="group", difficulty="major", risk="orange"),
    _Special("0303", "police", difficulty="ordinary", risk="yellow"),
    _Special("1102", "hand_up", flag="group", difficulty="complex", risk="yellow"),
    _Special("0299", "window", party="foreigner", difficulty="simple", risk="none"),
    _Special("0502", "hotline", difficulty="complex", risk="yellow"),
    _Special("0601", "hotline_12315", difficulty="simple", risk="none"),
    _Special("0201", "proxy", party="without_papers", difficulty="simple", risk="none"),
    _Special("1403", "window", difficulty="ordinary", risk="blue"),
)


def staff_cases(directory: Directory, seed: int, today: date) -> tuple[SyntheticCase, ...]:
    """`TOTAL` cases in the order of registration over `DAYS` days from `today`; `TWINS` of them are the second door of an earlier one."""
    rng = Random(f"staff:{seed}")
    book = Casebook(directory, rng, today)
    drawn = leaves(TOTAL - TWINS, CENTRE_MIX, rng)
    for special in _SPECIALS:  # each special takes the place of an ordinary case of its group, or of any
        group = next((leaf for leaf in drawn if leaf[:2] == special.leaf[:2]), drawn[0])
        drawn.remove(group)
    places: list[_Special | str] = [*_SPECIALS, *drawn]
    rng.shuffle(places)
    cases = [_case(book, number, place, today) for number, place in enumerate(places, 1)]
    paired = rng.sample([c for c in cases if c.category.startswith("02") and c.registered_after < timedelta(days=DAYS - 1)], TWINS)
    for number, first in enumerate(paired, len(cases) + 1):
        channel = "hotline_12345" if first.channel != "hotline_12345" else "hotline"
        receiver = _receiver(directory, rng, channel, "city" if first.first_receiver_organ_id != _centre(directory).id else "town")
        cases.append(book.twin(first, f"staff:{number:02d}", channel, receiver, delay=timedelta(days=1)))
    return tuple(sorted(cases, key=lambda c: c.registered_after))


def _case(book: Casebook, number: int, place: _Special | str, today: date) -> SyntheticCase:
    rng = book.rng
    special = place if isinstance(place, _Special) else None
    leaf = special.leaf if special else str(place)
    channel = special.channel if special else _OTHER_DOORS[number // 8 % 8] if number % 8 == 0 else _DOORS[number % 8]
    receiver = _receiver(book.directory, rng, channel, _tier(channel, rng))
    minutes = (number - 1) * DAYS * 540 // TOTAL
    after = timedelta(days=minutes // 540, hours=8, minutes=30 + minutes % 540)
    late = rng.choice((1, 2, 2, 3, 4)) if receiver.tier == "village" and rng.random() < 0.3 else 0
    template = None
    if special and special.flag:
        template = next(t for t in templates()[leaf] if set(special.flag.split(",")) <= set(t.flags))
    return book.write(
        f"staff:{number:02d}",
        leaf,
        channel,
        receiver,
        received_on=today + timedelta(days=after.days - late),
        registered_after=after,
        template=template,
        applicant=_party(book, special, receiver),
        difficulty=special.difficulty if special else "",
        risk=special.risk if special else "",
        files=rng.choice((0, 0, 1, 2, 3)),
    )


def _party(book: Casebook, special: _Special | None, receiver: Organ) -> Party | None:
    make = {"without_papers": book.people.without_papers, "minor": book.people.minor, "foreigner": book.people.foreigner}
    if special is None or special.party not in make:
        return None
    return make[special.party](book.village_for(receiver))


def _centre(directory: Directory) -> Organ:
    return directory.organs_by_code["centre"]


def _tier(channel: str, rng: Random) -> str:
    if channel in _CITY_DOORS or channel in ("hotline_12315", "hotline_12345", "petition"):
        return "city"
    return _TIERS.get(channel) or ("town" if channel in ("police", "hand_up", "leader") else rng.choice(("city", "town")))


def _receiver(directory: Directory, rng: Random, channel: str, tier: str) -> Organ:
    if channel == "police":
        return rng.choice(directory.organs_of_kind("town_centre"))
    if tier == "city":
        return _centre(directory)
    return rng.choice(directory.organs_of_kind("town_centre" if tier == "town" else "village_committee"))
