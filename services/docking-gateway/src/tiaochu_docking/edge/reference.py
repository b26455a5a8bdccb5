"""Everything a developer needs without us: schemas, codes, the OpenAPI document and a page that shows it without a network."""

from collections.abc import Callable, Sequence
from datetime import datetime
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, FastAPI, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse

from tiaochu_docking.domain.docking import Docking, Dockings
from tiaochu_docking.domain.letter import TYPE
from tiaochu_docking.domain.packet import Kind, Side
from tiaochu_docking.domain.schema import Struct
from tiaochu_docking.edge.changes import SHAPES
from tiaochu_docking.edge.problems import MEDIA, REASONS
from tiaochu_docking.edge.shapes import Problem
from tiaochu_domainkit.clocks import beijing
from tiaochu_domainkit.errors import not_found

VERSION = "1.0.0"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

_INTRODUCTION = """
对接网关。写操作按 [Standard Webhooks](https://www.standardwebhooks.com) 签名,读操作用十分钟的令牌(POST /docking/v1/tokens)。

Writes are signed as Standard Webhooks has it: `webhook-id` (the packet's id, a UUID), `webhook-timestamp`, `webhook-signature: v1,…` = HMAC-SHA256
over `id.timestamp.body`, with `tiaochu-agency` naming the signer. `Idempotency-Key` must be absent or equal to `webhook-id`. An id stands for one
request for ever: the same bytes answer as before (`Idempotent-Replay: true`), other bytes are refused. Ids are kept for the life of the exchange and
400 days; an agency's own number of a matter is unique for ever. Decide by `reason`, never by a status or a text.
"""


def reference_routes(prefix: str, dockings: Dockings, envelope: Struct, now: Callable[[], datetime]) -> APIRouter:
    """Schemas and codes."""
    router = APIRouter(prefix=prefix, tags=["reference"])

    @router.get("/schemas/{docking}/{month}/{kind}")
    async def schema(docking: str, month: str, kind: str, mode: str = "") -> Response:
        """JSON Schema of a letter; of one mode, or of any."""
        found = dockings.by_set(f"{docking}/{month}")
        if found is None or kind not in set(Kind):
            raise not_found("schema", f"{docking}/{month}/{kind}")
        wanted = letter_schema(found, Kind(kind), envelope, mode)
        if wanted is None:
            raise not_found("schema", f"{docking}/{month}/{kind}")
        return JSONResponse({"$schema": DIALECT, **wanted}, media_type="application/schema+json")

    @router.get("/codes/{docking}/{code_set}")
    async def codes(docking: str, code_set: str, at: datetime | None = None) -> Response:
        """A set of codes of a docking, as valid on a day: code → Chinese."""
        day = beijing(at if at is not None and at.tzinfo else now()).date()
        known = dockings.valid(docking, day).codes.get(code_set) if docking in dockings.names else None
        if known is None:
            raise not_found("code set", f"{docking}/{code_set}")
        return JSONResponse({"set": code_set, "docking": docking, "valid_on": day.isoformat(), "codes": dict(known)})

    @router.get("/docs", include_in_schema=False)
    async def page() -> Response:
        """The document for people; nothing is fetched but the document itself."""
        return HTMLResponse((files("tiaochu_docking.edge") / "docs.html").read_text(encoding="utf-8"))

    return router


def letter_schema(docking: Docking, kind: Kind, envelope: Struct, mode: str = "", side: Side | None = None) -> dict[str, Any] | None:
    """The schema of a letter of this kind, of one mode or of all that have it; `side` keeps those that this side sends."""
    if kind is Kind.NOTICE:
        contents = [r.content.json_schema() for r in docking.notices.values() if side is None or r.sender in (None, side)]
    else:
        contents = [
            m.rules[kind].content.json_schema()
            for m in docking.modes.values()
            if kind in m.rules and mode in ("", m.name) and (side is None or kind in m.kinds_from(side))
        ]
    unique: list[dict[str, Any]] = [c for i, c in enumerate(contents) if c not in contents[:i]]
    if not unique:
        return None
    data = envelope.json_schema()
    data["properties"]["content"] = unique[0] if len(unique) == 1 else {"anyOf": unique}
    data["required"] = [*data["required"], "content"]
    properties = {
        "type": {"const": TYPE.format(docking=docking.name, kind=kind.value)},
        "timestamp": {"type": "string", "format": "date-time"},
        "data": data,
    }
    return {"type": "object", "properties": properties, "required": ["type", "timestamp", "data"]}


def openapi_of(app: FastAPI, prefix: str, dockings: Dockings, envelope: Struct) -> Callable[[], dict[str, Any]]:
    """FastAPI's document with what it cannot know: bodies that are read raw, signatures, and our own calls as webhooks."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(
                title="tiaochu docking gateway", version=VERSION, openapi_version="3.1.0", description=_INTRODUCTION, routes=app.routes
            )
            _add_bodies(made, prefix, dockings, envelope)
            _add_security(made)
            made["webhooks"] = _webhooks(dockings, envelope)
            app.openapi_schema = made
        return app.openapi_schema

    return document


def _add_bodies(made: dict[str, Any], prefix: str, dockings: Dockings, envelope: Struct) -> None:
    theirs = [k for k in Kind if k not in (Kind.OFFER, Kind.NOTICE, Kind.PERIOD)]
    bodies = {
        ("/exchanges", "post"): _any(dockings, [Kind.OFFER], envelope, Side.THEIRS),
        ("/exchanges/{exchange_id}/packets", "post"): _any(dockings, theirs, envelope, Side.THEIRS),
        ("/notices", "post"): _any(dockings, [Kind.NOTICE], envelope, Side.THEIRS),
        ("/outbox/acks", "post"): _change("acks"),
        ("/reconciliations/{day}", "post"): _change("day"),
        ("/tokens", "post"): _change("token"),
        ("/me/credentials", "post"): _change("credential"),
        ("/me/endpoints/{endpoint_id}", "put"): _change("endpoint"),
        ("/me/endpoints/{endpoint_id}/ping", "post"): _change("ping"),
    }
    for (path, method), schema in bodies.items():
        made["paths"][prefix + path][method]["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    binary = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    made["paths"][f"{prefix}/files"]["post"]["requestBody"] = {"required": True, "content": binary}


def _any(dockings: Dockings, kinds: Sequence[Kind], envelope: Struct, side: Side) -> dict[str, Any]:
    schemas = [letter_schema(d, kind, envelope, side=side) for d in dockings.versions for kind in kinds]
    return {"anyOf": [s for s in schemas if s is not None] or [{"type": "object"}]}


def _change(what: str) -> dict[str, Any]:
    empty: dict[str, Any] = {"type": "object", "properties": {}, "required": []}
    schema = SHAPES[what].json_schema() if what in SHAPES else empty
    schema["properties"] = {"type": {"const": f"cn.tiaochu.docking.{what}.v1"}, **schema["properties"]}
    schema["required"] = ["type", *schema["required"]]
    return schema


def _add_security(made: dict[str, Any]) -> None:
    components = made.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = {
        **Problem.model_json_schema(ref_template="#/components/schemas/{model}"),
        "x-reasons": {reason: status for reason, (status, _) in REASONS.items()},
    }
    defs = components["schemas"]["Problem"].pop("$defs", {})
    components["schemas"].update(defs)
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "POST /docking/v1/tokens"},
        "signature": {"type": "apiKey", "in": "header", "name": "webhook-signature", "description": "Standard Webhooks 1.0.0"},
    }
    refusal = {"description": "refused", "content": {MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = refusal
            if "requestBody" in operation:
                operation["security"] = [{"signature": []}]
                operation.setdefault("parameters", []).extend(_signature_parameters())
                if path.endswith("/packets"):
                    operation["parameters"].append(_header("If-Match", required=False))
            elif method == "get" and "reference" not in operation.get("tags", ()):
                operation["security"] = [{"bearer": []}]


def _signature_parameters() -> list[dict[str, Any]]:
    return [_header(name, required=True) for name in ("tiaochu-agency", "webhook-id", "webhook-timestamp", "webhook-signature")]


def _header(name: str, *, required: bool) -> dict[str, Any]:
    return {"in": "header", "name": name, "required": required, "schema": {"type": "string"}}


def _webhooks(dockings: Dockings, envelope: Struct) -> dict[str, Any]:
    receipt = {
        "type": "object",
        "properties": {"receipt_id": {"type": "string", "maxLength": 100}, "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"}},
        "required": ["receipt_id", "sha256"],
    }
    answers = {
        "2XX": {"description": "stored; the hash is that of the bytes received", "content": {"application/json": {"schema": receipt}}},
        "409": {"description": "OUT_OF_ORDER with `expected`: we rewind"},
        "410": {"description": "gone: we stop and keep the queue"},
        "default": {"description": "we try again for fourteen days; 400, 404, 405, 413, 415 and 422 at once go to a person"},
    }
    calls = {}
    for docking in dockings.versions:
        for kind in Kind:
            schema = letter_schema(docking, kind, envelope, side=Side.OURS)
            if schema is not None:
                body = {"required": True, "content": {"application/json": {"schema": schema}}}
                operation = {"summary": f"{docking.title} · {kind.value}", "requestBody": body, "responses": answers}
                calls[f"{docking.name}.{kind.value}"] = {"post": {**operation, "parameters": _signature_parameters()[1:]}}
    return calls
