"""What a command says: one JSON document, or tables for people."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from google.protobuf import json_format
from google.protobuf.message import Message
from rich.console import Console
from rich.markup import escape
from rich.table import Table


def message_dict(message: Message) -> dict[str, Any]:
    """A message as JSON has it: proto field names, 64-bit numbers as text, every field that has a default present."""
    made: dict[str, Any] = json_format.MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    return made


def print_json(content: Message | Mapping[str, Any]) -> None:
    """One JSON document on standard output."""
    plain = message_dict(content) if isinstance(content, Message) else content
    sys.stdout.write(orjson.dumps(plain, option=orjson.OPT_INDENT_2).decode() + "\n")


class Screen:
    """Tables and lines for people, plain where the output is no terminal."""

    def __init__(self) -> None:
        self.out = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
        self.err = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else 160)

    def line(self, text: str = "", style: str = "") -> None:
        """One line; what a person wrote is shown as it is, never read as markup."""
        self.out.print(escape(text), style=style or None, soft_wrap=True)

    def pairs(self, pairs: Iterable[tuple[str, object]]) -> None:
        """A card: label and value, the empty ones left out."""
        table = Table(show_header=False, box=None, pad_edge=False)
        table.add_column(style="cyan", no_wrap=True)
        table.add_column(overflow="fold")
        for label, value in pairs:
            if value not in ("", None, [], ()):
                table.add_row(label, escape(str(value)))
        self.out.print(table)

    def table(self, headings: Sequence[str], rows: Iterable[Sequence[object]], title: str = "", *, right: Sequence[int] = ()) -> None:
        """A table; `right` are the columns of numbers. Ids are never broken: people copy them."""
        if title:
            self.line(title, "bold")
        table = Table(header_style="bold")
        for index, heading in enumerate(headings):
            table.add_column(heading, justify="right" if index in right else "left", overflow="fold", no_wrap=heading.endswith("标识"))
        for row in rows:
            table.add_row(*(escape(str(cell)) for cell in row))
        self.out.print(table)


def yuan(fen: int) -> str:
    """`12,300.00 元`."""
    return f"{fen / 100:,.2f} 元"
