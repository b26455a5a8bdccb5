"""What an operator asks and decides after a restore. Part of `LogService`."""

from collections.abc import Mapping
from datetime import UTC

from tiaochu.log.v1 import log_service_pb2 as pb
from tiaochu_domainkit.errors import DomainError, denied, invalid
from tiaochu_kit.consumer import ANOTHER_HASH, EVERY, HEAD_BEHIND_CURSOR, NEW_LINEAGE, Consumer, Cursor, apart
from tiaochu_kit.lineages import LineageStarter
from tiaochu_kit.principal import ALL_DISTRICTS
from tiaochu_kit.remaking import known
from tiaochu_kit.usecase import Context, query

_STATES = {NEW_LINEAGE: "new_lineage", HEAD_BEHIND_CURSOR: "head_behind_cursor", ANOTHER_HASH: "another_hash"}
"""Why nothing is read, in the words of `Cursor.state`."""


class Recovery:
    """The RPCs about cursors and lineages of `tiaochu.log.v1.LogService`."""

    def __init__(self, consumers: Mapping[str, Consumer], lineages: LineageStarter) -> None:
        self._consumers = consumers
        self._lineages = lineages

    @query
    async def list_cursors(self, ctx: Context, _r: pb.ListCursorsRequest) -> pb.ListCursorsResponse:
        """Compared with the producers' heads as they are now, whatever this process noticed before."""
        compared = [told for name in sorted(self._consumers) for told in await self._compared(name)]
        return pb.ListCursorsResponse(cursors=[told for told in compared if ctx.principal.works_in(told.district)])

    @query
    async def start_lineage(self, ctx: Context, r: pb.StartLineageRequest) -> pb.StartLineageResponse:
        """Accept a loss. Reason: OUTSIDE_DISTRICT."""
        if not ctx.principal.works_in(ALL_DISTRICTS):
            raise denied("OUTSIDE_DISTRICT", "a lineage begins in all districts", "须由全域管理员办理", district=ALL_DISTRICTS)
        if not r.HasField("restored_time"):
            raise invalid("restored_time", "REQUIRED", "请填写恢复到的时刻")
        restored_at = r.restored_time.ToDatetime(UTC)
        if r.dry_run:
            return pb.StartLineageResponse(lineages=await self._lineages.plan(restored_at, r.districts))
        if not r.reason.strip():
            raise invalid("reason", "REQUIRED", "请填写原因")
        return pb.StartLineageResponse(lineages=await self._lineages.start(restored_at, r.districts, r.reason, ctx.principal.id))

    async def _compared(self, producer: str) -> list[pb.Cursor]:
        consumer = self._consumers[producer]
        cursors = await consumer.cursors()
        try:
            heads = {head.district: head for head in await consumer.producer.heads()}
        except DomainError:
            heads = None
        found = []
        for district in sorted({*cursors, *(heads or {})}):
            cursor = cursors.get(district, Cursor())
            told = pb.Cursor(
                producer=producer, district=district, position=cursor.position, hash=cursor.hash, lineage=known(cursor.lineage)
            )
            if heads is None:
                told.head, told.state = -1, "unavailable"
            else:
                head = heads.get(district, pb.Head(district=district))
                told.head, told.state = head.position, await _state(consumer, cursor, head)
            found.append(told)
        return found


async def _state(consumer: Consumer, cursor: Cursor, head: pb.Head) -> str:
    """See `Cursor.state` in the proto."""
    if why := apart(cursor, head):
        return _STATES[why]
    if cursor.position < head.position:
        following = await consumer.producer.read(head.district, cursor.position)
        if following and following[0].previous_hash != cursor.hash:
            return _STATES[ANOTHER_HASH]
    if EVERY in consumer.stops:
        return "parked"
    return "read" if cursor.position == head.position else "behind"
