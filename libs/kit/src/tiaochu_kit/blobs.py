"""Files: immutable, named by what they hold, encrypted where they lie. A folder in the embedded stack, any S3-compatible store elsewhere."""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import ObjectStore, S3Store

from tiaochu_domainkit.errors import DomainError, Kind, not_found
from tiaochu_kit.errors import unavailable
from tiaochu_kit.failpoints import reach

if TYPE_CHECKING:
    from obstore.store import S3Credential

CHUNK = 256 * 1024
CREDENTIALS_READ_AGAIN = timedelta(minutes=1)
_MAGIC = b"TCB1"
_NONCE = 16


@dataclass(frozen=True)
class Stored:
    """A file that is stored: `sha256` of the plain content in hex, `size` in bytes, its first bytes for a look at the type."""

    sha256: str
    size: int
    head: bytes


class BlobStore:
    """Files of one service, under `district/case_id/sha256`."""

    def __init__(self, store: ObjectStore, keys: dict[str, bytes], current: str) -> None:
        self._store = store
        self._keys = keys
        self._current = current

    async def put(self, district: str, subject: str, content: AsyncIterator[bytes], limit: int) -> Stored:
        """Store a stream. The same content under the same case is stored once. Raises `FILE_TOO_LARGE` beyond `limit` bytes, keeping nothing.

        Encrypted with AES-256-CTR and a fresh nonce; the SHA-256 in the name is what proves that nothing was altered.
        """
        nonce = secrets.token_bytes(_NONCE)
        encryptor = Cipher(algorithms.AES(self._keys[self._current]), modes.CTR(nonce)).encryptor()
        digest, size, head = hashlib.sha256(), 0, b""
        sealed = bytearray(_MAGIC + len(self._current).to_bytes(1) + self._current.encode() + nonce)
        async for chunk in content:
            size += len(chunk)
            if size > limit:
                raise too_large(limit)
            digest.update(chunk)
            head = head or bytes(chunk[:4096])
            sealed += encryptor.update(chunk)
            reach("file.arriving")
        name = digest.hexdigest()
        await self._write(f"{district}/{subject}/{name}", bytes(sealed))
        reach("file.stored")
        return Stored(name, size, head)

    async def _write(self, path: str, content: bytes) -> None:
        try:
            await obstore.put_async(self._store, path, content, mode="create")
        except obstore.exceptions.AlreadyExistsError:
            return
        except (BaseError, OSError) as error:
            raise unavailable("the file store") from error

    async def get(self, district: str, subject: str, sha256: str) -> AsyncIterator[bytes]:
        """The plain content in chunks. Raises `NOT_FOUND`, and `FILE_DAMAGED` when it is not what its name says."""
        try:
            answer = await obstore.get_async(self._store, f"{district}/{subject}/{sha256}")
            sealed = bytes(await answer.bytes_async())
        except (NotFoundError, FileNotFoundError) as error:
            raise not_found("file", sha256) from error
        except (BaseError, OSError) as error:
            raise unavailable("the file store") from error
        try:
            plain = await asyncio.to_thread(self._open, sealed)
        except (IndexError, KeyError, ValueError) as error:
            raise damaged() from error
        if hashlib.sha256(plain).hexdigest() != sha256:
            raise damaged()
        for start in range(0, len(plain), CHUNK):
            yield plain[start : start + CHUNK]

    def _open(self, sealed: bytes) -> bytes:
        length = sealed[4]
        key = self._keys[sealed[5 : 5 + length].decode()]
        nonce = sealed[5 + length : 5 + length + _NONCE]
        return Cipher(algorithms.AES(key), modes.CTR(nonce)).decryptor().update(sealed[5 + length + _NONCE :])

    async def delete(self, district: str, subject: str, sha256: str) -> None:
        """Remove a file; nothing happens when it is not there."""
        try:
            await obstore.delete_async(self._store, f"{district}/{subject}/{sha256}")
        except (NotFoundError, FileNotFoundError):
            return


def open_store(url: str, keys: dict[str, bytes], current: str, credentials: Path | None = None) -> BlobStore:
    """The store at `file:///folder` or `s3://bucket/prefix`.

    S3's endpoint, region and authorities come from the environment (`AWS_ENDPOINT_URL`, `AWS_REGION`, `SSL_CERT_FILE`); its keys from the files
    `access-key-id` and `secret-access-key` in the folder `credentials`, read anew every minute, or else from the environment too.
    """
    if url.startswith("file://"):
        return BlobStore(obstore.store.LocalStore(url.removeprefix("file://"), mkdir=True), keys, current)
    credential = partial(_credential, credentials) if credentials else None
    return BlobStore(S3Store.from_url(url, credential_provider=credential), keys, current)


def _credential(folder: Path) -> "S3Credential":
    access, secret = ((folder / name).read_text().strip() for name in ("access-key-id", "secret-access-key"))
    return {"access_key_id": access, "secret_access_key": secret, "expires_at": datetime.now(UTC) + CREDENTIALS_READ_AGAIN}


def damaged() -> DomainError:
    """What lies in the store is not what was put there."""
    return DomainError(Kind.UNAVAILABLE, "FILE_DAMAGED", "the stored file is not what was put", "文件已损坏,请联系管理员")


def too_large(limit: int) -> DomainError:
    """A file beyond the limit."""
    return DomainError(
        Kind.INVALID_INPUT,
        "FILE_TOO_LARGE",
        f"the file is larger than {limit} bytes",
        f"文件超过{limit // 1024 // 1024}MB,请压缩或拆分后上传",
        {"limit": str(limit)},
    )
