"""`RegisterImportService`: a workbook streams in, the fate of its rows streams out."""

import asyncio
import hashlib
import itertools
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import IO, Any, cast

from tiaochu.intake.v1 import register_import_service_pb2 as pb
from tiaochu_domainkit.errors import invalid
from tiaochu_intake.domain.files import check_name
from tiaochu_intake.domain.register_cells import Cell
from tiaochu_intake.edge.workbook import Workbook
from tiaochu_intake.usecases.register_import import RegisterImport, Tally
from tiaochu_kit.usecase import Context, stream

MEGABYTE = 1024 * 1024
IN_MEMORY = 2 * MEGABYTE
"""A register beyond this waits on disk."""
BATCH = 100
MAX_CHUNK = MEGABYTE


class RegisterStreams:
    """Import and preview of registers; both answer a row as soon as it is decided, and the summary at the end."""

    def __init__(self, register: RegisterImport) -> None:
        self._register = register

    @stream
    async def import_register(
        self, ctx: Context, requests: AsyncIterator[pb.ImportRegisterRequest]
    ) -> AsyncIterator[pb.ImportRegisterResponse]:
        """Every good row becomes a case."""
        async for part in self._taken(ctx, requests, preview=False):
            if isinstance(part, pb.RegisterSummary):
                yield pb.ImportRegisterResponse(summary=part)
            else:
                yield pb.ImportRegisterResponse(row=part)

    @stream
    async def preview_register(
        self, ctx: Context, requests: AsyncIterator[pb.PreviewRegisterRequest]
    ) -> AsyncIterator[pb.PreviewRegisterResponse]:
        """The same checks; stores nothing."""
        async for part in self._taken(ctx, requests, preview=True):
            if isinstance(part, pb.RegisterSummary):
                yield pb.PreviewRegisterResponse(summary=part)
            else:
                yield pb.PreviewRegisterResponse(row=part)

    async def _taken(
        self, ctx: Context, requests: AsyncIterator[Any], *, preview: bool
    ) -> AsyncIterator[pb.RowReport | pb.RegisterSummary]:
        header = await _header(requests)
        policy = await self._register.policy(ctx)
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as file:
            digest = await _received(requests, cast("IO[bytes]", file), policy["register_megabytes"] * MEGABYTE)
            async with _opened(cast("IO[bytes]", file), policy["register_rows"], header.sheet) as workbook:
                tally = Tally()
                async for report in self._register.take(ctx, header, _rows(workbook), tally, preview=preview):
                    yield report
                yield tally.summary(digest)


async def _header(requests: AsyncIterator[Any]) -> pb.RegisterHeader:
    """Reasons: HEADER_REQUIRED, MODE_REQUIRED, those of file names."""
    first = await anext(aiter(requests), None)
    if first is None or first.WhichOneof("part") != "header":
        raise invalid("header", "HEADER_REQUIRED", "须先说明文件")
    header: pb.RegisterHeader = first.header
    if header.mode not in (pb.IMPORT_MODE_OPEN, pb.IMPORT_MODE_HISTORY):
        raise invalid("header.mode", "MODE_REQUIRED", "须注明按在办还是历史台账导入")
    check_name("header.name", header.name)
    return header


async def _received(requests: AsyncIterator[Any], file: IO[bytes], limit: int) -> str:
    """Keep the content; answers its SHA-256. Reasons: CHUNK_TOO_LARGE, FILE_TOO_LARGE, HEADER_REQUIRED."""
    digest, size = hashlib.sha256(), 0
    async for request in requests:
        if request.WhichOneof("part") != "chunk":
            raise invalid("header", "HEADER_REQUIRED", "文件说明只能出现一次")
        if len(request.chunk) > MAX_CHUNK:
            raise invalid("chunk", "CHUNK_TOO_LARGE", "每次最多上传1MB")
        size += len(request.chunk)
        if size > limit:
            raise invalid("file", "FILE_TOO_LARGE", f"台账文件不能超过{limit // MEGABYTE}MB")
        digest.update(request.chunk)
        await asyncio.to_thread(file.write, request.chunk)
    await asyncio.to_thread(file.seek, 0)
    return digest.hexdigest()


@asynccontextmanager
async def _opened(file: IO[bytes], max_rows: int, sheet: str) -> AsyncIterator[Workbook]:
    workbook = await asyncio.to_thread(Workbook, file, max_rows, sheet)
    try:
        yield workbook
    finally:
        await asyncio.to_thread(workbook.close)


async def _rows(workbook: Workbook) -> AsyncIterator[tuple[int, list[Cell]]]:
    """Rows, read in a thread a batch at a time."""
    rows = workbook.rows()
    while batch := await asyncio.to_thread(lambda: list(itertools.islice(rows, BATCH))):
        for row in batch:
            yield row
