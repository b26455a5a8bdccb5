"""What a district sets by itself: its keyword table and its dated values."""

from typing import Any

from tiaochu.intake.v1 import keyword_service_pb2 as keyword_pb
from tiaochu.intake.v1 import policy_service_pb2 as policy_pb
from tiaochu_domainkit import categories, quantities
from tiaochu_domainkit.clocks import beijing
from tiaochu_intake.domain.keywords import Keyword, KeywordTable, clean_word
from tiaochu_intake.domain.policies import ACTIVE, PolicyBook
from tiaochu_intake.usecases.default_keywords import DEFAULT_KEYWORDS
from tiaochu_intake.usecases.documents import KEYWORD_TABLES, POLICY_BOOKS, district_id
from tiaochu_kit.usecase import Event, Work, command, reaction


def first_table(district: str) -> KeywordTable:
    """The table a district begins with."""
    return KeywordTable(id=district_id(KEYWORD_TABLES.name, district), district=district, status=ACTIVE, keywords=list(DEFAULT_KEYWORDS))


def first_book(district: str) -> PolicyBook:
    """The book a district begins with: every value its default."""
    return PolicyBook(id=district_id(POLICY_BOOKS.name, district), district=district, status=ACTIVE)


class SettingsCommands:
    """Commands on the one document a district has of each kind; made when it is first changed."""

    @command(reads=lambda r: [KEYWORD_TABLES.by_id(district_id(KEYWORD_TABLES.name, r.district))])
    def change_keywords(self, work: Work, r: keyword_pb.ChangeKeywordsRequest) -> keyword_pb.ChangeKeywordsResponse:
        """Add words, weigh them anew, remove them."""
        work.actor.own_district(r.district)
        first = first_table(r.district)
        table = work.find(KEYWORD_TABLES, first.id) or work.add(KEYWORD_TABLES, first)
        put = [_keyword(n, k) for n, k in enumerate(r.put)]
        table.change(put, [(k.word, k.category) for k in r.remove], work.now)
        return keyword_pb.ChangeKeywordsResponse(etag=work.etag(table), keyword_count=len(table.keywords))

    @command(reads=lambda r: [POLICY_BOOKS.by_id(district_id(POLICY_BOOKS.name, r.district))])
    def put_policy(self, work: Work, r: policy_pb.PutPolicyRequest) -> policy_pb.PutPolicyResponse:
        """Set a value from a day on."""
        work.actor.own_district(r.district)
        first = first_book(r.district)
        book = work.find(POLICY_BOOKS, first.id) or work.add(POLICY_BOOKS, first)
        valid_from = quantities.real_date("valid_from_on", r.valid_from_on) if r.valid_from_on else beijing(work.now).date()
        book.put_policy(r.name, r.value, valid_from, by=work.actor.id, at=work.now)
        return policy_pb.PutPolicyResponse(etag=work.etag(book))


class LockReactions:
    """Reporting locks months; what is locked stays locked, so its word may be kept here and no history goes in."""

    @reaction(
        "tiaochu.reporting.events.v1.MonthLocked", reads=lambda e: [POLICY_BOOKS.by_id(district_id(POLICY_BOOKS.name, e.body.district))]
    )
    def lock(self, work: Work, e: Event[Any]) -> None:
        """Note the newest locked month of a district."""
        first = first_book(e.body.district)
        book = work.find(POLICY_BOOKS, first.id) or work.add(POLICY_BOOKS, first)
        month, today = int(e.body.month.replace("-", "")), beijing(work.now).date()
        if month > book.on(today)["locked_month"]:
            book.put_policy("locked_month", month, today, by=work.actor.id, at=work.now)


def _keyword(n: int, keyword: keyword_pb.Keyword) -> Keyword:
    leaf = categories.category(keyword.category, f"put[{n}].category")
    return Keyword(clean_word(f"put[{n}].word", keyword.word), leaf.code, keyword.weight)
