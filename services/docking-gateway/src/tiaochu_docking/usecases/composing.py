"""How a packet of ours is put into words: facts by name, of which each docking's schema takes those it knows."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tiaochu_docking.domain.docking import Docking, Mode
from tiaochu_docking.domain.exchange import Exchange
from tiaochu_docking.domain.letter import TYPE, Letter, check_content, masked_party, open_letter
from tiaochu_docking.domain.packet import Kind
from tiaochu_docking.domain.schema import Struct
from tiaochu_domainkit.clocks import beijing
from tiaochu_domainkit.quantities import yuan

CONTACT = ("phone", "address", "e_address")
IDENTITY = ("name", "id_no", "credit_code", "birth_date", "sex")


@dataclass(frozen=True)
class Written:
    """A letter ready to be issued."""

    letter: Letter
    body: bytes
    disclosure: Mapping[str, Any]


@dataclass(frozen=True)
class Heading:
    """What stands above the content."""

    packet_id: str
    exchange_id: str
    seq: int
    kind: Kind
    in_reply_to: str = ""
    case_no: str = ""
    external_no: str = ""
    consents: tuple[Mapping[str, Any], ...] = ()


class Composer:
    """Writes letters in the name of the centre `issuer` (agency code, unit, phone) and checks them like those that come in."""

    def __init__(self, envelope: Struct, issuer: Mapping[str, str]) -> None:
        self._envelope = envelope
        self._issuer = issuer

    def write(self, heading: Heading, docking: Docking, mode: Mode, facts: Mapping[str, Any], now: datetime) -> Written:
        """The letter with those `facts` that the schema names. Raises the refusal an agency would get for it: nothing that may not pass leaves."""
        rule = mode.rule(heading.kind)
        wanted = {f.name for f in rule.content.fields}
        content = {name: value for name, value in facts.items() if name in wanted and value not in ("", None, [])}
        if "parties" in content:
            content["parties"] = [masked_party(p, docking) for p in content["parties"]]
        data = {
            "packet_id": heading.packet_id,
            "docking": mode.docking,
            "schema": mode.schema_set,
            "kind": heading.kind.value,
            "exchange_id": heading.exchange_id,
            "seq": heading.seq,
            "in_reply_to": heading.in_reply_to,
            "case_no": heading.case_no,
            "external_no": heading.external_no,
            "issued_at": beijing(now).isoformat(timespec="seconds"),
            "issuer": dict(self._issuer),
            "consents": list(heading.consents),
            "basis": {"purpose": mode.basis.purpose, "law": mode.basis.law, "kind": mode.basis.kind},
            "content": content,
        }
        document = {
            "type": TYPE.format(docking=mode.docking, kind=heading.kind.value),
            "timestamp": data["issued_at"],
            "data": {name: value for name, value in data.items() if value not in ("", [])},
        }
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        letter = open_letter(document, hashlib.sha256(body).hexdigest(), self._envelope)
        check_content(letter, rule, docking, now)
        return Written(letter, body, disclosure(letter, mode))


def answer_heading(exchange: Exchange, packet_id: str, kind: Kind, seq: int) -> Heading:
    """The heading of a packet inside an exchange; what changes the state answers the newest such word of the other side."""
    other = exchange.offerer if kind not in (Kind.RECALL, Kind.OPINION) else exchange.offerer.other
    heard = [p for p in exchange.packets if p.side is other and p.kind in (Kind.OFFER, Kind.OPINION, Kind.RESULT, Kind.SIGN)]
    return Heading(
        packet_id=packet_id,
        exchange_id=exchange.id,
        seq=seq,
        kind=kind,
        in_reply_to=heard[-1].packet_id if heard else "",
        case_no=exchange.case_number,
        external_no=exchange.external_no,
    )


def disclosure(letter: Letter, mode: Mode) -> dict[str, Any]:
    """What a letter discloses: about whom, which groups of fields, and why (个人信息保护法 23, 55)."""
    content = letter.content
    parties: list[Mapping[str, Any]] = list(content.get("parties") or ())
    groups = {
        "identity": any(p.get(name) for p in parties for name in IDENTITY),
        "contact": any(p.get(name) for p in parties for name in CONTACT),
        "minor": any("minor" in p.get("flags", ()) for p in parties),
        "facts": any(content.get(name) for name in ("facts", "agreement_text", "application", "terms")),
        "evidence": bool(letter.data.get("files") or content.get("evidence_list") or content.get("proof")),
    }
    return {
        "party_refs": [p["party_ref"] for p in parties],
        "groups": sorted(name for name, present in groups.items() if present),
        "purpose": mode.basis.purpose,
        "law": mode.basis.law,
        "basis": mode.basis.kind,
        "consents": [c["party_ref"] for c in letter.data.get("consents", ())],
    }


def obligations(agreement: Any) -> list[dict[str, Any]]:
    """The promises of an agreement, as dockings write them."""
    return [
        {
            name: value
            for name, value in {
                "obligation_ref": o.obligation_id,
                "kind": o.kind,
                "obligor_ref": o.obligor_party_id,
                "obligee_ref": o.obligee_party_id,
                "amount": yuan(o.amount_fen) if o.amount_fen else "",
                "due_on": o.due_on,
                "text": o.detail,
                "payable": o.kind == "pay",
            }.items()
            if value != ""
        }
        for o in agreement.obligations
    ]


def parties(listed: Iterable[Any], docking: Docking) -> list[dict[str, Any]]:
    """intake's parties, as dockings write them; representatives follow whom they act for."""
    written: list[dict[str, Any]] = []
    for p in listed:
        written.append(
            {
                "party_ref": p.party_id,
                "role": p.side,
                "kind": p.kind,
                "name": p.name,
                **_papers(p, docking),
                "sex": p.sex,
                "birth_date": p.born_on,
                "phone": p.phone,
                "region": p.region_code,
                "address": p.address,
                "e_address": p.electronic_address,
                "flags": [flag for flag in p.care if flag in docking.codes["flag"]],
            }
        )
        written += [
            {
                "party_ref": r.representative_id,
                "role": "guardian" if r.kind == "guardian" else "agent",
                "kind": "person",
                "name": r.name,
                **_papers(r, docking),
                "phone": r.phone,
                "acts_for": p.party_id,
            }
            for r in p.representatives
        ]
    return [{name: value for name, value in party.items() if value not in ("", [])} for party in written]


def _papers(p: Any, docking: Docking) -> dict[str, str]:
    if p.id_type == "credit_code":
        return {"credit_code": p.id_number}
    if p.id_type not in docking.codes["id_type"] or not p.id_number:
        return {"id_type": "none"}
    return {"id_type": p.id_type, "id_no": p.id_number}
