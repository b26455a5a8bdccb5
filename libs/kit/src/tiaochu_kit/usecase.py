"""Use cases: how a function becomes a command, a reaction, a projection or a query."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from tiaochu_kit.documents import DocumentTable, Read
from tiaochu_kit.principal import Context
from tiaochu_kit.work import Work

__all__ = ["Context", "Copies", "Event", "NaturalKey", "Work", "command", "on_lineage", "projection", "query", "reaction", "stream"]

B = TypeVar("B")
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class NaturalKey:
    """A natural key wanted in the combined read (agency + external number, register + row)."""

    kind: str
    key: str


@dataclass(frozen=True)
class Event(Generic[B]):
    """An event as a consumer sees it; `body` is the decoded message."""

    id: str
    type: str
    producer: str
    aggregate_id: str
    version: int
    subject: str
    district: str
    position: int
    previous_hash: bytes
    hash: bytes
    occurred_at: datetime
    recorded_at: datetime
    headers: dict[str, str]
    payload: bytes
    body: B

    @property
    def actor(self) -> str:
        """Who did it: a person's id or `service:<name>`."""
        return self.headers.get("actor", "")

    @property
    def organ(self) -> str:
        """The organ the actor acted for, empty for a service."""
        return self.headers.get("organ", "")


Reads = Callable[[Any], Sequence[Read | NaturalKey]]
Before = Callable[[Any, Context, Any], Awaitable[Any]]
Answer = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class CommandSpec:
    """What `@command` noted of a method."""

    reads: Reads | None
    before: Before | None
    answer: Answer | None = None


@dataclass(frozen=True)
class Copies:
    """Rows that follow from one producer's log alone, so that they can be thrown away and made again from it.

    `case` is the column with the id of the case; without it the rows follow from the events that belong to no case. `producer` is the column
    that tells the producers apart where copies of several logs stand in one table. `also`: further tables that the same events fill, as a whole.
    """

    table: str
    case: str = ""
    producer: str = ""
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReactionSpec:
    """What `@reaction` noted of a method."""

    types: tuple[str, ...]
    reads: Reads
    copies: DocumentTable[Any] | None = None


@dataclass(frozen=True)
class ProjectionSpec:
    """What `@projection` noted of a method."""

    types: tuple[str, ...]
    copies: Copies | None = None


@dataclass(frozen=True)
class LineageSpec:
    """That `@on_lineage` marked a method."""


@dataclass(frozen=True)
class QuerySpec:
    """What `@query` or `@stream` noted of a method."""

    streaming: bool


_SPEC = "tiaochu_spec"
S = TypeVar("S")


def spec_of(method: Any, kind: type[S]) -> Any:
    """What a decorator noted of a method, if it was one of `kind`; otherwise `None`."""
    spec = getattr(method, _SPEC, None)
    return spec if isinstance(spec, kind) else None


def command(*, reads: Reads | None = None, before: Before | None = None, answer: Answer | None = None) -> Callable[[F], F]:
    """Mark `method(work, request[, prepared])` as a command.

    `reads` names the documents; the first one is guarded by the etag and, in the scope of a case, by access. `answer(self, response)` completes
    what was stored, at a replay too, with what may not be stored, such as a secret that can be computed again.
    """
    return _mark(CommandSpec(reads, before, answer))


def reaction(*types: str, reads: Reads, copies: DocumentTable[Any] | None = None) -> Callable[[F], F]:
    """Mark `method(work, event)` as the reaction to these event types. `reads` names the documents it may need.

    `copies` is the table of copies it writes, by case and from this producer's events alone: when the producer lost events, the copies are made
    again by the reactions that name them (whatever else these do is left out).
    """
    return _mark(ReactionSpec(types, reads, copies))


def projection(*types: str, copies: Copies | None = None) -> Callable[[F], F]:
    """Mark `async method(tx, events)` as a set-wise effect of these event types. `copies` as for `reaction`."""
    return _mark(ProjectionSpec(types, copies))


def on_lineage(method: F) -> F:
    """Mark `async method(tx)`, called once a producer's log went on in a new lineage after events this service had read were lost."""
    return _mark(LineageSpec())(method)


def query(method: F) -> F:
    """Mark `async method(ctx, request)` as a query."""
    return _mark(QuerySpec(streaming=False))(method)


def stream(method: F) -> F:
    """Mark `async method(ctx, request_or_iterator)` as a streaming call; the RPC's own kind decides which side streams."""
    return _mark(QuerySpec(streaming=True))(method)


def _mark(spec: object) -> Callable[[F], F]:
    def marked(method: F) -> F:
        setattr(method, _SPEC, spec)
        return method

    return marked
