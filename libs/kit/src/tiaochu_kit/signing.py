"""Signed heads: hourly and at export the head of each log is signed with a key that is not in the database."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tiaochu.log.v1.log_service_pb2 import Head, LoggedEvent
from tiaochu_domainkit.errors import refused
from tiaochu_kit import audit
from tiaochu_kit.database import Database
from tiaochu_kit.producers import OwnLog

SIGN_SECONDS = 3600.0

_KEEP_SQL = """
INSERT INTO log_signatures (district, position, hash, signed_at, key_id, signature) VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
_SIGNED_SQL = (
    "SELECT position, hash, signed_at, key_id, signature FROM log_signatures WHERE district = %s AND position <= %s ORDER BY position"
)


class HeadSigner:
    """Signs the heads of one service's logs, and exports a log with its signatures."""

    def __init__(self, database: Database, own: OwnLog, key_file: Path | None, now: Callable[[], datetime]) -> None:
        self._database = database
        self._own = own
        self._key_file = key_file
        self._now = now

    async def run(self) -> None:
        """Every hour, for ever."""
        while True:
            for head in await self._own.heads():
                await self.sign(head)
            await asyncio.sleep(SIGN_SECONDS)

    async def sign(self, head: Head) -> None:
        """Sign one head, with the key as it is in its file now. Raises `SIGNING_KEY_MISSING`."""
        key = self._key()
        signed_at = self._now()
        message = audit.head_message(self._own.name, head.district, head.position, head.hash.hex(), _micros(signed_at))
        values = (head.district, head.position, head.hash, signed_at, audit.key_id(key.public_key()), key.sign(message))
        async with self._database.transaction() as tx:
            await tx.queue(_KEEP_SQL, values)

    async def export(self, district: str) -> AsyncIterator[str]:
        """The lines of an export of one log, up to the head it has now; several lines in each text."""
        yield _line(export={"format": audit.FORMAT, "service": self._own.name, "district": district})
        position, running = 0, audit.GENESIS
        for head in await self._own.heads(district):
            await self.sign(head)
            while position < head.position:
                events = [e for e in await self._own.read(district, position) if e.position <= head.position]
                yield "".join(_line(event=_event(e)) for e in events)
                position, running = events[-1].position, events[-1].hash.hex()
        yield "".join([line async for line in self._signatures(district, position)])
        yield _line(end={"position": position, "hash": running})

    async def _signatures(self, district: str, until: int) -> AsyncIterator[str]:
        async with self._database.transaction() as tx:
            rows = await tx.rows(_SIGNED_SQL, (district, until))
        for position, running, signed_at, key_id, signature in rows:
            yield _line(
                signature={
                    "position": position,
                    "hash": bytes(running).hex(),
                    "signed_at": _micros(signed_at),
                    "key_id": key_id,
                    "signature": base64.b64encode(signature).decode(),
                }
            )

    def _key(self) -> Ed25519PrivateKey:
        if self._key_file is None:
            raise refused("SIGNING_KEY_MISSING", "no key to sign logs is configured", "未配置日志签名密钥,请联系管理员")
        key = load_pem_private_key(self._key_file.read_bytes(), None)
        if not isinstance(key, Ed25519PrivateKey):
            raise TypeError("the log signing key is no Ed25519 key")
        return key


def _event(e: LoggedEvent) -> dict[str, Any]:
    return {
        "position": e.position,
        "event_id": e.event_id,
        "type": e.type,
        "aggregate_id": e.aggregate_id,
        "version": e.version,
        "subject": e.subject,
        "district": e.district,
        "occurred_at": e.occur_time.ToMicroseconds(),
        "recorded_at": e.record_time.ToMicroseconds(),
        "headers": e.headers,
        "payload": base64.b64encode(e.payload).decode(),
        "hash": e.hash.hex(),
    }


def _line(**content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n"


def _micros(instant: datetime) -> int:
    return round(instant.timestamp() * 1_000_000)
