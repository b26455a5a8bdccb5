"""Everything the first release needs."""

import sqlalchemy as sa
from alembic import op

from tiaochu_kit.migrations import create_document_table, create_kit_tables, wall

revision = "0001"
down_revision = None

_STATEMENTS = (
    "CREATE INDEX mediations_mediator ON mediations (mediator_id, status) WHERE mediator_id <> ''",
    # Records, statements, notes said apart, terms, notices: written once, named by id, their salted hash stands in an event.
    """CREATE TABLE texts (
         id uuid PRIMARY KEY, district text NOT NULL, case_id uuid NOT NULL, kind text NOT NULL, ref text NOT NULL, party_id text NOT NULL,
         body text NOT NULL, salt bytea NOT NULL, sha256 text NOT NULL, written_by text NOT NULL, written_at timestamptz NOT NULL
       )""",
    "CREATE INDEX texts_ref ON texts (ref, kind) WHERE ref <> ''",
    "CREATE INDEX texts_case ON texts (case_id)",
)


def upgrade() -> None:
    create_kit_tables(op)
    create_document_table(
        op, "mediations", [sa.Column("organ_path", sa.Text, nullable=False), sa.Column("mediator_id", sa.Text, nullable=False)]
    )
    create_document_table(op, "case_facts")
    for statement in _STATEMENTS:
        op.execute(statement)
    wall(op, "texts")
