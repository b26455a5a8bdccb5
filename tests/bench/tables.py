"""Which tables of which service hold what belongs to one case, and how its rows are found."""

from collections.abc import Mapping

from tiaochu_embedded.topology import DEFAULT

SERVICES = DEFAULT.services

TABLES: Mapping[str, Mapping[str, str]] = {
    "intake": {
        "cases": "id = %(case)s::uuid",
        "case_texts": "case_id = %(case)s::uuid",
        "search_tokens": "case_id = %(case)s::uuid",
        "party_indexes": "case_id = %(case)s::uuid",
        "staff_acts": "case_id = %(case)s::uuid",
        "case_files": "case_id = %(case)s::uuid",
        "uploads": "case_id = %(case)s::uuid",
        "routing_copies": "id = %(case)s::uuid",
        "mediation_copies": "id = %(case)s::uuid",
        "case_access": "subject = %(case)s",
    },
    "routing": {
        "responsibilities": "id = %(case)s::uuid",
        "case_facts": "id = %(case)s::uuid",
        "mediation_facts": "id = %(case)s::uuid",
        "assignments": "case_id = %(case)s::uuid",
        "transfer_notes": "case_id = %(case)s::uuid",
        "decline_notices": "case_id = %(case)s::uuid",
        "clocks": "case_id = %(case)s::uuid",
        "case_access": "subject = %(case)s",
        "timers": "key LIKE %(case)s || ':%%'",
    },
    "mediation": {
        "mediations": "id = %(case)s::uuid",
        "case_facts": "id = %(case)s::uuid",
        "texts": "case_id = %(case)s::uuid",
        "performances": "case_id = %(case)s::uuid",
        "staff_acts": "case_id = %(case)s::uuid",
        "case_access": "subject = %(case)s",
    },
    "docking": {
        "case_files": "id = %(case)s::uuid",
        "exchanges": "case_id = %(case)s",
        "packets": "case_id = %(case)s",
        "receipts": "packet_id IN (SELECT packet_id FROM packets WHERE case_id = %(case)s)",
        "deliveries": "case_id = %(case)s",
        "attempts": "delivery_id IN (SELECT id FROM deliveries WHERE case_id = %(case)s)",
        "case_access": "subject = %(case)s",
    },
    "reporting": {"case_access": "subject = %(case)s"},
}
"""Not copied: request keys, natural keys, done calls (they are swept), and what is sealed or chained for an agency (letters, the sharing ledger).
The ledger of reporting is made from the facts, see `ledger`."""

SHARED: Mapping[str, tuple[str, ...]] = {
    "intake": ("organs", "posts", "keyword_tables", "policy_books"),
    "routing": ("organs", "posts", "staff", "staff_posts", "mediators", "regions", "routing_rules", "deadline_books"),
    "docking": ("agencies",),
}
"""Tables whose ids are the same in every case: the directory, rules, agencies."""

UNCOPIED_COLUMNS = {"attempts": ("id",), "journal": ("seq",)}
"""Columns the database counts by itself."""
