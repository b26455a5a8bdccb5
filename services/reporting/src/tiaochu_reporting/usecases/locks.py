"""Locking months, and telling which are locked."""

from tiaochu.reporting.v1 import report_service_pb2 as pb
from tiaochu_kit.usecase import Context, Work, command, query
from tiaochu_reporting.domain.books import Books, books_id
from tiaochu_reporting.domain.periods import month_text, parse_month
from tiaochu_reporting.usecases.instants import stamp
from tiaochu_reporting.usecases.ports import Reading
from tiaochu_reporting.usecases.tables import BOOKS


class LockCommands:
    """Commands on a district's books."""

    @command(reads=lambda r: [BOOKS.by_id(books_id(r.district))])
    def lock_month(self, work: Work, r: pb.LockMonthRequest) -> pb.LockMonthResponse:
        """Make a month and all before it final."""
        district = work.actor.own_district(r.district)
        ident = books_id(district)
        books = work.find(BOOKS, ident) or work.add(BOOKS, Books(id=ident, district=district))
        lock = books.lock_month(parse_month(r.month), work.actor.id, work.now)
        return pb.LockMonthResponse(month=r.month, cut_at=stamp(lock.cut_at), etag=work.etag(books))


class LockQueries:
    """Queries on a district's books."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    @query
    async def list_month_locks(self, ctx: Context, r: pb.ListMonthLocksRequest) -> pb.ListMonthLocksResponse:
        """All locks of a district: at most one a month, so they fit one answer."""
        books = await self._reading.books(ctx, ctx.principal.own_district(r.district))
        if books is None:
            return pb.ListMonthLocksResponse()
        locks = [
            pb.MonthLock(month=month_text(k.month), cut_at=stamp(k.cut_at), locked_at=stamp(k.locked_at), locked_by=k.locked_by)
            for k in books.locks
        ]
        return pb.ListMonthLocksResponse(locks=locks, locked_through=locks[-1].month if locks else "", etag=str(books.version))
