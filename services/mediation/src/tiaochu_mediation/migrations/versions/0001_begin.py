"""Everything the first release needs."""

import sqlalchemy as sa
from alembic import op

from tiaochu_kit.migrations import create_document_table, create_kit_tables, wall

revision = "0001"
down_revision = None

_MEDIATION_COLUMNS = [
    *(sa.Column(name, sa.Text, nullable=False) for name in ("organ_path", "organ_id", "mediator_id")),
    *(sa.Column(name, sa.DateTime(timezone=True)) for name in ("opened_at", "next_session_at")),
]
_STATEMENTS = (
    "CREATE INDEX mediations_mediator ON mediations (mediator_id, opened_at DESC, id DESC) WHERE mediator_id <> ''",
    "CREATE INDEX mediations_newest ON mediations (district, opened_at DESC, id DESC) WHERE opened_at IS NOT NULL",
    "CREATE INDEX mediations_appointed ON mediations (district, next_session_at, id) WHERE next_session_at IS NOT NULL",
    # Records, statements, notes said apart, terms, notices: written once, named by id, their salted hash stands in an event.
    """CREATE TABLE texts (
         id uuid PRIMARY KEY, district text NOT NULL, case_id uuid NOT NULL, kind text NOT NULL, ref text NOT NULL, party_id text NOT NULL,
         body text NOT NULL, salt bytea NOT NULL, sha256 text NOT NULL, written_by text NOT NULL, written_at timestamptz NOT NULL
       )""",
    "CREATE INDEX texts_ref ON texts (ref, kind) WHERE ref <> ''",
    "CREATE INDEX texts_case ON texts (case_id)",
    # The ledger of what was performed (履行台账); the document has each obligation's sum and state.
    """CREATE TABLE performances (
         id uuid PRIMARY KEY, case_id uuid NOT NULL, district text NOT NULL, agreement_id uuid NOT NULL, obligation_id uuid NOT NULL,
         amount_fen bigint NOT NULL, performed_on date NOT NULL, late boolean NOT NULL, proof_file_id text NOT NULL,
         confirmed_by_obligee boolean NOT NULL, recorded_by text NOT NULL, recorded_at timestamptz NOT NULL
       )""",
    "CREATE INDEX performances_agreement ON performances (agreement_id, id)",
    # Parties act through staff: who acted, how the identity was checked.
    """CREATE TABLE staff_acts (
         id uuid PRIMARY KEY, case_id uuid NOT NULL, district text NOT NULL, action text NOT NULL, party_id text NOT NULL,
         identity_check text NOT NULL, staff_id text NOT NULL, acted_at timestamptz NOT NULL
       )""",
    "CREATE INDEX staff_acts_case ON staff_acts (case_id)",
)


def upgrade() -> None:
    create_kit_tables(op)
    create_document_table(op, "mediations", _MEDIATION_COLUMNS)
    create_document_table(op, "case_facts")
    for statement in _STATEMENTS:
        op.execute(statement)
    for name in ("texts", "performances", "staff_acts"):
        wall(op, name)
