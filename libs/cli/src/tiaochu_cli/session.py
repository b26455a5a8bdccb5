"""What every command is given: the cell, the caller, and the way to answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from google.protobuf.message import Message

from tiaochu_cli.cell import Cell, cell_of_addresses, cell_of_stack
from tiaochu_cli.output import Screen, print_json
from tiaochu_cli.wire import Wire


@dataclass(frozen=True)
class Caller:
    """Who calls which cell, as the common options say."""

    person: str
    organ: str
    stack: Path
    addresses: tuple[str, ...]
    tls: Path | None
    token_file: Path | None


class Session:
    """One run of one command. Nothing is connected before it is needed."""

    def __init__(self, caller: Caller, *, json: bool) -> None:
        self.caller = caller
        self.json = json
        self.screen = Screen()

    @cached_property
    def cell(self) -> Cell:
        """The cell. Raises `UNAVAILABLE` when no stack runs."""
        if self.caller.addresses:
            return cell_of_addresses(self.caller.addresses, self.caller.tls, self.caller.token_file)
        return cell_of_stack(self.caller.stack)

    @cached_property
    def wire(self) -> Wire:
        """The way to the services."""
        return Wire(self.cell, self.caller.person, self.caller.organ)

    def answer(self, content: Message | Mapping[str, object], show: Callable[[Screen], None]) -> None:
        """Answer: `content` with `--json`, else what `show` prints."""
        if self.json:
            print_json(content)
        else:
            show(self.screen)

    def close(self) -> None:
        """Close what was opened."""
        if "wire" in self.__dict__:
            self.wire.close()
