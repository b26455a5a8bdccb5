"""The documents of the intake, and the columns lists filter and sort by."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from tiaochu_domainkit.aggregate import Aggregate, Transitions
from tiaochu_domainkit.stages import MediationSlice, RoutingSlice, case_stage
from tiaochu_intake.domain.case import Case
from tiaochu_intake.domain.elsewhere import Elsewhere
from tiaochu_intake.domain.keywords import KeywordTable
from tiaochu_intake.domain.policies import PolicyBook
from tiaochu_intake.domain.unmasking import Unmasking
from tiaochu_kit.documents import Column, DocumentTable, Read
from tiaochu_kit.work import Work

COPIED = "copied"


@dataclass(frozen=True)
class Reached:
    """A stage and when it was reached."""

    stage: int
    at: datetime


@dataclass(kw_only=True)
class RoutingCopy(Aggregate):
    """What routing said of a case; written from routing's log alone."""

    TRANSITIONS: ClassVar[Transitions] = {}

    slice: RoutingSlice = field(default_factory=RoutingSlice)
    holder_organ_id: str = ""
    responsibility_version: int = 0
    reached: list[Reached] = field(default_factory=list)


@dataclass(kw_only=True)
class MediationCopy(Aggregate):
    """What mediation said of a case; written from mediation's log alone."""

    TRANSITIONS: ClassVar[Transitions] = {}

    slice: MediationSlice = field(default_factory=MediationSlice)
    reached: list[Reached] = field(default_factory=list)


CASES = DocumentTable(
    "cases",
    Case,
    columns={
        "organ_path": Column("text", lambda c: c.entry.organ_path),
        "organ_id": Column("text", lambda c: c.entry.organ_id),
        "case_number": Column("text", lambda c: c.entry.number),
        "received_at": Column("timestamptz", lambda c: c.entry.received_at),
        "region_code": Column("text", lambda c: c.entry.region_code),
        "channel": Column("text", lambda c: c.entry.channel),
        "category": Column("text", lambda c: c.classification.category if c.classification else c.entry.category_hint),
        "difficulty": Column("text", lambda c: c.classification.difficulty if c.classification else ""),
        "risk": Column("text", lambda c: c.classification.risk if c.classification else ""),
        "amount_fen": Column("bigint", lambda c: c.amount_fen),
        "own_stage": Column("smallint", lambda c: int(case_stage(c.slice(), RoutingSlice(), MediationSlice()))),
        "receipt_index": Column("text", lambda c: c.entry.receipt_index),
        "master_case_id": Column("text", lambda c: c.merge_state.master_case_id if c.merge_state else ""),
    },
)
ROUTING_COPIES = DocumentTable(
    "routing_copies",
    RoutingCopy,
    columns={
        "transfer_pending": Column("boolean", lambda c: c.slice.transfer_pending),
        "accepted": Column("boolean", lambda c: c.slice.accepted),
        "declined": Column("boolean", lambda c: c.slice.declined),
        "ended": Column("boolean", lambda c: c.slice.ended),
        "holder_organ_id": Column("text", lambda c: c.holder_organ_id),
    },
    journal=False,
)
MEDIATION_COPIES = DocumentTable(
    "mediation_copies", MediationCopy, columns={"stage": Column("smallint", lambda c: c.slice.stage)}, journal=False
)
KEYWORD_TABLES = DocumentTable("keyword_tables", KeywordTable)
POLICY_BOOKS = DocumentTable("policy_books", PolicyBook)
UNMASKINGS = DocumentTable("unmaskings", Unmasking, columns={"case_id": Column("text", lambda u: u.case_id)})

_NAMES = uuid.UUID("6f1b8d52-6a0e-5c3a-9c63-1c2c7e0d8a11")


def district_id(table: str, district: str) -> str:
    """The id of the one document a district has in a table."""
    return str(uuid.uuid5(_NAMES, f"{table}:{district}"))


def with_copies(case_id: str) -> list[Read]:
    """A case and what the other services said of it."""
    return [CASES.by_id(case_id), ROUTING_COPIES.by_id(case_id), MEDIATION_COPIES.by_id(case_id)]


def elsewhere(work: Work, case_id: str) -> Elsewhere:
    """What the other services said, as far as it was read with the case."""
    routing, mediation = work.find(ROUTING_COPIES, case_id), work.find(MEDIATION_COPIES, case_id)
    return Elsewhere(routing.slice if routing else RoutingSlice(), mediation.slice if mediation else MediationSlice())
