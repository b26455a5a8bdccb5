"""Nothing new is written before everyone can read it.

What a release adds to documents and events is declared with its number: `newer={"note": 2, "status=frozen": 2}`. It is written only when the
database's `compat` says that every replica of the cell reads it; until then rollback is safe. Code that meets a document of a release it does not know
answers UNAVAILABLE and writes nothing.
"""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from enum import Enum
from typing import Any

from tiaochu_domainkit.errors import DomainError, Kind

RELEASE = 1
"""The release of this code: what it can read."""
FIRST = 1


def needs(value: Any, newer: Mapping[str, int]) -> int:
    """The release that everyone must have to read this dataclass: the highest of the declared fields that are not at their default, or of values."""
    needed = FIRST
    for name, release in newer.items():
        field, _, wanted = name.partition("=")
        content = getattr(value, field)
        if isinstance(content, Enum):
            content = content.value
        if str(content) == wanted if wanted else content != _default(type(value), field):
            needed = max(needed, release)
    return needed


def _default(cls: type, name: str) -> Any:
    [found] = [f for f in fields(cls) if f.name == name]
    if found.default_factory is not MISSING:
        return found.default_factory()
    return found.default


def newer_release() -> DomainError:
    """A document was written by a release this code does not know."""
    return DomainError(Kind.UNAVAILABLE, "NEWER_RELEASE", "a newer release wrote this", "系统正在升级,请稍后重试")


def upgrade_not_finished(release: int) -> DomainError:
    """What is asked for needs a release that not every replica has."""
    return DomainError(
        Kind.UNAVAILABLE,
        "UPGRADE_NOT_FINISHED",
        f"this needs the upgrade to release {release} to be finished",
        "系统升级尚未完成,暂不能办理此事项",
        {"release": str(release)},
    )
