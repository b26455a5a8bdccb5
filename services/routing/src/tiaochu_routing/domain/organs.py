"""Organs as responsibility sees them: an id and a place in the tree."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Unit:
    """A unit at its present place. `path` is the ids of the organs from the root to itself, each after a slash, with one at the end.

    `tier` is city, town or village, or empty where only the place is known.
    """

    id: str
    path: str
    tier: str = ""

    def is_above(self, other: "Unit") -> bool:
        """Whether this unit is an upper unit of the other, at whatever distance; never of itself."""
        return other.path != self.path and other.path.startswith(self.path)

    def parent(self) -> "Unit | None":
        """The unit next above, None for the root."""
        above = self.path.rstrip("/").rpartition("/")[0] + "/"
        return None if above == "/" else Unit(above.rstrip("/").rpartition("/")[2], above)


def place_under(parent_path: str, organ_id: str) -> str:
    """The path of an organ under another; `parent_path` is empty for the root."""
    return f"{parent_path or '/'}{organ_id}/"


def designating_unit(sender: Unit, receiver: Unit) -> Unit:
    """The upper unit that decides when the receiver returns or does not sign: the nearest one above the receiver that the sender stands
    under or is. Where there is none (a case handed up to the top), the receiver's own upper unit, or the receiver if it is the top.
    """
    above = receiver.parent()
    while above is not None and above.path != sender.path and not above.is_above(sender):
        above = above.parent()
    return above or receiver.parent() or receiver
