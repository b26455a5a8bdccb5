"""The parts of a responsibility: intervals, transfers, the lead."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from tiaochu_domainkit.errors import invalid
from tiaochu_routing.domain.organs import Unit

REFER, ESCALATE, DELEGATE = "refer", "escalate", "delegate"
"""移送 · 上交 · 交办."""

FIRST_RECEIPT, SIGNATURE, DESIGNATION = "first_receipt", "signature", "designation"
"""How a unit became responsible."""

WAITING, SIGNED, RETURNED, EXPIRED, LAPSED = "offered", "signed", "returned", "expired", "lapsed"
"""What became of a transfer; it lapses when the case ends before an answer."""


@dataclass(frozen=True)
class Holding:
    """One interval of responsibility, from `since` (when it was recorded) to the next one's beginning."""

    unit: Unit
    since: datetime
    by: str
    version: int


@dataclass(frozen=True)
class Transfer:
    """One offer."""

    id: str
    kind: str
    sender: Unit
    receiver: Unit
    reason: str
    offered_at: datetime
    status: str = WAITING
    answered_at: datetime | None = None
    ground: str = ""
    suggested_organ_id: str = ""


@dataclass(frozen=True)
class Lead:
    """Who leads and who helps, by which rule. `sole`: the one competent unit, which may not pass the case on."""

    unit: Unit
    co_units: tuple[Unit, ...] = ()
    rule_id: str = ""
    sole: bool = False


_FITS: Mapping[str, Callable[[Unit, Unit], bool]] = {
    REFER: lambda sender, receiver: not receiver.is_above(sender) and not sender.is_above(receiver),
    ESCALATE: lambda sender, receiver: receiver.is_above(sender),
    DELEGATE: lambda sender, receiver: sender.is_above(receiver),
}


def check_direction(kind: str, sender: Unit, receiver: Unit) -> None:
    """FIELD_INVALID: SAME_UNIT, or TRANSFER_DIRECTION when the two places do not fit the kind."""
    if sender.id == receiver.id:
        raise invalid("to_organ_id", "SAME_UNIT", "不能移送给本单位")
    if not _FITS[kind](sender, receiver):
        raise invalid("kind", "TRANSFER_DIRECTION", "移送方向与双方的隶属关系不符")
