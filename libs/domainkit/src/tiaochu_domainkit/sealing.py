"""ID numbers and phones at rest: authenticated encryption, bound to the place they are stored in, and a blind index for equality.

A token reads `s1.<algorithm>.<key id>.<nonce>.<ciphertext>`. The associated data bind it to algorithm, key, table, row and field, so that
a token copied elsewhere does not open. Each algorithm has its own key, derived from the 32 bytes of the key's file.
"""

import base64
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tiaochu_domainkit import masking

_FORMAT = "s1"
_KEY_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_NONCE = 12
_TAG = 16


class Algorithm(Enum):
    """AES-256-GCM, or SM4-GCM (GB/T 32907) where national algorithms are demanded."""

    AES = "aes256gcm"
    SM4 = "sm4gcm"


class SealError(Exception):
    """A token that does not open. `reason`: SEAL_FORMAT, SEAL_KEY_UNKNOWN, SEAL_BROKEN (altered, moved, or another key of that name)."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason


@dataclass(frozen=True)
class Keyring:
    """Key id → 32 bytes; `current` seals, all open. `index_key` is apart and is not rotated (a new one means indexing everything anew)."""

    keys: Mapping[str, bytes] = field(repr=False)
    current: str
    index_key: bytes = field(repr=False)
    algorithm: Algorithm = Algorithm.AES

    def __post_init__(self) -> None:
        if self.current not in self.keys:
            raise ValueError(f"no key {self.current!r} in the keyring")
        for key_id, key in self.keys.items():
            if _KEY_ID.fullmatch(key_id) is None or len(key) != 32:
                raise ValueError(f"key {key_id!r}: an id of a-z, 0-9 and '-' and 32 bytes are needed")
        if len(self.index_key) != 32 or self.index_key in self.keys.values():
            raise ValueError("the index key needs 32 bytes of its own")

    def seal(self, value: str, *, table: str, row: str, field: str) -> str:
        """Encrypt with the current key and algorithm for this place."""
        nonce = secrets.token_bytes(_NONCE)
        bound = _bound(self.algorithm, self.current, table, row, field)
        sealed = _encrypt(self.algorithm, self._key(self.current, self.algorithm), nonce, value.encode(), bound)
        return ".".join((_FORMAT, self.algorithm.value, self.current, _text(nonce), _text(sealed)))

    def unseal(self, token: str, *, table: str, row: str, field: str) -> str:
        """Decrypt a token stored in this place; `SealError` when it does not open."""
        algorithm, key_id, nonce, sealed = _parse(token)
        key = self._key(key_id, algorithm)
        try:
            return _decrypt(algorithm, key, nonce, sealed, _bound(algorithm, key_id, table, row, field)).decode()
        except InvalidTag:
            raise SealError("SEAL_BROKEN", f"a token of key {key_id!r} does not open in {table}.{field}") from None

    def reseal(self, token: str, *, table: str, row: str, field: str) -> str:
        """The same value under the current key and algorithm; the same token when it is current already."""
        if self.is_current(token):
            return token
        return self.seal(self.unseal(token, table=table, row=row, field=field), table=table, row=row, field=field)

    def is_current(self, token: str) -> bool:
        """Whether a token needs no rotation."""
        algorithm, key_id, _, _ = _parse(token)
        return (algorithm, key_id) == (self.algorithm, self.current)

    def blind_index(self, value: str, kind: str) -> str:
        """A keyed digest for equality. Normalise first (`identity`); `kind` (`id_number`, `phone`) keeps kinds apart."""
        return _text(hmac.digest(self.index_key, _joined(kind, value), sha256))

    def seal_id_number(self, value: str, *, table: str, row: str, field: str) -> "Sealed":
        """Seal, mask and index a normalised paper number."""
        token = self.seal(value, table=table, row=row, field=field)
        return Sealed(token, masking.id_number(value), self.blind_index(value, "id_number"))

    def seal_phone(self, value: str, *, table: str, row: str, field: str) -> "Sealed":
        """Seal, mask and index a normalised phone number."""
        token = self.seal(value, table=table, row=row, field=field)
        return Sealed(token, masking.phone(value), self.blind_index(value, "phone"))

    def _key(self, key_id: str, algorithm: Algorithm) -> bytes:
        if key_id not in self.keys:
            raise SealError("SEAL_KEY_UNKNOWN", f"no key {key_id!r} in the keyring")
        length = 32 if algorithm is Algorithm.AES else 16
        return HKDF(SHA256(), length, None, f"tiaochu seal {algorithm.value}".encode()).derive(self.keys[key_id])


@dataclass(frozen=True)
class Sealed:
    """What a document stores of an ID number or phone: the token, what may be shown, and what equality is asked of."""

    token: str
    masked: str
    index: str

    def __repr__(self) -> str:
        return f"Sealed({self.masked})"


def load_keyring(folder: Path, algorithm: Algorithm = Algorithm.AES) -> Keyring:
    """Read a folder of secret files: `<key id>.key` and `index.key` (64 hexadecimal digits each) and `current` (a key id).

    ValueError, naming the file, when one is missing or malformed.
    """
    keys = {path.stem: _key_file(path) for path in folder.glob("*.key")}
    index_key = keys.pop("index", None)
    current = folder / "current"
    if index_key is None or not current.is_file():
        raise ValueError(f"{folder}: the files index.key and current are needed")
    return Keyring(keys, current.read_text("ascii").strip(), index_key, algorithm)


def _key_file(path: Path) -> bytes:
    text = path.read_text("ascii", errors="replace").strip()
    if re.fullmatch(r"[0-9a-fA-F]{64}", text) is None:
        raise ValueError(f"{path}: 64 hexadecimal digits are needed")
    return bytes.fromhex(text)


def _encrypt(algorithm: Algorithm, key: bytes, nonce: bytes, plain: bytes, bound: bytes) -> bytes:
    if algorithm is Algorithm.AES:
        return AESGCM(key).encrypt(nonce, plain, bound)
    encryptor = Cipher(algorithms.SM4(key), modes.GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(bound)
    return encryptor.update(plain) + encryptor.finalize() + encryptor.tag


def _decrypt(algorithm: Algorithm, key: bytes, nonce: bytes, sealed: bytes, bound: bytes) -> bytes:
    if algorithm is Algorithm.AES:
        return AESGCM(key).decrypt(nonce, sealed, bound)
    decryptor = Cipher(algorithms.SM4(key), modes.GCM(nonce, sealed[-_TAG:])).decryptor()
    decryptor.authenticate_additional_data(bound)
    return decryptor.update(sealed[:-_TAG]) + decryptor.finalize()


def _parse(token: str) -> tuple[Algorithm, str, bytes, bytes]:
    try:
        form, algorithm, key_id, nonce, sealed = token.split(".")
        found = Algorithm(algorithm), key_id, _bytes(nonce), _bytes(sealed)
    except ValueError:
        raise SealError("SEAL_FORMAT", "not a sealed token") from None
    if form != _FORMAT or len(found[2]) != _NONCE or len(found[3]) < _TAG:
        raise SealError("SEAL_FORMAT", "not a sealed token")
    return found


def _bound(algorithm: Algorithm, key_id: str, table: str, row: str, field: str) -> bytes:
    return _joined(_FORMAT, algorithm.value, key_id, table, row, field)


def _joined(*parts: str) -> bytes:
    """Parts with their lengths, so that no two lists of parts give the same bytes."""
    return b"".join(len(raw).to_bytes(4, "big") + raw for raw in (part.encode() for part in parts))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
