"""Storing a file as it streams in: its name, its type by content, its size and its hash are checked before anybody can use it."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass

from tiaochu.intake.v1 import file_service_pb2 as pb
from tiaochu_domainkit import regions
from tiaochu_domainkit.errors import invalid
from tiaochu_intake.domain.files import SNIFF_BYTES, check_name, media_type
from tiaochu_intake.usecases.ports import Policies, Upload, Uploads
from tiaochu_kit.blobs import BlobStore
from tiaochu_kit.ids import is_uuid
from tiaochu_kit.usecase import Context, stream

MAX_CHUNK = 1024 * 1024
MEGABYTE = 1024 * 1024


class Uploading:
    """`FileService.Upload`."""

    def __init__(self, blobs: BlobStore, uploads: Uploads, policies: Policies) -> None:
        self._blobs = blobs
        self._uploads = uploads
        self._policies = policies

    @stream
    async def upload(self, ctx: Context, requests: AsyncIterator[pb.UploadRequest]) -> pb.UploadResponse:
        """The header, then chunks.

        Reasons: HEADER_REQUIRED, CHUNK_TOO_LARGE, those of names and types, FILE_TOO_LARGE, FILE_SIZE_MISMATCH, FILE_HASH_MISMATCH.
        """
        header, name, district = await self._header(ctx, requests)
        head, rest = await _peek(requests)
        kind = media_type("name", name, head)
        limit = (await self._policies.snapshot()).on(district, ctx.now)["file_megabytes"] * MEGABYTE
        stored = await self._blobs.put(district, header.case_id, rest, limit)
        upload = Upload(_file_id(header.case_id, name, stored.sha256), district, header.case_id, name, kind, stored.size, stored.sha256)
        # Noted before it is compared: what is refused below is swept like any file that nobody attached.
        await self._uploads.keep(upload, ctx.principal.id, ctx.now)
        if header.size and header.size != stored.size:
            raise invalid("size", "FILE_SIZE_MISMATCH", "收到的文件大小与声明不符,请重新上传")
        if header.sha256 and header.sha256 != stored.sha256:
            raise invalid("sha256", "FILE_HASH_MISMATCH", "收到的文件与原文件不一致,请重新上传")
        return pb.UploadResponse(file_id=upload.file_id, size=stored.size, sha256=stored.sha256, media_type=kind)

    async def _header(self, ctx: Context, requests: AsyncIterator[pb.UploadRequest]) -> tuple[pb.UploadHeader, str, str]:
        first = await anext(aiter(requests), None)
        if first is None or first.WhichOneof("part") != "header":
            raise invalid("header", "HEADER_REQUIRED", "须先说明文件")
        header = first.header
        if not is_uuid(header.case_id):
            raise invalid("header.case_id", "ID_MALFORMED", "案件标识应为UUID")
        district = ctx.principal.own_district(regions.district(header.district) if header.district else "")
        return header, check_name("header.name", header.name), district


def _file_id(case_id: str, name: str, sha256: str) -> str:
    """The same file for the same case has the same id: a call that is repeated whole, uploads and all, stays the same request."""
    return str(uuid.uuid5(uuid.UUID(case_id), f"{sha256}/{name}"))


@dataclass
class _Chunks:
    """What was looked at already, then the rest of the stream."""

    seen: list[bytes]
    rest: AsyncIterator[pb.UploadRequest]

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self.seen:
            yield chunk
        async for request in self.rest:
            yield _chunk(request)


async def _peek(requests: AsyncIterator[pb.UploadRequest]) -> tuple[bytes, AsyncIterator[bytes]]:
    """The first bytes, however small the chunks are, and the whole content."""
    seen: list[bytes] = []
    size = 0
    async for request in requests:
        seen.append(_chunk(request))
        size += len(seen[-1])
        if size >= SNIFF_BYTES:
            break
    return b"".join(seen)[:SNIFF_BYTES], aiter(_Chunks(seen, requests))


def _chunk(request: pb.UploadRequest) -> bytes:
    if request.WhichOneof("part") != "chunk":
        raise invalid("header", "HEADER_REQUIRED", "文件说明只能出现一次")
    if len(request.chunk) > MAX_CHUNK:
        raise invalid("chunk", "CHUNK_TOO_LARGE", "每次最多上传1MB")
    return request.chunk
