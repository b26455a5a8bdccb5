"""Writes the derived tables. One batch of one log costs four round trips, however many cases it touches.

A case's row in `counted_cases` is its lock: consumers of several logs may touch one case at once, and each must see what the others wrote. Rows are
taken in the order of their ids.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC
from typing import Any

import orjson

from tiaochu_kit.database import Tx
from tiaochu_reporting.domain.facts import Fact
from tiaochu_reporting.domain.figures import STORED, values
from tiaochu_reporting.domain.ledger import CaseHead, Entry, Posting, head, postings
from tiaochu_reporting.store.totals import column_of, week_of
from tiaochu_reporting.usecases.ports import Place

_FOLLOWING_SQL = """
SELECT lineage FROM lineages l WHERE state = 'live' OR state = 'building' AND EXISTS (
  SELECT FROM lineage_logs j WHERE j.lineage = l.lineage AND j.producer = %s AND j.district = %s)
ORDER BY lineage
"""
_MEET_SQL = """
INSERT INTO counted_cases (lineage, case_id, district)
SELECT l, c, d FROM unnest(%s::uuid[], %s::text[]) AS x(c, d), unnest(%s::bigint[]) AS y(l) ORDER BY l, c ON CONFLICT DO NOTHING
"""
_LOCK_SQL = """
SELECT lineage, case_id::text, digest FROM counted_cases WHERE lineage = ANY(%s::bigint[]) AND case_id = ANY(%s::uuid[])
ORDER BY lineage, case_id FOR UPDATE
"""
_KEEP_SQL = """
INSERT INTO facts (lineage, case_id, district, producer, position, kind, occurred_at, recorded_at, data)
SELECT l, x.* FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::jsonb[]) AS x,
  unnest(%s::bigint[]) AS y(l)
ON CONFLICT DO NOTHING
"""
_FACTS_SQL = """
SELECT lineage, case_id::text, district, producer, position, kind, occurred_at, recorded_at, data FROM facts
WHERE lineage = ANY(%s::bigint[]) AND case_id = ANY(%s::uuid[])
"""
_CLEAR_SQL = """
DELETE FROM postings p USING unnest(%s::bigint[], %s::uuid[]) AS x(l, c) WHERE p.lineage = x.l AND p.case_id = x.c
RETURNING p.lineage, p.district, p.recorded_at, p.sign, p.act, p.month, p.organ_id, p.organ_path, p.agreed, p.source, p.moj_type, p.form, p.difficult,
  p.parties, p.amount_fen, p.agreed_fen
"""
_POST_SQL = """
INSERT INTO postings (lineage, district, case_id, recorded_at, sign, act, month, organ_id, organ_path, agreed, source, moj_type, form, difficult, parties,
  amount_fen, agreed_fen)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::uuid[], %s::timestamptz[], %s::smallint[], %s::text[], %s::date[], %s::text[], %s::text[], %s::boolean[],
  %s::text[], %s::text[], %s::text[], %s::boolean[], %s::integer[], %s::bigint[], %s::bigint[])
"""
_HEAD_SQL = """
UPDATE counted_cases t SET case_number = x.number, organ_path = x.path, digest = x.digest
FROM unnest(%s::bigint[], %s::uuid[], %s::text[], %s::text[], %s::bytea[]) AS x(l, c, number, path, digest) WHERE t.lineage = x.l AND t.case_id = x.c
"""
_STORED = [column_of(f) for f in STORED]
_TOTALS_SQL = f"""
INSERT INTO month_totals AS t (lineage, district, month, week, organ_path, organ_id, {", ".join(_STORED)})
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::date[], %s::date[], %s::text[], %s::text[], {", ".join("%s::bigint[]" for _ in _STORED)})
ON CONFLICT (lineage, district, month, week, organ_path, organ_id) DO UPDATE SET {", ".join(f"{c} = t.{c} + excluded.{c}" for c in _STORED)}
"""  # noqa: S608 - the columns are those of the figures
_PLACE_SQL = """
INSERT INTO organ_places (lineage, district, position, organ_id, organ_path, kind, tier, valid_from, recorded_at)
SELECT l, x.* FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::date[], %s::timestamptz[]) AS x,
  unnest(%s::bigint[]) AS y(l)
ON CONFLICT DO NOTHING
"""


class LedgerTables:
    """See `usecases.ports.Ledger`."""

    async def following(self, tx: Tx, producer: str, district: str) -> Sequence[int]:
        """See the port."""
        return [row[0] for row in await tx.rows(_FOLLOWING_SQL, (producer, district))]

    async def fold(self, tx: Tx, facts: Sequence[Fact], lineages: Sequence[int]) -> None:
        """See the port."""
        districts = {f.case_id: f.district for f in facts}
        cases, lines = list(districts), list(lineages)
        await tx.queue(_MEET_SQL, (cases, list(districts.values()), lines))
        locked = await tx.queue(_LOCK_SQL, (lines, cases))
        await tx.queue(_KEEP_SQL, (*_columns([_fact_row(f) for f in facts]), lines))
        found = await tx.queue(_FACTS_SQL, (lines, cases))
        await tx.send()
        digests = {(lineage, case): bytes(digest) for lineage, case, digest in await locked.fetchall()}
        known: dict[tuple[int, str], list[Fact]] = {}
        for row in await found.fetchall():
            known.setdefault((row[0], row[1]), []).append(fact_of(row[1:]))
        changed = [case for key, members in sorted(known.items()) if (case := _Counted(key, members)).digest != digests[key]]
        if changed:
            await _rewrite(tx, changed)

    async def place(self, tx: Tx, places: Sequence[Place], lineages: Sequence[int]) -> None:
        """See the port."""
        rows = [
            (p.district, p.position, p.organ.organ_id, p.organ.organ_path, p.organ.kind, p.organ.tier, p.valid_from, p.recorded_at)
            for p in places
        ]
        await tx.queue(_PLACE_SQL, (*_columns(rows), list(lineages)))


def fact_of(row: Sequence[Any]) -> Fact:
    """A row of `facts`; instants in UTC, whatever the session's zone."""
    case_id, district, producer, position, kind, occurred_at, recorded_at, data = row
    return Fact(case_id, district, producer, position, kind, occurred_at.astimezone(UTC), recorded_at.astimezone(UTC), data)


class _Counted:
    """A case's ledger as its facts say now."""

    def __init__(self, key: tuple[int, str], facts: Sequence[Fact]) -> None:
        self.lineage, self.case_id = key
        self.district = facts[0].district
        self.head: CaseHead = head(facts)
        self.postings: list[Posting] = postings(facts)
        self.digest = hashlib.sha256(repr((self.head, self.postings)).encode()).digest()[:16]


async def _rewrite(tx: Tx, cases: Sequence[_Counted]) -> None:
    """Replace the postings of some cases and move the totals by the difference."""
    old = await tx.rows(_CLEAR_SQL, ([c.lineage for c in cases], [c.case_id for c in cases]))
    totals = _Totals()
    for lineage, district, recorded_at, sign, *entry in old:
        totals.add(lineage, district, Posting(recorded_at, -sign, Entry(*entry)))
    for c in cases:
        for posting in c.postings:
            totals.add(c.lineage, c.district, posting)
    if posted := [_posting_row(c, p) for c in cases for p in c.postings]:
        await tx.queue(_POST_SQL, _columns(posted))
    if moved := totals.rows():
        await tx.queue(_TOTALS_SQL, _columns(moved))
    heads = [(c.lineage, c.case_id, c.head.case_number, c.head.organ_path, c.digest) for c in cases]
    await tx.queue(_HEAD_SQL, _columns(heads))


class _Totals:
    """By how much the totals move. Rows come in the order of their keys, after the cases: two consumers never wait for each other in a ring."""

    def __init__(self) -> None:
        self._sums: dict[tuple[Any, ...], dict[str, int]] = {}

    def add(self, lineage: int, district: str, p: Posting) -> None:
        """One posting more."""
        e = p.entry
        sums = self._sums.setdefault((lineage, district, e.month, week_of(p.recorded_at), e.organ_path, e.organ_id), {})
        for code, value in values(e, p.sign).items():
            sums[code] = sums.get(code, 0) + value

    def rows(self) -> list[tuple[Any, ...]]:
        """What is not zero."""
        return [(*key, *(sums.get(f.code, 0) for f in STORED)) for key, sums in sorted(self._sums.items()) if any(sums.values())]


def _fact_row(f: Fact) -> tuple[Any, ...]:
    return f.case_id, f.district, f.producer, f.position, f.kind, f.occurred_at, f.recorded_at, orjson.dumps(dict(f.data)).decode()


def _posting_row(c: _Counted, p: Posting) -> tuple[Any, ...]:
    e = p.entry
    where = (e.act, e.month, e.organ_id, e.organ_path)
    attributes = (e.agreed, e.source, e.moj_type, e.form, e.difficult, e.parties, e.amount_fen, e.agreed_fen)
    return c.lineage, c.district, c.case_id, p.recorded_at, p.sign, *where, *attributes


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
