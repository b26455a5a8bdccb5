"""The trace viewer, fed by OpenTelemetry's own exporter as a service would."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from tiaochu_embedded.stack import Stack
from tiaochu_embedded.traces import store as store_module
from tiaochu_embedded.traces.page import in_order
from tiaochu_embedded.traces.store import SpanStore, StoredSpan


@pytest.fixture(scope="module")
def providers(running: Stack) -> Iterator[dict[str, TracerProvider]]:
    """Two services that export to the stack's collector."""
    made = {}
    for name in ("intake", "routing"):
        made[name] = TracerProvider(resource=Resource.create({"service.name": name}))
        made[name].add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=f"http://{running.parts.collector}")))
    yield made
    for provider in made.values():
        provider.shutdown()


def one_trace(providers: dict[str, TracerProvider], case: str) -> str:
    intake, routing = (providers[name].get_tracer("test") for name in ("intake", "routing"))
    with (
        intake.start_as_current_span("RegisterCase", attributes={"case.id": case, "n": 2}) as root,
        routing.start_as_current_span("react CaseRegistered") as child,
    ):
        child.set_status(trace.StatusCode.ERROR, "no rule for <this>")
    return f"{root.get_span_context().trace_id:032x}"


def get(running: Stack, path: str) -> str:
    with urllib.request.urlopen(running.addresses["traces"] + path, timeout=5) as answer:
        return str(answer.read().decode())


def get_json(running: Stack, path: str) -> Any:
    return json.loads(get(running, path))


def test_a_trace_over_two_services_is_one(running: Stack, providers: dict[str, TracerProvider]) -> None:
    trace_id = one_trace(providers, "case-1")
    root, child = get_json(running, f"/api/traces/{trace_id}")
    assert (root["service"], root["name"], root["attributes"]) == ("intake", "RegisterCase", {"case.id": "case-1", "n": 2})
    assert (child["service"], child["parent_id"], child["error"]) == ("routing", root["span_id"], "no rule for <this>")


def test_a_trace_is_found_by_an_attribute(running: Stack, providers: dict[str, TracerProvider]) -> None:
    trace_id = one_trace(providers, "靖江_2%")
    [found] = get_json(running, "/api/traces?q=" + urllib.parse.quote("江_2%"))
    assert (found["trace_id"], found["services"], found["spans"], found["errors"]) == (trace_id, ["intake", "routing"], 2, 1)


def test_the_pages_show_names_and_escape_them(running: Stack, providers: dict[str, TracerProvider]) -> None:
    trace_id = one_trace(providers, "<b>case-3</b>")
    assert f"/trace/{trace_id}" in get(running, "/?q=case-3")
    page = get(running, f"/trace/{trace_id}")
    assert "react CaseRegistered" in page
    assert "&lt;b&gt;case-3&lt;/b&gt;" in page
    assert "<b>" not in page


def test_the_pages_need_no_network(running: Stack, providers: dict[str, TracerProvider]) -> None:
    page = get(running, f"/trace/{one_trace(providers, 'case-4')}")
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_an_unknown_trace_is_not_found(running: Stack) -> None:
    with pytest.raises(urllib.error.HTTPError) as missing:
        get(running, "/trace/0123")
    assert missing.value.code == 404


def span(number: int, parent: str = "") -> StoredSpan:
    return StoredSpan(f"t{number}", f"s{number}", parent, "intake", "n", "internal", number, number + 1, "", {}, ())


def test_the_oldest_spans_are_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "KEPT_SPANS", 100)
    store = SpanStore(tmp_path / "traces.db")
    for number in range(0, 400, 5):
        store.add(span(n) for n in range(number, number + 5))
    kept = {summary.trace_id for summary in store.search(limit=1000)}
    assert len(kept) <= 115
    assert "t399" in kept
    assert "t0" not in kept


def test_a_step_whose_cause_is_unknown_still_shows() -> None:
    lone, child = span(1, parent="never recorded"), span(2, parent="s1")
    assert in_order([child, lone]) == [(lone, 0), (child, 1)]
