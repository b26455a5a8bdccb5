"""Files of a case: names, kinds, who may read them, and what their content says they are."""

import unicodedata
from dataclasses import dataclass

from tiaochu_domainkit.errors import invalid, refused

KINDS = ("evidence", "identity", "power_of_attorney", "application", "other")
OPEN, ONE_PARTY, SEALED = "open", "one_party", "sealed"
CONFIDENTIALITIES = (OPEN, ONE_PARTY, SEALED)
MAX_FILES = 500
MAX_NAME_BYTES = 255
SNIFF_BYTES = 8192
"""What is looked at to tell a type: the longest signature, and enough of an archive to see what is in it."""

_RESERVED = frozenset({"CON", "PRN", "AUX", "NUL"} | {f"{device}{n}" for device in ("COM", "LPT") for n in range(1, 10)})

MEDIA_TYPES: dict[str, tuple[str, ...]] = {
    "application/pdf": ("pdf",),
    "image/jpeg": ("jpg", "jpeg", "jpe", "jfif"),
    "image/png": ("png",),
    "image/gif": ("gif",),
    "image/webp": ("webp",),
    "image/bmp": ("bmp",),
    "image/tiff": ("tif", "tiff"),
    "image/heic": ("heic", "heif"),
    "audio/mpeg": ("mp3",),
    "audio/wav": ("wav",),
    "audio/amr": ("amr",),
    "audio/mp4": ("m4a",),
    "video/mp4": ("mp4", "m4v", "mov"),
    "video/x-msvideo": ("avi",),
    "application/zip": ("zip",),
    "application/msword": ("doc", "wps"),
    "application/vnd.ms-excel": ("xls", "et"),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ("docx",),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ("xlsx",),
    "application/ofd": ("ofd",),
    "text/plain": ("txt", "csv", "log"),
}
"""What may be handed in, and the endings its name may have. Programs and pages with scripts are not among it."""

_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF-", "application/pdf"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"BM", "image/bmp"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (4, b"ftyphei", "image/heic"),
    (4, b"ftypmif1", "image/heic"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftyp", "video/mp4"),
    (8, b"WAVE", "audio/wav"),
    (8, b"AVI ", "video/x-msvideo"),
    (0, b"#!AMR", "audio/amr"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP_MEMBERS = (
    (b"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (b"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (b"OFD.xml", "application/ofd"),
)


@dataclass(frozen=True)
class FileFacts:
    """An uploaded file on its way into a case. `salted_sha256` is what the journal keeps of its content."""

    file_id: str
    kind: str
    confidentiality: str
    party_id: str
    size: int
    salted_sha256: str

    def check(self, already: int) -> None:
        """Reasons: FILE_KIND_UNKNOWN, CONFIDENTIALITY_UNKNOWN, FILE_PARTY_REQUIRED, FILES_TOO_MANY."""
        if self.kind not in KINDS:
            raise invalid("kind", "FILE_KIND_UNKNOWN", "材料类型不在代码表中")
        if self.confidentiality not in CONFIDENTIALITIES:
            raise invalid("confidentiality", "CONFIDENTIALITY_UNKNOWN", "保密范围不在代码表中")
        if self.confidentiality == ONE_PARTY and not self.party_id:
            raise invalid("party_id", "FILE_PARTY_REQUIRED", "一方保密的材料须注明提供方")
        if already >= MAX_FILES:
            raise refused("FILES_TOO_MANY", f"a case holds at most {MAX_FILES} files", f"一个案件最多{MAX_FILES}个材料")


def check_name(path: str, name: str) -> str:
    """A file name, in NFC, as given. Chinese of every plane is fine.

    Reasons: FILE_NAME_EMPTY, FILE_NAME_TOO_LONG (over 255 bytes of UTF-8), FILE_NAME_PATH (a separator, `..`, a drive),
    FILE_NAME_CHARACTER (control or format characters), FILE_NAME_RESERVED (a name that is a device on some systems).
    """
    text = unicodedata.normalize("NFC", name).strip()
    if not text.strip("."):
        raise invalid(path, "FILE_NAME_EMPTY", "文件名不能为空")
    if "/" in text or "\\" in text or ".." in text or text[1:2] == ":":
        raise invalid(path, "FILE_NAME_PATH", "文件名不能含有路径")
    if any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in text):
        raise invalid(path, "FILE_NAME_CHARACTER", "文件名含有不能使用的字符")
    if len(text.encode()) > MAX_NAME_BYTES:
        raise invalid(path, "FILE_NAME_TOO_LONG", f"文件名不能超过{MAX_NAME_BYTES}个字节")
    if text.split(".")[0].upper() in _RESERVED:
        raise invalid(path, "FILE_NAME_RESERVED", "文件名为系统保留名称")
    return text


def media_type(path: str, name: str, head: bytes) -> str:
    """The type the first bytes show. Reasons: FILE_EMPTY, FILE_TYPE_REFUSED, FILE_TYPE_MISMATCH (the name says another type)."""
    if not head:
        raise invalid(path, "FILE_EMPTY", "文件没有内容")
    found = _sniff(head, _ending(name))
    if found is None:
        raise invalid(path, "FILE_TYPE_REFUSED", "不能上传此类文件")
    if _ending(name) not in MEDIA_TYPES[found]:
        raise invalid(path, "FILE_TYPE_MISMATCH", "文件内容与扩展名不符")
    return found


def _ending(name: str) -> str:
    return name.rpartition(".")[2].lower() if "." in name else ""


def _sniff(head: bytes, ending: str) -> str | None:
    for offset, signature, found in _SIGNATURES:
        if head.startswith(signature, offset):
            return found
    if head.startswith(_OLE):
        return "application/vnd.ms-excel" if ending in ("xls", "et") else "application/msword"
    if head.startswith(b"PK\x03\x04"):
        return next((found for member, found in _ZIP_MEMBERS if member in head), "application/zip")
    return "text/plain" if _is_text(head) else None


def _is_text(head: bytes) -> bool:
    """Chinese or Latin text in UTF-8 or GB18030 without control characters or markup that a browser would run."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = head.decode(encoding)
        except UnicodeDecodeError as error:
            if error.start < len(head) - 4:
                continue
            text = head[: error.start].decode(encoding)
        controls = any(unicodedata.category(c) == "Cc" and c not in "\r\n\t\f" for c in text)
        return not controls and not text.lstrip().startswith(("<", "#!"))
    return False
