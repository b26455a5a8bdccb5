"""A verified write becomes a command: read, checked against the docking, given to the executor."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from google.protobuf.message import Message

from tiaochu.docking.v1 import door_pb2 as pb
from tiaochu_docking.domain.docking import Docking, Dockings, Rule
from tiaochu_docking.domain.letter import Letter, check_content, faulty, mismatch, mode_of_offer, open_letter
from tiaochu_docking.domain.packet import CHANGES_STATE, Kind, Side
from tiaochu_docking.domain.schema import Struct
from tiaochu_docking.edge.gate import Signed, principal_of
from tiaochu_docking.edge.problems import refused
from tiaochu_docking.usecases.facts import to_facts
from tiaochu_docking.usecases.ports import Letters
from tiaochu_docking.usecases.receiving import ReceivingCommands
from tiaochu_domainkit.clocks import beijing
from tiaochu_domainkit.errors import DomainError, FieldViolation, denied, not_found
from tiaochu_kit import telemetry
from tiaochu_kit.executor import Executor
from tiaochu_kit.principal import Context


@dataclass(frozen=True)
class Taken:
    """An accepted write: the command's answer, and whether it is a repetition of an earlier one."""

    response: Any
    replayed: bool


class Door:
    """What agencies write."""

    def __init__(
        self,
        *,
        dockings: Dockings,
        envelope: Struct,
        letters: Letters,
        executor: Executor,
        receiving: ReceivingCommands,
        now: Callable[[], datetime],
    ) -> None:
        self._dockings = dockings
        self._envelope = envelope
        self._letters = letters
        self._executor = executor
        self._receiving = receiving
        self._now = now

    async def offer(self, signed: Signed) -> Taken:
        """POST /exchanges."""
        return await self._stored_first(signed, self._offer)

    async def packet(self, signed: Signed, exchange_id: str, if_match: str | None) -> Taken:
        """POST /exchanges/{id}/packets."""

        async def take(signed: Signed) -> Taken:
            return await self._packet(signed, exchange_id, if_match)

        return await self._stored_first(signed, take)

    async def notice(self, signed: Signed) -> Taken:
        """POST /notices."""
        return await self._stored_first(signed, self._notice)

    async def run(self, signed: Signed, method: Any, request: Message, response: type[Message], *, request_id: str = "") -> Taken:
        """Run a command in the agency's name; its key is the webhook-id."""
        now = self._now()
        ctx = Context(principal_of(signed.agency), f"rest/{method.__name__}", now, request_id or signed.ident, telemetry.traceparent())
        answer = await self._executor.run(method, request, ctx, response)
        told = getattr(answer, "receive_time", None)
        return Taken(answer, told is not None and told.ToDatetime(UTC) != now)

    async def _stored_first(self, signed: Signed, take: Callable[[Signed], Any]) -> Taken:
        """The bytes are stored before they are read; an id stands for one request for ever."""
        new, request, digest = await self._letters.keep(
            signed.agency,
            signed.ident,
            request=signed.request,
            sha256=signed.sha256,
            headers=signed.headers,
            body=signed.body,
            at=self._now(),
        )
        if not new and (request, digest) != (signed.request, signed.sha256):
            raise refused(
                "IDEMPOTENCY_KEY_REUSED", "this webhook-id was used for another request", "该webhook-id已用于另一份函件,请使用新的编号"
            )
        try:
            taken: Taken = await take(signed)
        except DomainError as error:
            if new:
                await self._letters.note_refusal(signed.agency, signed.ident, error.reason)
            raise
        return taken

    async def _offer(self, signed: Signed) -> Taken:
        letter = self._read(signed)
        if letter.kind is not Kind.OFFER:
            raise mismatch("path", "data.kind")
        docking = self._docking(signed, letter)
        mode = mode_of_offer(letter, docking)
        if mode.offerer is not Side.THEIRS:
            raise denied("KIND_NOT_ALLOWED", f"{mode.name} is offered by us", "此类移送由我方发起")
        rule = mode.rule(Kind.OFFER)
        await self._check(signed, letter, rule, docking)
        request = pb.ReceiveOfferRequest(
            agency_id=signed.agency.id,
            exchange_id=letter.exchange_id,
            docking=docking.name,
            docking_from=docking.valid_from.isoformat(),
            mode=mode.name,
            external_no=letter.external_no,
            answer_to=str(letter.data.get("answer_to") or ""),
            packet=to_facts(letter.packet(rule), letter.issued_at),
        )
        try:
            return await self.run(signed, self._receiving.receive_offer, request, pb.ReceivedResponse)
        except DomainError as error:
            if error.reason != "DUPLICATE_EXTERNAL_NO" or error.metadata["exchange_id"] != letter.exchange_id:
                raise
            # The same offer was being committed at this moment: the second look finds it whole.
            return await self.run(signed, self._receiving.receive_offer, request, pb.ReceivedResponse)

    async def _packet(self, signed: Signed, exchange_id: str, if_match: str | None) -> Taken:
        letter = self._read(signed)
        if letter.exchange_id != exchange_id:
            raise mismatch("path", "data.exchange_id")
        if letter.kind in (Kind.OFFER, Kind.NOTICE, Kind.PERIOD):
            raise mismatch("path", "data.kind")
        exchange = await self._letters.exchange(exchange_id)
        if exchange is None or exchange.agency_id != signed.agency.id:
            raise not_found("exchange", exchange_id)
        if letter.kind in CHANGES_STATE and if_match is None:
            raise refused("IF_MATCH_REQUIRED", "If-Match is needed", "缺少If-Match,请先读取该往来的最新状态", etag=exchange.etag)
        docking = self._dockings.version(exchange.docking, exchange.docking_from)
        if letter.data["docking"] != docking.name or letter.data["schema"] != docking.schema_set:
            raise mismatch("data.schema", "exchange")
        mode = docking.mode(exchange.mode)
        if letter.kind not in mode.kinds_from(Side.THEIRS):
            raise denied("KIND_NOT_ALLOWED", f"{letter.kind} is not for the agency in {mode.name}", "本对接不允许贵机构发送此类函件")
        rule = mode.rule(letter.kind)
        await self._check(signed, letter, rule, docking)
        request = pb.ReceivePacketRequest(
            agency_id=signed.agency.id,
            exchange_id=exchange_id,
            if_match=(if_match or "").strip().removeprefix("W/").strip('"'),
            packet=to_facts(letter.packet(rule), letter.issued_at),
        )
        return await self.run(signed, self._receiving.receive_packet, request, pb.ReceivedResponse)

    async def _notice(self, signed: Signed) -> Taken:
        letter = self._read(signed)
        if letter.kind is not Kind.NOTICE:
            raise mismatch("path", "data.kind")
        docking = self._docking(signed, letter)
        rule = next((r for r in docking.notices.values() if r.sender in (None, Side.THEIRS)), None)
        if rule is None:
            raise denied("KIND_NOT_ALLOWED", "this docking takes no notices", "本对接不接收通知类函件")
        await self._check(signed, letter, rule, docking)
        request = pb.ReceiveNoticeRequest(agency_id=signed.agency.id, packet=to_facts(letter.packet(rule), letter.issued_at))
        return await self.run(signed, self._receiving.receive_notice, request, pb.ReceivedResponse)

    def _read(self, signed: Signed) -> Letter:
        letter = open_letter(signed.json(), signed.sha256, self._envelope)
        if letter.packet_id != signed.ident:
            raise mismatch("webhook-id", "data.packet_id")
        if letter.data["issuer"]["agency"] != signed.agency.code:
            raise mismatch("tiaochu-agency", "data.issuer.agency")
        return letter

    def _docking(self, signed: Signed, letter: Letter) -> Docking:
        name = letter.data["docking"]
        if name not in signed.agency.dockings:
            raise denied("DOCKING_CLOSED", f"{name} is not open to this agency", "该对接未对贵机构开通", docking=str(name))
        docking = self._dockings.valid(name, beijing(self._now()).date())
        if letter.data["schema"] != docking.schema_set:
            known = self._dockings.by_set(letter.data["schema"])
            if known is not None and known.name == name:
                raise refused("SCHEMA_RETIRED", f"offers use {docking.schema_set} now", "该版本报文已停用", set=docking.schema_set)
            raise faulty([FieldViolation("/data/schema", "CODE_UNKNOWN", f"应为{docking.schema_set}")])
        return docking

    async def _check(self, signed: Signed, letter: Letter, rule: Rule, docking: Docking) -> None:
        check_content(letter, rule, docking, self._now())
        await self._check_files(signed, letter, rule)

    async def _check_files(self, signed: Signed, letter: Letter, rule: Rule) -> None:
        listed: list[Mapping[str, Any]] = list(letter.data.get("files") or ())
        named = list(dict.fromkeys([*(ref["file_id"] for ref in listed), *rule.content.files(letter.content)]))
        found = {file.file_id: file for file in await self._letters.files(named, signed.agency.id)}
        missing = [ident for ident in named if ident not in found]
        if missing:
            raise faulty([FieldViolation("/data/files", "FIELD_INVALID", f"文件{ident}未上传") for ident in missing])
        for i, ref in enumerate(listed):
            if ref["sha256"] != found[ref["file_id"]].sha256:
                raise refused(
                    "FILE_HASH",
                    "the file is not the one that was uploaded",
                    "文件摘要与已上传的文件不符",
                    pointer=f"/data/files/{i}/sha256",
                )
