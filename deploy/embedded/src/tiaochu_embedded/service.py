"""The parts of a stack that run: what they have in common, and our own programs."""

import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Protocol

from tiaochu_embedded.layout import Parts
from tiaochu_embedded.nursery import Nursery, Offspring
from tiaochu_embedded.process import Part
from tiaochu_embedded.topology import Program

STOP_SECONDS = 25.0


class Server(Protocol):
    """A part of the stack that can be started and ended again."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...
    def running(self) -> bool: ...
    @property
    def pid(self) -> int | None: ...


class Service(Part[Offspring]):
    """One of our own programs as a part of the stack."""

    def __init__(self, program: Program, parts: Parts, nursery: Nursery) -> None:
        self.program = program
        self._parts, self._nursery = parts, nursery
        self.changes: dict[str, str] = {}
        """What it is told differently from the stack's own settings."""

    def start(self) -> None:
        """Start it; `wait_ready` waits until it works."""
        self._child = self._fork(self.program.arguments)

    def migrate(self) -> Offspring:
        """Start bringing its database to the newest schema."""
        return self._fork(("migrate",))

    def stop(self) -> None:
        if self._child:
            self._child.end(seconds=STOP_SECONDS)

    def ready(self) -> bool:
        """Whether it says that it can work."""
        try:
            with urllib.request.urlopen(f"http://{self._parts.http_address(self.program)}/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def last_words(self) -> str:
        return self._child.last_words() if self._child else ""

    def _fork(self, arguments: Sequence[str]) -> Offspring:
        environ = {**self._parts.environment(self.program), **self.changes}
        return self._nursery.fork(self.program.name, self.program.package, arguments, environ, self._parts.folder.log(self.program.name))
