"""The directory and the rules of a district as use cases ask for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from tiaochu_domainkit.calendar import Calendar
from tiaochu_domainkit.clocks import beijing
from tiaochu_kit.database import Database, Tx
from tiaochu_kit.principal import Context
from tiaochu_routing.domain.clock_rules import SURVIVES_THE_CASE
from tiaochu_routing.domain.deadline_book import DeadlineBook, calendar_of_district
from tiaochu_routing.domain.directory import Organ, Post, Region
from tiaochu_routing.domain.organs import Unit
from tiaochu_routing.domain.routing_rules import RoutingRule, RuleHistory, name_lead
from tiaochu_routing.domain.transfer import Lead
from tiaochu_routing.store.documents import decoded, one
from tiaochu_routing.usecases.tables import (
    CASE_FACTS,
    DEADLINE_BOOKS,
    ORGANS,
    REGIONS,
    RESPONSIBILITIES,
    ROUTING_RULES,
    STAFF_POSTS,
    book_id,
    deputy_roll_id,
)

_STATE_SQL = """
SELECT (SELECT count(*) || '/' || coalesce(sum(version), 0) FROM organs WHERE district = %s),
       (SELECT count(*) || '/' || coalesce(sum(version), 0) FROM regions WHERE district = %s),
       (SELECT count(*) || '/' || coalesce(sum(version), 0) FROM routing_rules WHERE district = %s)
"""
_ALL_SQL = "SELECT doc::text FROM {} WHERE district = %s ORDER BY code"
_PROVISIONAL_SQL = "SELECT id::text FROM clocks WHERE district = %s AND provisional AND status = 'running' ORDER BY id"
_OF_CASE_SQL = """
SELECT id::text FROM clocks
WHERE case_id = %s AND status IN ('running', 'paused') AND doc -> 'terms' ->> 'on_expiry' <> %s ORDER BY id
"""
_SUBTREE_SQL = """
WITH RECURSIVE below AS (
  SELECT id, 0 AS depth FROM organs WHERE id = %s
  UNION ALL
  SELECT o.id, b.depth + 1 FROM organs o JOIN below b ON o.doc -> 'places' -> -1 ->> 'parent_id' = b.id::text WHERE b.depth < 20
) SELECT id::text FROM below ORDER BY depth, id
"""
_POSTS_OF_SQL = "SELECT id::text FROM staff_posts WHERE organ_id = ANY(%s::uuid[]) ORDER BY id"

_POSTS_OF_PERSON_SQL = "SELECT doc::text FROM staff_posts WHERE person_id = %s ORDER BY valid_from, id"
_POSTS_OF_DEPUTIES_SQL = """
SELECT DISTINCT p.id::text FROM deputy_rolls r, jsonb_to_recordset(r.doc -> 'deputations') AS d(post_id uuid, deputy_id uuid)
JOIN staff_posts p ON p.id = d.post_id OR p.person_id = d.deputy_id
WHERE r.id = %s AND p.district = r.district ORDER BY 1
"""

_CASES_OF_SQL = """
SELECT id::text FROM responsibilities
WHERE status NOT IN ('merged', 'ended')
  AND (organ_id = ANY(%s) OR doc -> 'transfers' -> -1 -> 'receiver' ->> 'id' = ANY(%s) OR doc -> 'designating' ->> 'id' = ANY(%s))
ORDER BY id
"""


@dataclass(frozen=True)
class Snapshot:
    """A district's regions, organs and rules."""

    regions: dict[str, Region]
    organs: tuple[Organ, ...]
    rules: tuple[RoutingRule, ...]

    def on(self, day: date) -> "SnapshotDay":
        """As of a day."""
        return SnapshotDay(self, day)


class SnapshotDay:
    """A district as of a day: what the rules call `Territory`."""

    def __init__(self, snapshot: Snapshot, day: date) -> None:
        self._snapshot = snapshot
        self._day = day
        self._organs: dict[tuple[str, str], list[Unit]] = {}
        for organ in snapshot.organs:
            place = organ.place_on(day)
            if place is not None:
                self._organs.setdefault((place.kind, place.region_code), []).append(Unit(organ.id, place.path, place.tier))

    def chain(self, region_code: str) -> Sequence[str]:
        """A region and what it belonged to that day, nearest first. A code without a row goes by its digits."""
        found: list[str] = []
        code = region_code
        while code and code not in found:
            found.append(code)
            region = self._snapshot.regions.get(code)
            code = region.parent_on(self._day) if region else _numbered_above(code)
        return found

    def organ(self, kind: str, tier: str, region_code: str) -> Unit | None:
        """See `Territory`."""
        return next((u for u in self._organs.get((kind, region_code), ()) if tier in ("", u.tier)), None)


def _numbered_above(code: str) -> str:
    """The county writes six digits in some files and twelve in others; a grid belongs to its village."""
    if len(code) == 15:
        return code[:12]
    if len(code) == 12:
        return code[:9] + "000" if not code.endswith("000") else code[:6] + "000000" if not code.endswith("000000") else code[:6]
    return ""


class DirectoryStore:
    """Answers what commands and duties need to know before they run."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._snapshots: dict[str, tuple[tuple[str, ...], Snapshot]] = {}

    async def unit(self, ctx: Context, organ_id: str, day: date) -> Unit | None:
        """See `ports.Directory`."""
        async with self._database.transaction(ctx.principal.scope) as tx:
            organ = await one(tx, ORGANS, organ_id)
        return organ.unit(day) if organ else None

    async def posts_of(self, ctx: Context, person_id: str) -> Sequence[Post]:
        """See `ports.Directory`."""
        async with self._database.transaction(ctx.principal.scope) as tx:
            return decoded(STAFF_POSTS, await tx.rows(_POSTS_OF_PERSON_SQL, (person_id,)))

    async def lead_of(self, case_id: str) -> Lead | None:
        """See `ports.Directory`."""
        async with self._database.transaction() as tx:
            facts = await one(tx, CASE_FACTS, case_id)
            case = await one(tx, RESPONSIBILITIES, case_id)
            if facts is None or case is None or facts.classified_at is None:
                return None
            snapshot = await self.snapshot(tx, case.district)
        day = beijing(facts.classified_at).date()
        return name_lead(snapshot.rules, facts, day, snapshot.on(day), case.holder)

    async def snapshot(self, tx: Tx, district: str) -> Snapshot:
        """The district as it stands; read again only when something in it changed."""
        state = (await tx.rows(_STATE_SQL, (district,) * 3))[0]
        known = self._snapshots.get(district)
        if known is None or known[0] != state:
            known = (state, await self._load(tx, district))
            self._snapshots[district] = known
        return known[1]

    async def _load(self, tx: Tx, district: str) -> Snapshot:
        regions: list[Region] = decoded(REGIONS, await tx.rows(_ALL_SQL.format("regions"), (district,)))
        organs: list[Organ] = decoded(ORGANS, await tx.rows(_ALL_SQL.format("organs"), (district,)))
        histories: list[RuleHistory] = decoded(ROUTING_RULES, await tx.rows(_ALL_SQL.format("routing_rules"), (district,)))
        rules = tuple(rule for history in histories for rule in history.versions)
        return Snapshot({r.code: r for r in regions}, tuple(organs), rules)

    # What duties concern

    async def clocks_of_case(self, case_id: str) -> Sequence[str]:
        """See `duties.Concerned`."""
        async with self._database.transaction() as tx:
            return [row[0] for row in await tx.rows(_OF_CASE_SQL, (case_id, SURVIVES_THE_CASE))]

    async def provisional(self, district: str) -> Sequence[str]:
        """See `duties.Concerned`."""
        async with self._database.transaction() as tx:
            return [row[0] for row in await tx.rows(_PROVISIONAL_SQL, (district,))]

    async def subtree(self, organ_id: str) -> tuple[Sequence[str], Sequence[str]]:
        """See `duties.Concerned`."""
        async with self._database.transaction() as tx:
            organ_ids = [row[0] for row in await tx.rows(_SUBTREE_SQL, (organ_id,))]
            return organ_ids, [row[0] for row in await tx.rows(_POSTS_OF_SQL, (organ_ids,))]

    async def posts_of_deputies(self, district: str) -> Sequence[str]:
        """See `duties.Concerned`."""
        async with self._database.transaction() as tx:
            return [row[0] for row in await tx.rows(_POSTS_OF_DEPUTIES_SQL, (deputy_roll_id(district),))]

    async def open_cases(self, organ_ids: Sequence[str]) -> Sequence[str]:
        """See `duties.Concerned`."""
        async with self._database.transaction() as tx:
            return [row[0] for row in await tx.rows(_CASES_OF_SQL, (list(organ_ids),) * 3)]

    # Deadline books

    async def book(self, tx: Tx, district: str) -> DeadlineBook | None:
        """What a district put beside the default rules."""
        return await one(tx, DEADLINE_BOOKS, book_id(district))

    async def calendar_of_case(self, case_id: str) -> Calendar:
        """See `clocks.Books`."""
        async with self._database.transaction() as tx:
            case = await one(tx, RESPONSIBILITIES, case_id)
            return calendar_of_district(await self.book(tx, case.district) if case else None)

    async def provisional_clocks(self, district: str) -> int:
        """See `clocks.Books`."""
        return len(await self.provisional(district))
