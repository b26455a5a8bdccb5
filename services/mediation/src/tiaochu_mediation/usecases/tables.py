"""The documents of mediation."""

from tiaochu_kit.documents import Column, DocumentTable
from tiaochu_mediation.domain.facts import CaseFacts
from tiaochu_mediation.domain.mediation import Mediation

MEDIATIONS = DocumentTable(
    "mediations",
    Mediation,
    columns={
        "organ_path": Column("text", lambda m: m.organ_path),
        "mediator_id": Column("text", lambda m: m.mediator_id),
    },
)
CASE_FACTS = DocumentTable("case_facts", CaseFacts, journal=False)
"""Intake's slice; written from its log only."""
