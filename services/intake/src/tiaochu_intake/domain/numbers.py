"""Case numbers and receipt codes."""

import re
import unicodedata
from hashlib import sha256

from tiaochu_domainkit.errors import invalid

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""No 0 O 1 I L: a receipt code is read out over the phone. 31 characters, a prime, so that the check character finds every single slip."""
CODE_LENGTH = 12


def series(district: str, year: int, region_code: str) -> str:
    """The series a case number is taken from: one for each district, year and town (domain guide §3.5)."""
    town = region_code[6:9] or "000"
    return f"{district}-{year}-{town}"


def case_number(series_name: str, number: int) -> str:
    """`321282-2026-100-000123`; wider than six digits when a series outgrows them, never reused."""
    return f"{series_name}-{number:06d}"


def receipt_code(secret: str) -> str:
    """The code that belongs to a secret: eleven characters drawn from its digest (54 bits) and a check character."""
    value = int.from_bytes(sha256(secret.encode()).digest(), "big")
    drawn = ""
    for _ in range(CODE_LENGTH - 1):
        value, place = divmod(value, len(ALPHABET))
        drawn += ALPHABET[place]
    return drawn + _check(drawn)


def printed(code: str) -> str:
    """`XXXX-XXXX-XXXX`."""
    return "-".join(code[i : i + 4] for i in range(0, CODE_LENGTH, 4))


def parse_receipt_code(path: str, typed: str) -> str:
    """A code as typed: case, width, spaces and dashes do not matter. Reason: RECEIPT_CODE_FORMAT, also for a slip the check character finds."""
    code = re.sub(r"[\s\-‐-―]", "", unicodedata.normalize("NFKC", typed)).upper()
    if len(code) != CODE_LENGTH or set(code) - set(ALPHABET) or _check(code[:-1]) != code[-1]:
        raise invalid(path, "RECEIPT_CODE_FORMAT", "查询码不正确,请核对")
    return code


def _check(drawn: str) -> str:
    weighted = sum((place + 1) * ALPHABET.index(c) for place, c in enumerate(drawn))
    return ALPHABET[weighted % len(ALPHABET)]
