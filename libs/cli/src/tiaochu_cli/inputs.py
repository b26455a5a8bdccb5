"""What commands read: JSON messages and files."""

import sys
from collections.abc import Iterator
from pathlib import Path

from google.protobuf import json_format
from google.protobuf.message import Message

from tiaochu_cli.command import usage

CHUNK = 512 * 1024
STDIN = "-"


def read_text(source: str) -> str:
    """The text of a file, or of standard input for `-`. A file that cannot be read is a mistake on the command line."""
    try:
        return sys.stdin.read() if source == STDIN else Path(source).read_text(encoding="utf-8")
    except OSError as error:
        raise usage(f"{source}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise usage(f"{source}: not UTF-8 · 不是 UTF-8 编码") from error


def merge_json(message: Message, source: str) -> None:
    """Read a JSON message with proto field names into `message`."""
    try:
        json_format.Parse(read_text(source), message)
    except json_format.ParseError as error:
        raise usage(f"{source}: {error}") from error


def chunks(file: Path) -> Iterator[bytes]:
    """The bytes of a file in pieces."""
    with file.open("rb") as content:
        while piece := content.read(CHUNK):
            yield piece
