"""The composition root: settings in, the wired service out."""

import asyncio

from tiaochu_intake.edge import events
from tiaochu_intake.edge.registers import RegisterStreams
from tiaochu_intake.store.books import DistrictBooks
from tiaochu_intake.store.case_queries import CaseQueries
from tiaochu_intake.store.directory import OrganDirectory, OrganLog
from tiaochu_intake.store.downloads import Downloads
from tiaochu_intake.store.duplicates import TriageQueries
from tiaochu_intake.store.lists import CaseLists
from tiaochu_intake.store.resealing import Resealing
from tiaochu_intake.store.search import CaseSearch, SearchLog
from tiaochu_intake.store.uploads import UploadedFiles
from tiaochu_intake.usecases.attachments import Attachments
from tiaochu_intake.usecases.case_commands import CaseCommands, FileCommands
from tiaochu_intake.usecases.particulars import Sealer
from tiaochu_intake.usecases.reactions import MediationReactions, RoutingReactions
from tiaochu_intake.usecases.register_import import RegisterImport
from tiaochu_intake.usecases.registration import RegistrationCommands
from tiaochu_intake.usecases.settings_commands import LockReactions, SettingsCommands
from tiaochu_intake.usecases.uploading import Uploading
from tiaochu_kit.runner import App, Kit

SWEEP_SECONDS = 600.0
RESEAL_SECONDS = 24 * 3600.0
"""Keys change seldom and are read when a process starts: a look a day finds what an older one sealed."""
EVENT_MODULES = events.KNOWN


def build(kit: Kit) -> App:
    """Everything the intake does, wired."""
    sealer = Sealer(kit.keyring)
    organs = OrganDirectory(kit.database, kit.peers)
    uploads = UploadedFiles(kit.database)
    books = DistrictBooks(kit.database)
    attachments = Attachments(uploads)
    registration = RegistrationCommands(sealer, organs, kit.series, attachments)
    cases = [
        registration,
        CaseCommands(sealer, books),
        FileCommands(attachments),
        CaseQueries(kit.database, sealer, books),
        CaseLists(kit.database, kit.pages, organs),
        CaseSearch(kit.database, kit.pages, sealer),
        TriageQueries(kit.database, books),
    ]
    register = RegisterImport(kit.database, kit.executor, registration, organs, books)
    settings = [SettingsCommands(), books]

    async def sweep_uploads() -> None:
        while True:
            while await uploads.sweep(kit.blobs, kit.clock.now()):
                pass
            await asyncio.sleep(SWEEP_SECONDS)

    async def reseal_numbers() -> None:
        resealing = Resealing(kit.database, sealer)
        while True:
            await resealing.walk()
            await asyncio.sleep(RESEAL_SECONDS)

    return App(
        rpcs={
            "tiaochu.intake.v1.CaseService": cases,
            "tiaochu.intake.v1.FileService": [Uploading(kit.blobs, uploads, books), Downloads(kit.database, kit.blobs)],
            "tiaochu.intake.v1.RegisterImportService": [RegisterStreams(register)],
            "tiaochu.intake.v1.KeywordService": settings,
            "tiaochu.intake.v1.PolicyService": settings,
        },
        consumers={
            "intake": [SearchLog()],
            "routing": [RoutingReactions(), OrganLog()],
            "mediation": [MediationReactions()],
            "reporting": [LockReactions()],
        },
        background=[sweep_uploads, reseal_numbers],
    )
