"""The tables as queries see them; the migrations make them."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR, UUID

_metadata = sa.MetaData()
_TIME = sa.DateTime(timezone=True)

CASES = sa.Table(
    "cases",
    _metadata,
    sa.Column("id", UUID(as_uuid=False)),
    sa.Column("district", sa.Text),
    sa.Column("status", sa.Text),
    sa.Column("version", sa.BigInteger),
    sa.Column("organ_path", sa.Text),
    sa.Column("organ_id", sa.Text),
    sa.Column("case_number", sa.Text),
    sa.Column("received_at", _TIME),
    sa.Column("region_code", sa.Text),
    sa.Column("channel", sa.Text),
    sa.Column("category", sa.Text),
    sa.Column("difficulty", sa.Text),
    sa.Column("risk", sa.Text),
    sa.Column("amount_fen", sa.BigInteger),
    sa.Column("own_stage", sa.SmallInteger),
    sa.Column("receipt_index", sa.Text),
    sa.Column("master_case_id", sa.Text),
    sa.Column("doc", JSONB),
)
ROUTING = sa.Table(
    "routing_copies",
    _metadata,
    sa.Column("id", UUID(as_uuid=False)),
    sa.Column("transfer_pending", sa.Boolean),
    sa.Column("accepted", sa.Boolean),
    sa.Column("declined", sa.Boolean),
    sa.Column("ended", sa.Boolean),
    sa.Column("holder_organ_id", sa.Text),
    sa.Column("doc", JSONB),
)
MEDIATION = sa.Table(
    "mediation_copies",
    _metadata,
    sa.Column("id", UUID(as_uuid=False)),
    sa.Column("stage", sa.SmallInteger),
    sa.Column("doc", JSONB),
)
TEXTS = sa.Table(
    "case_texts",
    _metadata,
    sa.Column("case_id", UUID(as_uuid=False)),
    sa.Column("kind", sa.Text),
    sa.Column("ref", sa.Text),
    sa.Column("body", sa.Text),
    sa.Column("written_at", _TIME),
)
FILES = sa.Table(
    "case_files",
    _metadata,
    sa.Column("file_id", UUID(as_uuid=False)),
    sa.Column("case_id", UUID(as_uuid=False)),
    sa.Column("district", sa.Text),
    sa.Column("name", sa.Text),
    sa.Column("media_type", sa.Text),
    sa.Column("size", sa.BigInteger),
    sa.Column("sha256", sa.Text),
    sa.Column("kind", sa.Text),
    sa.Column("confidentiality", sa.Text),
    sa.Column("party_id", sa.Text),
    sa.Column("attached_by", sa.Text),
    sa.Column("attached_at", _TIME),
)
INDEXES = sa.Table(
    "party_indexes",
    _metadata,
    sa.Column("index", sa.Text),
    sa.Column("case_id", UUID(as_uuid=False)),
    sa.Column("side", sa.Text),
    sa.Column("district", sa.Text),
    sa.Column("received_at", _TIME),
)
TOKENS = sa.Table(
    "search_tokens",
    _metadata,
    sa.Column("case_id", UUID(as_uuid=False)),
    sa.Column("district", sa.Text),
    sa.Column("received_at", _TIME),
    sa.Column("history", sa.Boolean),
    sa.Column("tokens", TSVECTOR),
)

SUBJECT = sa.cast(CASES.c.id, sa.Text)
"""A case's id as the access rows name it."""

JOINED = CASES.outerjoin(ROUTING, ROUTING.c.id == CASES.c.id).outerjoin(MEDIATION, MEDIATION.c.id == CASES.c.id)
"""A case with what the other services said of it."""


def stage() -> sa.ColumnElement[int]:
    """`tiaochu_domainkit.stages.case_stage` as an expression over `JOINED`; a test proves the two equal.

    `own_stage` is the stage by what intake alone said.
    """
    said = sa.func.coalesce(MEDIATION.c.stage, 0)
    closed = sa.or_(ROUTING.c.ended.is_(True), said >= 95)
    return sa.case(
        (CASES.c.own_stage == 99, 99),
        (CASES.c.own_stage == 95, 95),
        (sa.and_(ROUTING.c.declined.is_(True), closed), 95),
        (ROUTING.c.declined.is_(True), 45),
        (said >= 75, said),
        (CASES.c.own_stage == 90, 90),
        (said > 0, said),
        (ROUTING.c.accepted.is_(True), 50),
        (CASES.c.own_stage == 25, 25),
        (ROUTING.c.transfer_pending.is_(True), 35),
        else_=CASES.c.own_stage,
    )
