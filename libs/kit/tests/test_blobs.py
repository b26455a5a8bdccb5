"""Files, on every kind of store: the suite is one, the stores are parameters."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import obstore
import pytest
from obstore.store import LocalStore, MemoryStore, ObjectStore, S3Store

from tiaochu_domainkit.errors import DomainError, Kind
from tiaochu_kit.blobs import BlobStore, open_store
from tiaochu_kit.ids import new_id
from tiaochu_testkit.servers import S3

KEYS = {"k1": b"1" * 32, "k2": b"2" * 32}
PLACE = ("329901", "01a20c85-596d-708d-8ba5-6afbe1baa675")


@pytest.fixture(params=["folder", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    match request.param:
        case "folder":
            return LocalStore(tmp_path / "blobs", mkdir=True)
        case "memory":
            return MemoryStore()
    s3 = request.getfixturevalue("s3")
    return S3Store(
        "blobs",
        prefix=new_id(),
        endpoint=s3.url,
        region="us-east-1",
        access_key_id=s3.access_key,
        secret_access_key=s3.secret_key,
        client_options={"allow_http": True},
    )


@pytest.fixture
def blobs(store: ObjectStore) -> BlobStore:
    return BlobStore(store, KEYS, "k1")


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def read(blobs: BlobStore, sha256: str) -> bytes:
    return b"".join([chunk async for chunk in blobs.get(*PLACE, sha256)])


@pytest.mark.parametrize("content", [b"", b"x", "调解协议".encode(), bytes(range(256)) * 4096], ids=["empty", "one", "text", "1 MB"])
async def test_what_is_put_comes_back(blobs: BlobStore, content: bytes) -> None:
    stored = await blobs.put(*PLACE, chunks(content[:7], content[7:]), 2_000_000)
    assert (stored.size, await read(blobs, stored.sha256)) == (len(content), content)
    assert content.startswith(stored.head)


async def test_the_same_content_twice_is_stored_once(blobs: BlobStore, store: ObjectStore) -> None:
    first = await blobs.put(*PLACE, chunks(b"same"), 100)
    before = bytes(obstore.get(store, f"{PLACE[0]}/{PLACE[1]}/{first.sha256}").bytes())
    again = await blobs.put(*PLACE, chunks(b"sa", b"me"), 100)
    assert first.sha256 == again.sha256
    assert bytes(obstore.get(store, f"{PLACE[0]}/{PLACE[1]}/{first.sha256}").bytes()) == before


async def test_beyond_the_limit_nothing_is_kept(blobs: BlobStore, store: ObjectStore) -> None:
    with pytest.raises(DomainError) as refusal:
        await blobs.put(*PLACE, chunks(b"x" * 60, b"x" * 60), 100)
    assert refusal.value.reason == "FILE_TOO_LARGE"
    assert not [item for batch in obstore.list(store) for item in batch]


async def test_nothing_readable_lies_in_the_store(blobs: BlobStore, store: ObjectStore) -> None:
    stored = await blobs.put(*PLACE, chunks(b"a plain secret" * 10), 1000)
    assert b"secret" not in bytes(obstore.get(store, f"{PLACE[0]}/{PLACE[1]}/{stored.sha256}").bytes())


async def test_an_altered_file_is_not_given_out(blobs: BlobStore, store: ObjectStore) -> None:
    stored = await blobs.put(*PLACE, chunks(b"contract"), 100)
    path = f"{PLACE[0]}/{PLACE[1]}/{stored.sha256}"
    sealed = bytearray(obstore.get(store, path).bytes())
    sealed[-1] ^= 1
    obstore.put(store, path, bytes(sealed))
    with pytest.raises(DomainError) as refusal:
        await read(blobs, stored.sha256)
    assert refusal.value.reason == "FILE_DAMAGED"


@pytest.mark.parametrize(
    "sealed", [b"", b"TC", b"TCB1\x02k9" + b"0" * 20, b"nonsense" * 9], ids=["empty", "cut", "unknown key", "not ours"]
)
async def test_what_was_never_ours_is_damaged_and_no_failure(blobs: BlobStore, store: ObjectStore, sealed: bytes) -> None:
    stored = await blobs.put(*PLACE, chunks(b"contract"), 100)
    obstore.put(store, f"{PLACE[0]}/{PLACE[1]}/{stored.sha256}", sealed)
    with pytest.raises(DomainError) as refusal:
        await read(blobs, stored.sha256)
    assert refusal.value.reason == "FILE_DAMAGED"


async def test_after_a_rotation_old_files_are_read_with_the_old_key(store: ObjectStore) -> None:
    old = await BlobStore(store, KEYS, "k1").put(*PLACE, chunks(b"old"), 100)
    rotated = BlobStore(store, KEYS, "k2")
    new = await rotated.put(*PLACE, chunks(b"new"), 100)
    assert (await read(rotated, old.sha256), await read(rotated, new.sha256)) == (b"old", b"new")


async def test_another_case_does_not_reach_it_and_what_is_deleted_is_gone(blobs: BlobStore) -> None:
    stored = await blobs.put(*PLACE, chunks(b"contract"), 100)
    with pytest.raises(DomainError) as elsewhere:
        _ = [c async for c in blobs.get(PLACE[0], "another-case", stored.sha256)]
    assert elsewhere.value.kind is Kind.NOT_FOUND
    for _ in range(2):
        await blobs.delete(*PLACE, stored.sha256)
    with pytest.raises(DomainError) as gone:
        await read(blobs, stored.sha256)
    assert gone.value.kind is Kind.NOT_FOUND


async def test_keys_of_an_s3_store_come_from_files(s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.url)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setattr("tiaochu_kit.blobs.CREDENTIALS_READ_AGAIN", timedelta(0))
    (tmp_path / "access-key-id").write_text(s3.access_key)
    (tmp_path / "secret-access-key").write_text("of last year")
    blobs = open_store(f"s3://files/{new_id()}", KEYS, "k1", tmp_path)
    with pytest.raises(DomainError) as refusal:
        await blobs.put(*PLACE, chunks(b"contract"), 100)
    assert refusal.value.kind is Kind.UNAVAILABLE
    (tmp_path / "secret-access-key").write_text(f"{s3.secret_key}\n")
    stored = await blobs.put(*PLACE, chunks(b"contract"), 100)
    assert await read(blobs, stored.sha256) == b"contract"


async def test_a_store_that_is_away_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "blobs").mkdir()
    blobs = open_store((tmp_path / "blobs").as_uri(), KEYS, "k1")
    (tmp_path / "blobs" / PLACE[0]).write_text("a file where a folder should be")
    with pytest.raises(DomainError) as refusal:
        await blobs.put(*PLACE, chunks(b"contract"), 100)
    assert refusal.value.kind is Kind.UNAVAILABLE
