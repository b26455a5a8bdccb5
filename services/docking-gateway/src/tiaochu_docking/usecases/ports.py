"""What the use cases need of storage and network, by name; `app.py` gives it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from tiaochu_docking.domain.agency import Agency, Endpoint
from tiaochu_docking.domain.case_file import CaseFile
from tiaochu_docking.domain.delivery import Delivery
from tiaochu_docking.domain.exchange import Exchange


@dataclass(frozen=True)
class StoredFile:
    """A file an agency uploaded."""

    file_id: str
    agency_id: str
    district: str
    name: str
    media_type: str
    size: int
    sha256: str
    stored_at: datetime


@dataclass(frozen=True)
class PacketRow:
    """A packet without what it says."""

    packet_id: str
    agency_id: str
    exchange_id: str
    direction: str
    kind: str
    seq: int
    in_reply_to: str
    sha256: str
    state: str
    issued_at: datetime
    recorded_at: datetime
    receipt_id: str


@dataclass(frozen=True)
class SharingRow:
    """A line of the ledger."""

    agency_id: str
    seq: int
    entry: bytes
    hash: bytes


@dataclass(frozen=True)
class ExchangeFilter:
    """Which exchanges; empty means any. `after` is the last id of the page before."""

    agency_id: str = ""
    docking: str = ""
    state: str = ""
    case_id: str = ""
    case_number: str = ""
    external_no: str = ""
    updated_after: datetime | None = None
    after: str = ""
    limit: int = 50


@dataclass(frozen=True)
class Parcel:
    """A letter as it goes out: bytes, what it discloses, the trace it was written in."""

    body: bytes
    disclosure: Mapping[str, Any]
    traceparent: str


@dataclass(frozen=True)
class Queued:
    """A delivery and its place in the agency's outbox."""

    delivery: Delivery
    position: int


class Destinations(Protocol):
    """Addresses we may send to."""

    def allowed(self, url: str) -> bool:
        """Whether an address may be stored at all."""


class Shelf(Protocol):
    """Documents and letters by id, read outside a command."""

    async def exchange(self, ident: str) -> Exchange | None:
        """An exchange."""

    async def agency(self, ident: str) -> Agency | None:
        """An agency."""

    async def case_file(self, ident: str) -> CaseFile | None:
        """What is known of a case."""

    async def packet_exists(self, packet_id: str) -> bool:
        """Whether a packet was stored."""

    async def trace_of(self, packet_id: str) -> str:
        """The trace in which a packet was stored, as a traceparent header."""

    async def letter(self, agency_id: str, ident: str) -> bytes:
        """The bytes of a letter. Raises `NOT_FOUND`."""

    async def files(self, file_ids: list[str], agency_id: str) -> list[StoredFile]:
        """Those of these files that are this agency's."""

    def content(self, file: StoredFile) -> AsyncIterator[bytes]:
        """A file's bytes."""


class Calling(Protocol):
    """Other services."""

    async def call(self, service: str, rpc: str, request: Any, ctx: Any = None, *, request_id: str = "", after: str = "") -> Any:
        """One RPC; raises what was answered."""

    def channel(self, service: str) -> Any:
        """For streams."""


class Outbox(Protocol):
    """What waits for whom, and the ledger's first half."""

    async def agencies(self) -> list[Agency]:
        """All agencies."""

    async def resting(self, now: datetime) -> set[tuple[str, str]]:
        """Endpoints (agency, endpoint) whose breaker is open."""

    async def due(self, rooms: Mapping[tuple[str, str], int], now: datetime) -> list[Delivery]:
        """Deliveries that may leave now, for each endpoint at most so many."""

    async def feed(self, agency_id: str, *, after: int, endpoint_id: str, waiting_only: bool, limit: int) -> list[Queued]:
        """An agency's queue from a place on."""

    async def of_packet(self, agency_id: str, packet_id: str) -> Delivery | None:
        """The newest delivery of a packet."""

    async def body(self, delivery: Delivery) -> bytes:
        """The bytes of a packet of ours, for signing."""

    async def hand_out(self, delivery: Delivery, endpoint: Endpoint, headers: Mapping[str, str], at: datetime) -> Parcel:
        """Write down that the agency may read this packet from now on; committed before the first byte leaves."""

    async def note_attempt(self, delivery: Delivery, *, at: datetime, status: int, fault: str, milliseconds: int) -> None:
        """The delivery log and the endpoint's breaker."""

    async def receipted_from(self, delivery: Delivery, seq: int) -> Sequence[str]:
        """Deliveries of an exchange, receipted before, from a number on."""


class Letters(Shelf, Protocol):
    """The shelf as the agencies' door uses it."""

    async def agency_by_code(self, code: str) -> Agency | None:
        """The agency that signs with this code."""

    async def keep(
        self, agency: Agency, ident: str, *, request: str, sha256: str, headers: Mapping[str, str], body: bytes, at: datetime
    ) -> tuple[bool, str, str]:
        """Store a verified letter before anything is made of it: whether it is new, and the request and hash stored under this id."""

    async def note_refusal(self, agency: Agency, ident: str, reason: str) -> None:
        """Why a stored letter had no effect."""

    async def put_file(self, agency: Agency, content: AsyncIterator[bytes], limit: int) -> Any:
        """Store a file's content as it streams in."""

    async def add_file(self, file: StoredFile) -> None:
        """Make a stored content known as a file."""


class Lists(Protocol):
    """What an agency may list; `scope` is its district."""

    async def exchanges(self, scope: str, f: ExchangeFilter) -> list[Exchange]:
        """Exchanges that fit, by id."""

    async def packets(self, scope: str, exchange_id: str, after_seq: int = 0) -> list[PacketRow]:
        """Packets of an exchange in the order of storing."""

    async def packet(self, scope: str, packet_id: str) -> PacketRow | None:
        """One packet."""

    async def packets_of_day(self, scope: str, agency_id: str, day: date) -> list[PacketRow]:
        """Packets that passed on a day, Beijing."""

    async def letter_headers(self, scope: str, agency_id: str, ident: str) -> dict[str, str]:
        """The signature headers of a letter."""

    async def sharing(
        self, scope: str, *, agency_id: str = "", case_id: str = "", after: tuple[str, int] | None = None, limit: int = 50
    ) -> list[SharingRow]:
        """The ledger by agency and number."""

    async def save_comparison(
        self, district: str, agency_id: str, day: date, *, ours: int, theirs: int, differences: str, at: datetime
    ) -> None:
        """Keep the newest comparison of a day."""
