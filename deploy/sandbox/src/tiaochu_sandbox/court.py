"""The court: offers matters, takes packets in, decides on confirmations, sends what it has to say in order and until it is heard."""

import asyncio
import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import httpx2

from tiaochu_sandbox.clock import BEIJING, CourtClock
from tiaochu_sandbox.gateway import Gateway, new_id, new_secret, verify
from tiaochu_sandbox.inbox import STATES, Inbox
from tiaochu_sandbox.notebook import Notebook
from tiaochu_sandbox.scenarios import Scenarios

SET = "court/2026-11"
RETRY_SECONDS = 0.5
LIE = timedelta(minutes=6)
CHANGES_STATE = frozenset(STATES)


@dataclass(frozen=True)
class Policy:
    """How the court decides on joint applications: the ruling, `return` to refuse them, `hold` to let them wait; and how long it takes."""

    ruling: str = "valid"
    after_seconds: float = 0.0


class Court:
    """Everything the sandbox does, apart from listening."""

    def __init__(self, *, code: str, name: str, gateway: str, notebook: Notebook, clock: CourtClock, client: httpx2.AsyncClient) -> None:
        self.code = code
        self.name = name
        self.notebook = notebook
        self.clock = clock
        self.scenarios = Scenarios()
        self.inbox = Inbox(notebook, self._now)
        if notebook.fact("secrets") is None:
            notebook.remember("secrets", [new_secret()])
        self.gateway = Gateway(gateway, code, lambda: self.secrets[0], clock.now, client)
        self._woken = asyncio.Event()
        self.pulling = bool(notebook.fact("pulling", default=False))

    @property
    def secrets(self) -> list[str]:
        """Newest first; older ones are still taken from the gateway."""
        return list(self.notebook.fact("secrets"))

    @property
    def policy(self) -> Policy:
        """How it decides."""
        return Policy(**self.notebook.fact("policy", default={}))

    def wake(self) -> None:
        """There is something to send."""
        self._woken.set()

    # Offering

    def offer(self, order: dict[str, Any]) -> tuple[str, bool]:
        """Queue an offer of `{mode, external_no, content, consents?, files?, endpoint?}`; the same number again is the same matter. Answers (exchange, new)."""
        mode = order.get("mode", "before_filing")
        known = self.notebook.matters(mode=mode, external_no=order["external_no"], offerer="court")
        if known:
            return str(known[0]["exchange_id"]), False
        exchange_id = new_id()
        self.notebook.open_matter(exchange_id, mode=mode, external_no=order["external_no"], offerer="court", at=self._now())
        more = {name: order[name] for name in ("consents", "files", "approvals") if order.get(name)}
        if order.get("endpoint"):
            more["answer_to"] = order["endpoint"]
        self._queue(exchange_id, "offer", {"mode": mode, **order["content"]}, external_no=order["external_no"], **more)
        return exchange_id, True

    def say(self, exchange_id: str, kind: str, content: dict[str, Any], *, in_reply_to: str = "") -> str:
        """Queue a packet in a matter; answers its id."""
        return self._queue(exchange_id, kind, content, **({"in_reply_to": in_reply_to} if in_reply_to else {}))

    def _queue(self, exchange_id: str, kind: str, content: dict[str, Any], **more: Any) -> str:
        matter = self.notebook.matter(exchange_id)
        if matter is None:
            raise KeyError(exchange_id)
        packet_id, seq, at = new_id(), int(matter["seq"]) + 1, self._now()
        data = {
            "packet_id": packet_id,
            "docking": "court",
            "schema": SET,
            "kind": kind,
            "exchange_id": exchange_id,
            "seq": seq,
            "issued_at": at,
            "issuer": {"agency": self.code, "unit": "立案庭"},
            **more,
            "content": content,
        }
        document = {"type": f"cn.tiaochu.docking.court.{kind}.v1", "timestamp": at, "data": data}
        body = json.dumps(document, ensure_ascii=False).encode()
        self.notebook.add_packet(
            {
                "packet_id": packet_id,
                "direction": "out",
                "exchange_id": exchange_id,
                "kind": kind,
                "seq": seq,
                "sha256": hashlib.sha256(body).hexdigest(),
                "body": body,
                "at": at,
                "state": "waiting",
            }
        )
        self.notebook.change_matter(exchange_id, seq=seq)
        self.wake()
        return packet_id

    # Sending

    async def send(self) -> None:
        """For ever: what waits, in the order of each matter."""
        while True:
            await self.send_waiting()
            with suppress(TimeoutError):
                async with asyncio.timeout(RETRY_SECONDS):
                    await self._woken.wait()
            self._woken.clear()

    async def send_waiting(self) -> None:
        """One round over all matters; a packet that is not heard holds back its own matter only."""
        waiting: dict[str, list[dict[str, Any]]] = {}
        for packet in self.notebook.packets(direction="out", state="waiting"):
            waiting.setdefault(packet["exchange_id"], []).append(packet)
        await asyncio.gather(*(self._send_matter(packets) for packets in waiting.values()))

    async def _send_matter(self, packets: list[dict[str, Any]]) -> None:
        if len(packets) > 1 and self.scenarios.take("out_of_order"):
            await self._send(packets[1])
        for packet in packets:
            if not await self._send(packet):
                return

    async def _send(self, packet: dict[str, Any]) -> bool:
        """Whether the next packet of the matter may follow."""
        answer = await self._attempt(packet)
        if answer is None or answer.status_code >= 500 or answer.status_code in (401, 429):
            return False
        if answer.status_code in (200, 201):
            self._heard(packet, answer.json())
            if self.scenarios.take("twice"):
                await self._attempt(packet)
            return True
        reason = _reason(answer)
        if reason in ("VERSION_CHANGED", "IF_MATCH_REQUIRED", "OUT_OF_ORDER", "IN_PROGRESS"):
            return False
        state = "done" if reason == "DUPLICATE_EXTERNAL_NO" else "refused"
        self.notebook.change_packet(packet["packet_id"], state=state, receipt_id=reason)
        return True

    async def _attempt(self, packet: dict[str, Any]) -> httpx2.Response | None:
        path = "/exchanges" if packet["kind"] == "offer" else f"/exchanges/{packet['exchange_id']}/packets"
        body, secret, at = bytes(packet["body"]), self.secrets[0], self.clock.now()
        corrupt = False
        if self.scenarios.take("lying_clock"):
            at -= LIE
        elif self.scenarios.take("old_secret"):
            secret = self.notebook.fact("retired", default=[new_secret()])[0]
        else:
            corrupt = self.scenarios.take("corrupt") is not None
        try:
            headers = self.gateway.signed(packet["packet_id"], body, at=at, secret=secret)
            if packet["kind"] in CHANGES_STATE:
                view = await self.gateway.read(f"/exchanges/{packet['exchange_id']}")
                headers["if-match"] = view.headers.get("etag", "")
            if corrupt:
                body = json.dumps(json.loads(body), ensure_ascii=True).encode()
            answer = await self.gateway.write("POST", path, body, headers)
        except httpx2.HTTPError as error:
            self._log("out", path, packet["packet_id"], 0, type(error).__name__)
            return None
        self._log("out", path, packet["packet_id"], answer.status_code, _reason(answer))
        return answer

    def _heard(self, packet: dict[str, Any], answer: dict[str, Any]) -> None:
        receipt = answer["receipt"]
        if receipt["sha256"] != packet["sha256"]:
            raise ValueError("the gateway's receipt is over other bytes")
        self.notebook.change_packet(packet["packet_id"], state="done", receipt_id=receipt["receipt_id"])
        self.notebook.change_matter(packet["exchange_id"], state=answer["state"])

    # Taking in

    async def webhook(self, endpoint: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        """A call of the gateway: status and answer."""
        ident = headers.get("webhook-id", "")
        status, answer = await self._webhook(endpoint, headers, body)
        self._log("in", f"webhook {endpoint}", ident, status, str(answer.get("reason", "")))
        return status, answer

    async def _webhook(self, endpoint: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        if slow := self.scenarios.take("slow", endpoint):
            await asyncio.sleep(slow.value)
        if gone := self.scenarios.take("gone", endpoint):
            return int(gone.value or 410), {"reason": "GONE"}
        if refuse := self.scenarios.take("refuse", endpoint):
            return int(refuse.value or 503), {"reason": "BUSY"}
        if not verify(self.secrets, headers, body, self.clock.now()):
            return 401, {"reason": "SIGNATURE_INVALID"}
        if self.scenarios.take("reorder", endpoint):
            return 409, {"reason": "OUT_OF_ORDER", "expected": 1}
        status, answer = self.inbox.take_in(body)
        if self.scenarios.take("lost_answer", endpoint):
            return 503, {"reason": "BUSY"}
        if status == 200 and self.scenarios.take("bad_receipt", endpoint):
            answer = {**answer, "sha256": "0" * 64}
        return status, answer

    # Pulling

    async def pull(self) -> None:
        """For ever: reads the outbox of the endpoint `feed` when told to."""
        while True:
            if self.pulling:
                try:
                    await self.pull_once(wait=10)
                except (httpx2.HTTPError, KeyError, ValueError) as error:
                    self._log("out", "/outbox", "", 0, type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS)

    async def pull_once(self, *, after: int | None = None, wait: int = 0) -> int:
        """Reads what waits, stores it, then acknowledges. Answers how many packets there were."""
        params = {"wait": wait, "endpoint": "feed"} if after is None else {"wait": wait, "after": after}
        answer = await self.gateway.read("/outbox", **params)
        if answer.status_code != 200:
            self._log("out", "/outbox", "", answer.status_code, _reason(answer))
            return 0
        acks = []
        for entry in answer.json()["entries"]:
            body = entry["body"].encode()
            if verify(self.secrets, entry["headers"], body, self.clock.now()):
                status, receipt = self.inbox.take_in(body)
                self._log("in", "outbox", entry["packet_id"], status, str(receipt.get("reason", "")))
                if status == 200:
                    acks.append({"packet_id": entry["packet_id"], **receipt})
        if acks:
            await self.gateway.change("POST", "/outbox/acks", {"type": "cn.tiaochu.docking.acks.v1", "acks": acks})
        return len(acks)

    # Deciding

    async def decide(self) -> None:
        """For ever: joint applications, by the policy."""
        while True:
            self.decide_due()
            await asyncio.sleep(RETRY_SECONDS)

    def decide_due(self) -> None:
        """Accept and rule on every application whose time has come."""
        policy = self.policy
        for matter in self.notebook.matters(mode="confirm", offerer="centre", outcome=""):
            if policy.ruling != "hold" and self._age(matter) >= policy.after_seconds:
                self._rule(matter, replace(policy, ruling=self._ruling(matter, policy)))

    def _ruling(self, matter: dict[str, Any], policy: Policy) -> str:
        return str(self.notebook.fact("rulings", default={}).get(matter["agreement_no"], policy.ruling))

    def _rule(self, matter: dict[str, Any], policy: Policy) -> None:
        exchange_id, today = matter["exchange_id"], self.clock.today()
        offer = self.notebook.packets(exchange_id=exchange_id, kind="offer")[0]["packet_id"]
        self.notebook.change_matter(exchange_id, outcome=policy.ruling)
        if policy.ruling == "return":
            self.say(exchange_id, "return", {"ground": "content_unclear", "suggested_organ": "人民调解委员会"}, in_reply_to=offer)
            return
        self.say(exchange_id, "sign", {"accepted_on": today}, in_reply_to=offer)
        ruling: dict[str, Any] = {"outcome": policy.ruling}
        if policy.ruling != "withdrawn":
            number = 1 + int(self.notebook.fact("ruling_number", default=0))
            self.notebook.remember("ruling_number", number)
            ruling |= {"ruling_no": f"({today[:4]})示0001民特{number}号", "ruled_on": today}
        self.say(exchange_id, "result", ruling, in_reply_to=offer)

    def _age(self, matter: dict[str, Any]) -> float:
        return (self.clock.now() - datetime.fromisoformat(matter["offered_at"])).total_seconds()

    # Secrets, days

    async def rotate(self) -> str:
        """A new secret, told to the gateway under the old one; the old one is kept for what is on its way."""
        secret = new_secret()
        answer = await self.gateway.change("POST", "/me/credentials", {"type": "cn.tiaochu.docking.credential.v1", "secret": secret})
        answer.raise_for_status()
        self.notebook.remember("retired", self.secrets[:1])
        self.notebook.remember("secrets", [secret, *self.secrets][:2])
        return str(answer.json()["credential_id"])

    async def reconcile(self, day: str) -> dict[str, Any]:
        """Sends the court's log of a day."""
        document = {"type": "cn.tiaochu.docking.day.v1", "date": day, "packets": self.notebook.packets_of_day(day)}
        answer = await self.gateway.change("POST", f"/reconciliations/{day}", document)
        return {"status": answer.status_code, **answer.json()}

    def _now(self) -> str:
        return self.clock.now().astimezone(BEIJING).isoformat(timespec="milliseconds")

    def _log(self, direction: str, what: str, packet_id: str, status: int, reason: str) -> None:
        self.notebook.log(at=self._now(), direction=direction, what=what, packet_id=packet_id, status=status, reason=reason)


def _reason(answer: httpx2.Response) -> str:
    try:
        return str(answer.json().get("reason", ""))
    except (ValueError, AttributeError):
        return ""
