"""Full text: bigrams of every text of a case, whole numbers by blind index; hits are read through the protected table."""

import contextlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY

from tiaochu.intake.v1 import case_queries_pb2 as pb
from tiaochu_domainkit import identity, text
from tiaochu_domainkit.errors import DomainError
from tiaochu_intake.domain.case import Case
from tiaochu_intake.store.lists import EXCERPT, SUMMARY, summary
from tiaochu_intake.store.tables import CASES, INDEXES, JOINED, SUBJECT, TEXTS, TOKENS
from tiaochu_intake.usecases import documents
from tiaochu_intake.usecases.particulars import Sealer
from tiaochu_kit import access
from tiaochu_kit.database import Database, Tx
from tiaochu_kit.paging import PageTokens, page_size
from tiaochu_kit.principal import ALL_DISTRICTS
from tiaochu_kit.usecase import Context, Event, projection, query

FIELD_END = "|"
"""Stands between two texts of a case, so that no phrase runs across them; no query holds it."""

_CASE_SQL = "SELECT doc::text FROM cases WHERE id = ANY(%s::uuid[])"
_TEXT_SQL = (
    "SELECT case_id::text, body FROM case_texts WHERE case_id = ANY(%s::uuid[]) AND kind IN ('facts', 'place', 'claim') ORDER BY kind, ref"
)
_PUT_SQL = """
INSERT INTO search_tokens (case_id, district, received_at, history, tokens)
SELECT * FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[], %s::boolean[], %s::tsvector[])
ON CONFLICT (case_id) DO UPDATE SET tokens = excluded.tokens, history = excluded.history
"""
_CLEAR_SQL = "DELETE FROM party_indexes WHERE case_id = ANY(%s::uuid[])"
_INDEX_SQL = """
INSERT INTO party_indexes (index, case_id, side, district, received_at)
SELECT * FROM unnest(%s::text[], %s::uuid[], %s::text[], %s::text[], %s::timestamptz[]) ON CONFLICT DO NOTHING
"""


class SearchLog:
    """Keeps the search tokens and blind indexes of cases up to date. Given to the consumer of the intake's own log."""

    @projection("tiaochu.intake.events.v1.CaseRegistered", "tiaochu.intake.events.v1.PartyCorrected")
    async def index(self, tx: Tx, events: Sequence[Event[Any]]) -> None:
        """Index the cases as they stand now; doing it twice changes nothing."""
        ids = sorted({e.body.case_id for e in events})
        cases = [documents.CASES.decode(doc) for (doc,) in await tx.rows(_CASE_SQL, (ids,))]
        texts: dict[str, list[str]] = {}
        for case_id, body in await tx.rows(_TEXT_SQL, (ids,)):
            texts.setdefault(case_id, []).append(body)
        if not cases:
            return
        rows = [
            (c.id, c.district, c.entry.received_at, c.result is not None, text.as_tsvector(case_tokens(c, texts.get(c.id, []))))
            for c in cases
        ]
        await tx.queue(_PUT_SQL, [list(column) for column in zip(*rows, strict=True)])
        await tx.queue(_CLEAR_SQL, (ids,))
        found = [
            (index, c.id, side, c.district, c.entry.received_at)
            for c in cases
            for side, parties in (("applicant", c.applicants), ("respondent", c.respondents))
            for party in parties
            for index in party.indexes
        ]
        if found:
            await tx.queue(_INDEX_SQL, [list(column) for column in zip(*found, strict=True)])


def case_tokens(case: Case, texts: Sequence[str]) -> list[str]:
    """The bigrams of a case: its number, the names of everybody in it, its texts; each text apart."""
    people = [name for p in case.parties for name in (p.name, *(r.name for r in p.representatives))]
    tokens: list[str] = []
    for part in (case.entry.number, case.entry.external_no, *people, *texts):
        tokens += [*text.index_tokens(part), FIELD_END]
    return tokens


class CaseSearch:
    """`SearchCases`."""

    def __init__(self, database: Database, pages: PageTokens, sealer: Sealer) -> None:
        self._database = database
        self._pages = pages
        self._sealer = sealer

    @query
    async def search_cases(self, ctx: Context, r: pb.SearchCasesRequest) -> pb.SearchCasesResponse:
        """Newest first. Reason: QUERY_TOO_SHORT."""
        size, after = page_size(r.page_size), self._pages.read(ctx.principal.id, r)
        wanted = [access.visible(ctx.principal, SUBJECT, CASES.c.organ_path)]
        if not r.include_history:
            wanted.append(TOKENS.c.history.is_(False))
        if ctx.principal.scope != ALL_DISTRICTS:
            wanted.append(TOKENS.c.district.in_(sorted(ctx.principal.districts)))
        if after is not None:
            last = (
                sa.literal(datetime.fromisoformat(after[0]), TOKENS.c.received_at.type),
                sa.cast(sa.literal(after[1]), TOKENS.c.case_id.type),
            )
            wanted.append(sa.tuple_(TOKENS.c.received_at, TOKENS.c.case_id) < sa.tuple_(*last))
        words = r.text.split()
        statement = (
            sa.select(*SUMMARY, TOKENS.c.received_at.label("key"), CASES.c.id.label("id"))
            .select_from(JOINED.join(TOKENS, TOKENS.c.case_id == CASES.c.id))
            .where(self._matches(r.text, words), *wanted)
            .order_by(TOKENS.c.received_at.desc(), TOKENS.c.case_id.desc())
            .limit(size + 1)
        )
        async with self._database.read(ctx) as connection:
            rows = list(await connection.execute(statement))
            facts = await _facts(connection, [row.id for row in rows])
        more = len(rows) > size
        token = self._pages.write(ctx.principal.id, r, [rows[size - 1].key.isoformat(), rows[size - 1].id]) if more else ""
        cases = [summary(row, _excerpt(facts.get(row.id, ""), words)) for row in rows[:size]]
        return pb.SearchCasesResponse(cases=cases, next_page_token=token)

    def _matches(self, typed: str, words: Sequence[str]) -> sa.ColumnElement[bool]:
        """Every word as a phrase of bigrams; or, for a whole number, the party it belongs to. A single character beside longer words is left out."""
        phrases = [text.as_tsquery(text.index_tokens(word)) for word in words if text.index_tokens(word)]
        if not phrases:
            text.query_tokens(typed, "text")
        hit: sa.ColumnElement[bool] = sa.and_(*(TOKENS.c.tokens.op("@@")(sa.cast(phrase, TSQUERY)) for phrase in phrases))
        indexes = self._number_indexes(typed)
        if indexes:
            numbered = sa.select(INDEXES.c.case_id).where(INDEXES.c.index.in_(indexes))
            hit = sa.or_(hit, TOKENS.c.case_id.in_(numbered))
        return hit

    def _number_indexes(self, typed: str) -> list[str]:
        """Blind indexes of what may be a whole paper number or phone."""
        compact = "".join(typed.split()).upper()
        if not any(c.isdigit() for c in compact):
            return []
        found = self._sealer.number_indexes("id_number", [compact])
        with contextlib.suppress(DomainError):
            found += self._sealer.number_indexes("phone", [identity.phone("text", compact)])
        return found


async def _facts(connection: Any, ids: list[str]) -> dict[str, str]:
    rows = await connection.execute(sa.select(TEXTS.c.case_id, TEXTS.c.body).where(TEXTS.c.case_id.in_(ids), TEXTS.c.kind == "facts"))
    return {row.case_id: row.body for row in rows}


def _excerpt(facts: str, words: Sequence[str]) -> str:
    """The facts around the first word that stands in them as typed, else their beginning."""
    at = next((facts.find(w) for w in words if w in facts), 0)
    return facts[max(0, at - EXCERPT // 3) :][:EXCERPT]
