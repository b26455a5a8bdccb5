"""The documents of mediation."""

from tiaochu_kit.documents import Column, DocumentTable
from tiaochu_mediation.domain.facts import CaseFacts
from tiaochu_mediation.domain.mediation import Mediation

MEDIATIONS = DocumentTable(
    "mediations",
    Mediation,
    columns={
        "organ_path": Column("text", lambda m: m.organ_path),
        "organ_id": Column("text", lambda m: m.organ_id),
        "mediator_id": Column("text", lambda m: m.mediator_id),
        "opened_at": Column("timestamptz", lambda m: m.opened_at),
        "next_session_at": Column("timestamptz", lambda m: m.appointed.starts_at if m.appointed else None),
    },
)
CASE_FACTS = DocumentTable("case_facts", CaseFacts, journal=False)
"""Intake's slice; written from its log only."""
