"""Composition root."""

from tiaochu_kit.consumer import Consumer
from tiaochu_kit.runner import App, Kit
from tiaochu_reporting import edge
from tiaochu_reporting.store.ledger import LedgerTables
from tiaochu_reporting.store.lineages import LineageTables
from tiaochu_reporting.store.reading import LiveTables
from tiaochu_reporting.usecases.fold import Folding
from tiaochu_reporting.usecases.locks import LockCommands, LockQueries
from tiaochu_reporting.usecases.rebuild import LogFromZero, ProjectionCommands, ProjectionQueries, Rebuilding, StartingOver
from tiaochu_reporting.usecases.reports import ReportQueries
from tiaochu_reporting.usecases.timeline import TimelineQueries

PRODUCERS = ("intake", "routing", "mediation", "docking")


def build(kit: Kit) -> App:
    """The service, wired."""
    edge.register()
    ledger, reading, lineages = LedgerTables(), LiveTables(kit.database), LineageTables(kit.database)

    def reader(source: LogFromZero, lineage: int) -> Consumer:
        folding = [Folding(ledger, lineage)]
        return Consumer("reporting", source, kit.database, kit.journal, kit.codec, folding, kit.clock.now, kit.committed)

    rebuilding = Rebuilding(lineages, kit.consumers, reader, kit.clock.now)
    return App(
        rpcs={
            "tiaochu.reporting.v1.ReportService": [
                ReportQueries(reading, kit.pages),
                TimelineQueries(kit.peers, kit.codec, PRODUCERS),
                LockCommands(),
                LockQueries(reading),
            ],
            "tiaochu.reporting.v1.ProjectionService": [ProjectionCommands(kit.series), ProjectionQueries(lineages)],
        },
        consumers={producer: [Folding(ledger), StartingOver(lineages)] for producer in PRODUCERS},
        background=[rebuilding.rebuild],
    )
