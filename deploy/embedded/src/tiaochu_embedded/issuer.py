"""A small OpenID Connect issuer for the embedded stack: discovery, keys, and tokens for whoever holds the stack's own secret."""

import hmac
import json
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from joserfc import jwt
from joserfc.jwk import ECKey

from tiaochu_embedded.clock import StackClock
from tiaochu_embedded.ports import HOST
from tiaochu_embedded.vault import Vault

_MAX_BODY = 4096
_KEY = "issuer/signing.json"
CLIENT_SECRET = "issuer/client-secret"  # noqa: S105 - the name of a file
"""The secret that may ask for a token: a file beside the stack, so only who may read it can act as somebody."""


class Issuer:
    """Signs ES256 tokens that name a person and nothing else (posts and roles come from the directory)."""

    def __init__(self, vault: Vault, port: int, clock: StackClock, *, audience: str, hours: int, listen: str = HOST, url: str = "") -> None:
        self.url = url or f"http://{HOST}:{port}"
        self._listen = listen
        self._vault, self._port, self._clock = vault, port, clock
        self._audience, self._hours = audience, hours
        self.secret_file = vault.password(CLIENT_SECRET)
        stored = vault.keep(_KEY, lambda: json.dumps(ECKey.generate_key("P-256", auto_kid=True).as_dict(private=True)).encode())
        self._key = ECKey.import_key(json.loads(stored.read_text()))
        self._server: ThreadingHTTPServer | None = None

    @property
    def jwks_url(self) -> str:
        return f"{self.url}/jwks.json"

    def token(self, person: str, *, hours: float | None = None, audience: str | None = None) -> str:
        """A token of `person`; `hours` and `audience` other than the stack's are for tests of refusal."""
        now = int(self._clock.now())
        claims = {
            "iss": self.url,
            "aud": audience or self._audience,
            "sub": person,
            "iat": now,
            "exp": now + int((self._hours if hours is None else hours) * 3600),
        }
        return jwt.encode({"alg": "ES256", "kid": self._key.kid, "typ": "JWT"}, claims, self._key)

    def start(self) -> None:
        """Serve in threads of this process: a process of its own would cost 40 MB."""
        handler = type("Handler", (_Handler,), {"issuer": self})
        self._server = ThreadingHTTPServer((self._listen, self._port), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.1,), name="issuer", daemon=True).start()

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def document(self, path: str) -> dict[str, object] | None:
        """The public document at `path`."""
        match path:
            case "/.well-known/openid-configuration":
                return {
                    "issuer": self.url,
                    "jwks_uri": self.jwks_url,
                    "token_endpoint": f"{self.url}/token",
                    "response_types_supported": ["token"],
                    "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": ["ES256"],
                }
            case "/jwks.json":
                return {"keys": [{**self._key.as_dict(private=False), "use": "sig", "alg": "ES256"}]}
        return None

    def grant(self, authorization: str, form: dict[str, list[str]]) -> dict[str, object] | None:
        """The answer to a request for a token, `None` when the secret is wrong or no person is named."""
        [person] = form.get("person", [""])[:1]
        hours = float(form["hours"][0]) if "hours" in form else None
        if not person or not hmac.compare_digest(authorization.encode(), f"Bearer {self.secret_file.read_text()}".encode()):
            return None
        lifetime = self._hours if hours is None else hours
        return {"access_token": self.token(person, hours=hours), "token_type": "Bearer", "expires_in": int(lifetime * 3600)}


class _Handler(BaseHTTPRequestHandler):
    """HTTP for one issuer."""

    issuer: Issuer
    protocol_version = "HTTP/1.1"
    timeout = 10

    def do_GET(self) -> None:
        document = self.issuer.document(self.path)
        self._answer(HTTPStatus.OK if document else HTTPStatus.NOT_FOUND, document or {"error": "not_found"})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if self.path != "/token" or length > _MAX_BODY:
            self.close_connection = True
            self._answer(HTTPStatus.NOT_FOUND, {"error": "not_found"})
            return
        form = parse_qs(self.rfile.read(length).decode("utf-8", "replace"))
        try:
            granted = self.issuer.grant(self.headers.get("Authorization", ""), form)
        except ValueError:
            self._answer(HTTPStatus.BAD_REQUEST, {"error": "invalid_request"})
            return
        self._answer(HTTPStatus.OK if granted else HTTPStatus.UNAUTHORIZED, granted or {"error": "invalid_client"})

    def _answer(self, status: HTTPStatus, body: dict[str, object]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Nothing: persons and secrets do not belong in a log."""
