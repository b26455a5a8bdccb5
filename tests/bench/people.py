"""Who a loaded case is about, and what is told: names, numbers, and texts whose words are rare to common by known shares."""

from datetime import date
from functools import cache
from random import Random

from tiaochu_demo.directory.model import Directory
from tiaochu_demo.synthetic.casebook import Casebook
from tiaochu_demo.synthetic.names import FEMALE, MALE, SURNAMES
from tiaochu_demo.synthetic.narrative import templates
from tiaochu_domainkit.sealing import Keyring

PLANTED: tuple[tuple[str, float], ...] = (
    ("双方同意由村委会主持调解", 0.30),
    ("要求赔偿误工费", 0.10),
    ("宅基地界址不清", 0.03),
    ("电动车充电引发争执", 0.01),
    ("古银杏树遮挡采光", 0.001),
    ("鱼塘增氧机噪声", 0.0001),
)
"""Phrases that stand in this share of all texts: what a search for a common or a rare term meets."""
_STOCK = 4000


class CachedKeyring(Keyring):
    """Derives each key once: a million seals are made."""

    @cache  # noqa: B019 - lives as long as the load
    def _key(self, key_id, algorithm):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        return super()._key(key_id, algorithm)

    def __hash__(self) -> int:
        return id(self)


def name(rng: Random) -> str:
    """A person's name of two or three characters."""
    given = MALE if rng.random() < 0.5 else FEMALE
    return rng.choice(SURNAMES) + rng.choice(given) + (rng.choice(given) if rng.random() < 0.8 else "")


class Stories:
    """Facts of cases, 100 to 600 characters, as a clerk writes them."""

    def __init__(self, directory: Directory, seed: str) -> None:
        rng = Random(seed)
        book = Casebook(directory, rng, date(2026, 1, 15))
        leaves = sorted(templates())
        receivers = [o for o in directory.organs if o.tier in ("village", "town")]
        told = [
            book.write(f"{n}", rng.choice(leaves), "window", rng.choice(receivers), received_on=date(2026, 1, 15)) for n in range(_STOCK)
        ]
        self._stock = [(c.facts, c.applicants[0].name if c.applicants else "\x04", c.respondents[0].name) for c in told]

    def tell(self, rng: Random, applicant: str, respondent: str) -> str:
        """Facts about these two, with the planted phrases by their shares and a number that nobody else has."""
        text, first, second = rng.choice(self._stock)
        text = text.replace(first, applicant).replace(second, respondent)
        planted = [phrase for phrase, share in PLANTED if rng.random() < share]
        return "。".join((text.rstrip("。"), *planted, f"涉及单据编号{rng.getrandbits(40):011x}。"))
