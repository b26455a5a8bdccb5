"""Every service's copy of what the directory and the responsible services say about access: posts, and who may see a case.

The mapping from events to access rows is law of the product and stands in `tiaochu_domainkit.access`; here it is only kept.
"""

from collections.abc import Sequence
from typing import Any

from tiaochu_domainkit.access import ACCESS_TYPES, access_changes
from tiaochu_kit.database import Tx
from tiaochu_kit.usecase import Copies, Event, projection

_POST_SQL = """
INSERT INTO posts (post_id, person_id, organ_id, organ_path, role, district, valid_from) VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (post_id) DO UPDATE SET person_id = excluded.person_id, organ_id = excluded.organ_id, organ_path = excluded.organ_path,
  role = excluded.role, valid_from = excluded.valid_from, valid_to = NULL
"""
_VACATED_SQL = "UPDATE posts SET valid_to = %s WHERE post_id = %s"
_DEPUTY_SQL = """
INSERT INTO deputations (deputation_id, post_id, deputy_id, valid_from, valid_to) VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
_DEPUTY_ENDED_SQL = "UPDATE deputations SET valid_to = %s WHERE deputation_id = %s"
_GRANT_SQL = """
INSERT INTO case_access (subject, kind, value, source, producer)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[]) ON CONFLICT DO NOTHING
"""
_REVOKE_SQL = "DELETE FROM case_access WHERE (subject, source) IN (SELECT * FROM unnest(%s::text[], %s::text[]))"


_NAMES = ("PostFilled", "PostVacated", "DeputyAppointed", "DeputyEnded")


class DirectoryLog:
    """Keeps `posts` and `deputations`. Given to the consumer of routing's log."""

    @projection(*(f"tiaochu.routing.events.v1.{name}" for name in _NAMES), copies=Copies("posts", also=("deputations",)))
    async def apply(self, tx: Tx, events: Sequence[Event[Any]]) -> None:
        """Who holds a post and who stands in for them, in the order it happened: a post may be filled again right after it was vacated."""
        for event in events:
            b = event.body
            match event.type.rpartition(".")[2]:
                case "PostFilled":
                    place = (b.organ_id, b.organ_path, b.role, event.district)
                    await tx.queue(_POST_SQL, (b.post_id, b.person_id, *place, b.valid_from_on))
                case "PostVacated":
                    await tx.queue(_VACATED_SQL, (b.valid_to_on, b.post_id))
                case "DeputyAppointed":
                    await tx.queue(_DEPUTY_SQL, (b.deputation_id, b.post_id, b.deputy_id, b.valid_from_on, b.valid_to_on))
                case "DeputyEnded":
                    await tx.queue(_DEPUTY_ENDED_SQL, (b.valid_to_on, b.deputation_id))


class AccessLog:
    """Keeps `case_access`. Given to the consumers of intake's, routing's and mediation's logs."""

    @projection(*ACCESS_TYPES, copies=Copies("case_access", case="subject", producer="producer"))
    async def apply(self, tx: Tx, events: Sequence[Event[Any]]) -> None:
        """Holders, shares, assignments and bars of cases: what stands when all has happened in its order."""
        revoked: dict[tuple[str, str], None] = {}
        granted: dict[tuple[str, str], list[tuple[str, ...]]] = {}
        for event in events:
            for change in access_changes(event.type, event.body):
                source = (change.subject, change.source)
                if change.granted:
                    granted.setdefault(source, []).append((change.subject, change.kind, change.value, change.source, event.producer))
                else:
                    revoked[source] = None
                    granted.pop(source, None)
        if revoked:
            await tx.queue(_REVOKE_SQL, [list(column) for column in zip(*sorted(revoked), strict=True)])
        if rows := sorted(row for of_source in granted.values() for row in of_source):
            await tx.queue(_GRANT_SQL, [list(column) for column in zip(*rows, strict=True)])
