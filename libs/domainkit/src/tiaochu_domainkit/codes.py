"""Code lists with their Chinese names: the words of protos, events and registers that are not categories.

A list is closed within a release. What people read is the name; what is stored and compared is the code.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from tiaochu_domainkit.errors import invalid

CHANNEL_SOURCES: Mapping[str, tuple[str, ...]] = {
    "window": ("application",),
    "hotline": ("application",),
    "web": ("application",),
    "mobile": ("application",),
    "kiosk": ("application",),
    "proxy": ("application",),
    "message": ("application",),
    "screening": ("initiative",),
    "grid": ("initiative",),
    "monitoring": ("initiative",),
    "leader": ("initiative", "application"),
    "city_leader": ("other_organ", "initiative"),
    "petition": ("petition",),
    "police": ("police",),
    "procuratorate": ("procuratorate",),
    "court": ("court",),
    "labour": ("other_organ",),
    "hotline_12345": ("other_organ",),
    "hotline_12315": ("other_organ",),
    "legal_aid": ("other_organ",),
    "other_organ": ("other_organ",),
    "hand_up": ("application", "initiative"),
    "hand_down": ("other_organ", "application"),
    "cross_region": ("other_organ", "application"),
}
"""Door → the sources of the ministry's table (司发通〔2010〕239号) a case from it may have; the first unless said otherwise."""

ENTRUSTED_SOURCES = ("court", "procuratorate", "police", "petition", "other_organ")
"""What the table sums up as 接受委托移送调解."""


@dataclass(frozen=True)
class CodeList:
    """Code → Chinese name, in the order people see them."""

    name: str
    names: Mapping[str, str]

    def __contains__(self, code: object) -> bool:
        return code in self.names

    def check(self, path: str, code: str) -> str:
        """The code itself; FIELD_INVALID (CODE_UNKNOWN) when it is not in the list."""
        if code not in self.names:
            raise invalid(path, "CODE_UNKNOWN", "所填代码不在代码表中")
        return code

    def zh(self, code: str) -> str:
        """The Chinese name; a code of a later release stands for itself."""
        return self.names.get(code, code)


@cache
def code_list(name: str) -> CodeList:
    """One list by name (`LISTS` tells them all); KeyError for another."""
    return CodeList(name, _data()[name])


@cache
def _data() -> Mapping[str, Mapping[str, str]]:
    text = (resources.files("tiaochu_domainkit") / "data" / "codes.json").read_text("utf-8")
    lists: Mapping[str, Mapping[str, str]] = json.loads(text)
    return lists


LISTS: tuple[str, ...] = tuple(_data())
