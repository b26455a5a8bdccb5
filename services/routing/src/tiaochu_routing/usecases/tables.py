"""The documents of routing: which aggregate stands in which table, and what lists filter and sort by."""

import uuid

from tiaochu_kit.documents import Column, DocumentTable
from tiaochu_routing.domain.case_facts import CaseFacts
from tiaochu_routing.domain.clock import Clock
from tiaochu_routing.domain.deadline_book import DeadlineBook
from tiaochu_routing.domain.deputies import DeputyRoll
from tiaochu_routing.domain.directory import MediatorEntry, Organ, Post, Region, StaffMember
from tiaochu_routing.domain.mediation_facts import MediationFacts
from tiaochu_routing.domain.responsibility import Responsibility
from tiaochu_routing.domain.routing_rules import RuleHistory

_NAMES = uuid.UUID("019b76da-a800-7000-8000-000000000000")
"""Namespace of the ids that are made of what they stand for, so that the same thing never gets two."""

RESPONSIBILITIES = DocumentTable(
    "responsibilities",
    Responsibility,
    columns={
        "organ_id": Column("text", lambda r: r.holder.id),
        "organ_path": Column("text", lambda r: r.holder.path),
        "to_organ_path": Column("text", lambda r: r.pending.receiver.path if r.pending else None),
        "designating_path": Column("text", lambda r: r.designating.path if r.designating else None),
        "started_at": Column("timestamptz", lambda r: r.holdings[0].since),
    },
)
CASE_FACTS = DocumentTable(
    "case_facts",
    CaseFacts,
    columns={
        "case_number": Column("text", lambda f: f.case_number),
        "category": Column("text", lambda f: f.category),
        "classified_at": Column("timestamptz", lambda f: f.classified_at),
    },
    journal=False,
)
MEDIATION_FACTS = DocumentTable("mediation_facts", MediationFacts, journal=False)
CLOCKS = DocumentTable(
    "clocks",
    Clock,
    columns={
        "case_id": Column("uuid", lambda c: c.case_id),
        "rule_code": Column("text", lambda c: c.rule_code),
        "due_at": Column("timestamptz", lambda c: c.due_at if c.status == "running" else None),
        "provisional": Column("boolean", lambda c: c.provisional),
    },
)
DEADLINE_BOOKS = DocumentTable("deadline_books", DeadlineBook, journal=False)
ROUTING_RULES = DocumentTable("routing_rules", RuleHistory, columns={"code": Column("text", lambda h: h.code)}, journal=False)

ORGANS = DocumentTable(
    "organs",
    Organ,
    columns={
        "code": Column("text", lambda o: o.code),
        "kind": Column("text", lambda o: o.latest.kind),
        "organ_path": Column("text", lambda o: o.latest.path),
        "name": Column("text", lambda o: o.name),
    },
)
STAFF_POSTS = DocumentTable(
    "staff_posts",
    Post,
    columns={
        "person_id": Column("uuid", lambda p: p.person_id),
        "organ_id": Column("uuid", lambda p: p.organ_id),
        "role": Column("text", lambda p: p.role),
        "valid_from": Column("date", lambda p: p.valid_from),
        "valid_to": Column("date", lambda p: p.valid_to),
    },
)
DEPUTY_ROLLS = DocumentTable("deputy_rolls", DeputyRoll)
REGIONS = DocumentTable("regions", Region, columns={"code": Column("text", lambda r: r.code)}, journal=False)
STAFF = DocumentTable("staff", StaffMember, columns={"login": Column("text", lambda s: s.login)}, journal=False)
MEDIATORS = DocumentTable("mediators", MediatorEntry, journal=False)


def clock_id(case_id: str, rule_code: str, ref_id: str) -> str:
    """The clock of a case by this rule about this thing."""
    return _named("clock", case_id, rule_code, ref_id)


def book_id(district: str) -> str:
    """The deadline book of a district."""
    return _named("deadline_book", district)


def rule_history_id(district: str, code: str) -> str:
    """The versions of one routing rule."""
    return _named("routing_rule", district, code)


def rule_version_id(district: str, code: str, valid_from: str) -> str:
    """One version of a routing rule."""
    return _named("routing_rule_version", district, code, valid_from)


def region_id(code: str) -> str:
    """The document of a region."""
    return _named("region", code)


def post_id(person_id: str, organ_id: str, role: str, valid_from: str) -> str:
    """A post, so that the same files fill it once."""
    return _named("post", person_id, organ_id, role, valid_from)


def deputy_roll_id(district: str) -> str:
    """The deputations of a district."""
    return _named("deputy_roll", district)


def _named(*parts: str) -> str:
    return str(uuid.uuid5(_NAMES, "\x1f".join(parts)))
