"""`python -m tiaochu_embedded.traces`: OTLP/gRPC at TIAOCHU_GRPC_LISTEN, pages and JSON at TIAOCHU_HTTP_LISTEN."""

import json
import os
import signal
import threading
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tiaochu_embedded.traces.collector import serve
from tiaochu_embedded.traces.page import trace_page, traces_page
from tiaochu_embedded.traces.store import SpanStore

_JSON, _HTML, _TEXT = "application/json", "text/html; charset=utf-8", "text/plain; charset=utf-8"
Answer = tuple[HTTPStatus, str, str]


def answer(store: SpanStore, address: str) -> Answer:
    """What stands at a path: status, content type, content."""
    path, text = urlsplit(address).path, parse_qs(urlsplit(address).query).get("q", [""])[0]
    match path.strip("/").split("/"):
        case [""]:
            return HTTPStatus.OK, _HTML, traces_page(store.search(text), text)
        case ["ready"]:
            return HTTPStatus.OK, _TEXT, "ready"
        case ["trace", trace_id] if spans := store.trace(trace_id):
            return HTTPStatus.OK, _HTML, trace_page(spans)
        case ["api", "traces"]:
            return HTTPStatus.OK, _JSON, json.dumps([asdict(summary) for summary in store.search(text)], ensure_ascii=False)
        case ["api", "traces", trace_id] if spans := store.trace(trace_id):
            return HTTPStatus.OK, _JSON, json.dumps([asdict(span) for span in spans], ensure_ascii=False)
    return HTTPStatus.NOT_FOUND, _TEXT, "没有这条链路 no such trace"


class Handler(BaseHTTPRequestHandler):
    """HTTP over one store."""

    store: SpanStore
    protocol_version = "HTTP/1.1"
    timeout = 10

    def do_GET(self) -> None:
        status, kind, text = answer(self.store, self.path)
        content = text.encode()
        self.send_response(status)
        for name, value in (
            ("Content-Type", kind),
            ("Content-Length", str(len(content))),
            ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Nothing: a reader of traces is of no interest."""


def main() -> None:
    """Collect and show until SIGTERM."""
    asked_to_stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: asked_to_stop.set())
    store = SpanStore(os.environ["TIAOCHU_TRACES_FILE"])
    collector = serve(store, os.environ["TIAOCHU_GRPC_LISTEN"])
    host, port = os.environ["TIAOCHU_HTTP_LISTEN"].rsplit(":", 1)
    pages = ThreadingHTTPServer((host, int(port)), type("BoundHandler", (Handler,), {"store": store}))
    pages.daemon_threads = True
    threading.Thread(target=pages.serve_forever, args=(0.1,), daemon=True).start()
    asked_to_stop.wait()
    collector.stop(2.0).wait()
    pages.shutdown()
    store.close()


if __name__ == "__main__":
    main()
