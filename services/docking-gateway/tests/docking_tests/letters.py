"""Letters as a court writes them, synthetic."""

import hashlib
import json
import uuid
from datetime import UTC, datetime
from typing import Any

from tiaochu_testkit import mothers

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)


def envelope(
    kind: str, content: dict[str, Any], *, agency: str = "court-1", exchange_id: str = "", seq: int = 1, **more: Any
) -> dict[str, Any]:
    """The body of a letter."""
    data = {
        "packet_id": str(uuid.uuid4()),
        "docking": "court",
        "schema": "court/2026-11",
        "kind": kind,
        "exchange_id": exchange_id or str(uuid.uuid4()),
        "seq": seq,
        "issued_at": NOW.isoformat(),
        "issuer": {"agency": agency, "unit": "立案庭"},
        "content": content,
        **more,
    }
    return {"type": f"cn.tiaochu.docking.court.{kind}.v1", "timestamp": data["issued_at"], "data": data}


def party(ref: str, role: str, seed: int) -> dict[str, Any]:
    """A person with a valid number."""
    person = mothers.person(seed)
    return {
        "party_ref": ref,
        "role": role,
        "kind": "person",
        "name": person.name,
        "id_type": "resident_id",
        "id_no": person.id_number,
        "phone": person.phone,
        "region": "321282100201",
        "address": person.address,
    }


def offer(seed: int = 1, *, mode: str = "before_filing", external_no: str = "", **more: Any) -> dict[str, Any]:
    """A delegation that meets every condition."""
    content = {
        "mode": mode,
        "court_code": "321282",
        "cause": "民间借贷纠纷",
        "category": "0804",
        "facts": "原告称被告借款三万元逾期未还,双方经村委会劝说未果,遂向本院起诉。",
        "region": "321282100201",
        "procedure": "ordinary",
        "clock_start_on": "2026-11-20",
        "claims": [{"kind": "pay", "text": "归还借款三万元", "amount": "30000.00"}],
        "parties": [party("p1", "applicant", seed), party("p2", "respondent", seed + 1000)],
    }
    consents = [{"party_ref": ref, "what": "委派调解", "at": NOW.isoformat()} for ref in ("p1", "p2")]
    return envelope("offer", content, external_no=external_no or f"(2026)苏1282诉前调{seed}号", consents=consents, **more)


def body(document: dict[str, Any]) -> bytes:
    """The bytes of a letter, as one particular writer makes them."""
    return json.dumps(document, ensure_ascii=False).encode()


def sha(document: dict[str, Any]) -> str:
    """Their hash."""
    return hashlib.sha256(body(document)).hexdigest()
