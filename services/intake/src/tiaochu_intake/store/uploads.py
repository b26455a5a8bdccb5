"""Files: uploaded ones, attached ones, and the sweeping of those nobody attached."""

from datetime import datetime, timedelta

from tiaochu_intake.usecases.ports import Upload
from tiaochu_kit.blobs import BlobStore
from tiaochu_kit.database import Database

KEPT_UNATTACHED = timedelta(hours=24)

_FIND_SQL = "SELECT file_id::text, district, case_id::text, name, media_type, size, sha256 FROM uploads WHERE file_id = %s"
_KEEP_SQL = """
INSERT INTO uploads (file_id, district, case_id, name, media_type, size, sha256, uploaded_by, uploaded_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (file_id) DO UPDATE SET uploaded_at = excluded.uploaded_at
"""
_ORPHANS_SQL = """
SELECT u.file_id::text, u.district, u.case_id::text, u.sha256 FROM uploads u
WHERE u.uploaded_at < %s AND NOT EXISTS (SELECT 1 FROM case_files f WHERE f.file_id = u.file_id) LIMIT 100
"""
_OTHER_USE_SQL = """
SELECT 1 FROM uploads u WHERE u.district = %s AND u.case_id = %s AND u.sha256 = %s AND u.file_id <> %s LIMIT 1
"""
_FORGET_SQL = "DELETE FROM uploads WHERE file_id = %s"


class UploadedFiles:
    """`ports.Uploads`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, file_id: str) -> Upload | None:
        """The upload, attached or not."""
        async with self._database.transaction() as tx:
            rows = await tx.rows(_FIND_SQL, (file_id,))
        return Upload(*rows[0]) if rows else None

    async def keep(self, upload: Upload, by: str, at: datetime) -> None:
        """Note an upload; once more, if it was there before."""
        u = upload
        async with self._database.transaction() as tx:
            await tx.queue(_KEEP_SQL, (u.file_id, u.district, u.case_id, u.name, u.media_type, u.size, u.sha256, by, at))

    async def sweep(self, blobs: BlobStore, now: datetime) -> int:
        """Remove what nobody attached within a day; answers how many. Content that another upload of the case names stays."""
        async with self._database.transaction() as tx:
            orphans = await tx.rows(_ORPHANS_SQL, (now - KEPT_UNATTACHED,))
        for file_id, district, case_id, sha256 in orphans:
            async with self._database.transaction() as tx:
                if not await tx.rows(_OTHER_USE_SQL, (district, case_id, sha256, file_id)):
                    await blobs.delete(district, case_id, sha256)
                await tx.queue(_FORGET_SQL, (file_id,))
        return len(orphans)
