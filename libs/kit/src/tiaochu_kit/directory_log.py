"""Every service's copy of what the directory and the responsible services say about access: posts, and who may see a case.

The mapping from events to access rows is law of the product and stands in `tiaochu_domainkit.access`; here it is only kept.
"""

from collections.abc import Sequence
from typing import Any

from tiaochu_domainkit.access import ACCESS_TYPES, access_changes
from tiaochu_kit.database import Tx
from tiaochu_kit.usecase import Event, projection

_POST_SQL = """
INSERT INTO posts (post_id, person_id, organ_id, organ_path, role, district, valid_from)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::date[])
ON CONFLICT (post_id) DO UPDATE SET person_id = excluded.person_id, organ_id = excluded.organ_id, organ_path = excluded.organ_path,
  role = excluded.role, valid_from = excluded.valid_from, valid_to = NULL
"""
_VACATED_SQL = "UPDATE posts SET valid_to = %s WHERE post_id = %s"
_GRANT_SQL = "INSERT INTO case_access (subject, kind, value, source, producer) VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
_REVOKE_SQL = "DELETE FROM case_access WHERE subject = %s AND source = %s"


class DirectoryLog:
    """Keeps `posts`. Given to the consumer of routing's log."""

    @projection("tiaochu.routing.events.v1.PostFilled")
    async def fill(self, tx: Tx, events: Sequence[Event[Any]]) -> None:
        """Somebody took a post."""
        latest = {e.body.post_id: e for e in events}
        rows = [
            (p, e.body.person_id, e.body.organ_id, e.body.organ_path, e.body.role, e.district, e.body.valid_from_on)
            for p, e in latest.items()
        ]
        await tx.queue(_POST_SQL, [list(column) for column in zip(*rows, strict=True)])

    @projection("tiaochu.routing.events.v1.PostVacated")
    async def vacate(self, tx: Tx, events: Sequence[Event[Any]]) -> None:
        """Somebody left a post; from that date on it opens nothing."""
        for event in events:
            await tx.queue(_VACATED_SQL, (event.body.valid_to_on, event.body.post_id))


class AccessLog:
    """Keeps `case_access`. Given to the consumers of intake's, routing's and mediation's logs."""

    @projection(*ACCESS_TYPES)
    async def apply(self, tx: Tx, events: Sequence[Event[Any]]) -> None:
        """Holders, shares, assignments and bars of cases, in the order they happened."""
        for event in events:
            for change in access_changes(event.type, event.body):
                if change.granted:
                    await tx.queue(_GRANT_SQL, (change.subject, change.kind, change.value, change.source, event.producer))
                else:
                    await tx.queue(_REVOKE_SQL, (change.subject, change.source))
