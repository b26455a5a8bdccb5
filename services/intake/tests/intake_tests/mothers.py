"""Cases and parties for tests of the domain; numbers are sealed by a test keyring."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from tiaochu_domainkit.sealing import Sealed
from tiaochu_intake.domain.case import Case
from tiaochu_intake.domain.classification import Classification, classify
from tiaochu_intake.domain.consent import Persistence
from tiaochu_intake.domain.entry import Claim, Entry
from tiaochu_intake.domain.parties import Party

DISTRICT = "329901"
NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)
PERSISTENCE = Persistence(attempts=3, channels=2)


def sealed(value: str) -> Sealed:
    """Equal values have equal indexes; nothing is encrypted here."""
    return Sealed("s1.test", "***", f"index-{value}")


def party(ident: str, **fields: Any) -> Party:
    return replace(Party(ident, "person", f"当事人{ident}", "resident_id", sealed(ident), sealed("phone-" + ident)), **fields)


def entry(**fields: Any) -> Entry:
    plain = Entry(
        number="329901-2026-100-000001",
        channel="window",
        source="application",
        organ_id="organ",
        organ_path="/city/organ/",
        received_at=NOW,
        registered_at=NOW,
        registered_by="clerk",
        region_code="329901100201",
    )
    return replace(plain, **fields)


def case(ident: str = "case", *, applicants: int = 1, respondents: int = 1, **fields: Any) -> Case:
    made = Case.register(
        id=ident,
        district=DISTRICT,
        entry=entry(**fields),
        applicants=[party(f"a{n}") for n in range(applicants)],
        respondents=[party(f"r{n}") for n in range(respondents)],
        claims=[Claim("c1", "pay", 120_000)],
        occurred_at=NOW,
    )
    made.recorded.clear()
    return made


def classification(**fields: Any) -> Classification:
    given: dict[str, Any] = {
        "category": "0201",
        "category_detail": "",
        "difficulty": "simple",
        "scale": "01",
        "risk": "none",
        "flags": (),
        "single_legal_relation": True,
        "by": "clerk",
        "at": NOW,
    }
    return classify(**given | fields)


def classified(ident: str = "case", **counts: int) -> Case:
    made = case(ident, **counts)
    made.classify_case(classification(), "", NOW)
    made.recorded.clear()
    return made
