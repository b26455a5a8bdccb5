"""The tables of routing.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

from tiaochu_kit.migrations import create_document_table, create_kit_tables, wall

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_OPEN = "status IN ('held', 'offered', 'designation_due', 'accepted')"


def upgrade() -> None:
    """Everything from nothing."""
    create_kit_tables(op)
    _cases()
    _clocks()
    _directory()
    _rules()


def _cases() -> None:
    create_document_table(
        op,
        "responsibilities",
        [
            sa.Column("organ_id", sa.Text, nullable=False),
            sa.Column("organ_path", sa.Text, nullable=False),
            sa.Column("to_organ_path", sa.Text),
            sa.Column("designating_path", sa.Text),
            sa.Column("started_at", sa.TIMESTAMP(timezone=True), nullable=False),
        ],
    )
    # Worklists hold what is open, a few of a hundred cases: this finds a unit's own, and all of them where a list asks for several reasons at once.
    op.execute(f"CREATE INDEX responsibilities_unit ON responsibilities (organ_id) WHERE {_OPEN}")
    op.execute("CREATE INDEX responsibilities_holder ON responsibilities (organ_path text_pattern_ops, status)")
    op.execute(
        "CREATE INDEX responsibilities_receiver ON responsibilities (to_organ_path text_pattern_ops) WHERE to_organ_path IS NOT NULL"
    )
    op.execute(
        "CREATE INDEX responsibilities_designating ON responsibilities (designating_path text_pattern_ops) WHERE designating_path IS NOT NULL"
    )
    op.execute("CREATE INDEX responsibilities_helping ON responsibilities USING gin ((doc -> 'lead' -> 'co_units') jsonb_path_ops)")
    create_document_table(
        op,
        "case_facts",
        [
            sa.Column("case_number", sa.Text),
            sa.Column("category", sa.Text),
            sa.Column("classified_at", sa.TIMESTAMP(timezone=True)),
        ],
    )
    op.create_index("case_facts_classified", "case_facts", ["district", "classified_at"])
    create_document_table(op, "mediation_facts")
    op.create_table(
        "assignments",
        sa.Column("case_id", UUID, nullable=False),
        sa.Column("mediator_id", UUID, nullable=False),
        sa.Column("district", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("case_id", "mediator_id"),
    )
    op.create_index("assignments_mediator", "assignments", ["mediator_id", "status"])
    wall(op, "assignments")
    op.create_table(
        "transfer_notes",
        sa.Column("transfer_id", UUID, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("case_id", UUID, nullable=False),
        sa.Column("district", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("salt", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("written_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("written_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("transfer_id", "kind"),
    )
    op.create_index("transfer_notes_case", "transfer_notes", ["case_id"])
    wall(op, "transfer_notes")
    op.create_table(
        "decline_notices",
        sa.Column("id", UUID, primary_key=True),
        sa.Column("case_id", UUID, nullable=False, unique=True),
        sa.Column("district", sa.Text, nullable=False),
        sa.Column("ground", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("salt", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("served_by", sa.Text, nullable=False),
        sa.Column("served_at", sa.TIMESTAMP(timezone=True), nullable=False),
    )
    wall(op, "decline_notices")


def _clocks() -> None:
    create_document_table(
        op,
        "clocks",
        [
            sa.Column("case_id", UUID, nullable=False),
            sa.Column("rule_code", sa.Text, nullable=False),
            sa.Column("due_at", sa.TIMESTAMP(timezone=True)),
            sa.Column("provisional", sa.Boolean, nullable=False),
        ],
    )
    op.create_index("clocks_case", "clocks", ["case_id", "due_at"])
    op.execute("CREATE INDEX clocks_provisional ON clocks (district) WHERE provisional AND status = 'running'")
    create_document_table(op, "deadline_books")


def _directory() -> None:
    create_document_table(
        op,
        "organs",
        [
            sa.Column("code", sa.Text, nullable=False),
            sa.Column("kind", sa.Text, nullable=False),
            sa.Column("organ_path", sa.Text, nullable=False),
            sa.Column("name", sa.Text, nullable=False),
        ],
    )
    op.create_index("organs_code", "organs", ["district", "code"], unique=True)
    op.execute("CREATE INDEX organs_path ON organs (organ_path text_pattern_ops)")
    create_document_table(
        op,
        "staff_posts",
        [
            sa.Column("person_id", UUID, nullable=False),
            sa.Column("organ_id", UUID, nullable=False),
            sa.Column("role", sa.Text, nullable=False),
            sa.Column("valid_from", sa.Date, nullable=False),
            sa.Column("valid_to", sa.Date),
        ],
    )
    op.create_index("staff_posts_person", "staff_posts", ["person_id"])
    op.create_index("staff_posts_organ", "staff_posts", ["organ_id"])
    create_document_table(op, "deputy_rolls")
    create_document_table(op, "regions", [sa.Column("code", sa.Text, nullable=False)])
    op.create_index("regions_code", "regions", ["district", "code"], unique=True)
    create_document_table(op, "staff", [sa.Column("login", sa.Text, nullable=False)])
    op.create_index("staff_login", "staff", ["district", "login"], unique=True)
    create_document_table(op, "mediators")


def _rules() -> None:
    create_document_table(op, "routing_rules", [sa.Column("code", sa.Text, nullable=False)])
    op.create_index("routing_rules_code", "routing_rules", ["district", "code"], unique=True)
