"""The sandbox court as its own staff direct it: a real agency on the other side of the gateway."""

import json
from collections.abc import Sequence
from typing import Any

import httpx2

from tiaochu.docking.v1 import docking_service_pb2 as pb
from tiaochu_demo.driver.cast import Cast
from tiaochu_demo.driver.matter import until
from tiaochu_demo.driver.wire import Wire
from tiaochu_demo.synthetic.court import CourtOffer
from tiaochu_sandbox.gateway import Gateway

ENDPOINTS = {"push": "main", "pull": "feed"}
DOCKING, MODE, KIND = "court", "before_filing", "court"
_SECONDS = 20.0
_LIAISON = "court_liaison"


class Court:
    """Calls the sandbox court over HTTP. `agency_id` is what it is called at the gateway, once `dock` has run."""

    def __init__(self, wire: Wire, cast: Cast) -> None:
        self._wire, self._cast = wire, cast
        self.agency_id = ""
        addresses = wire.stack.addresses["http"]
        self.address = str(addresses["sandbox"])
        self._gateway_address = str(addresses["docking"])
        self._client = httpx2.AsyncClient(timeout=_SECONDS, trust_env=False)
        self._identity: dict[str, Any] = {}

    async def dock(self) -> None:
        """Let the court dock, unless it does already: its addresses, the organ that receives its offers, its secret."""
        self._identity = await self._get("/sandbox/identity")
        staff = self._cast.role("system_admin")
        listed = await self._wire.ask(staff, pb.ListAgenciesRequest(kind=KIND))
        known = next((a for a in listed.agencies if a.code == self._identity["code"]), None)
        if known is not None:
            self.agency_id = known.agency_id
            await self._move(known)
        else:
            await self._add()
        await self._put("/sandbox/pulling", {"on": True})

    async def offer(self, offer: CourtOffer) -> str:
        """Hand over the papers and offer the matter; answers the exchange."""
        gateway = self.gateway()
        ids = {}
        for ref, file in offer.files.items():
            answer = await gateway.upload(file.name, file.content)
            answer.raise_for_status()
            ids[ref] = str(answer.json()["file_id"])
        order = {"mode": MODE, **offer.packet(ids), "endpoint": ENDPOINTS[offer.channel]}
        made = await self._post("/sandbox/offers", order)
        return str(made["offers"][0]["exchange_id"])

    async def case_of(self, exchange_id: str) -> str:
        """The case that our register made of an offer, once it has. Raises `Late`, and `OfferRefused` when the gateway or intake refused it."""
        actor = self._cast.role(_LIAISON)

        async def exchange() -> str:
            refused = [p for p in await self.packets(exchange_id) if p["state"] == "refused" or p["kind"] == "return"]
            if refused:
                raise OfferRefused(f"{refused[0]['kind']} {refused[0]['receipt_id']}: {await self._said(refused[0])}")
            listed = await self._wire.ask(actor, pb.ListExchangesRequest(agency_id=self.agency_id, page_size=200))
            return next((str(e.case_id) for e in listed.exchanges if e.exchange_id == exchange_id and e.case_number), "")

        return await until(exchange, bool, f"the case of exchange {exchange_id}")

    async def packets(self, exchange_id: str) -> list[dict[str, Any]]:
        """What passed in one matter, as the court knows it."""
        return list((await self._get(f"/sandbox/matters/{exchange_id}"))["packets"])

    async def matter(self, exchange_id: str) -> dict[str, Any]:
        """One matter, as the court knows it."""
        return await self._get(f"/sandbox/matters/{exchange_id}")

    async def calls(self) -> list[dict[str, Any]]:
        """Every call as the court saw it, oldest first."""
        return list((await self._get("/sandbox/calls"))["calls"])

    async def decide(self, **policy: Any) -> None:
        """How it decides on joint applications from now on."""
        await self._put("/sandbox/policy", policy)

    async def misbehave(self, name: str, *, times: int = 1, value: float = 0) -> None:
        """Begin one of the sandbox's scenarios."""
        await self._post("/sandbox/scenarios", {"name": name, "times": times, "value": value})

    async def say(self, exchange_id: str, kind: str, content: dict[str, Any], *, in_reply_to: str = "") -> str:
        """A packet of the court in one matter; answers its id."""
        order = {"kind": kind, "content": content, "in_reply_to": in_reply_to}
        return str((await self._post(f"/sandbox/matters/{exchange_id}/packets", order))["packet_id"])

    @property
    def name(self) -> str:
        """What it is called."""
        return str(self._identity["name"])

    @property
    def secret(self) -> str:
        """The secret with which it signs."""
        return str(self._identity["secret"])

    def gateway(self) -> Gateway:
        """The court's own client of the gateway, for what the sandbox does not do by itself."""
        return Gateway(self._gateway_address, self._identity["code"], lambda: self.secret, self._wire.now, self._client)

    async def close(self) -> None:
        """Hang up."""
        await self._client.aclose()

    async def _add(self) -> None:
        organ = self._cast.directory.organs_by_code["court"]
        staff = self._cast.role("system_admin")
        request = pb.AddAgencyRequest(
            district=self._cast.directory.district,
            code=self._identity["code"],
            name=self._identity["name"],
            kind=KIND,
            tier="city",
            dockings=[DOCKING],
            endpoints=_endpoints(self._identity["endpoints"]),
            receiving_organ_id=organ.id,
        )
        self.agency_id = str((await self._wire.ask(staff, request)).agency_id)
        await self._wire.ask(staff, pb.IssueCredentialRequest(agency_id=self.agency_id, secret=self._identity["secret"]))

    async def _move(self, known: pb.Agency) -> None:
        """The stack may have given the court another port since."""
        held = {e.endpoint_id: e.url for e in known.endpoints}
        for endpoint in _endpoints(self._identity["endpoints"]):
            if held.get(endpoint.endpoint_id) != endpoint.url:
                request = pb.PutEndpointRequest(agency_id=self.agency_id, endpoint=endpoint)
                await self._wire.ask(self._cast.role("system_admin"), request)

    async def _said(self, packet: dict[str, Any]) -> object:
        """Content of a packet of ours, or how the court's own was answered."""
        if packet["direction"] == "out":
            return [(c["what"], c["status"], c["reason"]) for c in (await self.calls())[-3:]]
        answer = await self._wire.ask(self._cast.role(_LIAISON), pb.GetPacketRequest(packet_id=packet["packet_id"]))
        return json.loads(answer.body)["data"]["content"]

    async def _get(self, path: str) -> dict[str, Any]:
        return await self._read("GET", path)

    async def _post(self, path: str, body: Any) -> dict[str, Any]:
        return await self._read("POST", path, body)

    async def _put(self, path: str, body: Any) -> dict[str, Any]:
        return await self._read("PUT", path, body)

    async def _read(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        answer = await self._client.request(method, self.address + path, json=body)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


class OfferRefused(Exception):
    """The gateway did not take an offer."""


def _endpoints(rows: Sequence[dict[str, Any]]) -> list[pb.Endpoint]:
    return [
        pb.Endpoint(endpoint_id=r["endpoint_id"], channel=r["channel"], url=r["url"], preferred=r["preferred"], network="法院专网")
        for r in rows
    ]
