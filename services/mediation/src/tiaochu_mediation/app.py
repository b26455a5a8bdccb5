"""Wires mediation: settings in, a service out."""

from tiaochu.docking.events.v1 import docking_events_pb2  # noqa: F401 - types consumed must be known
from tiaochu.intake.events.v1 import case_events_pb2  # noqa: F401
from tiaochu.mediation.events.v1 import agreement_events_pb2, ending_events_pb2, table_events_pb2  # noqa: F401
from tiaochu.routing.events.v1 import clock_events_pb2, directory_events_pb2, responsibility_events_pb2  # noqa: F401
from tiaochu_kit.runner import App, Kit
from tiaochu_mediation.edge.peers import IntakeParties, RoutingOrgans
from tiaochu_mediation.settings import MediationSettings
from tiaochu_mediation.store.lists import MediationLists
from tiaochu_mediation.store.mediators import StoredMediators
from tiaochu_mediation.store.reads import StoredReads
from tiaochu_mediation.usecases.actions import ActionQueries
from tiaochu_mediation.usecases.agreeing import AgreeingCommands
from tiaochu_mediation.usecases.assigning import AssigningCommands
from tiaochu_mediation.usecases.closing import ClosingCommands
from tiaochu_mediation.usecases.notices import Notices
from tiaochu_mediation.usecases.performing import PerformingCommands
from tiaochu_mediation.usecases.queries import MediationQueries
from tiaochu_mediation.usecases.reactions import DockingReactions, IntakeReactions, RoutingReactions
from tiaochu_mediation.usecases.sitting import SittingCommands


def build(kit: Kit) -> App:
    """The service. It reads its own log too: access rows are kept the same way in every service."""
    settings = MediationSettings()
    reads = StoredReads(kit.database)
    parties = IntakeParties(kit.peers)
    notices = Notices(settings.remedy_places)
    return App(
        rpcs={
            "tiaochu.mediation.v1.MediationService": [
                AssigningCommands(parties, StoredMediators(kit.database)),
                SittingCommands(parties, settings.session_notices()),
                AgreeingCommands(reads, RoutingOrgans(kit.peers), kit.series, settings.agreement_number),
                PerformingCommands(),
                ClosingCommands(notices),
                MediationQueries(reads),
                MediationLists(kit.database, kit.pages),
                ActionQueries(reads),
            ]
        },
        consumers={
            "intake": [IntakeReactions(notices)],
            "routing": [RoutingReactions(notices)],
            "docking": [DockingReactions()],
            "mediation": [],
        },
    )
