"""Free texts beside a case: rows that an event names by a salted hash only."""

import hashlib
from datetime import datetime

from tiaochu_domainkit.text import clean
from tiaochu_kit.work import Work

PROPOSAL, ANSWER = "proposal", "answer"


def salted_sha256(text: str, salt: str) -> str:
    """Hash of a text with its salt: a copy of the text proves the event, the event does not betray the text."""
    return hashlib.sha256(salt.encode() + text.encode()).hexdigest()


def keep_note(work: Work, case_id: str, district: str, transfer_id: str, kind: str, field: str, text: str) -> str:
    """Keep what was written about a transfer; answers the hash for the event, empty for no text."""
    written = clean(field, text, 4000)
    if not written:
        return ""
    salt = work.new_id()
    sha256 = salted_sha256(written, salt)
    row = {"transfer_id": transfer_id, "kind": kind, "case_id": case_id, "district": district, "text": written, "salt": salt}
    work.insert("transfer_notes", {**row, "sha256": sha256, "written_at": work.now, "written_by": work.actor.id})
    return sha256


def keep_notice(
    work: Work, case_id: str, district: str, ground: str, version: str, text: str, served_by: str, served_at: datetime
) -> tuple[str, str]:
    """Keep the notice of remedies as it was served; answers its id and hash."""
    ident, salt = work.new_id(), work.new_id()
    sha256 = salted_sha256(text, salt)
    row = {"id": ident, "case_id": case_id, "district": district, "ground": ground, "text": text, "version": version, "salt": salt}
    work.insert("decline_notices", {**row, "sha256": sha256, "served_by": served_by, "served_at": served_at})
    return ident, sha256
