"""The court's developer's view of the gateway: signing by the standard's own library, nothing of ours imported."""

import base64
import hashlib
import hmac
import secrets
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx2
from standardwebhooks.webhooks import Webhook

JSON = "application/json"


def new_secret() -> str:
    """A secret as agencies choose theirs."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def new_id() -> str:
    """A UUIDv7 (RFC 9562)."""
    stamp = time.time_ns() // 1_000_000
    value = (stamp & ((1 << 48) - 1)) << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=value))


def sign(secret: str, ident: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers."""
    signature = Webhook(secret).sign(ident, at, body.decode())
    return {"webhook-id": ident, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}


def verify(known_secrets: list[str], headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Whether one of the secrets made one of the signatures, within five minutes of the court's own clock."""
    ident, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not ident or "." in ident:
        return False
    if not stamp.isascii() or not stamp.isdigit() or abs(now.timestamp() - int(stamp)) > 300:
        return False
    # The library falls over junk in the header, so that it gets one token at a time.
    tokens = [t for t in headers.get("webhook-signature", "").split(" ") if t.startswith("v1,")]
    expected = {t for s in known_secrets for t in sign(s, ident, _moment(stamp), body)["webhook-signature"].split(" ")}
    return any(token in expected for token in tokens)


def _moment(stamp: str) -> datetime:
    return datetime.fromtimestamp(int(stamp), UTC)


class Gateway:
    """Calls the gateway as the agency `code`."""

    def __init__(self, base: str, code: str, secret: Callable[[], str], now: Callable[[], datetime], client: httpx2.AsyncClient) -> None:
        self.address = f"{base}/docking/v1"
        self._code = code
        self._secret = secret
        self._now = now
        self._client = client
        self._token = ""

    def signed(self, ident: str, body: bytes, *, at: datetime | None = None, secret: str | None = None) -> dict[str, str]:
        """Headers of a signed write."""
        return {"tiaochu-agency": self._code, "content-type": JSON, **sign(secret or self._secret(), ident, at or self._now(), body)}

    async def write(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> httpx2.Response:
        """A write with ready headers."""
        return await self._client.request(method, self.address + path, content=body, headers=dict(headers))

    async def change(self, method: str, path: str, document: dict[str, Any]) -> httpx2.Response:
        """A signed write of a fresh id."""
        body = httpx2.Request("POST", self.address, json=document).content
        return await self.write(method, path, body, self.signed(new_id(), body))

    async def read(self, path: str, **params: Any) -> httpx2.Response:
        """A read; a bearer that ended is renewed once."""
        answer = await self._read(path, params) if self._token else None
        if answer is not None and answer.status_code != 401:
            return answer
        granted = await self.change("POST", "/tokens", {"type": "cn.tiaochu.docking.token.v1"})
        if granted.status_code != 201:
            return granted
        self._token = granted.json()["access_token"]
        return await self._read(path, params)

    async def _read(self, path: str, params: Mapping[str, Any]) -> httpx2.Response:
        headers = {"authorization": f"Bearer {self._token}"}
        return await self._client.get(self.address + path, params=dict(params), headers=headers)

    async def upload(self, name: str, content: bytes) -> httpx2.Response:
        """A file; its id is the webhook-id."""
        ident = new_id()
        stamp = int(self._now().timestamp())
        key = base64.b64decode(self._secret().removeprefix("whsec_"))
        # The library signs text only; a file is bytes.
        signature = base64.b64encode(hmac.digest(key, f"{ident}.{stamp}.".encode() + content, "sha256")).decode()
        headers = {
            "tiaochu-agency": self._code,
            "webhook-id": ident,
            "webhook-timestamp": str(stamp),
            "webhook-signature": f"v1,{signature}",
            "content-type": "application/octet-stream",
            "content-disposition": f"attachment; filename*=UTF-8''{quote(name)}",
            "repr-digest": f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:",
        }
        return await self._client.post(f"{self.address}/files", content=content, headers=headers)
