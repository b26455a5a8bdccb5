"""Reading a file of a case."""

from collections.abc import AsyncIterator

from tiaochu.intake.v1 import file_service_pb2 as pb
from tiaochu_domainkit.errors import not_found
from tiaochu_intake.store.loading import files_of, load
from tiaochu_intake.store.showing import readable
from tiaochu_kit.blobs import BlobStore
from tiaochu_kit.database import Database
from tiaochu_kit.usecase import Context, stream


class Downloads:
    """`FileService.Download`."""

    def __init__(self, database: Database, blobs: BlobStore) -> None:
        self._database = database
        self._blobs = blobs

    @stream
    async def download(self, ctx: Context, r: pb.DownloadRequest) -> AsyncIterator[pb.DownloadResponse]:
        """The header, then the bytes. NOT_FOUND for a file the caller may not read, as for one that is not there."""
        async with self._database.read(ctx) as connection:
            folder = await load(connection, ctx, r.case_id, texts=False)
            files = await files_of(connection, r.case_id)
        file = next((f for f in files if f.file_id == r.file_id and readable(f, ctx.principal.id, ctx.principal.roles)), None)
        if file is None:
            raise not_found("file", r.file_id)
        yield pb.DownloadResponse(header=pb.DownloadHeader(name=file.name, media_type=file.media_type, size=file.size, sha256=file.sha256))
        async for chunk in self._blobs.get(folder.case.district, folder.case.id, file.sha256):
            yield pb.DownloadResponse(chunk=chunk)
