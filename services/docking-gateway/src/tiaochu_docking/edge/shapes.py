"""Answers of the REST surface, as its document states them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from tiaochu_docking.domain.agency import Agency
from tiaochu_docking.domain.exchange import Exchange
from tiaochu_docking.domain.packet import Side
from tiaochu_docking.usecases.ports import PacketRow, Queued


class Fault(BaseModel):
    """One refused place."""

    pointer: str
    reason: str
    message: str


class Problem(BaseModel):
    """RFC 9457 with `reason`: decide by the reason, not by the status or the texts."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    reason: str
    retry: str = Field(description="never, same (send the same again later) or after (another after looking)")
    errors: list[Fault]
    trace_id: str


class Receipt(BaseModel):
    """Proof that these bytes are stored. It does not say that anything was accepted: that is a packet."""

    receipt_id: str
    sha256: str
    received_at: datetime


class ReceivedAnswer(BaseModel):
    """A packet was valid and is stored."""

    packet_id: str
    exchange_id: str = ""
    state: str = ""
    etag: str = ""
    receipt: Receipt


class PacketView(BaseModel):
    """A packet without what it says."""

    packet_id: str
    exchange_id: str
    direction: str = Field(description="in: to us; out: from us")
    kind: str
    seq: int
    in_reply_to: str
    sha256: str
    state: str = Field(description="state of the exchange after it")
    issued_at: datetime
    recorded_at: datetime
    receipt_id: str

    @classmethod
    def of(cls, p: PacketRow) -> "PacketView":
        """Of a stored packet."""
        return cls(
            packet_id=p.packet_id,
            exchange_id=p.exchange_id,
            direction=p.direction,
            kind=p.kind,
            seq=p.seq,
            in_reply_to=p.in_reply_to,
            sha256=p.sha256,
            state=p.state,
            issued_at=p.issued_at,
            recorded_at=p.recorded_at,
            receipt_id=p.receipt_id or (f"r-{p.packet_id}" if p.direction == "in" else ""),
        )


class ExchangeView(BaseModel):
    """The fold of an exchange's packets."""

    exchange_id: str
    docking: str
    schema_set: str
    mode: str
    offerer: str
    state: str
    etag: str
    case_no: str
    external_no: str
    offered_at: datetime
    updated_at: datetime
    lapse_at: datetime | None
    next_seq: int = Field(description="number of your next packet")
    expects: list[str] = Field(description="kinds you may send now")

    @classmethod
    def of(cls, e: Exchange, expects: list[str]) -> "ExchangeView":
        """Of an exchange, with what its agency may send now."""

        return cls(
            exchange_id=e.id,
            docking=e.docking,
            schema_set=e.schema_set,
            mode=e.mode,
            offerer=e.offerer.value,
            state=e.status,
            etag=e.etag,
            case_no=e.case_number,
            external_no=e.external_no,
            offered_at=e.offered_at,
            updated_at=e.updated_at,
            lapse_at=e.lapse_at,
            next_seq=e.next_seq(Side.THEIRS),
            expects=expects,
        )


class ExchangePage(BaseModel):
    """A page of exchanges."""

    exchanges: list[ExchangeView]
    cursor: str = Field(description="of the next page, empty on the last")


class PacketList(BaseModel):
    """Packets of an exchange."""

    packets: list[PacketView]


class OutboxEntry(BaseModel):
    """A packet that waits for you. `body` is the exact text that was signed: hash and verify its UTF-8 bytes before parsing."""

    position: int
    packet_id: str
    exchange_id: str
    kind: str
    seq: int
    sha256: str
    headers: dict[str, str]
    body: str

    @classmethod
    def of(cls, q: Queued, headers: dict[str, str], body: bytes) -> "OutboxEntry":
        """Of a queued delivery."""
        d = q.delivery
        return cls(
            position=q.position,
            packet_id=d.packet_id,
            exchange_id=d.exchange_id,
            kind=d.kind,
            seq=d.seq,
            sha256=d.sha256,
            headers=headers,
            body=body.decode(),
        )


class OutboxPage(BaseModel):
    """What waits. Store first, then acknowledge: the queue moves by acknowledgements alone."""

    entries: list[OutboxEntry]
    after: int = Field(description="pass it as `after` to read on")


class AckOutcome(BaseModel):
    """What became of one acknowledgement."""

    packet_id: str
    outcome: str = Field(description="receipted, unknown or hash_differs")


class AckAnswer(BaseModel):
    """What became of the acknowledgements."""

    acks: list[AckOutcome]


class FileView(BaseModel):
    """A stored file."""

    file_id: str
    name: str
    media_type: str
    size: int
    sha256: str


class Difference(BaseModel):
    """A packet on which the two logs disagree."""

    packet_id: str
    kind: str = Field(description="missing_here, missing_there or differing")
    repair: str = Field(description="resend (you), redeliver (we, already queued) or look (a person)")


class ReconciliationAnswer(BaseModel):
    """The comparison of a day."""

    date: str
    ours: int
    theirs: int
    differences: list[Difference]


class DayList(BaseModel):
    """Packets that passed on a day."""

    date: str
    packets: list[PacketView]


class SharingLine(BaseModel):
    """A line of the ledger: hash = SHA-256(hash before + entry)."""

    seq: int
    entry: str
    hash: str


class SharingPage(BaseModel):
    """A page of the ledger."""

    lines: list[SharingLine]
    after: int


class TokenAnswer(BaseModel):
    """A bearer for reads."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - a scheme's name
    expires_at: datetime


class CredentialView(BaseModel):
    """A secret's validity."""

    credential_id: str
    valid_from: datetime
    valid_to: datetime | None


class EndpointView(BaseModel):
    """Where you receive."""

    endpoint_id: str
    channel: str
    url: str
    preferred: bool
    state: str


class MeView(BaseModel):
    """How you stand here."""

    agency_id: str
    code: str
    name: str
    kind: str
    tier: str
    dockings: list[str]
    endpoints: list[EndpointView]
    credentials: list[CredentialView]
    liaisons: list[dict[str, Any]]

    @classmethod
    def of(cls, a: Agency) -> "MeView":
        """Of an agency."""
        return cls(
            agency_id=a.id,
            code=a.code,
            name=a.name,
            kind=a.kind,
            tier=a.tier,
            dockings=a.dockings,
            endpoints=[
                EndpointView(endpoint_id=e.endpoint_id, channel=e.channel, url=e.url, preferred=e.preferred, state=e.state)
                for e in a.endpoints
            ],
            credentials=[
                CredentialView(credential_id=c.credential_id, valid_from=c.valid_from, valid_to=c.valid_to) for c in a.credentials
            ],
            liaisons=[{"side": p.side, "rank": p.rank, "post": p.post} for p in a.liaisons],
        )


class ChangeAnswer(BaseModel):
    """A change of your own settings."""

    credential_id: str = ""
    valid_to: datetime | None = None


class PingAnswer(BaseModel):
    """What your endpoint answered to a test call."""

    status: int
    fault: str
    milliseconds: int


class TimeAnswer(BaseModel):
    """Our clock."""

    now: datetime
    zone: str = "Asia/Shanghai"
