"""What the stack's trace viewer knows: the edges of a trace as data."""

import json
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.error import HTTPError

from google.protobuf.message import Message

from tiaochu_demo.driver import Actor, Wire
from tiaochu_embedded.client import RunningStack

Edge = tuple[str, str]
"""From the step that caused to the step that followed, each `service: span`."""
OUTSIDE = "outside"


@dataclass(frozen=True)
class Viewer:
    """The JSON API of the trace viewer."""

    address: str

    def edges(self, trace_id: str) -> set[Edge]:
        """Every edge of a trace: a step follows from the one above it, and a batch from every trace it links to."""
        spans = {s["span_id"]: s for s in self._spans(trace_id)}
        return {(next((_name(above) for above in _above(span, spans)), OUTSIDE), _name(span)) for span in spans.values()}

    def descents(self, trace_id: str) -> set[Edge]:
        """Every pair of a step and one that follows from it, at once or later."""
        spans = {s["span_id"]: s for s in self._spans(trace_id)}
        return {(_name(above), _name(span)) for span in spans.values() for above in _above(span, spans)}

    def _spans(self, trace_id: str) -> list[dict[str, Any]]:
        """Nothing while nothing of the trace was collected."""
        try:
            found: list[dict[str, Any]] = self._get(f"/api/traces/{trace_id}")
        except HTTPError as error:
            if error.code != HTTPStatus.NOT_FOUND:
                raise
            return []
        return found

    def linked(self, trace_id: str) -> set[str]:
        """Steps of other traces that link to this one: a consumer's batch of events of several traces."""
        others = (self._spans(summary["trace_id"]) for summary in self._get("/api/traces?q=%20reads%20"))
        return {_name(span) for spans in others for span in spans if span["trace_id"] != trace_id and trace_id in span["links"]}

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(self.address + path, timeout=10) as answer:
            return json.load(answer)


def _name(span: Mapping[str, Any]) -> str:
    """`intake: RegisterCase`, `docking: publish OfferReceived`: packages are left out."""
    *verb, what = str(span["name"]).split(" ")
    return f"{span['service']}: " + " ".join((*verb, what.rpartition("/")[2].rpartition(".")[2]))


def _above(span: Mapping[str, Any], spans: Mapping[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The steps above one, nearest first."""
    while (above := spans.get(span["parent_id"])) is not None:
        yield above
        span = above


class GoingOn(Wire):
    """A client that goes on with a trace somebody else began."""

    def __init__(self, stack: RunningStack) -> None:
        super().__init__(stack)
        self.traceparent = ""

    async def _metadata(self, actor: Actor | None, request: Message, after: Iterable[str]) -> list[tuple[str, str]]:
        own = await super()._metadata(actor, request, after)
        return [*own, ("traceparent", self.traceparent)] if self.traceparent else own
