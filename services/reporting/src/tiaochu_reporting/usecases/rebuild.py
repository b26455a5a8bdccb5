"""Making all derived tables anew from the journals, beside the ones in use, and switching to them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import structlog

from tiaochu.log.v1.log_service_pb2 import Head, LoggedEvent
from tiaochu.reporting.v1 import projection_service_pb2 as pb
from tiaochu_kit.consumer import Consumer
from tiaochu_kit.database import Tx
from tiaochu_kit.producers import Producer
from tiaochu_kit.series import NumberSeries
from tiaochu_kit.usecase import Context, Work, command, on_lineage, query
from tiaochu_reporting.usecases.fold import REBUILDING
from tiaochu_reporting.usecases.instants import stamp
from tiaochu_reporting.usecases.ports import Lineage, Lineages

POLL_SECONDS = 2.0
BUILDING = "building"

log = structlog.get_logger()


class LogFromZero:
    """A producer's log under a name of its own, so that reading it again has cursors of its own."""

    def __init__(self, producer: Producer, lineage: int) -> None:
        self.name = f"{producer.name}{REBUILDING}{lineage}"
        self._producer = producer

    async def heads(self, district: str = "") -> Sequence[Head]:
        """See `Producer`."""
        return await self._producer.heads(district)

    async def read(self, district: str, after: int) -> Sequence[LoggedEvent]:
        """See `Producer`."""
        return await self._producer.read(district, after)

    async def read_cases(self, case_ids: Sequence[str], types: Sequence[str], after: tuple[str, int] = ("", 0)) -> Sequence[LoggedEvent]:
        """See `Producer`."""
        return await self._producer.read_cases(case_ids, types, after)


class Rebuilding:
    """Builds whatever lineage waits to be built. Runs under a lease; a restart goes on where the cursors stand."""

    def __init__(
        self,
        lineages: Lineages,
        consumers: Mapping[str, Consumer],
        reader: Callable[[LogFromZero, int], Consumer],
        now: Callable[[], datetime],
    ) -> None:
        self._lineages = lineages
        self._consumers = consumers
        self._reader = reader
        self._now = now

    async def rebuild(self) -> None:
        """For ever. A failure ends it, and the lease begins it again."""
        while True:
            for lineage in await self._lineages.all():
                if lineage.state == BUILDING:
                    await self.build(lineage.number)
            await self._lineages.purge()
            await asyncio.sleep(POLL_SECONDS)

    async def build(self, lineage: int) -> bool:
        """Read every log to its head, join the consumers, and switch when nothing is missing; answers whether it is live."""
        readers = [self._reader(LogFromZero(c.producer, lineage), lineage) for c in self._consumers.values()]
        for reader in readers:
            await reader.catch_up_all()
        producers = list(self._consumers)
        await self._lineages.join(lineage, producers)
        live = await self._lineages.switch(lineage, producers, self._now())
        log.info("rebuild.live" if live else "rebuild.behind", lineage=lineage)
        return live


class StartingOver:
    """Every figure may rest on what a producer lost: all tables are made anew. Given to every consumer."""

    def __init__(self, lineages: Lineages) -> None:
        self._lineages = lineages

    @on_lineage
    async def start_over(self, tx: Tx) -> None:
        """See `Lineages.start_over`; the background work builds it."""
        await self._lineages.start_over(tx)


class ProjectionCommands:
    """Commands on the sets of tables."""

    def __init__(self, series: NumberSeries) -> None:
        self._series = series

    async def _number(self, _ctx: Context, _r: pb.StartRebuildRequest) -> int:
        return 1 + await self._series.next("lineage")

    @command(before=_number)
    def start_rebuild(self, work: Work, _r: pb.StartRebuildRequest, number: int) -> pb.StartRebuildResponse:
        """The next lineage; the background work builds it."""
        work.insert("lineages", {"lineage": number, "state": BUILDING, "started_at": work.now})
        return pb.StartRebuildResponse(lineage=number)


class ProjectionQueries:
    """Queries on the sets of tables."""

    def __init__(self, lineages: Lineages) -> None:
        self._lineages = lineages

    @query
    async def list_projections(self, _ctx: Context, _r: pb.ListProjectionsRequest) -> pb.ListProjectionsResponse:
        """A handful."""
        return pb.ListProjectionsResponse(projections=[_projection(found) for found in await self._lineages.all()])


def _projection(found: Lineage) -> pb.Projection:
    made = pb.Projection(lineage=found.number, state=found.state, started_at=stamp(found.started_at), logs_joined=found.logs_joined)
    if found.live_at is not None:
        made.live_at.CopyFrom(stamp(found.live_at))
    return made
