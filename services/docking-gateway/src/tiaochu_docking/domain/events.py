"""What happened between us and the agencies. Field names are those of `tiaochu.docking.events.v1`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class OfferReceived:
    exchange_id: str
    case_id: str
    agency_id: str
    docking: str
    mode: str
    external_no: str
    packet_id: str


@dataclass(frozen=True)
class ExchangeLinked:
    exchange_id: str
    case_id: str


@dataclass(frozen=True)
class PacketReceived:
    exchange_id: str
    case_id: str
    packet_id: str
    kind: str
    seq: int
    agency_id: str
    sha256: str


@dataclass(frozen=True)
class PacketIssued:
    exchange_id: str
    case_id: str
    packet_id: str
    kind: str
    seq: int
    agency_id: str
    sha256: str


@dataclass(frozen=True)
class PacketReceipted:
    exchange_id: str
    case_id: str
    packet_id: str
    receipt_id: str
    channel: str


@dataclass(frozen=True)
class DeliveryDead:
    exchange_id: str
    case_id: str
    packet_id: str
    reason: str


@dataclass(frozen=True)
class ExchangeSigned:
    exchange_id: str
    case_id: str


@dataclass(frozen=True)
class ExchangeReturned:
    exchange_id: str
    case_id: str
    ground: str


@dataclass(frozen=True)
class ExchangeRecalled:
    exchange_id: str
    case_id: str
    ground: str


@dataclass(frozen=True)
class ExchangeLapsed:
    exchange_id: str
    case_id: str


@dataclass(frozen=True)
class ExchangeAnswered:
    exchange_id: str
    case_id: str


@dataclass(frozen=True)
class ExchangeReopened:
    exchange_id: str
    case_id: str


@dataclass(frozen=True)
class ExchangeClosed:
    exchange_id: str
    case_id: str


@dataclass(frozen=True)
class CourtRulingReceived:
    exchange_id: str
    case_id: str
    agreement_id: str
    ruling: str
    ruling_no: str
    ruled_on: str


@dataclass(frozen=True)
class AgencyAdded:
    agency_id: str
    kind: str


@dataclass(frozen=True)
class CredentialIssued:
    agency_id: str
    credential_id: str


@dataclass(frozen=True)
class CredentialRetired:
    agency_id: str
    credential_id: str


@dataclass(frozen=True)
class EndpointChanged:
    agency_id: str
    endpoint_id: str
    state: str


@dataclass(frozen=True)
class LiaisonsNamed:
    agency_id: str
