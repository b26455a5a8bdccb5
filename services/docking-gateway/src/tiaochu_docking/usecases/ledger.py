"""The disclosure ledger: `possible` before the first byte leaves, `confirmed` with the receipt, chained per agency by the database.

An entry is canonical JSON (sorted keys, no blanks), so that anybody can hash it again: hash = SHA-256(hash before + entry).
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tiaochu_docking.domain.delivery import Delivery

KEEP_YEARS = 3
"""网络数据安全管理条例 12: at least three years."""


def possible_row(delivery: Delivery, endpoint: Mapping[str, str], disclosure: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """The row before an attempt: from now on the agency may have read it."""
    return _row(delivery, "possible", at, {"endpoint": dict(endpoint), **disclosure, "keep_until": f"{at.year + KEEP_YEARS + 1}-01-01"})


def confirmed_row(delivery: Delivery, receipt_id: str, channel: str, at: datetime) -> dict[str, Any]:
    """The row of the receipt."""
    return _row(delivery, "confirmed", at, {"receipt_id": receipt_id, "channel": channel})


def _row(delivery: Delivery, state: str, at: datetime, more: Mapping[str, Any]) -> dict[str, Any]:
    entry = {
        "state": state,
        "at": at.isoformat(timespec="microseconds"),
        "agency_id": delivery.agency_id,
        "exchange_id": delivery.exchange_id,
        "packet_id": delivery.packet_id,
        "kind": delivery.kind,
        "sha256": delivery.sha256,
        **more,
    }
    return {
        "agency_id": delivery.agency_id,
        "district": delivery.district,
        "case_id": delivery.case_id,
        "packet_id": delivery.packet_id,
        "state": state,
        "at": at,
        "entry": canonical(entry),
    }


def canonical(entry: Mapping[str, Any]) -> bytes:
    """The bytes that are hashed."""
    return json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
