"""The notice of remedies (救济途径告知) served when a case is declined, terminated or agreed.

It is composed of approved blocks: what ended, the ways open to everybody, then those of the category, of flags and of the door. The
text and its version are frozen where the notice is served. A justice bureau approves the wording; a district may put its own book.
"""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from functools import cache
from importlib import resources
from typing import Any

from tiaochu_domainkit.categories import category
from tiaochu_domainkit.errors import refused

_FIELD = re.compile(r"\{([a-z_]+)\}")


class EndedAs(Enum):
    """不予受理 · 调解终止 · 达成协议."""

    DECLINED = "declined"
    TERMINATED = "terminated"
    AGREED = "agreed"


@dataclass(frozen=True)
class Block:
    """A paragraph. Without conditions it always belongs; else one of categories (by prefix), flags and channels must be met."""

    id: str
    ended_as: frozenset[EndedAs]
    text: str
    categories: tuple[str, ...] = ()
    flags: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    not_categories: tuple[str, ...] = ()

    def belongs(self, code: str, ended_as: EndedAs, flags: Collection[str], channel: str) -> bool:
        """Whether the block is part of the notice of such a case."""
        if ended_as not in self.ended_as or code.startswith(self.not_categories):
            return False
        if not (self.categories or self.flags or self.channels):
            return True
        return code.startswith(self.categories) or bool(self.flags.intersection(flags)) or channel in self.channels


@dataclass(frozen=True)
class RemedyBook:
    """One version of all blocks, in the order of a notice."""

    version: str
    blocks: tuple[Block, ...]

    def fields(self, code: str, ended_as: EndedAs, *, flags: Collection[str] = (), channel: str = "") -> tuple[str, ...]:
        """The facts such a notice needs, in the order they are merged, each once."""
        found = (name for block in self._chosen(code, ended_as, flags, channel) for name in _FIELD.findall(block.text))
        return tuple(dict.fromkeys(found))

    def notice(
        self, code: str, ended_as: EndedAs, facts: Mapping[str, str | date], *, flags: Collection[str] = (), channel: str = ""
    ) -> "Notice":
        """Compose. Facts not needed are ignored; one that is missing or empty is refused (REMEDY_FACT_MISSING, `field`)."""
        blocks = self._chosen(category(code).code, ended_as, flags, channel)
        return Notice(self.version, "\n".join(_FIELD.sub(lambda match: _merged(match[1], facts), block.text) for block in blocks))

    def _chosen(self, code: str, ended_as: EndedAs, flags: Collection[str], channel: str) -> tuple[Block, ...]:
        return tuple(block for block in self.blocks if block.belongs(code, ended_as, flags, channel))


@dataclass(frozen=True)
class Notice:
    """The text as served and the version of the book it was composed from."""

    version: str
    text: str


def parse_book(document: Mapping[str, Any]) -> RemedyBook:
    """Read the data file's form; KeyError or ValueError when it is not that."""
    return RemedyBook(document["version"], tuple(map(_block, document["blocks"])))


@cache
def defaults() -> RemedyBook:
    """The book that ships with the package."""
    return parse_book(json.loads((resources.files("tiaochu_domainkit") / "data" / "remedies.json").read_text("utf-8")))


def notice(code: str, ended_as: EndedAs, facts: Mapping[str, str | date], *, flags: Collection[str] = (), channel: str = "") -> Notice:
    """Compose from the default book; see `RemedyBook.notice`."""
    return defaults().notice(code, ended_as, facts, flags=flags, channel=channel)


def _block(row: Mapping[str, Any]) -> Block:
    return Block(
        id=row["id"],
        ended_as=frozenset(map(EndedAs, row["ended_as"])),
        text=row["text"],
        categories=tuple(row.get("categories", ())),
        flags=frozenset(row.get("flags", ())),
        channels=frozenset(row.get("channels", ())),
        not_categories=tuple(row.get("not_categories", ())),
    )


def _merged(name: str, facts: Mapping[str, str | date]) -> str:
    value = facts.get(name, "")
    if isinstance(value, date):
        return f"{value.year}年{value.month}月{value.day}日"
    if not value.strip():
        raise refused("REMEDY_FACT_MISSING", f"the notice needs the fact {name}", "救济途径告知书缺少必要的内容", field=name)
    return value
