"""The columns of tables, for queries."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

metadata = sa.MetaData()
_UUID = sa.Uuid(as_uuid=False)


def _documents(name: str, *columns: str) -> sa.Table:
    fixed = (sa.Column("id", sa.Uuid(as_uuid=False), primary_key=True), sa.Column("district", sa.Text), sa.Column("status", sa.Text))
    return sa.Table(name, metadata, *fixed, sa.Column("version", sa.BigInteger), *(sa.Column(c) for c in columns), sa.Column("doc", JSONB))


exchanges = _documents("exchanges", "agency_id", "docking", "case_id", "case_number", "external_no", "updated_at")
agencies = _documents("agencies", "code", "kind")
deliveries = _documents("deliveries", "position", "agency_id", "endpoint_id", "exchange_id", "case_id", "case_key", "packet_id", "next_at")


def _rows(name: str, columns: str) -> sa.TableClause:
    return sa.table(name, *(sa.column(c, _UUID if c in ("packet_id", "file_id") else None) for c in columns.split()))


packets = _rows(
    "packets",
    "packet_id district agency_id exchange_id case_id direction kind seq in_reply_to sha256 state issued_at recorded_at disclosure",
)
letters = _rows("letters", "agency_id ident district direction request sha256 stored_at headers sealed refused")
receipts = _rows("receipts", "packet_id district receipt_id sha256 channel at")
sharing = _rows("sharing", "agency_id seq district case_id packet_id state at entry hash")
files = _rows("files", "file_id district agency_id name media_type size sha256 blob_key stored_at")
reconciliations = _rows("reconciliations", "agency_id day district received_at ours theirs differences")
