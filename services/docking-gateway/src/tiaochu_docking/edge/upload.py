"""Files agencies send: what their names and their first bytes say."""

import re
import unicodedata
from collections.abc import Mapping
from pathlib import PurePosixPath
from urllib.parse import quote, unquote_to_bytes

from tiaochu_docking.edge.problems import refused

FILE_LIMIT = 50 * 1024 * 1024
NAME_BYTES = 255
_ZIP = b"PK\x03\x04"
_TYPES: Mapping[str, tuple[str, tuple[bytes, ...]]] = {
    "pdf": ("application/pdf", (b"%PDF-",)),
    "jpg": ("image/jpeg", (b"\xff\xd8\xff",)),
    "jpeg": ("image/jpeg", (b"\xff\xd8\xff",)),
    "png": ("image/png", (b"\x89PNG\r\n\x1a\n",)),
    "docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", (_ZIP,)),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", (_ZIP,)),
    "ofd": ("application/ofd", (_ZIP,)),
    "mp3": ("audio/mpeg", (b"ID3", b"\xff\xfb", b"\xff\xf3")),
    "txt": ("text/plain", ()),
}
"""Ending → media type and how such a file begins. OFD is the version format of 政务 documents (GB/T 33190)."""
_EXTENDED = re.compile(r"filename\*\s*=\s*UTF-8''([^;]+)", re.IGNORECASE)
_PLAIN = re.compile(r'filename\s*=\s*"((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")


def file_name(disposition: str) -> str:
    """The name in `Content-Disposition` (RFC 6266: `filename*` first). Refused: none, a path, over 255 bytes, control characters, no UTF-8."""
    extended = _EXTENDED.search(disposition)
    plain = _PLAIN.search(disposition)
    try:
        name = unquote_to_bytes(extended[1].strip()).decode("utf-8") if extended else plain[1] if plain else ""
    except UnicodeDecodeError:
        name = ""
    name = unicodedata.normalize("NFC", name).strip()
    bad = any(unicodedata.category(c) in ("Cc", "Cs", "Co") for c in name)
    if not name or bad or "/" in name or "\\" in name or name in (".", "..") or len(name.encode()) > NAME_BYTES:
        raise refused(
            "FIELD_INVALID", "Content-Disposition needs a plain file name", "文件名缺失、过长或含有路径", pointer="Content-Disposition"
        )
    return name


def media_type(name: str, head: bytes) -> str:
    """The type by ending and first bytes together; MEDIA_TYPE when they disagree or the kind is not taken."""
    known = _TYPES.get(PurePosixPath(name).suffix.lstrip(".").lower())
    if known is None:
        raise refused("MEDIA_TYPE", "this kind of file is not taken", "不接收此类文件", allowed=",".join(_TYPES))
    kind, beginnings = known
    if beginnings and not head.startswith(beginnings):
        raise refused("MEDIA_TYPE", "the content is not what the name says", "文件内容与文件名不符", pointer="Content-Disposition")
    if not beginnings and b"\0" in head:
        raise refused("MEDIA_TYPE", "the content is not text", "文件内容与文件名不符", pointer="Content-Disposition")
    return kind


def stated_digest(header: str) -> str:
    """SHA-256 in base64 of `Repr-Digest` (RFC 9530), empty where there is none."""
    found = _DIGEST.search(header)
    return found[1] if found else ""


def disposition(name: str) -> str:
    """`Content-Disposition` of a download."""
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"
