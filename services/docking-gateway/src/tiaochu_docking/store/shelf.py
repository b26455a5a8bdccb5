"""Documents, letters and files by id, outside a command."""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import TypeVar

from tiaochu_docking.domain.agency import Agency
from tiaochu_docking.domain.case_file import CaseFile
from tiaochu_docking.domain.exchange import Exchange
from tiaochu_docking.usecases.bodies import open_body, seal_body
from tiaochu_docking.usecases.documents import AGENCIES, CASE_FILES, EXCHANGES
from tiaochu_docking.usecases.ports import StoredFile
from tiaochu_domainkit.aggregate import Aggregate
from tiaochu_domainkit.errors import not_found
from tiaochu_domainkit.sealing import Keyring
from tiaochu_kit.blobs import BlobStore, Stored
from tiaochu_kit.database import Database
from tiaochu_kit.documents import DocumentTable

_FILE_COLUMNS = "file_id::text, agency_id, district, name, media_type, size, sha256, stored_at"
_FILES_SQL = f"SELECT {_FILE_COLUMNS} FROM files WHERE file_id = ANY(%s::uuid[]) AND agency_id = %s"  # noqa: S608
_ADD_FILE_SQL = """
INSERT INTO files (file_id, district, agency_id, name, media_type, size, sha256, blob_key, stored_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT DO NOTHING
"""
_PACKET_SQL = "SELECT 1 FROM packets WHERE packet_id = %s"
_TRACE_SQL = "SELECT traceparent FROM packets WHERE packet_id = %s"
_LETTER_SQL = "SELECT sealed FROM letters WHERE agency_id = %s AND ident = %s"
_ALL_AGENCIES_SQL = "SELECT doc::text FROM agencies WHERE code = %s"
_STORE_SQL = """
INSERT INTO letters (agency_id, ident, district, direction, request, sha256, stored_at, headers, sealed) VALUES (%s, %s, %s, 'in', %s, %s, %s, %s, %s)
ON CONFLICT (agency_id, ident) DO NOTHING RETURNING true
"""
_STORED_SQL = "SELECT request, sha256 FROM letters WHERE agency_id = %s AND ident = %s"
_REFUSED_SQL = "UPDATE letters SET refused = %s WHERE agency_id = %s AND ident = %s"


A = TypeVar("A", bound=Aggregate)


class Shelf:
    """See `tiaochu_docking.usecases.ports.Shelf`; and the raw letters that come in."""

    def __init__(self, database: Database, keyring: Keyring, blobs: BlobStore) -> None:
        self._database = database
        self._keyring = keyring
        self._blobs = blobs

    async def exchange(self, ident: str) -> Exchange | None:
        """An exchange."""
        return await self._document(EXCHANGES, ident)

    async def agency(self, ident: str) -> Agency | None:
        """An agency."""
        return await self._document(AGENCIES, ident)

    async def agency_by_code(self, code: str) -> Agency | None:
        """The agency that signs with this code."""
        async with self._database.transaction() as tx:
            rows = await tx.rows(_ALL_AGENCIES_SQL, (code,))
        return AGENCIES.decode(rows[0][0]) if rows else None

    async def case_file(self, ident: str) -> CaseFile | None:
        """What is known of a case."""
        return await self._document(CASE_FILES, ident)

    async def _document(self, table: DocumentTable[A], ident: str) -> A | None:
        async with self._database.transaction() as tx:
            rows = await tx.rows(table.select_sql(), ([ident],))
        return table.decode(rows[0][0]) if rows else None

    async def packet_exists(self, packet_id: str) -> bool:
        """Whether a packet was stored."""
        async with self._database.transaction() as tx:
            return bool(await tx.rows(_PACKET_SQL, (packet_id,)))

    async def trace_of(self, packet_id: str) -> str:
        """The trace in which a packet was stored."""
        async with self._database.transaction() as tx:
            rows = await tx.rows(_TRACE_SQL, (packet_id,))
        return rows[0][0] if rows else ""

    async def letter(self, agency_id: str, ident: str) -> bytes:
        """The bytes of a letter."""
        async with self._database.transaction() as tx:
            rows = await tx.rows(_LETTER_SQL, (agency_id, ident))
        if not rows:
            raise not_found("letter", ident)
        return open_body(self._keyring, ident, rows[0][0])

    async def keep(
        self, agency: Agency, ident: str, *, request: str, sha256: str, headers: Mapping[str, str], body: bytes, at: datetime
    ) -> tuple[bool, str, str]:
        """Store a verified letter before anything is made of it. Answers whether it is new, and the request and hash stored under this id."""
        sealed = seal_body(self._keyring, ident, body)
        async with self._database.transaction(agency.district) as tx:
            values = (agency.id, ident, agency.district, request, sha256, at, _json(headers), sealed)
            if await tx.rows(_STORE_SQL, values):
                return True, request, sha256
            rows = await tx.rows(_STORED_SQL, (agency.id, ident))
        return False, rows[0][0], rows[0][1]

    async def note_refusal(self, agency: Agency, ident: str, reason: str) -> None:
        """Why a stored letter had no effect."""
        async with self._database.transaction(agency.district) as tx:
            await tx.queue(_REFUSED_SQL, (reason, agency.id, ident))

    async def files(self, file_ids: list[str], agency_id: str) -> list[StoredFile]:
        """Those of these files that are this agency's, in the order asked."""
        if not file_ids:
            return []
        async with self._database.transaction() as tx:
            rows = await tx.rows(_FILES_SQL, (file_ids, agency_id))
        found = {row[0]: StoredFile(*row) for row in rows}
        return [found[ident] for ident in file_ids if ident in found]

    def content(self, file: StoredFile) -> AsyncIterator[bytes]:
        """A file's bytes."""
        return self._blobs.get(file.district, f"agency-{file.agency_id}", file.sha256)

    async def put_file(self, agency: Agency, content: AsyncIterator[bytes], limit: int) -> Stored:
        """Store a file's content as it streams in."""
        return await self._blobs.put(agency.district, f"agency-{agency.id}", content, limit)

    async def add_file(self, file: StoredFile) -> None:
        """Make a stored content known as a file; the same file twice is one."""
        key = f"{file.district}/agency-{file.agency_id}/{file.sha256}"
        async with self._database.transaction(file.district) as tx:
            await tx.queue(
                _ADD_FILE_SQL,
                (file.file_id, file.district, file.agency_id, file.name, file.media_type, file.size, file.sha256, key, file.stored_at),
            )


def _json(value: Mapping[str, str]) -> str:

    return json.dumps(dict(value))
