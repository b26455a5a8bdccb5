"""Small real papers, made of bytes by code: PDF, PNG and JPEG whose content is what the name says."""

import struct
import zlib
from collections.abc import Sequence
from random import Random

from tiaochu_demo.synthetic.model import SyntheticFile


def pdf(lines: Sequence[str]) -> bytes:
    """One A4 page of Chinese text. The font is a standard CJK font that every viewer substitutes, so nothing is embedded."""
    shown = "".join(f"<{line.encode('utf-16-be').hex()}> Tj T*\n" for line in lines)
    stream = f"BT /F1 12 Tf 20 TL 60 780 Td\n{shown}ET".encode("ascii")
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 5 0 R >> >> /Contents 4 0 R >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H /DescendantFonts [6 0 R] >>",
        b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /FontDescriptor 7 0 R /CIDSystemInfo 8 0 R >>",
        b"<< /Type /FontDescriptor /FontName /STSong-Light /Flags 6 /FontBBox 9 0 R /ItalicAngle 0 /Ascent 880 /Descent -120 /StemV 93 >>",
        b"<< /Registry (Adobe) /Ordering (GB1) /Supplement 2 >>",
        b"[-25 -254 1000 880]",
    )
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def png(rng: Random, width: int = 64, height: int = 48) -> bytes:
    """A true-colour picture of seeded bands."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\x00" + bytes((rng.randrange(256), rng.randrange(256), rng.randrange(256))) * width for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


# Huffman table of the DC differences, ITU-T T.81 K.3; the AC table holds "end of block" alone, because every block is flat.
_DC_COUNTS = bytes((0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0))
_DC_CODES = ("00", "010", "011", "100", "101", "110", "1110", "11110", "111110", "1111110", "11111110", "111111110")


def jpeg(rng: Random, width: int = 64, height: int = 48) -> bytes:
    """A baseline grey picture of flat 8x8 blocks; width and height are multiples of 8."""
    bits, previous = [], 0
    for _ in range(width * height // 64):
        level = rng.randrange(-60, 60)
        bits.append(_dc(level - previous) + "0")
        previous = level
    stream = "".join(bits)
    stream += "1" * (-len(stream) % 8)
    data = int(stream, 2).to_bytes(len(stream) // 8, "big").replace(b"\xff", b"\xff\x00")
    return b"".join(
        (
            b"\xff\xd8",
            b"\xff\xe0" + struct.pack(">H5sHBHHBB", 16, b"JFIF\0", 0x0101, 0, 1, 1, 0, 0),
            b"\xff\xdb" + struct.pack(">HB", 67, 0) + bytes([16]) * 64,
            b"\xff\xc0" + struct.pack(">HBHHBBBB", 11, 8, height, width, 1, 1, 0x11, 0),
            b"\xff\xc4" + struct.pack(">HB", 31, 0x00) + _DC_COUNTS + bytes(range(12)),
            b"\xff\xc4" + struct.pack(">HB", 20, 0x10) + bytes((1, *[0] * 15)) + b"\x00",
            b"\xff\xda" + struct.pack(">HBBBBBB", 8, 1, 1, 0x00, 0, 63, 0) + data,
            b"\xff\xd9",
        )
    )


def _dc(difference: int) -> str:
    size = abs(difference).bit_length()
    if size == 0:
        return _DC_CODES[0]
    value = difference if difference > 0 else difference + (1 << size) - 1
    return _DC_CODES[size] + format(value, f"0{size}b")


def letter(name: str, kind: str, title: str, lines: Sequence[str]) -> SyntheticFile:
    return SyntheticFile(name, kind, "application/pdf", pdf((title, "", *lines)))


def photo(name: str, rng: Random) -> SyntheticFile:
    """A photograph as evidence; `name` ends in .jpg or .png."""
    if name.endswith(".png"):
        return SyntheticFile(name, "evidence", "image/png", png(rng))
    return SyntheticFile(name, "evidence", "image/jpeg", jpeg(rng))


def wrapped(text: str, width: int = 36) -> list[str]:
    return [text[i : i + width] for i in range(0, len(text), width)]
