"""What the routes of `/docking/v1` stand on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import Response

from tiaochu_docking.domain.agency import Agency
from tiaochu_docking.domain.delivery import Delivery
from tiaochu_docking.domain.docking import Dockings
from tiaochu_docking.domain.exchange import Exchange
from tiaochu_docking.domain.packet import SENDER, Side
from tiaochu_docking.domain.signature import sign
from tiaochu_docking.edge import shapes
from tiaochu_docking.edge.changes import Changes
from tiaochu_docking.edge.door import Door
from tiaochu_docking.edge.gate import Gate
from tiaochu_docking.edge.reconciling import Reconciling
from tiaochu_docking.edge.secrets import Secrets
from tiaochu_docking.edge.tokens import ReadTokens
from tiaochu_docking.usecases.ports import Letters, Lists, Outbox
from tiaochu_domainkit.errors import not_found
from tiaochu_kit.ids import is_uuid
from tiaochu_kit.paging import PageTokens

PREFIX = "/docking/v1"
SIGNATURES = 2
"""The newest secrets a packet is signed with: two while one follows the other."""


@dataclass(frozen=True)
class Surface:
    """What the routes stand on."""

    gate: Gate
    door: Door
    changes: Changes
    reconciling: Reconciling
    letters: Letters
    lists: Lists
    outbox: Outbox
    secrets: Secrets
    tokens: ReadTokens
    pages: PageTokens
    dockings: Dockings
    now: Callable[[], datetime]

    def view(self, exchange: Exchange) -> shapes.ExchangeView:
        """An exchange with what its agency may send now."""
        mode = self.dockings.mode_of(exchange.docking, exchange.docking_from, exchange.mode)
        expects = [k.value for k in SENDER if k.value in exchange.TRANSITIONS and not exchange.may(k, Side.THEIRS, mode)]
        return shapes.ExchangeView.of(exchange, expects)

    async def hand_out(self, agency: Agency, delivery: Delivery) -> tuple[dict[str, str], bytes]:
        """A packet of ours, signed now; that the agency may have read it is written down before."""
        secrets = list(self.secrets.valid(agency, self.now()).values())[:SIGNATURES]
        headers = sign(delivery.packet_id, self.now(), await self.outbox.body(delivery), secrets)
        parcel = await self.outbox.hand_out(delivery, agency.endpoint(delivery.endpoint_id), headers, self.now())
        return headers, parcel.body


def json_answer(model: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A model as JSON."""
    return Response(model.model_dump_json(), status, dict(headers or {}), "application/json")


async def exchange_of(s: Surface, exchange_id: str, agency_id: str) -> Exchange:
    """An exchange of this agency. Reason: NOT_FOUND, also for another's."""
    exchange = await s.letters.exchange(exchange_id) if is_uuid(exchange_id) else None
    if exchange is None or exchange.agency_id != agency_id:
        raise not_found("exchange", exchange_id)
    return exchange
