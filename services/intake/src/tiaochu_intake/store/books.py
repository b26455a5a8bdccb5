"""The districts' own values and keyword tables, read often and changed seldom."""

import time

from tiaochu.intake.v1 import keyword_service_pb2 as keyword_pb
from tiaochu.intake.v1 import policy_service_pb2 as policy_pb
from tiaochu_domainkit import quantities
from tiaochu_domainkit.clocks import beijing
from tiaochu_intake.domain.keywords import KeywordTable
from tiaochu_intake.domain.policies import SETTINGS
from tiaochu_intake.usecases.documents import KEYWORD_TABLES, POLICY_BOOKS, district_id
from tiaochu_intake.usecases.ports import PolicySnapshot
from tiaochu_intake.usecases.settings_commands import first_book, first_table
from tiaochu_kit.database import Database
from tiaochu_kit.usecase import Context, query

SECONDS_BELIEVED = 2.0


class DistrictBooks:
    """`ports.Policies`, and the queries on both kinds of book."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._snapshot: tuple[float, PolicySnapshot] | None = None

    async def snapshot(self) -> PolicySnapshot:
        """Every district's book, at most two seconds old."""
        if self._snapshot is None or time.monotonic() - self._snapshot[0] > SECONDS_BELIEVED:
            async with self._database.transaction() as tx:
                rows = await tx.rows("SELECT doc::text FROM policy_books")
            books = [POLICY_BOOKS.decode(doc) for (doc,) in rows]
            self._snapshot = (time.monotonic(), PolicySnapshot({b.district: b for b in books}))
        return self._snapshot[1]

    async def keywords(self, district: str) -> KeywordTable:
        """A district's keyword table, or the one it begins with."""
        async with self._database.transaction() as tx:
            rows = await tx.rows(KEYWORD_TABLES.select_sql(), ([district_id(KEYWORD_TABLES.name, district)],))
        return KEYWORD_TABLES.decode(rows[0][0]) if rows else first_table(district)

    @query
    async def list_keywords(self, ctx: Context, r: keyword_pb.ListKeywordsRequest) -> keyword_pb.ListKeywordsResponse:
        """The words of a category, or all."""
        table = await self.keywords(ctx.principal.own_district(r.district))
        found = [k for k in table.keywords if k.category.startswith(r.category)]
        words = [keyword_pb.Keyword(word=k.word, category=k.category, weight=k.weight) for k in found]
        return keyword_pb.ListKeywordsResponse(keywords=words, etag=str(table.version))

    @query
    async def list_policies(self, ctx: Context, r: policy_pb.ListPoliciesRequest) -> policy_pb.ListPoliciesResponse:
        """Every setting with its value on a day."""
        district = ctx.principal.own_district(r.district)
        async with self._database.transaction() as tx:
            rows = await tx.rows(POLICY_BOOKS.select_sql(), ([district_id(POLICY_BOOKS.name, district)],))
        book = POLICY_BOOKS.decode(rows[0][0]) if rows else first_book(district)
        day = quantities.real_date("on", r.on) if r.on else beijing(ctx.now).date()
        policy = book.on(day)
        policies = [
            policy_pb.Policy(name=name, value=policy[name], zh=s.zh, is_default=policy[name] == s.default, least=s.least, most=s.most)
            for name, s in SETTINGS.items()
        ]
        return policy_pb.ListPoliciesResponse(policies=policies, etag=str(book.version))
