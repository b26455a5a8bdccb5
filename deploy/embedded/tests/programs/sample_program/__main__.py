"""Counts its starts in its database, tells its settings, and dies on request."""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import psycopg


def database(owner: bool) -> "psycopg.Connection[Any]":
    kind = "DATABASE_OWNER" if owner else "DATABASE"
    return psycopg.connect(os.environ[f"TIAOCHU_{kind}_URL"], password=Path(os.environ[f"TIAOCHU_{kind}_PASSWORD_FILE"]).read_text())


def migrate() -> None:
    if os.environ.get("SAMPLE_BAD_MIGRATION") == os.environ["TIAOCHU_SERVICE"]:
        sys.exit("the migration of the sample failed on purpose")
    with database(owner=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS start (at timestamptz DEFAULT now())")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        match self.path:
            case "/ready":
                body: object = "ready"
            case "/settings":
                body = {name: value for name, value in os.environ.items() if name.startswith("TIAOCHU_")}
            case "/starts":
                with database(owner=False) as connection:
                    [body] = connection.execute("SELECT count(*) FROM start").fetchone() or (0,)
            case _:
                os._exit(7)
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Quiet."""


def run() -> None:
    if "TIAOCHU_DATABASE_URL" in os.environ:
        with database(owner=False) as connection:
            connection.execute("INSERT INTO start DEFAULT VALUES")
    if os.environ.get("SAMPLE_BAD_START") == os.environ["TIAOCHU_SERVICE"]:
        sys.exit("the start of the sample failed on purpose")
    if os.environ.get("SAMPLE_STUBBORN") == os.environ["TIAOCHU_SERVICE"]:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    host, port = os.environ["TIAOCHU_HTTP_LISTEN"].split(":")
    print(json.dumps({"event": "listening", "service": os.environ["TIAOCHU_SERVICE"]}), flush=True)
    HTTPServer((host, int(port)), Handler).serve_forever()


match sys.argv[1:]:
    case ["migrate"]:
        migrate()
    case _:
        run()
