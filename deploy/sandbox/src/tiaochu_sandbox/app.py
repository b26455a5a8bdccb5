"""The court's HTTP edge: `/webhooks/{endpoint}` for the gateway, `/sandbox/*` for whoever directs the play."""

import asyncio
import base64
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

import httpx2
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tiaochu_sandbox.clock import CourtClock
from tiaochu_sandbox.court import Court, Policy
from tiaochu_sandbox.notebook import Notebook
from tiaochu_sandbox.settings import SandboxSettings

ENDPOINTS = ("main", "feed")
"""`main` is pushed to, `feed` is pulled."""


class Edge:
    """The routes of one court."""

    def __init__(self, settings: SandboxSettings) -> None:
        self._settings = settings
        self.court: Court | None = None

    @property
    def _court(self) -> Court:
        if self.court is None:
            raise RuntimeError("the court is not open")
        return self.court

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        """Open the notebook, work until the end."""
        notebook = Notebook(self._settings.notebook)
        async with httpx2.AsyncClient(timeout=15, trust_env=False) as client:
            self.court = Court(
                code=self._settings.sandbox_code,
                name=self._settings.sandbox_name,
                gateway=self._settings.gateway,
                notebook=notebook,
                clock=CourtClock(self._settings.clock_file),
                client=client,
            )
            work = [asyncio.create_task(job) for job in (self.court.send(), self.court.pull(), self.court.decide())]
            try:
                yield
            finally:
                for task in work:
                    task.cancel()
                await asyncio.gather(*work, return_exceptions=True)
                notebook.close()

    def routes(self) -> list[Route]:
        """All routes."""
        return [
            Route("/live", self.live),
            Route("/ready", self.live),
            Route("/webhooks/{endpoint}", self.webhook, methods=["POST"]),
            Route("/sandbox/identity", self.identity),
            Route("/sandbox/offers", self.offers, methods=["POST"]),
            Route("/sandbox/matters", self.matters),
            Route("/sandbox/matters/{exchange_id}", self.matter),
            Route("/sandbox/matters/{exchange_id}/packets", self.say, methods=["POST"]),
            Route("/sandbox/packets", self.packets),
            Route("/sandbox/calls", self.calls),
            Route("/sandbox/scenarios", self.scenarios, methods=["GET", "POST", "DELETE"]),
            Route("/sandbox/policy", self.policy, methods=["GET", "PUT"]),
            Route("/sandbox/pulling", self.pulling, methods=["PUT"]),
            Route("/sandbox/pull", self.pull, methods=["POST"]),
            Route("/sandbox/rotate", self.rotate, methods=["POST"]),
            Route("/sandbox/forget", self.forget, methods=["POST"]),
            Route("/sandbox/reconciliations/{day}", self.reconcile, methods=["POST"]),
        ]

    async def live(self, _request: Request) -> Response:
        """It answers."""
        return JSONResponse({"live": True})

    async def webhook(self, request: Request) -> Response:
        """A packet of the gateway."""
        headers = {k.lower(): v for k, v in request.headers.items()}
        status, answer = await self._court.webhook(request.path_params["endpoint"], headers, await request.body())
        extra = {"retry-after": "1"} if status == 503 else {}
        return JSONResponse(answer, status, extra)

    async def identity(self, _request: Request) -> Response:
        """What the centre's administrator needs in order to let this court dock. Sandbox only: a real agency hands its secret over on paper."""
        host = f"http://{self._settings.http_listen}"
        endpoints = [
            {"endpoint_id": "main", "channel": "push", "url": f"{host}/webhooks/main", "preferred": True},
            {"endpoint_id": "feed", "channel": "pull", "url": "", "preferred": False},
        ]
        court = self._court
        return JSONResponse({"code": court.code, "name": court.name, "secret": court.secrets[0], "endpoints": endpoints})

    async def offers(self, request: Request) -> Response:
        """Offers to make: one `{mode, external_no, content, consents?, files?, endpoint?}` or a list; files as `[{name, kind, base64}]`."""
        body = await _json(request)
        orders = body if isinstance(body, list) else [body]
        made = [await self._offer(order) for order in orders]
        return JSONResponse({"offers": made}, 202)

    async def _offer(self, order: dict[str, Any]) -> dict[str, Any]:
        uploads = []
        for file in order.pop("papers", ()):
            content = base64.b64decode(file["base64"])
            answer = await self._court.gateway.upload(file["name"], content)
            answer.raise_for_status()
            stored = answer.json()
            uploads.append(
                {"file_id": stored["file_id"], "sha256": stored["sha256"], "kind": file.get("kind", "evidence"), "name": file["name"]}
            )
        exchange_id, new = self._court.offer({**order, "files": uploads} if uploads else order)
        return {"exchange_id": exchange_id, "external_no": order["external_no"], "new": new}

    async def matters(self, request: Request) -> Response:
        """The court's matters; filters are columns."""
        return JSONResponse({"matters": self._court.notebook.matters(**_filters(request, "state", "mode", "offerer", "external_no"))})

    async def matter(self, request: Request) -> Response:
        """One matter with its packets."""
        exchange_id = request.path_params["exchange_id"]
        matter = self._court.notebook.matter(exchange_id)
        if matter is None:
            return JSONResponse({"reason": "NOT_FOUND"}, 404)
        return JSONResponse({**matter, "packets": [_shown(p) for p in self._court.notebook.packets(exchange_id=exchange_id)]})

    async def say(self, request: Request) -> Response:
        """A packet to send: {kind, content, in_reply_to?}."""
        order = await _json(request)
        packet_id = self._court.say(
            request.path_params["exchange_id"], order["kind"], order["content"], in_reply_to=order.get("in_reply_to", "")
        )
        return JSONResponse({"packet_id": packet_id}, 202)

    async def packets(self, request: Request) -> Response:
        """Packets, without their texts."""
        wanted = _filters(request, "direction", "state", "kind")
        return JSONResponse({"packets": [_shown(p) for p in self._court.notebook.packets(**wanted)]})

    async def calls(self, _request: Request) -> Response:
        """Every call as the court saw it."""
        return JSONResponse({"calls": self._court.notebook.calls()})

    async def scenarios(self, request: Request) -> Response:
        """What goes wrong: POST {name, times?, value?, endpoint?} begins, DELETE ends all."""
        scenarios = self._court.scenarios
        if request.method == "DELETE":
            scenarios.clear()
        elif request.method == "POST":
            order = await _json(request)
            try:
                scenarios.start(order["name"], times=order.get("times", 1), value=order.get("value", 0), endpoint=order.get("endpoint", ""))
            except ValueError as error:
                return JSONResponse({"reason": "CODE_UNKNOWN", "detail": str(error)}, 422)
        return JSONResponse({"scenarios": scenarios.listed()})

    async def policy(self, request: Request) -> Response:
        """How applications are decided: {ruling?, after_seconds?, rulings?: {agreement_no: ruling}}."""
        court = self._court
        if request.method == "PUT":
            order = await _json(request)
            if "rulings" in order:
                court.notebook.remember("rulings", order.pop("rulings"))
            court.notebook.remember("policy", asdict(Policy(**order)))
        return JSONResponse({**asdict(court.policy), "rulings": court.notebook.fact("rulings", default={})})

    async def pulling(self, request: Request) -> Response:
        """Whether the outbox is read steadily: {on}."""
        self._court.pulling = bool((await _json(request))["on"])
        self._court.notebook.remember("pulling", self._court.pulling)
        return JSONResponse({"on": self._court.pulling})

    async def pull(self, request: Request) -> Response:
        """Read the outbox once: {after?}; with `after` everything from there, again."""
        return JSONResponse({"packets": await self._court.pull_once(after=(await _json(request)).get("after"))})

    async def rotate(self, _request: Request) -> Response:
        """A new secret."""
        return JSONResponse({"credential_id": await self._court.rotate()})

    async def forget(self, request: Request) -> Response:
        """As if restored from a backup of this moment: {after}."""
        return JSONResponse({"forgotten": self._court.notebook.forget_after((await _json(request))["after"])})

    async def reconcile(self, request: Request) -> Response:
        """Compare a day with the gateway."""
        return JSONResponse(await self._court.reconcile(request.path_params["day"]))


def build(settings: SandboxSettings) -> Starlette:
    """The court as an ASGI application."""
    edge = Edge(settings)
    handlers = {sqlite3.Error: _unwell, KeyError: _incomplete, httpx2.HTTPError: _unwell}
    return Starlette(routes=edge.routes(), lifespan=edge.lifespan, exception_handlers=handlers)


async def _json(request: Request) -> Any:
    return orjson.loads(await request.body() or b"{}")


async def _incomplete(_request: Request, error: Exception) -> Response:
    return JSONResponse({"reason": "FIELD_INVALID", "detail": f"missing or unknown: {error}"}, 422)


async def _unwell(_request: Request, error: Exception) -> Response:
    return JSONResponse({"reason": "BUSY", "detail": type(error).__name__}, 503)


def _filters(request: Request, *names: str) -> dict[str, str]:
    return {name: request.query_params[name] for name in names if name in request.query_params}


def _shown(packet: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in packet.items() if name != "body"}
