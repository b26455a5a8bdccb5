"""Everything the first release needs."""

import sqlalchemy as sa
from alembic import op

from tiaochu_kit.migrations import create_document_table, create_kit_tables, wall

revision = "0001"
down_revision = None

_ROWS = (
    # The bytes of every packet as they were signed, sealed: both directions, refused ones too. What proves an exchange is kept for ever.
    """CREATE TABLE letters (
         agency_id text NOT NULL, ident text NOT NULL, district text NOT NULL, direction text NOT NULL, request text NOT NULL,
         sha256 text NOT NULL, stored_at timestamptz NOT NULL, headers jsonb NOT NULL, sealed text NOT NULL, refused text,
         PRIMARY KEY (agency_id, ident)
       )""",
    """CREATE TABLE packets (
         packet_id uuid PRIMARY KEY, district text NOT NULL, agency_id text NOT NULL, exchange_id text NOT NULL, case_id text NOT NULL,
         direction text NOT NULL, kind text NOT NULL, seq integer NOT NULL, in_reply_to text NOT NULL, sha256 text NOT NULL, state text NOT NULL,
         issued_at timestamptz NOT NULL, recorded_at timestamptz NOT NULL, disclosure jsonb, traceparent text NOT NULL
       )""",
    "CREATE UNIQUE INDEX packets_order ON packets (exchange_id, direction, seq) WHERE exchange_id <> ''",
    "CREATE INDEX packets_day ON packets (agency_id, recorded_at)",
    """CREATE TABLE receipts (
         packet_id uuid PRIMARY KEY, district text NOT NULL, receipt_id text NOT NULL, sha256 text NOT NULL, channel text NOT NULL, at timestamptz NOT NULL
       )""",
    """CREATE TABLE attempts (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, district text NOT NULL, delivery_id uuid NOT NULL, at timestamptz NOT NULL,
         status integer NOT NULL, fault text NOT NULL, milliseconds integer NOT NULL
       )""",
    "CREATE INDEX attempts_of ON attempts (delivery_id, id)",
    "CREATE TABLE breakers (agency_id text, endpoint_id text, failures integer NOT NULL, open_until timestamptz, PRIMARY KEY (agency_id, endpoint_id))",
    """CREATE TABLE sharing (
         agency_id text NOT NULL, seq bigint NOT NULL, district text NOT NULL, case_id text NOT NULL, packet_id uuid NOT NULL, state text NOT NULL,
         at timestamptz NOT NULL, entry bytea NOT NULL, hash bytea NOT NULL,
         PRIMARY KEY (agency_id, seq)
       )""",
    "CREATE INDEX sharing_case ON sharing (case_id)",
    "CREATE INDEX sharing_packet ON sharing (packet_id)",
    """CREATE TABLE files (
         file_id uuid PRIMARY KEY, district text NOT NULL, agency_id text NOT NULL, name text NOT NULL, media_type text NOT NULL, size bigint NOT NULL,
         sha256 text NOT NULL, blob_key text NOT NULL, stored_at timestamptz NOT NULL
       )""",
    "CREATE INDEX files_agency ON files (agency_id, stored_at)",
    """CREATE TABLE reconciliations (
         agency_id text NOT NULL, day date NOT NULL, district text NOT NULL, received_at timestamptz NOT NULL, ours integer NOT NULL, theirs integer NOT NULL,
         differences jsonb NOT NULL, PRIMARY KEY (agency_id, day)
       )""",
)
_WALLED = ("letters", "packets", "receipts", "attempts", "sharing", "files", "reconciliations")

# Places in an agency's outbox and links of its chain are given under a lock of the agency's own row, held to the commit: so they have no gap,
# and a reader who saw one has seen all before it.
_HEADS = (
    "CREATE TABLE outbox_heads (agency_id text PRIMARY KEY, position bigint NOT NULL)",
    "CREATE TABLE sharing_heads (agency_id text PRIMARY KEY, seq bigint NOT NULL, hash bytea NOT NULL)",
    """CREATE FUNCTION place_in_outbox() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         INSERT INTO outbox_heads AS h VALUES (NEW.agency_id, 1)
           ON CONFLICT (agency_id) DO UPDATE SET position = h.position + 1 RETURNING h.position INTO NEW.position;
         RETURN NEW;
       END $$""",
    "CREATE TRIGGER deliveries_place BEFORE INSERT ON deliveries FOR EACH ROW EXECUTE FUNCTION place_in_outbox()",
    """CREATE FUNCTION link_in_chain() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         INSERT INTO sharing_heads AS h VALUES (NEW.agency_id, 1, sha256(''::bytea || NEW.entry))
           ON CONFLICT (agency_id) DO UPDATE SET seq = h.seq + 1, hash = sha256(h.hash || NEW.entry) RETURNING h.seq, h.hash INTO NEW.seq, NEW.hash;
         RETURN NEW;
       END $$""",
    "CREATE TRIGGER sharing_link BEFORE INSERT ON sharing FOR EACH ROW EXECUTE FUNCTION link_in_chain()",
)


def upgrade() -> None:
    """Make the tables."""
    create_kit_tables(op)
    create_document_table(
        op,
        "exchanges",
        [
            sa.Column("agency_id", sa.Text, nullable=False),
            sa.Column("docking", sa.Text, nullable=False),
            sa.Column("case_id", sa.Text, nullable=False),
            sa.Column("case_number", sa.Text, nullable=False),
            sa.Column("external_no", sa.Text, nullable=False),
            sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        ],
    )
    op.create_index("exchanges_agency", "exchanges", ["agency_id", "updated_at", "id"])
    op.create_index("exchanges_case", "exchanges", ["case_id"])
    create_document_table(
        op, "agencies", [sa.Column("code", sa.Text, nullable=False, unique=True), sa.Column("kind", sa.Text, nullable=False)]
    )
    create_document_table(
        op,
        "deliveries",
        [
            sa.Column("position", sa.BigInteger),
            sa.Column("agency_id", sa.Text, nullable=False),
            sa.Column("endpoint_id", sa.Text, nullable=False),
            sa.Column("exchange_id", sa.Text, nullable=False),
            sa.Column("case_id", sa.Text, nullable=False),
            sa.Column("case_key", sa.Text, nullable=False),
            sa.Column("packet_id", sa.Text, nullable=False),
            sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        ],
    )
    op.create_index("deliveries_outbox", "deliveries", ["agency_id", "position"], unique=True)
    op.execute("CREATE INDEX deliveries_due ON deliveries (agency_id, endpoint_id, position) WHERE status = 'waiting'")
    op.execute("CREATE INDEX deliveries_open ON deliveries (agency_id, case_key, position) WHERE status IN ('waiting', 'dead')")
    op.create_index("deliveries_packet", "deliveries", ["packet_id"])
    create_document_table(op, "case_files")
    for statement in _ROWS:
        op.execute(statement)
    for name in _WALLED:
        wall(op, name)
    for statement in _HEADS:
        op.execute(statement)
