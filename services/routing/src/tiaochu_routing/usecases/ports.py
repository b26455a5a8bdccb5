"""What the use cases ask of the store before they decide."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from tiaochu_kit.principal import Context
from tiaochu_routing.domain.directory import Post
from tiaochu_routing.domain.organs import Unit
from tiaochu_routing.domain.transfer import Lead


class Directory(Protocol):
    """The directory and the routing rules as they stand."""

    async def unit(self, ctx: Context, organ_id: str, day: date) -> Unit | None:
        """An organ of the caller's districts, None for an unknown one."""

    async def posts_of(self, ctx: Context, person_id: str) -> Sequence[Post]:
        """Every post a person has or had in the caller's districts."""

    async def lead_of(self, case_id: str) -> Lead | None:
        """Who leads a case by the rules valid when it was classified; None while it is not classified or not known."""
