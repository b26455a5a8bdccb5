"""Texts beside the document: a row each, salted; documents and events have the id and the hash."""

import json
import secrets
from typing import Any

from tiaochu_kit.work import Work
from tiaochu_mediation.domain.mediation import Mediation
from tiaochu_mediation.domain.texts import TextRef, salted_sha256

SALT_BYTES = 16

DISCLOSURE, RECUSAL, SAFETY, PLACE, STUDY, APPROVAL = "disclosure", "recusal", "safety", "place", "study", "approval"
RECORD, CAUCUS, SUSPENSION, AGREEMENT = "session_record", "caucus_note", "suspension", "agreement"
NOTICE, TERMINATION, FOLLOW_UP = "remedies_notice", "termination_note", "follow_up"


def keep(work: Work, mediation: Mediation, kind: str, body: str, *, ref: str = "", party_id: str = "") -> TextRef:
    """Keep a text for ever. `ref` is the thing it belongs to, `party_id` whose words it holds."""
    salt = secrets.token_bytes(SALT_BYTES)
    text = TextRef(work.new_id(), salted_sha256(salt, body))
    work.insert(
        "texts",
        {
            "id": text.id,
            "district": mediation.district,
            "case_id": mediation.id,
            "kind": kind,
            "ref": ref,
            "party_id": party_id,
            "body": body,
            "salt": salt,
            "sha256": text.sha256,
            "written_by": work.actor.id,
            "written_at": work.now,
        },
    )
    return text


def keep_if_any(work: Work, mediation: Mediation, kind: str, body: str, *, ref: str = "", party_id: str = "") -> str:
    """The id of the text kept, or empty for an empty one."""
    return keep(work, mediation, kind, body, ref=ref, party_id=party_id).id if body else ""


def structured(content: dict[str, Any]) -> str:
    """A text with parts, in one canonical form, so that its hash says all of it."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def parts(body: str) -> dict[str, Any]:
    """The parts of a structured text."""
    found: dict[str, Any] = json.loads(body)
    return found
