"""Where a consumer reads what NATS did not bring: another service's `LogService`, or the service's own journal."""

from collections.abc import Sequence
from typing import Protocol

from tiaochu.log.v1.log_service_pb2 import Head, LoggedEvent, ReadCasesRequest, ReadHeadsRequest, ReadLogRequest
from tiaochu_kit.database import Database
from tiaochu_kit.log import read_cases, read_range
from tiaochu_kit.peers import Peers
from tiaochu_kit.relay import Relay


class Producer(Protocol):
    """A log owner as its readers see it."""

    name: str

    async def heads(self, district: str = "") -> Sequence[Head]:
        """Heads of all logs, or of one, with everything committed already positioned."""

    async def read(self, district: str, after: int) -> Sequence[LoggedEvent]:
        """Events after a position, oldest first, at most a batch."""

    async def read_cases(self, case_ids: Sequence[str], types: Sequence[str], after: tuple[str, int] = ("", 0)) -> Sequence[LoggedEvent]:
        """Events of some cases behind a place (district, position), at most `CASES_BATCH`; see `LogService.ReadCases`."""


class OwnLog:
    """The service's own journal: a service may react to its own events; `LogService` answers from here too."""

    def __init__(self, name: str, database: Database, relay: Relay) -> None:
        self.name = name
        self._database = database
        self._relay = relay

    async def heads(self, district: str = "") -> Sequence[Head]:
        """See `Producer`."""
        return await self._relay.heads(district)

    async def read(self, district: str, after: int) -> Sequence[LoggedEvent]:
        """See `Producer`."""
        async with self._database.transaction() as tx:
            return await read_range(tx, district, after)

    async def read_cases(self, case_ids: Sequence[str], types: Sequence[str], after: tuple[str, int] = ("", 0)) -> Sequence[LoggedEvent]:
        """See `Producer`."""
        async with self._database.transaction() as tx:
            return await read_cases(tx, case_ids, types, after)


class RemoteLog:
    """Another service's journal over gRPC."""

    def __init__(self, name: str, peers: Peers) -> None:
        self.name = name
        self._peers = peers

    async def heads(self, district: str = "") -> Sequence[Head]:
        """See `Producer`."""
        answer = await self._peers.call(self.name, "tiaochu.log.v1.LogService/ReadHeads", ReadHeadsRequest(district=district))
        return list(answer.heads)

    async def read(self, district: str, after: int) -> Sequence[LoggedEvent]:
        """See `Producer`."""
        answer = await self._peers.call(self.name, "tiaochu.log.v1.LogService/ReadLog", ReadLogRequest(district=district, after=after))
        return list(answer.events)

    async def read_cases(self, case_ids: Sequence[str], types: Sequence[str], after: tuple[str, int] = ("", 0)) -> Sequence[LoggedEvent]:
        """See `Producer`."""
        request = ReadCasesRequest(case_ids=case_ids, types=types, after_district=after[0], after_position=after[1])
        answer = await self._peers.call(self.name, "tiaochu.log.v1.LogService/ReadCases", request, timeout=30)
        return list(answer.events)
