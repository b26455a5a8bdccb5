"""The documents of this service."""

from tiaochu_docking.domain.agency import Agency
from tiaochu_docking.domain.case_file import CaseFile
from tiaochu_docking.domain.delivery import Delivery
from tiaochu_docking.domain.exchange import Exchange
from tiaochu_kit.documents import Column, DocumentTable

EXCHANGES = DocumentTable(
    "exchanges",
    Exchange,
    columns={
        "agency_id": Column("text", lambda e: e.agency_id),
        "docking": Column("text", lambda e: e.docking),
        "case_id": Column("text", lambda e: e.case_id),
        "case_number": Column("text", lambda e: e.case_number),
        "external_no": Column("text", lambda e: e.external_no),
        "updated_at": Column("timestamptz", lambda e: e.updated_at),
    },
)
AGENCIES = DocumentTable("agencies", Agency, columns={"code": Column("text", lambda a: a.code), "kind": Column("text", lambda a: a.kind)})
DELIVERIES = DocumentTable(
    "deliveries",
    Delivery,
    columns={
        "agency_id": Column("text", lambda d: d.agency_id),
        "endpoint_id": Column("text", lambda d: d.endpoint_id),
        "exchange_id": Column("text", lambda d: d.exchange_id),
        "case_id": Column("text", lambda d: d.case_id),
        "case_key": Column("text", lambda d: d.case_key),
        "packet_id": Column("text", lambda d: d.packet_id),
        "next_at": Column("timestamptz", lambda d: d.next_at),
    },
    journal=False,
)
CASE_FILES = DocumentTable("case_files", CaseFile, journal=False)
