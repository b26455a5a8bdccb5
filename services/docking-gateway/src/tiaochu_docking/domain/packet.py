"""Packets (函): immutable letters between two sides of an exchange."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """The ten kinds, the same in every docking."""

    OFFER = "offer"
    SIGN = "sign"
    RETURN = "return"
    RECALL = "recall"
    SUPPLEMENT = "supplement"
    PROGRESS = "progress"
    RESULT = "result"
    OPINION = "opinion"
    NOTICE = "notice"
    PERIOD = "period"


class Side(StrEnum):
    """Who: the agency or we."""

    THEIRS = "theirs"
    OURS = "ours"

    @property
    def other(self) -> "Side":
        """The other side."""
        return Side.OURS if self is Side.THEIRS else Side.THEIRS


class Role(StrEnum):
    """A side's part in an exchange."""

    OFFERER = "offerer"
    RECEIVER = "receiver"


SENDER: dict[Kind, Role | None] = {
    Kind.OFFER: Role.OFFERER,
    Kind.SIGN: Role.RECEIVER,
    Kind.RETURN: Role.RECEIVER,
    Kind.RECALL: Role.OFFERER,
    Kind.SUPPLEMENT: None,
    Kind.PROGRESS: Role.RECEIVER,
    Kind.RESULT: Role.RECEIVER,
    Kind.OPINION: Role.OFFERER,
}
"""Who may send what in an exchange; `None` is either. Notices and periods stand outside exchanges."""

CHANGES_STATE = frozenset({Kind.SIGN, Kind.RETURN, Kind.RECALL, Kind.RESULT, Kind.OPINION})
"""Kinds whose writer must have seen the present state."""


@dataclass(frozen=True)
class Packet:
    """What the rules need of a packet. What it says stands in its bytes.

    `ground`, `suggested_organ` belong to return and recall, `asks` to supplement (else it answers), `outcome` to result,
    `verdict` to opinion. `facts` are closing facts that this packet carries (`certificate`, `entry_receipt`).
    """

    packet_id: str
    kind: Kind
    seq: int
    sha256: str
    in_reply_to: str = ""
    ground: str = ""
    suggested_organ: str = ""
    asks: bool = False
    outcome: str = ""
    verdict: str = ""
    ruling_no: str = ""
    ruled_on: str = ""
    facts: tuple[str, ...] = ()


@dataclass(frozen=True)
class PacketRef:
    """A packet as the exchange remembers it."""

    packet_id: str
    side: Side
    kind: Kind
    seq: int
    sha256: str
    at: datetime
    asks: bool = False
    facts: tuple[str, ...] = field(default=())
