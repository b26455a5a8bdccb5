"""The timer of unsigned offers."""

from datetime import datetime

from tiaochu.docking.v1 import door_pb2 as pb
from tiaochu_docking.usecases.issuing import IssuingCommands
from tiaochu_docking.usecases.own import OwnCommands


class Lapsing:
    """Timer handler `lapse`."""

    def __init__(self, own: OwnCommands, issuing: IssuingCommands) -> None:
        self._own = own
        self._issuing = issuing

    async def lapse(self, exchange_id: str, _district: str, due_at: datetime) -> None:
        """The time to sign ended at `due_at`."""
        request = pb.LapseExchangeRequest(exchange_id=exchange_id)
        key = f"lapse-{exchange_id}-{due_at.isoformat()}"
        await self._own.run(self._issuing.lapse_exchange, request, pb.IssuedResponse, request_id=key)
