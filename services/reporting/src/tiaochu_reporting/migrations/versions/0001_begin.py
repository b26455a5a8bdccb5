"""Everything the first release needs."""

from alembic import op

from tiaochu_kit.migrations import create_document_table, create_kit_tables, wall

revision = "0001"
down_revision = None

_FIGURES = (
    *("registered", "accepted", "declined", "total", "parties", "successful", "failed", "difficult", "amount", "agreed_amount"),
    *("source_initiative", "source_application", "source_entrusted"),
    *("source_court", "source_procuratorate", "source_police", "source_petition", "source_other_organ"),
    *("type_marriage_family", "type_neighbour", "type_housing", "type_contract", "type_production", "type_damages", "type_forest_land"),
    *("type_expropriation", "type_environment", "type_migrant_wages", "type_other_labour", "type_tourism", "type_e_commerce"),
    *("type_other_consumer", "type_medical", "type_traffic", "type_property", "type_other"),
    *("form_oral", "form_written", "performed", "confirmation_applied", "confirmation_valid", "other_mediation"),
)

_TABLES = (
    # A lineage is one complete set of derived tables; a rebuild makes the next one beside the live one.
    """CREATE TABLE lineages (
         lineage bigint PRIMARY KEY, state text NOT NULL, started_at timestamptz NOT NULL, live_at timestamptz
       )""",
    "CREATE UNIQUE INDEX lineages_live ON lineages (state) WHERE state = 'live'",
    "INSERT INTO lineages VALUES (1, 'live', now(), now())",
    # Logs that a lineage being built has read as far as the live one: from then on the consumer of the log writes to both.
    "CREATE TABLE lineage_logs (lineage bigint NOT NULL, producer text NOT NULL, district text NOT NULL, PRIMARY KEY (lineage, producer, district))",
    # Everybody's events, cut down to what the figures need. Append-only: the ledger of a case is a pure function of its facts.
    """CREATE TABLE facts (
         lineage bigint NOT NULL, producer text NOT NULL, district text NOT NULL, position bigint NOT NULL, case_id uuid NOT NULL, kind text NOT NULL,
         occurred_at timestamptz NOT NULL, recorded_at timestamptz NOT NULL, data jsonb NOT NULL,
         PRIMARY KEY (lineage, producer, district, position)
       )""",
    "CREATE INDEX facts_case ON facts (lineage, case_id)",
    """CREATE TABLE counted_cases (
         lineage bigint NOT NULL, case_id uuid NOT NULL, district text NOT NULL, case_number text NOT NULL DEFAULT '', organ_path text NOT NULL DEFAULT '',
         digest bytea NOT NULL DEFAULT '',
         PRIMARY KEY (lineage, case_id)
       )""",
    "CREATE INDEX counted_cases_district ON counted_cases (lineage, district, case_id)",
    """CREATE TABLE postings (
         lineage bigint NOT NULL, district text NOT NULL, month date NOT NULL, recorded_at timestamptz NOT NULL, sign smallint NOT NULL, case_id uuid NOT NULL,
         act text NOT NULL, organ_id text NOT NULL, organ_path text NOT NULL, agreed boolean NOT NULL, source text NOT NULL, moj_type text NOT NULL,
         form text NOT NULL, difficult boolean NOT NULL, parties integer NOT NULL, amount_fen bigint NOT NULL, agreed_fen bigint NOT NULL
       )""",
    "CREATE INDEX postings_month ON postings (lineage, district, month, recorded_at)",
    "CREATE INDEX postings_recorded ON postings (lineage, district, recorded_at)",
    "CREATE INDEX postings_case ON postings (lineage, case_id)",
    # What the postings add up to, by unit, month and week of recording: a table reads these, and postings only of the week in which its cut falls.
    f"""CREATE TABLE month_totals (
         lineage bigint NOT NULL, district text NOT NULL, month date NOT NULL, week date NOT NULL, organ_path text NOT NULL, organ_id text NOT NULL,
         {", ".join(f"{name} bigint NOT NULL" for name in _FIGURES)},
         PRIMARY KEY (lineage, district, month, week, organ_path, organ_id)
       )""",
    """CREATE TABLE organ_places (
         lineage bigint NOT NULL, district text NOT NULL, position bigint NOT NULL, organ_id text NOT NULL, organ_path text NOT NULL, kind text NOT NULL,
         tier text NOT NULL, valid_from date NOT NULL, recorded_at timestamptz NOT NULL,
         PRIMARY KEY (lineage, district, position)
       )""",
)
_WALLED = ("facts", "counted_cases", "postings", "month_totals", "organ_places")


def upgrade() -> None:
    create_kit_tables(op)
    create_document_table(op, "books")
    for statement in _TABLES:
        op.execute(statement)
    for table in _WALLED:
        wall(op, table)
