"""kit's own tables and the helpers a service's migrations use. Runs as the database's owner; the service's role owns nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import psycopg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from psycopg.conninfo import make_conninfo
from sqlalchemy.dialects.postgresql import JSONB, UUID

from tiaochu_kit import failpoints
from tiaochu_kit.settings import MigrationSettings

DISTRICT_POLICY = (
    "district = ANY (string_to_array(current_setting('tiaochu.districts', true), ',')) OR current_setting('tiaochu.districts', true) = '*'"
)

LOCK_TIMEOUT = "5s"
"""How long a migration waits for a lock: longer, and every command of the running release would queue up behind it. A failed one is run again."""

_KIT_1 = (
    """CREATE FUNCTION kit_expect_saved(saved bigint, wanted integer) RETURNS integer LANGUAGE plpgsql AS $$
       BEGIN
         IF saved <> wanted THEN
           RAISE EXCEPTION 'a newer version was saved meanwhile' USING ERRCODE = 'TC409';
         END IF;
         RETURN wanted;
       END $$""",
    """CREATE TABLE journal (
         seq bigint GENERATED ALWAYS AS IDENTITY,
         event_id uuid NOT NULL,
         aggregate_id uuid NOT NULL,
         version bigint NOT NULL,
         type text NOT NULL,
         district text NOT NULL,
         subject text NOT NULL,
         occurred_at timestamptz NOT NULL,
         recorded_at timestamptz NOT NULL,
         headers text NOT NULL,
         payload bytea NOT NULL,
         position bigint,
         hash bytea,
         PRIMARY KEY (seq, recorded_at)
       ) PARTITION BY RANGE (recorded_at)""",
    "CREATE TABLE journal_default PARTITION OF journal DEFAULT",
    "ALTER TABLE journal_default ENABLE ROW LEVEL SECURITY",
    # Months are made ahead by the service, whose role owns no table: this runs as the owner and can do nothing else. Rows that came before their
    # month was made lie in the default partition and move along.
    """CREATE FUNCTION kit_make_journal_month(day date) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
       DECLARE
         low timestamptz := (date_trunc('month', day)::date || ' 00:00:00+00')::timestamptz;
         high timestamptz := ((date_trunc('month', day) + interval '1 month')::date || ' 00:00:00+00')::timestamptz;
         partition text := 'journal_' || to_char(day, 'YYYYMM');
       BEGIN
         IF to_regclass('public.' || partition) IS NOT NULL THEN
           RETURN false;
         END IF;
         LOCK TABLE public.journal IN SHARE ROW EXCLUSIVE MODE;
         EXECUTE format('CREATE TABLE public.%I (LIKE public.journal INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', partition);
         EXECUTE format('WITH moved AS (DELETE FROM public.journal_default WHERE recorded_at >= %L AND recorded_at < %L RETURNING *)
                         INSERT INTO public.%I SELECT * FROM moved', low, high, partition);
         EXECUTE format('ALTER TABLE public.journal ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)', partition, low, high);
         EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', partition);  -- by itself it shows nothing; the journal's wall counts
         RETURN true;
       END $$""",
    "SELECT kit_make_journal_month((now() + make_interval(months => n))::date) FROM generate_series(0, 2) AS n",
    "CREATE INDEX journal_unpositioned ON journal (district, seq) WHERE position IS NULL",
    "CREATE INDEX journal_position ON journal (district, position)",
    "CREATE INDEX journal_subject ON journal (subject, seq) WHERE subject <> ''",
    """CREATE TABLE log_heads (
         district text PRIMARY KEY,
         position bigint NOT NULL,
         hash bytea NOT NULL,
         published bigint NOT NULL DEFAULT 0
       )""",
    """CREATE TABLE log_signatures (
         district text NOT NULL, position bigint NOT NULL, hash bytea NOT NULL, signed_at timestamptz NOT NULL, key_id text NOT NULL, signature bytea NOT NULL,
         PRIMARY KEY (district, position, key_id)
       )""",
    """CREATE TABLE log_lineages (
         district text NOT NULL, number bigint NOT NULL, after_position bigint NOT NULL, after_hash bytea NOT NULL,
         PRIMARY KEY (district, number)
       )""",
    """CREATE TABLE cursors (
         producer text NOT NULL, district text NOT NULL, position bigint NOT NULL, hash bytea NOT NULL, lineage bigint NOT NULL DEFAULT 0,
         PRIMARY KEY (producer, district)
       )""",
    "CREATE TABLE log_checks (producer text PRIMARY KEY, good_until timestamptz NOT NULL)",
    """CREATE TABLE parked_events (
         producer text NOT NULL, district text NOT NULL, position bigint NOT NULL, aggregate_id uuid NOT NULL, type text NOT NULL,
         event bytea NOT NULL, error text NOT NULL, parked_at timestamptz NOT NULL, dropped_at timestamptz, dropped_by text, drop_reason text,
         PRIMARY KEY (producer, district, position)
       )""",
    "CREATE INDEX parked_aggregate ON parked_events (producer, aggregate_id) WHERE dropped_at IS NULL",
    """CREATE TABLE request_keys (
         caller text NOT NULL, method text NOT NULL, key text NOT NULL, request_hash bytea NOT NULL, response bytea NOT NULL, created_at timestamptz NOT NULL,
         PRIMARY KEY (caller, method, key)
       )""",
    "CREATE INDEX request_keys_age ON request_keys (created_at)",
    "CREATE TABLE natural_keys (kind text NOT NULL, key text NOT NULL, value text NOT NULL, claimed_at timestamptz NOT NULL, PRIMARY KEY (kind, key))",
    """CREATE TABLE timers (
         kind text NOT NULL, key text NOT NULL, district text NOT NULL, due_at timestamptz NOT NULL, next_at timestamptz NOT NULL,
         attempts integer NOT NULL DEFAULT 0,
         PRIMARY KEY (kind, key)
       )""",
    "CREATE INDEX timers_next ON timers (next_at)",
    """CREATE TABLE calls (
         id uuid PRIMARY KEY, kind text NOT NULL, key text NOT NULL, district text NOT NULL, traceparent text NOT NULL DEFAULT '',
         attempts integer NOT NULL DEFAULT 0, next_at timestamptz NOT NULL, done_at timestamptz, error text
       )""",
    "CREATE INDEX calls_open ON calls (next_at) WHERE done_at IS NULL",
    "CREATE INDEX calls_done ON calls (done_at) WHERE done_at IS NOT NULL",
    "CREATE TABLE leases (name text PRIMARY KEY, holder text NOT NULL, until timestamptz NOT NULL)",
    "CREATE TABLE number_series (series text PRIMARY KEY, next bigint NOT NULL)",
    """CREATE TABLE case_access (
         subject text NOT NULL, kind text NOT NULL, value text NOT NULL, source text NOT NULL, producer text NOT NULL DEFAULT '',
         PRIMARY KEY (subject, kind, value, source)
       )""",
    "CREATE INDEX case_access_value ON case_access (kind, value text_pattern_ops)",
    """CREATE TABLE posts (
         post_id text PRIMARY KEY, person_id text NOT NULL, organ_id text NOT NULL, organ_path text NOT NULL, role text NOT NULL, district text NOT NULL,
         valid_from date NOT NULL, valid_to date
       )""",
    "CREATE INDEX posts_person ON posts (person_id)",
    """CREATE TABLE deputations (
         deputation_id text PRIMARY KEY, post_id text NOT NULL, deputy_id text NOT NULL, valid_from date NOT NULL, valid_to date NOT NULL
       )""",
    "CREATE INDEX deputations_deputy ON deputations (deputy_id)",
    "CREATE TABLE compat (release integer NOT NULL)",
    "INSERT INTO compat VALUES (1)",
)


_WALLED = ("journal", "log_heads", "log_lineages", "log_signatures", "cursors", "parked_events", "timers", "calls", "posts")
"""Those of kit's tables whose rows belong to a district."""


def create_kit_tables(op: Operations | Any) -> None:
    """kit's tables, release 1. The first statement of a service's first migration."""
    for statement in _KIT_1:
        op.execute(statement)
    for name in _WALLED:
        wall(op, name)


def create_document_table(op: Operations | Any, name: str, columns: Sequence[sa.Column[Any]] = ()) -> None:
    """A table for one kind of aggregate with its promoted columns, walled by district."""
    op.create_table(
        name,
        sa.Column("id", UUID, primary_key=True),
        sa.Column("district", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        *columns,
        sa.Column("doc", JSONB, nullable=False),
    )
    wall(op, name)


def wall(op: Operations | Any, name: str) -> None:
    """Row-level security of a table by its `district` column. The expression is leakproof, so indexes stay usable."""
    op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY {name}_district ON {name} USING ({DISTRICT_POLICY}) WITH CHECK ({DISTRICT_POLICY})")


def migrate(settings: MigrationSettings, package: str) -> None:
    """Bring the database to the newest migration of `package`'s service, as its owner."""
    config = Config()
    config.set_main_option("script_location", str(files(package) / "migrations"))
    config.attributes["url"] = _owner_url(settings)
    command.upgrade(config, "head")


def finish_upgrade(settings: MigrationSettings, release: int) -> None:
    """Say that every replica of the cell reads `release`: from now on what is new in it is written, and rollback is no longer safe. Never falls."""
    with psycopg.connect(_owner_url(settings)) as owner:
        owner.execute("UPDATE compat SET release = greatest(release, %s)", (release,))


@dataclass(frozen=True)
class Schema:
    """The schema the code needs: `head`, or any revision that is not among the `older` ones, since a later release made it."""

    head: str
    older: frozenset[str]

    def satisfied_by(self, found: str | None) -> bool:
        """Whether a database at revision `found` (`None`: empty) is new enough."""
        return found is not None and found not in self.older


def schema_of(package: str) -> Schema | None:
    """What the migrations of `package` lead to; `None` when it brings none."""
    try:
        folder = files(package) / "migrations"
    except ModuleNotFoundError:
        return None
    if not folder.is_dir():
        return None
    revisions = [script.revision for script in ScriptDirectory(str(folder)).walk_revisions()]
    return Schema(revisions[0], frozenset(revisions[1:]))


def _owner_url(settings: MigrationSettings) -> str:
    password = settings.database_owner_password_file
    return make_conninfo(settings.database_owner_url, password=password.read_text().strip() if password else None)


def _applied(**_: Any) -> None:
    failpoints.reach("migration.applied")


def run_env(context: Any) -> None:
    """What every service's `migrations/env.py` calls: one transaction a migration, over a plain psycopg connection that waits little for locks."""
    url = context.config.attributes["url"]
    engine = sa.create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(url, options=f"-c lock_timeout={LOCK_TIMEOUT}"), poolclass=sa.NullPool
    )
    with engine.connect() as connection:
        context.configure(connection=connection, transaction_per_migration=True, on_version_apply=_applied)
        with context.begin_transaction():
            context.run_migrations()
