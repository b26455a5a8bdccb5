"""What the court takes in: each packet once and in order."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from tiaochu_sandbox.notebook import Notebook

STATES = {"sign": "signed", "return": "returned", "recall": "recalled", "result": "answered", "opinion": "closed"}
"""Kinds that change the state of a matter, and into which."""


class Inbox:
    """Writes packets of the gateway into the notebook. `now` answers the court's time as text."""

    def __init__(self, notebook: Notebook, now: Callable[[], str]) -> None:
        self._notebook = notebook
        self._now = now

    def take_in(self, body: bytes) -> tuple[int, dict[str, Any]]:
        """A verified packet: stored once, in order; the receipt is the same for every repetition."""
        document = json.loads(body)
        if document["type"] == "cn.tiaochu.docking.ping.v1":
            return 200, {"receipt_id": "ping", "sha256": hashlib.sha256(body).hexdigest()}
        data = document["data"]
        digest = hashlib.sha256(body).hexdigest()
        receipt = {"receipt_id": f"court-{data['packet_id']}", "sha256": digest}
        known = self._notebook.packet(data["packet_id"])
        if known is not None:
            return (200, receipt) if known["sha256"] == digest else (422, {"reason": "IDEMPOTENCY_KEY_REUSED"})
        matter = self._notebook.matter(data["exchange_id"])
        expected = 1 + int(matter["heard"]) if matter else 1
        if data["seq"] != expected:
            return 409, {"reason": "OUT_OF_ORDER", "expected": expected}
        self._note(data, body, digest, matter)
        return 200, receipt

    def _note(self, data: dict[str, Any], body: bytes, digest: str, matter: dict[str, Any] | None) -> None:
        exchange_id, at = data["exchange_id"], self._now()
        if matter is None:
            content = data["content"]
            self._notebook.open_matter(
                exchange_id,
                mode=content["mode"],
                external_no=data.get("external_no", ""),
                offerer="centre",
                at=at,
                agreement_no=content.get("agreement_no", ""),
            )
        self._notebook.add_packet(
            {
                "packet_id": data["packet_id"],
                "direction": "in",
                "exchange_id": exchange_id,
                "kind": data["kind"],
                "seq": data["seq"],
                "sha256": digest,
                "body": body,
                "at": at,
                "state": "done",
                "receipt_id": f"court-{data['packet_id']}",
            }
        )
        changes: dict[str, Any] = {"heard": data["seq"]}
        if data["kind"] in STATES:
            changes["state"] = STATES[data["kind"]]
        if data["kind"] == "result":
            changes["outcome"] = data["content"]["outcome"]
        self._notebook.change_matter(exchange_id, **changes)
