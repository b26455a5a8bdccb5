"""Letters: a packet with what it says, checked before it may pass, in either direction.

A letter is `{"type": "cn.tiaochu.docking.<docking>.<kind>.v1", "timestamp": …, "data": {envelope, "content": {…}}}`.
All faults of its fields are told at once; conditions and forbidden content are told when the fields are right.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from tiaochu_docking.domain.docking import Docking, Mode, Rule
from tiaochu_docking.domain.packet import Kind, Packet
from tiaochu_docking.domain.schema import Struct
from tiaochu_domainkit import identity, regions
from tiaochu_domainkit.clocks import beijing
from tiaochu_domainkit.errors import DomainError, FieldViolation
from tiaochu_domainkit.errors import Kind as ErrorKind

TYPE = "cn.tiaochu.docking.{docking}.{kind}.v1"


@dataclass(frozen=True)
class Letter:
    """A letter whose envelope is sound; its content is checked by `check_content` when its mode is known."""

    data: Mapping[str, Any]
    sha256: str

    @property
    def packet_id(self) -> str:
        """The packet's id, also its webhook-id."""
        return str(self.data["packet_id"])

    @property
    def kind(self) -> Kind:
        """Its kind."""
        return Kind(self.data["kind"])

    @property
    def exchange_id(self) -> str:
        """The exchange, empty for a notice."""
        return str(self.data.get("exchange_id") or "")

    @property
    def content(self) -> Mapping[str, Any]:
        """What it says."""
        return self.data["content"]  # type: ignore[no-any-return]

    @property
    def external_no(self) -> str:
        """The agency's own number."""
        return str(self.data.get("external_no") or "")

    @property
    def issued_at(self) -> datetime:
        """When its writer issued it."""
        return datetime.fromisoformat(self.data["issued_at"])

    def packet(self, rule: Rule) -> Packet:
        """What the exchange needs of it."""
        content = self.content
        return Packet(
            packet_id=self.packet_id,
            kind=self.kind,
            seq=int(self.data.get("seq") or 0),
            sha256=self.sha256,
            in_reply_to=str(self.data.get("in_reply_to") or ""),
            ground=_code(content, "ground"),
            suggested_organ=_code(content, "suggested_organ"),
            asks=content.get("asks") is True,
            outcome=_code(content, "outcome"),
            verdict=_code(content, "verdict"),
            ruling_no=_code(content, "ruling_no"),
            ruled_on=_code(content, "ruled_on"),
            facts=tuple(fact for name, fact in rule.facts.items() if content.get(name)),
        )


def open_letter(document: Any, sha256: str, envelope: Struct) -> Letter:
    """The letter of a parsed body. FIELD_INVALID or CODE_UNKNOWN with every fault of the envelope; PATH_BODY_MISMATCH if `type` and data differ."""
    if not isinstance(document, dict) or not isinstance(document.get("data"), dict):
        raise faulty([FieldViolation("/data", "FIELD_INVALID", "应为对象")])
    data = document["data"]
    faults = list(envelope.faults(data, "/data"))
    if not isinstance(data.get("content"), dict):
        faults.append(FieldViolation("/data/content", "FIELD_INVALID", "应为对象"))
    if not faults and data["kind"] != Kind.NOTICE:
        faults += [FieldViolation(f"/data/{name}", "FIELD_INVALID", "必填") for name in ("exchange_id", "seq") if not data.get(name)]
    if faults:
        raise faulty(faults)
    if document.get("type") != TYPE.format(docking=data["docking"], kind=data["kind"]):
        raise mismatch("type", "data.kind")
    return Letter(data, sha256)


def mismatch(one: str, other: str) -> DomainError:
    """Two places that must say the same do not."""
    return DomainError(
        ErrorKind.INVALID_INPUT, "PATH_BODY_MISMATCH", f"{one} and {other} differ", f"{one}与{other}不一致", {"one": one, "other": other}
    )


def check_content(letter: Letter, mode_rule: Rule, docking: Docking, now: datetime) -> None:
    """Whether what the letter says may pass: fields, codes, check digits, outcome's documents, forbidden content, conditions, in this order."""
    today = beijing(now).date()
    faults = [
        *mode_rule.content.faults(letter.content, "/data/content"),
        *_outcome_faults(letter, mode_rule),
    ]
    if not faults:
        faults += _party_faults(letter.content.get("parties") or [], today)
    if faults:
        raise faulty(faults)
    for pointer in mode_rule.never:
        if _at(letter.data, pointer) not in (None, [], ""):
            raise DomainError(
                ErrorKind.INVALID_INPUT,
                "FORBIDDEN_CONTENT",
                f"/data/{pointer} may not pass in this docking",
                "该内容不得通过本对接传递",
                {"pointer": f"/data/{pointer}"},
                (FieldViolation(f"/data/{pointer}", "FORBIDDEN_CONTENT", "不得传递"),),
            )
    missing = [c for c in mode_rule.needs if not c.holds(letter.data, today)]
    if missing:
        raise DomainError(
            ErrorKind.PRECONDITION_FAILED,
            missing[0].reason,
            "conditions of the docking are not met",
            "不满足本对接的条件",
            {"which": ",".join(c.text for c in missing), "docking": docking.name},
            tuple(FieldViolation("/data", c.reason, f"缺少条件:{c.text}") for c in missing),
        )


def masked_party(party: Mapping[str, Any], docking: Docking) -> dict[str, Any]:
    """A party with the fields this docking may carry, and no empty ones."""
    return {name: value for name, value in party.items() if name in docking.party_fields and value not in ("", None, [])}


def faulty(faults: list[FieldViolation]) -> DomainError:
    """The refusal of a letter with these faults."""
    reason = "CODE_UNKNOWN" if all(f.reason == "CODE_UNKNOWN" for f in faults) else "FIELD_INVALID"
    return DomainError(ErrorKind.INVALID_INPUT, reason, f"{len(faults)} fields are not valid", "内容有误,请逐项核对", {}, tuple(faults))


def mode_of_offer(letter: Letter, docking: Docking) -> Mode:
    """The mode an offer names."""
    name = letter.content.get("mode")
    return docking.mode(name if isinstance(name, str) else "")


def _outcome_faults(letter: Letter, rule: Rule) -> Iterator[FieldViolation]:
    outcome = letter.content.get("outcome")
    needed = rule.outcomes.get(outcome, ()) if isinstance(outcome, str) else ()
    for name in needed:
        if letter.content.get(name) in (None, [], ""):
            yield FieldViolation(f"/data/content/{name}", "FIELD_INVALID", f"结果为{outcome}时必填")


def _party_faults(parties: list[Mapping[str, Any]], today: date) -> Iterator[FieldViolation]:
    for i, party in enumerate(parties):
        yield from _one_party_faults(party, f"/data/content/parties/{i}", today)


def _one_party_faults(party: Mapping[str, Any], at: str, today: date) -> Iterator[FieldViolation]:
    yield from _fault(lambda: identity.name(f"{at}/name", party["name"]))
    paper = party.get("id_type") or "resident_id"
    if party["kind"] == "person" and paper == "credit_code":
        yield FieldViolation(f"{at}/id_type", "FIELD_INVALID", "自然人没有统一社会信用代码")
    elif party["kind"] == "person" and party.get("id_no"):
        yield from _fault(lambda: identity.paper(f"{at}/id_no", identity.PaperKind(paper), party["id_no"], today))
    if party.get("credit_code"):
        yield from _fault(lambda: identity.credit_code(f"{at}/credit_code", party["credit_code"]))
    if party.get("phone"):
        yield from _fault(lambda: identity.phone(f"{at}/phone", party["phone"]))
    if party.get("region"):
        yield from _fault(lambda: regions.parse(party["region"], f"{at}/region"))


def _fault(check: Callable[[], object]) -> Iterator[FieldViolation]:
    try:
        check()
    except DomainError as error:
        yield from (FieldViolation(v.path, "FIELD_INVALID", v.zh) for v in error.violations)


def _at(data: Mapping[str, Any], pointer: str) -> Any:
    value: Any = data
    for step in pointer.split("/"):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _code(content: Mapping[str, Any], name: str) -> str:
    value = content.get(name)
    return value if isinstance(value, str) else ""
