"""`LogService`: a service's journal, for its consumers, for operators and, per case, for those who see the case."""

from collections.abc import AsyncIterator

from tiaochu.log.v1 import log_service_pb2 as pb
from tiaochu_domainkit.errors import denied, not_found
from tiaochu_kit import access
from tiaochu_kit.database import Database
from tiaochu_kit.log import BATCH, read_subject
from tiaochu_kit.producers import OwnLog
from tiaochu_kit.signing import HeadSigner
from tiaochu_kit.usecase import Context, query, stream


class LogQueries:
    """The queries of `tiaochu.log.v1.LogService`."""

    def __init__(self, database: Database, own: OwnLog, signer: HeadSigner) -> None:
        self._database = database
        self._own = own
        self._signer = signer

    @query
    async def read_heads(self, ctx: Context, r: pb.ReadHeadsRequest) -> pb.ReadHeadsResponse:
        """Positions everything committed, then answers the heads of the caller's districts."""
        heads = await self._own.heads(r.district)
        return pb.ReadHeadsResponse(heads=[head for head in heads if ctx.principal.works_in(head.district)])

    @query
    async def read_log(self, ctx: Context, r: pb.ReadLogRequest) -> pb.ReadLogResponse:
        """A range of one log. Reason: OUTSIDE_DISTRICT."""
        _require_readable(ctx, r.district)
        events = await self._own.read(r.district, r.after)
        return pb.ReadLogResponse(events=events[: min(r.limit or BATCH, BATCH)])

    @query
    async def read_cases(self, _ctx: Context, r: pb.ReadCasesRequest) -> pb.ReadCasesResponse:
        """Some cases' events, for consumers that make their copies again."""
        return pb.ReadCasesResponse(events=await self._own.read_cases(r.case_ids, r.types, (r.after_district, r.after_position)))

    @query
    async def read_subject(self, ctx: Context, r: pb.ReadSubjectRequest) -> pb.ReadSubjectResponse:
        """One case's events, if the caller sees the case."""
        async with self._database.transaction(ctx.principal.scope) as tx:
            cursor = await access.queue(tx, r.case_id)
            await tx.send()
            marks = [(kind, value) for kind, value in await cursor.fetchall()]
            if not access.allows(ctx.principal, "", marks):
                raise not_found("case", r.case_id)
            return pb.ReadSubjectResponse(events=await read_subject(tx, r.case_id))

    @stream
    async def export_log(self, ctx: Context, r: pb.ExportLogRequest) -> AsyncIterator[pb.ExportLogResponse]:
        """One whole log that proves itself. Reason: OUTSIDE_DISTRICT."""
        _require_readable(ctx, r.district)
        async for lines in self._signer.export(r.district):
            yield pb.ExportLogResponse(lines=lines)


def _require_readable(ctx: Context, district: str) -> None:
    if not ctx.principal.works_in(district):
        raise denied("OUTSIDE_DISTRICT", "the caller does not work in this district", "您无权办理其他地区的事项", district=district)
