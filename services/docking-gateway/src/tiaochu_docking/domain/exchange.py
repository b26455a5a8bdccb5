"""Exchange (对接往来): one matter between us and one agency, as the fold of its packets.

Both directions use the same machine; only who offers changes.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from tiaochu_docking.domain import events
from tiaochu_docking.domain.docking import Mode
from tiaochu_docking.domain.packet import CHANGES_STATE, Kind, Packet, PacketRef, Role, Side
from tiaochu_domainkit.aggregate import Aggregate, Transition, Transitions
from tiaochu_domainkit.errors import DomainError, InvalidTransition, denied, invalid, refused
from tiaochu_domainkit.errors import Kind as ErrorKind

PACKET_LIMIT = 200
"""Packets an exchange can hold; the document must stay small. A docking that needs more opens a new exchange."""

LAPSED_GROUND = "lapsed"


@dataclass(kw_only=True)
class Exchange(Aggregate):
    """State and fold of one exchange.

    `revision` grows with every packet and every change of state; it is the etag an agency sees. `docking_from` is the ISO first day
    of the configuration it was offered under and stays on. `facts` are the closing facts that have come (`Mode.close_when`).
    """

    TRANSITIONS: ClassVar[Transitions] = {
        "sign": Transition(("offered",), ("signed",)),
        "return": Transition(("offered", "signed"), ("returned",)),
        "recall": Transition(("offered", "signed"), ("recalled",)),
        "supplement": Transition(("offered", "signed"), ("offered", "signed")),
        "progress": Transition(("signed", "answered"), ("signed", "answered", "closed")),
        "result": Transition(("signed",), ("answered", "closed")),
        "opinion": Transition(("answered",), ("closed", "answered", "signed")),
        "lapse": Transition(("offered",), ("lapsed",)),
    }

    agency_id: str
    docking: str
    docking_from: str
    schema_set: str
    mode: str
    offerer: Side
    external_no: str
    offered_at: datetime
    updated_at: datetime
    case_id: str = ""
    case_number: str = ""
    agreement_id: str = ""
    endpoint_id: str = ""
    follows: str = ""
    linked: bool = False
    signed_at: datetime | None = None
    lapse_at: datetime | None = None
    objection_until: datetime | None = None
    reopened: bool = False
    lapse_told: bool = False
    revision: int = 0
    packets: list[PacketRef] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)

    @classmethod
    def open(
        cls,
        *,
        offerer: Side,
        exchange_id: str,
        district: str,
        agency_id: str,
        mode: Mode,
        external_no: str,
        case_id: str,
        packet: Packet,
        at: datetime,
        case_number: str = "",
        agreement_id: str = "",
        endpoint_id: str = "",
        follows: str = "",
    ) -> "Exchange":
        """An offer of either side.

        For an agency's, `case_id` is minted for the registration that follows; ours is of a registered case. KIND_NOT_ALLOWED if this side cannot open
        this mode, OUT_OF_ORDER unless it is number 1.
        """
        if packet.kind is not Kind.OFFER or mode.offerer is not offerer:
            raise denied("KIND_NOT_ALLOWED", f"{offerer} cannot open {mode.name} by {packet.kind}", "本对接不允许由该方以此类函件发起")
        if packet.seq != 1:
            raise _out_of_order(1)
        exchange = cls(
            id=exchange_id,
            district=district,
            status="offered",
            agency_id=agency_id,
            docking=mode.docking,
            docking_from=mode.docking_from,
            schema_set=mode.schema_set,
            mode=mode.name,
            offerer=offerer,
            external_no=external_no,
            offered_at=at,
            updated_at=at,
            case_id=case_id,
            case_number=case_number,
            agreement_id=agreement_id,
            endpoint_id=endpoint_id,
            follows=follows,
            linked=offerer is Side.OURS,
            lapse_at=mode.lapse_at(at),
        )
        if offerer is Side.THEIRS:
            exchange.record(
                events.OfferReceived(exchange_id, case_id, agency_id, mode.docking, mode.name, external_no, packet.packet_id), at
            )
        exchange._note(packet, offerer, at)
        return exchange

    @property
    def etag(self) -> str:
        """What an agency sends as If-Match, without quotes."""
        return f"r{self.revision}"

    def side_of(self, role: Role) -> Side:
        """Which side has this part."""
        return self.offerer if role is Role.OFFERER else self.offerer.other

    def next_seq(self, side: Side) -> int:
        """The number of this side's next packet."""
        return 1 + max((p.seq for p in self.packets if p.side is side), default=0)

    def packet(self, packet_id: str) -> PacketRef | None:
        """A packet of this exchange."""
        return next((p for p in self.packets if p.packet_id == packet_id), None)

    def take(self, packet: Packet, side: Side, mode: Mode, at: datetime) -> None:
        """A packet of either side after the offer.

        Refused with KIND_NOT_ALLOWED (not this side's to send), OUT_OF_ORDER (with the expected number), STATE_FORBIDS,
        SUPERSEDED (written without knowing the newest word of the other side), FIELD_INVALID.
        """
        if packet.kind not in mode.kinds_from(side) or packet.kind is Kind.OFFER:
            raise denied("KIND_NOT_ALLOWED", f"{packet.kind} is not for {side} in {mode.name}", "本对接不允许该方发送此类函件")
        if packet.seq != self.next_seq(side):
            raise _out_of_order(self.next_seq(side))
        self.require(packet.kind.value)
        self._check_reply(packet, side)
        if len(self.packets) >= PACKET_LIMIT:
            raise refused("STATE_FORBIDS", "the exchange is full", "往来函件已达上限,请另行发起", current=self.status, allowed="offer")
        acts = {
            Kind.SIGN: self._sign,
            Kind.RETURN: self._return,
            Kind.RECALL: self._recall,
            Kind.SUPPLEMENT: self._supplement,
            Kind.PROGRESS: self._progress,
            Kind.RESULT: self._result,
            Kind.OPINION: self._opinion,
        }
        acts[packet.kind](packet, side, mode, at)

    def lapse(self, at: datetime) -> None:
        """Nobody signed before `lapse_at`."""
        self.require("lapse")
        self._to("lapsed", at)
        self.record(events.ExchangeLapsed(self.id, self.case_id), at)

    def tell_lapse(self, packet: Packet, at: datetime) -> None:
        """The letter by which the other side learns it, once: a recall with the ground `lapsed`, whoever offered."""
        if self.status != "lapsed" or self.lapse_told or packet.ground != LAPSED_GROUND or packet.seq != self.next_seq(Side.OURS):
            raise InvalidTransition("tell_lapse", self.status, ())
        self.lapse_told = True
        self._note(packet, Side.OURS, at)

    def link(self, case_id: str, case_number: str, at: datetime) -> None:
        """The offer stands in the register; saying it again changes nothing."""
        if self.linked and self.case_id == case_id:
            return
        self.case_id, self.case_number, self.linked = case_id, case_number, True
        self.record(events.ExchangeLinked(self.id, case_id), at)

    def receipted(self, packet_id: str, receipt_id: str, channel: str, mode: Mode, at: datetime) -> None:
        """The agency stored a packet of ours; perhaps the last thing that was missing."""
        packet = self.packet(packet_id)
        if packet is None or packet.side is not Side.OURS:
            raise invalid("packet_id", "UNKNOWN_PACKET", "不是本往来中由我方发出的函件")
        self.record(events.PacketReceipted(self.id, self.case_id, packet_id, receipt_id, channel), at)
        self._stored(packet, mode, at)

    def undeliverable(self, packet_id: str, reason: str, at: datetime) -> None:
        """A packet of ours could not be brought over; a person must look after it. The state stays."""
        self.record(events.DeliveryDead(self.id, self.case_id, packet_id, reason), at)

    def may(self, kind: Kind, side: Side, mode: Mode) -> str:
        """Empty if this side could send such a packet now, else the reason why not."""
        if kind not in mode.kinds_from(side) or kind is Kind.OFFER:
            return "KIND_NOT_ALLOWED"
        if self.status not in self.TRANSITIONS[kind.value].allowed_in:
            return "STATE_FORBIDS"
        if kind is Kind.RETURN and self.status == "signed" and self.objection_until is None:
            return "STATE_FORBIDS"
        if kind is Kind.SUPPLEMENT and self._asked(side) and not self._asked(side.other):
            return "STATE_FORBIDS"
        return ""

    # One method a kind

    def _sign(self, packet: Packet, side: Side, mode: Mode, at: datetime) -> None:
        self._to("signed", at)
        self.signed_at, self.objection_until = at, mode.objection_until(at)
        self._note(packet, side, at)
        self.record(events.ExchangeSigned(self.id, self.case_id), at)

    def _return(self, packet: Packet, side: Side, mode: Mode, at: datetime) -> None:
        if self.status == "signed" and not (self.objection_until and at < self.objection_until):
            raise InvalidTransition("return", self.status, self._allowed_without("return"), "签收后异议期已过或不允许异议,不能退回")
        mode.check_ground(Kind.RETURN, packet.ground)
        if not packet.suggested_organ:
            raise invalid("/data/content/suggested_organ", "REQUIRED", "退回必须写明建议的承办单位")
        self._to("returned", at)
        self._note(packet, side, at)
        self.record(events.ExchangeReturned(self.id, self.case_id, packet.ground), at)
        if mode.decides_confirmation:
            # 法释〔2011〕5号 4: the court may decide not to accept the application.
            self.record(events.CourtRulingReceived(self.id, self.case_id, self.agreement_id, "not_accepted", "", ""), at)

    def _recall(self, packet: Packet, side: Side, mode: Mode, at: datetime) -> None:
        mode.check_ground(Kind.RECALL, packet.ground)
        self._to("recalled", at)
        self._note(packet, side, at)
        self.record(events.ExchangeRecalled(self.id, self.case_id, packet.ground), at)

    def _supplement(self, packet: Packet, side: Side, _mode: Mode, at: datetime) -> None:
        if packet.asks and self._asked(side):
            # 补正一次告知: papers are asked for once.
            raise InvalidTransition("supplement", self.status, self._allowed_without("supplement"), "补充材料只能要求一次")
        if not packet.asks and not self._asked(side.other):
            raise InvalidTransition("supplement", self.status, self._allowed_without("supplement"), "对方没有要求补充材料")
        self._note(packet, side, at)

    def _progress(self, packet: Packet, side: Side, mode: Mode, at: datetime) -> None:
        self._note(packet, side, at)
        if side is Side.THEIRS:
            self._stored(self.packets[-1], mode, at)

    def _result(self, packet: Packet, side: Side, mode: Mode, at: datetime) -> None:
        self._to("answered", at)
        self._note(packet, side, at)
        self.record(events.ExchangeAnswered(self.id, self.case_id), at)
        if mode.decides_confirmation:
            self.record(
                events.CourtRulingReceived(self.id, self.case_id, self.agreement_id, packet.outcome, packet.ruling_no, packet.ruled_on), at
            )
        if side is Side.THEIRS:
            # Our answer to its call is the receipt.
            self._stored(self.packets[-1], mode, at)

    def _opinion(self, packet: Packet, side: Side, mode: Mode, at: datetime) -> None:
        if packet.verdict in mode.reopening_verdicts and not self.reopened:
            self.reopened = True
            self._to("signed", at)
            self._note(packet, side, at)
            self.record(events.ExchangeReopened(self.id, self.case_id), at)
            return
        self._note(packet, side, at)
        self._collect(("opinion_present", *packet.facts), mode, at)

    # Parts

    def _asked(self, side: Side) -> bool:
        return any(p.kind is Kind.SUPPLEMENT and p.asks and p.side is side for p in self.packets)

    def _check_reply(self, packet: Packet, side: Side) -> None:
        if not packet.in_reply_to:
            return
        answered = self.packet(packet.in_reply_to)
        if answered is None or answered.side is side:
            raise invalid("/data/in_reply_to", "UNKNOWN_PACKET", "所答复的函件不是本往来中对方的函件")
        if packet.kind not in CHANGES_STATE:
            return
        newest = next((p for p in reversed(self.packets) if p.side is not side and (p.kind in CHANGES_STATE or p.kind is Kind.OFFER)), None)
        if newest is not None and answered.seq < newest.seq:
            raise DomainError(
                ErrorKind.CONFLICT,
                "SUPERSEDED",
                f"{newest.packet_id} is newer than the packet answered",
                "对方已有更新的函件,请先阅读",
                {"newest": newest.packet_id, "current": self.status},
            )

    def _note(self, packet: Packet, side: Side, at: datetime) -> None:
        self.packets.append(PacketRef(packet.packet_id, side, packet.kind, packet.seq, packet.sha256, at, packet.asks, packet.facts))
        self.revision += 1
        self.updated_at = at
        made = events.PacketReceived if side is Side.THEIRS else events.PacketIssued
        self.record(made(self.id, self.case_id, packet.packet_id, packet.kind.value, packet.seq, self.agency_id, packet.sha256), at)

    def _stored(self, packet: PacketRef, mode: Mode, at: datetime) -> None:
        """Both sides now hold this packet of the receiver."""
        facts = tuple(f"{fact}_receipted" for fact in packet.facts)
        self._collect((*facts, "result_receipted") if packet.kind is Kind.RESULT else facts, mode, at)

    def _collect(self, facts: tuple[str, ...], mode: Mode, at: datetime) -> None:
        self.facts.extend(f for f in facts if f not in self.facts)
        if self.status == "answered" and mode.close_when <= set(self.facts):
            self._to("closed", at)
            self.record(events.ExchangeClosed(self.id, self.case_id), at)

    def _to(self, status: str, at: datetime) -> None:
        self.status = status
        self.revision += 1
        self.updated_at = at

    def _allowed_without(self, command: str) -> tuple[str, ...]:
        return tuple(c for c in self.allowed_commands() if c != command)


def _out_of_order(expected: int) -> DomainError:
    return DomainError(
        ErrorKind.CONFLICT,
        "OUT_OF_ORDER",
        f"expected packet number {expected}",
        f"函件序号不连续,应为第{expected}号",
        {"expected": str(expected)},
    )
