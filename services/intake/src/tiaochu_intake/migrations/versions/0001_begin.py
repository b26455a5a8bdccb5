"""Everything the first release needs."""

import sqlalchemy as sa
from alembic import op

from tiaochu_kit.migrations import create_document_table, create_kit_tables, wall

revision = "0001"
down_revision = None

_CASE_COLUMNS = [
    sa.Column("organ_path", sa.Text, nullable=False),
    sa.Column("organ_id", sa.Text, nullable=False),
    sa.Column("case_number", sa.Text, nullable=False),
    sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("region_code", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("difficulty", sa.Text, nullable=False),
    sa.Column("risk", sa.Text, nullable=False),
    sa.Column("amount_fen", sa.BigInteger, nullable=False),
    sa.Column("own_stage", sa.SmallInteger, nullable=False),
    sa.Column("receipt_index", sa.Text, nullable=False),
    sa.Column("master_case_id", sa.Text, nullable=False),
]
_ROUTING_COLUMNS = [
    *(sa.Column(name, sa.Boolean, nullable=False) for name in ("transfer_pending", "accepted", "declined", "ended")),
    sa.Column("holder_organ_id", sa.Text, nullable=False),
]

_ROWS = (
    "CREATE UNIQUE INDEX cases_number ON cases (case_number)",
    "CREATE UNIQUE INDEX cases_receipt ON cases (receipt_index)",
    "CREATE INDEX cases_newest ON cases (district, received_at DESC, id DESC)",
    "CREATE INDEX cases_place ON cases (district, region_code, received_at)",
    "CREATE INDEX cases_master ON cases (master_case_id) WHERE master_case_id <> ''",
    # Free texts: facts, place, what is claimed, what was said. Written once.
    """CREATE TABLE case_texts (
         case_id uuid NOT NULL, kind text NOT NULL, ref text NOT NULL, district text NOT NULL, body text NOT NULL,
         written_at timestamptz NOT NULL, written_by text NOT NULL,
         PRIMARY KEY (case_id, kind, ref)
       )""",
    # Parties act through staff: who acted, how the identity was checked.
    """CREATE TABLE staff_acts (
         id uuid PRIMARY KEY, case_id uuid NOT NULL, district text NOT NULL, action text NOT NULL, party_id text NOT NULL,
         identity_check text NOT NULL, staff_id text NOT NULL, acted_at timestamptz NOT NULL
       )""",
    "CREATE INDEX staff_acts_case ON staff_acts (case_id)",
    """CREATE TABLE uploads (
         file_id uuid PRIMARY KEY, district text NOT NULL, case_id uuid NOT NULL, name text NOT NULL, media_type text NOT NULL, size bigint NOT NULL,
         sha256 text NOT NULL, uploaded_by text NOT NULL, uploaded_at timestamptz NOT NULL
       )""",
    "CREATE INDEX uploads_age ON uploads (uploaded_at)",
    """CREATE TABLE case_files (
         file_id uuid PRIMARY KEY, case_id uuid NOT NULL, district text NOT NULL, name text NOT NULL, media_type text NOT NULL, size bigint NOT NULL,
         sha256 text NOT NULL, salt text NOT NULL, kind text NOT NULL, confidentiality text NOT NULL, party_id text NOT NULL,
         attached_by text NOT NULL, attached_at timestamptz NOT NULL
       )""",
    "CREATE INDEX case_files_case ON case_files (case_id, attached_at)",
    # Who stands in a case, by blind index: duplicates, and search by a whole number.
    """CREATE TABLE party_indexes (
         index text NOT NULL, case_id uuid NOT NULL, side text NOT NULL, district text NOT NULL, received_at timestamptz NOT NULL,
         PRIMARY KEY (index, case_id, side)
       )""",
    "CREATE INDEX party_indexes_case ON party_indexes (case_id)",
    """CREATE TABLE organs (
         organ_id text PRIMARY KEY, district text NOT NULL, organ_path text NOT NULL, kind text NOT NULL, tier text NOT NULL,
         region_code text NOT NULL, valid_from date NOT NULL
       )""",
)
_WALLED = ("case_texts", "staff_acts", "uploads", "case_files", "party_indexes", "organs")

# Bigrams of a case's texts. No policy on purpose: under one the index is not used; hits are read through `cases`, which has one.
_SEARCH = (
    """CREATE TABLE search_tokens (
         case_id uuid PRIMARY KEY, district text NOT NULL, received_at timestamptz NOT NULL, history boolean NOT NULL, tokens tsvector NOT NULL
       )""",
    "ALTER TABLE search_tokens ALTER COLUMN tokens SET STATISTICS 500",
    "CREATE INDEX search_tokens_words ON search_tokens USING gin (tokens) WITH (fastupdate = off)",
    "CREATE INDEX search_tokens_newest ON search_tokens (district, received_at DESC, case_id DESC)",
)


def upgrade() -> None:
    create_kit_tables(op)
    create_document_table(op, "cases", _CASE_COLUMNS)
    create_document_table(op, "routing_copies", _ROUTING_COLUMNS)
    create_document_table(op, "mediation_copies", [sa.Column("stage", sa.SmallInteger, nullable=False)])
    create_document_table(op, "keyword_tables")
    create_document_table(op, "policy_books")
    create_document_table(op, "unmaskings", [sa.Column("case_id", sa.Text, nullable=False)])
    for statement in (*_ROWS, *_SEARCH):
        op.execute(statement)
    for name in _WALLED:
        wall(op, name)
