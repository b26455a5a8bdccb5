"""Files in and out, streamed through gRPC, in a real store."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import grpc
import pytest

from tiaochu.intake.events.v1 import case_events_pb2 as events
from tiaochu.intake.v1 import case_commands_pb2 as commands
from tiaochu.intake.v1 import case_pb2
from tiaochu.intake.v1 import file_service_pb2 as pb
from tiaochu.intake.v1 import policy_service_pb2 as policy_pb
from tiaochu_domainkit.errors import DomainError
from tiaochu_intake.store.uploads import UploadedFiles
from tiaochu_kit.errors import from_rpc
from tiaochu_kit.ids import new_id

from .desk import CITY, CLERK, DISTRICT, FOREIGN_CLERK, OTHER_CLERK, STATISTICIAN, Desk, registration, staff  # noqa: TID252 - tests of one package

SERVICE = "/tiaochu.intake.v1.FileService/"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 3000


async def upload(
    desk: Desk, case_id: str, name: str = "欠条𠅤.png", content: bytes = PNG, *, by: Any = CLERK, piece: int = 1000, **header: Any
) -> pb.UploadResponse:
    """Stream a file in, in small pieces. Raises the `DomainError` that came back."""

    async def parts() -> AsyncIterator[pb.UploadRequest]:
        yield pb.UploadRequest(header=pb.UploadHeader(case_id=case_id, name=name, **header))
        for start in range(0, len(content), piece):
            yield pb.UploadRequest(chunk=content[start : start + piece])

    call: Any = desk.running.channel.stream_unary(
        SERVICE + "Upload", request_serializer=lambda m: m.SerializeToString(), response_deserializer=pb.UploadResponse.FromString
    )
    try:
        answer: pb.UploadResponse = await call(parts(), timeout=20, metadata=await desk.running.identity(by))
    except grpc.aio.AioRpcError as error:
        raise from_rpc(error) from error
    return answer


async def download(desk: Desk, case_id: str, file_id: str, by: Any = CLERK) -> tuple[pb.DownloadHeader, bytes]:
    """A file as it streams out. Raises the `DomainError` that came back."""
    call: Any = desk.running.channel.unary_stream(
        SERVICE + "Download", request_serializer=lambda m: m.SerializeToString(), response_deserializer=pb.DownloadResponse.FromString
    )
    header, content = pb.DownloadHeader(), b""
    try:
        request = pb.DownloadRequest(case_id=case_id, file_id=file_id)
        async for part in call(request, timeout=20, metadata=await desk.running.identity(by)):
            if part.HasField("header"):
                header = part.header
            else:
                content += part.chunk
    except grpc.aio.AioRpcError as error:
        raise from_rpc(error) from error
    return header, content


async def reason(call: Any) -> str:
    with pytest.raises(DomainError) as caught:
        await call
    return caught.value.violations[0].reason if caught.value.violations else caught.value.reason


def attach(case_id: str, file_id: str, **given: Any) -> commands.AttachFileRequest:
    fields: dict[str, Any] = {"kind": "evidence", "confidentiality": "open"}
    return commands.AttachFileRequest(case_id=case_id, file_id=file_id, **fields | given)


@pytest.mark.req("IN3")
async def test_a_file_comes_back_as_it_was_and_the_journal_holds_a_salted_hash_only(desk: Desk) -> None:
    answer = await desk.registered()
    digest = hashlib.sha256(PNG).hexdigest()
    stored = await upload(desk, answer.case_id, size=len(PNG), sha256=digest)
    assert (stored.sha256, stored.size, stored.media_type) == (digest, len(PNG), "image/png")
    await desk.call("AttachFile", attach(answer.case_id, stored.file_id))
    [shown] = (await desk.get(answer.case_id)).files
    assert (shown.name, shown.kind, shown.sha256) == ("欠条𠅤.png", "evidence", digest)
    header, content = await download(desk, answer.case_id, stored.file_id)
    assert (header.name, header.media_type, content == PNG) == ("欠条𠅤.png", "image/png", True)
    name, payload = (await desk.journal(answer.case_id))[-1]
    event = events.FileAttached.FromString(payload)
    assert (name, event.size, len(event.content_sha256), event.content_sha256 == digest) == ("FileAttached", len(PNG), 64, False)


@pytest.mark.req("IN3")
async def test_files_come_with_a_registration_whose_id_was_minted(desk: Desk) -> None:
    minted = new_id()
    stored = await upload(desk, minted)
    key = new_id()
    request = registration(case_id=minted, file_ids=[stored.file_id])
    answer = await desk.call("RegisterCase", request, request_id=key)
    assert [f.file_id for f in (await desk.get(minted)).files] == [stored.file_id]
    assert await desk.call("RegisterCase", request, request_id=key) == answer
    other = await desk.registered(2)
    assert await reason(desk.call("AttachFile", attach(other.case_id, stored.file_id))) == "FILE_UNKNOWN"
    assert await reason(desk.call("AttachFile", attach(minted, stored.file_id))) == "ALREADY_EXISTS"


async def test_a_call_repeated_whole_with_its_uploads_is_the_same_request(desk: Desk) -> None:
    minted, key = new_id(), new_id()
    answers = []
    for _ in range(2):
        stored = await upload(desk, minted)
        answers.append(await desk.call("RegisterCase", registration(case_id=minted, file_ids=[stored.file_id]), request_id=key))
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("../../etc/passwd.png", PNG, "FILE_NAME_PATH"),
        ("C:照片.png", PNG, "FILE_NAME_PATH"),
        ("照\u202e片.png", PNG, "FILE_NAME_CHARACTER"),
        ("照" * 84 + ".png", PNG, "FILE_NAME_TOO_LONG"),
        ("...", PNG, "FILE_NAME_EMPTY"),
        ("NUL.png", PNG, "FILE_NAME_RESERVED"),
        ("照片.pdf", PNG, "FILE_TYPE_MISMATCH"),
        ("照片", PNG, "FILE_TYPE_MISMATCH"),
        ("程序.png", b"MZ\x90\0" + b"\0" * 100, "FILE_TYPE_REFUSED"),
        ("页面.txt", b"<html><script>alert(1)</script>", "FILE_TYPE_REFUSED"),
        ("空.txt", b"", "FILE_EMPTY"),
    ],
)
@pytest.mark.req("IN3")
async def test_names_and_contents_that_are_refused(desk: Desk, name: str, content: bytes, expected: str) -> None:
    assert await reason(upload(desk, new_id(), name, content)) == expected


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("照" * 83 + ".png", PNG, "image/png"),
        ("笔录.txt", "屋檐滴水,双方争吵。".encode("gb18030"), "text/plain"),
        ("笔录.txt", ("屋檐滴水" * 2000).encode(), "text/plain"),
        ("扫描件.PDF", b"%PDF-1.7 ", "application/pdf"),
    ],
)
@pytest.mark.req("IN3")
async def test_names_and_contents_that_are_fine(desk: Desk, name: str, content: bytes, kind: str) -> None:
    assert (await upload(desk, new_id(), name, content, piece=7)).media_type == kind


@pytest.mark.req("IN3")
async def test_size_and_hash_are_compared_and_limited(desk: Desk) -> None:
    limit = policy_pb.PutPolicyRequest(district=DISTRICT, name="file_megabytes", value=1)
    await desk.call("tiaochu.intake.v1.PolicyService/PutPolicy", limit, STATISTICIAN)
    assert await reason(upload(desk, new_id(), content=PNG + b"\0" * 1024 * 1024, piece=100_000)) == "FILE_TOO_LARGE"
    assert await reason(upload(desk, new_id(), size=5)) == "FILE_SIZE_MISMATCH"
    assert await reason(upload(desk, new_id(), sha256="0" * 64)) == "FILE_HASH_MISMATCH"
    assert await reason(upload(desk, "7")) == "STRING_UUID"


@pytest.mark.req("IN3")
async def test_who_reads_which_file(desk: Desk) -> None:
    answer = await desk.registered()
    open_file, one_party, sealed = [await upload(desk, answer.case_id, content=PNG + bytes([n])) for n in range(3)]
    await desk.call("AttachFile", attach(answer.case_id, open_file.file_id))
    assert (
        await reason(desk.call("AttachFile", attach(answer.case_id, one_party.file_id, confidentiality="one_party")))
        == "FILE_PARTY_REQUIRED"
    )
    given = {"confidentiality": "one_party", "party_id": answer.applicant_ids[0]}
    await desk.call("AttachFile", attach(answer.case_id, one_party.file_id, **given))
    await desk.call("AttachFile", attach(answer.case_id, sealed.file_id, confidentiality="sealed"))
    director, statistician = staff("centre_director", CITY), STATISTICIAN

    async def seen(by: Any) -> list[str]:
        return [f.file_id for f in (await desk.get(answer.case_id, by)).files]

    ids = [open_file.file_id, one_party.file_id, sealed.file_id]
    assert (await seen(CLERK), await seen(director), await seen(statistician)) == (ids, ids, ids[:1])
    assert await reason(download(desk, answer.case_id, one_party.file_id, statistician)) == "NOT_FOUND"
    for stranger in (OTHER_CLERK, FOREIGN_CLERK):
        assert await reason(download(desk, answer.case_id, open_file.file_id, stranger)) == "NOT_FOUND"


@pytest.mark.req("IN3")
async def test_acting_for_a_party_and_supplied_papers(desk: Desk) -> None:
    answer = await desk.registered()
    await desk.call("RequestCorrection", commands.RequestCorrectionRequest(case_id=answer.case_id, items=["evidence"]))
    stored = await upload(desk, answer.case_id)
    supply = commands.SupplyCorrectionRequest(
        case_id=answer.case_id, file_ids=[stored.file_id], on_behalf_of=case_pb2.OnBehalfOf(identity_check="original_seen")
    )
    await desk.call("SupplyCorrection", supply)
    assert [n for n, _ in await desk.journal(answer.case_id)][-2:] == ["CorrectionSupplied", "FileAttached"]


async def test_what_nobody_attached_within_a_day_is_swept_and_what_was_attached_stays(desk: Desk) -> None:
    kit = desk.running.kit
    answer = await desk.registered()
    kept = await upload(desk, answer.case_id)
    await desk.call("AttachFile", attach(answer.case_id, kept.file_id))
    same, orphan = await upload(desk, answer.case_id, name="同一张.png"), await upload(desk, answer.case_id, content=PNG + b"x")
    uploads = UploadedFiles(kit.database)
    assert await uploads.sweep(kit.blobs, kit.clock.now() + timedelta(hours=23)) == 0
    assert await uploads.sweep(kit.blobs, kit.clock.now() + timedelta(hours=25)) == 2
    assert (await uploads.find(same.file_id), await uploads.find(orphan.file_id)) == (None, None)
    assert (await download(desk, answer.case_id, kept.file_id))[1] == PNG


async def test_uploads_of_one_case_at_once(desk: Desk) -> None:
    answer = await desk.registered()
    stored = await asyncio.gather(*(upload(desk, answer.case_id, content=PNG + bytes([n])) for n in range(8)))
    await asyncio.gather(*(desk.call("AttachFile", attach(answer.case_id, s.file_id)) for s in stored[:3]))
    assert len((await desk.get(answer.case_id)).files) == 3
