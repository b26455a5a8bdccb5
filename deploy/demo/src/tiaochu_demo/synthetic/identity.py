"""Numbers with valid check digits: resident ID (GB 11643), credit code (GB 32100) with organisation code (GB 11714), mobile."""

from datetime import date
from random import Random

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECK = "10X98765432"
_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_ORG_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ORG_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def resident_id(region: str, born: date, sex: str, rng: Random) -> str:
    """18 characters: six-digit region, birth date, a serial whose last digit is odd for men, check digit."""
    serial = rng.randrange(0, 999, 2) + (1 if sex == "male" else 0)
    body = f"{region}{born:%Y%m%d}{serial:03d}"
    return body + _ID_CHECK[sum(w * int(d) for w, d in zip(_ID_WEIGHTS, body, strict=True)) % 11]


def spoiled_id(number: str) -> str:
    """The same number with a wrong check digit."""
    return number[:-1] + ("1" if number[-1] != "1" else "2")


def credit_code(region: str, rng: Random, kind: str = "91") -> str:
    """18 characters registered in the region; `kind` 91 is an enterprise, 11 an organ."""
    org = "MA" + "".join(rng.choice(_CREDIT_ALPHABET) for _ in range(6))
    remainder = 11 - sum(w * _ORG_ALPHABET.index(c) for w, c in zip(_ORG_WEIGHTS, org, strict=True)) % 11
    org += {10: "X", 11: "0"}.get(remainder, str(remainder))
    body = kind + region + org
    total = sum(pow(3, i, 31) * _CREDIT_ALPHABET.index(c) for i, c in enumerate(body))
    return body + _CREDIT_ALPHABET[(31 - total % 31) % 31]


def mobile(rng: Random) -> str:
    """A well-formed mobile number that cannot be anybody's: `19900` + six digits (the block is kept for the demonstration)."""
    return f"19900{rng.randrange(1_000_000):06d}"
