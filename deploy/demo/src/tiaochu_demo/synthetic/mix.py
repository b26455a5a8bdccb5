"""How many cases of which category: the mix of domain §5.1 (邻里 dominant) as exact quotas, so that small sets keep it too."""

from collections.abc import Mapping
from random import Random
from typing import TypeVar

from tiaochu_demo.synthetic.narrative import templates

FIELD_MIX: Mapping[str, float] = {"02": 0.827, "01": 0.055, "04": 0.047, "11": 0.036, "other": 0.035}
"""A county's disputes of a year, by first level."""
CENTRE_MIX: Mapping[str, float] = {"02": 0.75, "01": 0.065, "04": 0.06, "11": 0.045, "other": 0.08}
"""What comes to windows and hotlines: a little more of everything that a village does not settle alone."""
_OTHER = {"03": 4, "05": 5, "06": 5, "07": 4, "08": 4, "09": 3, "10": 2, "12": 1, "13": 1, "14": 1, "15": 1, "16": 1, "99": 2}


_Key = TypeVar("_Key", bound=str)


def quotas(total: int, mix: Mapping[_Key, float]) -> dict[_Key, int]:
    """Whole numbers that add up to `total` (largest remainders)."""
    exact = {key: total * share for key, share in mix.items()}
    counts = {key: int(value) for key, value in exact.items()}
    for key in sorted(exact, key=lambda k: (counts[k] - exact[k], k))[: total - sum(counts.values())]:
        counts[key] += 1
    return counts


def leaves(total: int, mix: Mapping[str, float], rng: Random, *, minors: bool = True) -> list[str]:
    """Leaves in random order whose first levels follow the mix; inside a group leaves with more templates are more frequent.

    Without `minors` no leaf whose applicant is a child.
    """
    drawn = []
    for group, count in quotas(total, mix).items():
        for _ in range(count):
            first = rng.choices(list(_OTHER), list(_OTHER.values()))[0] if group == "other" else group
            inside = [leaf for leaf, texts in templates().items() if leaf.startswith(first) and (minors or texts[0].applicant != "minor")]
            drawn.append(rng.choices(inside, [len(templates()[leaf]) for leaf in inside])[0])
    rng.shuffle(drawn)
    return drawn
