"""Who gains and loses sight of a case by which event. A pure table, the same in every service.

Rows are named by `source`, so that what one event gave another can take away, whatever the order between producers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from tiaochu_domainkit.clocks import beijing

ORGAN, PERSON, BARRED = "organ", "person", "barred"


@dataclass(frozen=True)
class AccessChange:
    """One row given (`granted`) or every row of `source` taken away. `value` is an organ path, or a person id."""

    subject: str
    source: str
    granted: bool
    kind: str = ORGAN
    value: str = ""


def _grant(e: Any, source: str, kind: str, value: str) -> list[AccessChange]:
    return [AccessChange(e.case_id, source, True, kind, value)] if value else []


def _revoke(e: Any, source: str) -> list[AccessChange]:
    return [AccessChange(e.case_id, source, False)]


def _lead(e: Any) -> list[AccessChange]:
    return [
        *_revoke(e, "lead"),
        *_grant(e, "lead", ORGAN, e.lead_organ_path),
        *(c for p in e.co_organ_paths for c in _grant(e, "lead", ORGAN, p)),
    ]


def _recusal(e: Any) -> list[AccessChange]:
    return _grant(e, f"recusal:{e.recusal_id}", BARRED, e.mediator_id) if e.replaced else []


_TABLE: Mapping[str, Callable[[Any], list[AccessChange]]] = {
    "tiaochu.intake.events.v1.CaseRegistered": lambda e: _grant(e, "first", ORGAN, e.first_receiver_organ_path),
    # Whoever held a case keeps reading it: the units it passed stay answerable for what they did with it.
    "tiaochu.routing.events.v1.ResponsibilityStarted": lambda e: _grant(e, "held", ORGAN, e.organ_path),
    "tiaochu.routing.events.v1.LeadNamed": _lead,
    "tiaochu.routing.events.v1.TransferOffered": lambda e: _grant(e, f"transfer:{e.transfer_id}", ORGAN, e.to_organ_path),
    "tiaochu.routing.events.v1.TransferSigned": lambda e: _grant(e, "held", ORGAN, e.to_organ_path),
    "tiaochu.routing.events.v1.TransferReturned": lambda e: _revoke(e, f"transfer:{e.transfer_id}"),
    "tiaochu.routing.events.v1.TransferExpired": lambda e: _revoke(e, f"transfer:{e.transfer_id}"),
    "tiaochu.routing.events.v1.UnitDesignated": lambda e: _grant(e, "held", ORGAN, e.organ_path),
    "tiaochu.routing.events.v1.UnitMoved": lambda e: _grant(e, "held", ORGAN, e.organ_path),
    "tiaochu.mediation.events.v1.MediatorChosen": lambda e: _grant(e, f"assignment:{e.assignment_id}", PERSON, e.mediator_id),
    "tiaochu.mediation.events.v1.AssignmentDeclined": lambda e: _revoke(e, f"assignment:{e.assignment_id}"),
    "tiaochu.mediation.events.v1.RecusalDecided": _recusal,
}

ACCESS_TYPES = tuple(_TABLE)


def access_changes(type_name: str, event: Any) -> list[AccessChange]:
    """What an event of `ACCESS_TYPES` (its message) changes."""
    return _TABLE[type_name](event)


def day_of_posts(moment: datetime) -> date:
    """The day by which posts and deputations begin and end: Beijing's, which begins eight hours before that of UTC."""
    return beijing(moment).date()
