"""Who holds a post as a mediator, from this service's copy of the directory's posts."""

from tiaochu_domainkit.clocks import beijing
from tiaochu_kit.database import Database
from tiaochu_kit.principal import Context

MEDIATORS = ["mediator", "professional_mediator", "village_mediator", "court_mediator", "station_head"]
"""Roles that mediate; a village's station head is one of them."""

_POST_SQL = """
SELECT 1 FROM posts
WHERE person_id = %s AND role = ANY(%s) AND district = ANY(%s) AND valid_from <= %s AND (valid_to IS NULL OR valid_to > %s) LIMIT 1
"""


class StoredMediators:
    """Answers `usecases.ports.Mediators`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def in_post(self, ctx: Context, person_id: str) -> bool:
        """Whether the person holds such a post today, in a district of the caller."""
        today = beijing(ctx.now).date()
        async with self._database.transaction() as tx:
            return bool(await tx.rows(_POST_SQL, (person_id, MEDIATORS, sorted(ctx.principal.districts), today, today)))
