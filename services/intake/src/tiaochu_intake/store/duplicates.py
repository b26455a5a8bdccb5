"""Finding entries that may be the same dispute, and suggesting a class."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tiaochu.intake.v1 import case_queries_pb2 as pb
from tiaochu_domainkit import categories, text
from tiaochu_intake.domain import duplicates
from tiaochu_intake.domain.case import Case
from tiaochu_intake.domain.duplicates import Fingerprint
from tiaochu_intake.domain.keywords import suggest
from tiaochu_intake.store.books import DistrictBooks
from tiaochu_intake.store.lists import SUMMARY, summary
from tiaochu_intake.store.loading import load
from tiaochu_intake.store.tables import CASES, INDEXES, JOINED, SUBJECT, TEXTS
from tiaochu_intake.usecases import documents
from tiaochu_kit import access
from tiaochu_kit.database import Database
from tiaochu_kit.usecase import Context, query

LOOKED_AT = 200
"""Cases that share a number with this one and are compared; the newest."""


class TriageQueries:
    """`FindDuplicates` and `SuggestCategory`."""

    def __init__(self, database: Database, books: DistrictBooks) -> None:
        self._database = database
        self._books = books

    @query
    async def find_duplicates(self, ctx: Context, r: pb.FindDuplicatesRequest) -> pb.FindDuplicatesResponse:
        """Candidates among the cases the caller may see, most likely first."""
        policies = await self._books.snapshot()
        async with self._database.read(ctx) as connection:
            folder = await load(connection, ctx, r.case_id)
            policy = policies.on(folder.case.district, ctx.now)
            since = folder.case.entry.received_at - timedelta(days=policy["duplicate_days"])
            until = folder.case.entry.received_at + timedelta(days=policy["duplicate_days"])
            rows = await _sharing_a_number(connection, ctx, folder.case, since, until)
        mine = _fingerprint(folder.case, folder.text("facts"))
        found: dict[str, Any] = {}
        candidates = []
        for row in rows:
            other = documents.CASES.decode(row.doc)
            candidate = duplicates.compare(mine, _fingerprint(other, row.facts or ""), policy["duplicate_similarity"])
            if candidate is not None:
                found[other.id] = row
                candidates.append(candidate)
        return pb.FindDuplicatesResponse(
            candidates=[
                pb.DuplicateCandidate(case=summary(found[c.case_id]), ground=c.ground, similarity=c.similarity)
                for c in duplicates.ranked(candidates)
            ]
        )

    @query
    async def suggest_category(self, ctx: Context, r: pb.SuggestCategoryRequest) -> pb.SuggestCategoryResponse:
        """What the district's keyword table says of a text."""
        district = ctx.principal.own_district()
        table = await self._books.keywords(district)
        names = categories.categories()
        return pb.SuggestCategoryResponse(
            suggestions=[
                pb.CategorySuggestion(category=s.category, name=names[s.category].zh, score=s.score, keywords=s.words)
                for s in suggest(text.clean("text", r.text, 6000), table.keywords)
            ]
        )


async def _sharing_a_number(connection: AsyncConnection, ctx: Context, case: Case, since: Any, until: Any) -> list[Any]:
    """Cases of the window in which somebody of this case stands too, by paper number or phone."""
    indexes = sorted(duplicates.indexes(case.parties))
    shared = sa.select(INDEXES.c.case_id).where(
        INDEXES.c.index.in_(indexes), INDEXES.c.received_at.between(since, until), INDEXES.c.case_id != case.id
    )
    facts = (
        sa.select(TEXTS.c.body)
        .where(TEXTS.c.case_id == CASES.c.id, TEXTS.c.kind == "facts", TEXTS.c.ref == "")
        .scalar_subquery()
        .label("facts")
    )
    statement = (
        sa.select(*SUMMARY, facts)
        .select_from(JOINED)
        .where(CASES.c.id.in_(shared), CASES.c.own_stage != 99, access.visible(ctx.principal, SUBJECT, CASES.c.organ_path))
        .order_by(CASES.c.received_at.desc(), CASES.c.id.desc())
        .limit(LOOKED_AT)
    )
    return list(await connection.execute(statement))


def _fingerprint(case: Case, facts: str) -> Fingerprint:
    category = case.classification.category if case.classification else case.entry.category_hint
    return Fingerprint(
        case_id=case.id,
        applicants=duplicates.indexes(case.applicants),
        respondents=duplicates.indexes(case.respondents),
        category_group=category[:2],
        place=case.entry.region_code,
        bigrams=duplicates.bigrams(facts),
    )
