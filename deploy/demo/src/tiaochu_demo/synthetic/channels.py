"""The doors of the code list `channel`: which tiers receive through each. Words and sources are the domain library's."""

from collections.abc import Mapping

from tiaochu_domainkit.codes import CHANNEL_SOURCES, code_list

TIERS: Mapping[str, tuple[str, ...]] = {
    "window": ("village", "town", "city"),
    "hotline": ("town", "city"),
    "web": ("town", "city"),
    "mobile": ("village", "town"),
    "kiosk": ("town", "city"),
    "proxy": ("village", "town"),
    "message": ("town", "city"),
    "screening": ("village",),
    "grid": ("village",),
    "monitoring": ("city",),
    "leader": ("town",),
    "city_leader": ("city",),
    "petition": ("town", "city"),
    "police": ("town",),
    "procuratorate": ("city",),
    "court": ("city",),
    "labour": ("city",),
    "hotline_12345": ("town", "city"),
    "hotline_12315": ("city",),
    "legal_aid": ("city",),
    "other_organ": ("town", "city"),
    "hand_up": ("town", "city"),
    "hand_down": ("village", "town"),
    "cross_region": ("town", "city"),
}


def source_of(channel: str) -> str:
    """The source that the ministry's table counts a case of this door under, unless somebody says otherwise."""
    return CHANNEL_SOURCES[channel][0]


def label(channel: str) -> str:
    """The word a register uses for the door."""
    return code_list("channel").zh(channel)
