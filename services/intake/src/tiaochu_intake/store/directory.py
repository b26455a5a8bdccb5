"""The organs, as routing's log placed them; their names are asked of routing when a register needs them."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from tiaochu.routing.v1.directory_service_pb2 import ListOrgansRequest
from tiaochu_intake.usecases.ports import Organ
from tiaochu_kit.database import Database, Tx
from tiaochu_kit.peers import Peers
from tiaochu_kit.usecase import Context, Copies, Event, projection

SECONDS_BELIEVED = 5.0

_FIND_SQL = "SELECT organ_id, district, organ_path, region_code FROM organs WHERE organ_id = %s"
_PLACE_SQL = """
INSERT INTO organs (organ_id, district, organ_path, kind, tier, region_code, valid_from)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::date[])
ON CONFLICT (organ_id) DO UPDATE SET organ_path = excluded.organ_path, kind = excluded.kind, tier = excluded.tier,
  region_code = excluded.region_code, valid_from = excluded.valid_from
"""


class OrganDirectory:
    """`ports.Organs` on this service's copy; remembers an organ for a few seconds."""

    def __init__(self, database: Database, peers: Peers) -> None:
        self._database = database
        self._peers = peers
        self._known: dict[str, tuple[float, Organ | None]] = {}

    async def get(self, organ_id: str) -> Organ | None:
        """The organ, or nothing."""
        known = self._known.get(organ_id)
        if known is not None and time.monotonic() - known[0] < SECONDS_BELIEVED and known[1] is not None:
            return known[1]
        async with self._database.transaction() as tx:
            rows = await tx.rows(_FIND_SQL, (organ_id,))
        organ = Organ(*rows[0]) if rows else None
        self._known[organ_id] = (time.monotonic(), organ)
        return organ

    async def named(self, ctx: Context, district: str) -> Mapping[str, Organ]:
        """Organs by name and short name; a name that two organs bear is left out."""
        found: dict[str, list[str]] = {}
        token = ""
        while True:
            request = ListOrgansRequest(district=district, page_token=token)
            answer = await self._peers.call("routing", "tiaochu.routing.v1.DirectoryService/ListOrgans", request, ctx)
            for organ in answer.organs:
                for name in {organ.name, organ.short_name} - {""}:
                    found.setdefault(name, []).append(organ.organ_id)
            token = answer.next_page_token
            if not token:
                break
        placed = {name: await self.get(ids[0]) for name, ids in found.items() if len(ids) == 1}
        return {name: organ for name, organ in placed.items() if organ is not None}


class OrganLog:
    """Keeps `organs`. Given to the consumer of routing's log."""

    @projection("tiaochu.routing.events.v1.OrganPlaced", copies=Copies("organs"))
    async def place(self, tx: Tx, events: Sequence[Event[Any]]) -> None:
        """An organ has its place from a day on; the newest word counts."""
        latest = {e.body.organ_id: e for e in events}
        rows = [
            (o, e.district, e.body.organ_path, e.body.kind, e.body.tier, e.body.region_code, e.body.valid_from_on)
            for o, e in latest.items()
        ]
        await tx.queue(_PLACE_SQL, [list(column) for column in zip(*rows, strict=True)])
