"""Wires routing."""

import asyncio

from tiaochu_domainkit.sealing import load_keyring
from tiaochu_kit.figures import Gauge
from tiaochu_kit.paging import PageTokens
from tiaochu_kit.runner import App, Kit
from tiaochu_routing.store.clock_queries import ClockQueries
from tiaochu_routing.store.directory import DirectoryStore
from tiaochu_routing.store.directory_queries import DirectoryQueries
from tiaochu_routing.store.ranking import Ranking
from tiaochu_routing.store.responsibility_queries import ResponsibilityQueries
from tiaochu_routing.store.rule_queries import RuleQueries
from tiaochu_routing.store.worklist import Worklist
from tiaochu_routing.usecases.assignments import AssignmentProjection
from tiaochu_routing.usecases.case_reactions import IntakeReactions, MediationReactions, OwnReactions
from tiaochu_routing.usecases.clock_reactions import ClockReactions
from tiaochu_routing.usecases.clocks import ClockCommands
from tiaochu_routing.usecases.deputies import DeputyCommands
from tiaochu_routing.usecases.directory import DirectoryCommands
from tiaochu_routing.usecases.directory_import import DirectoryImport
from tiaochu_routing.usecases.duties import Duties
from tiaochu_routing.usecases.responsibility import ResponsibilityCommands
from tiaochu_routing.usecases.rules import RuleCommands

SERVICE = "routing"
PACKAGE = "tiaochu_routing"
PROVISIONAL = Gauge(
    "Running clocks whose year has no calendar yet",
    ("district",),
    "SELECT district, count(*) FROM clocks WHERE provisional AND status = 'running' GROUP BY district",
)


def build(kit: Kit) -> App:
    """The service: its RPCs, its reactions and its duties."""
    if kit.settings.keys_dir is None:
        raise ValueError("routing needs TIAOCHU_KEYS_DIR: phones of staff are encrypted")
    keyring = load_keyring(kit.settings.keys_dir)
    tokens = PageTokens(keyring.blind_index(SERVICE, "page_tokens").encode())
    store = DirectoryStore(kit.database)
    responsibility, clocks = ResponsibilityCommands(store), ClockCommands(store)
    directory, deputies = DirectoryCommands(), DeputyCommands(store)

    async def read_logs(district: str) -> None:
        await asyncio.gather(*(consumer.catch_up(district) for consumer in kit.consumers.values()))

    duties = Duties(
        kit.executor.run,
        kit.clock.now,
        store,
        read_logs,
        responsibility=responsibility,
        clocks=clocks,
        directory=directory,
        deputies=deputies,
    )
    reading_clocks = ClockReactions()
    return App(
        rpcs={
            "tiaochu.routing.v1.ResponsibilityService": [
                responsibility,
                ResponsibilityQueries(kit.database),
                Worklist(kit.database, tokens),
                Ranking(kit.database),
            ],
            "tiaochu.routing.v1.ClockService": [clocks, ClockQueries(kit.database, store)],
            "tiaochu.routing.v1.DirectoryService": [
                directory,
                deputies,
                DirectoryImport(keyring),
                DirectoryQueries(kit.database, store, tokens),
            ],
            "tiaochu.routing.v1.RuleService": [RuleCommands(), RuleQueries(kit.database, store)],
        },
        consumers={
            "intake": [IntakeReactions(), reading_clocks],
            "mediation": [MediationReactions(), reading_clocks, AssignmentProjection()],
            "docking": [reading_clocks],
            "routing": [OwnReactions(), reading_clocks],
        },
        timers=duties.timers,
        calls=duties.calls,
        gauges={"tiaochu.clocks.provisional": PROVISIONAL},
    )
