"""Keyset pages: a signed token carries the last row's keys and is bound to the question it continues and to who asked it."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import Any

import msgspec
from google.protobuf.message import Message

from tiaochu_domainkit.errors import invalid

DEFAULT_SIZE = 50
LARGEST_SIZE = 200
_TAG = 12


def page_size(asked: int) -> int:
    """Rows on a page: 50 unless asked otherwise, at most 200. Raises `FIELD_INVALID` for a negative number."""
    if asked < 0:
        raise invalid("page_size", "NEGATIVE", "每页条数不能为负数")
    return min(asked or DEFAULT_SIZE, LARGEST_SIZE)


class PageTokens:
    """Makes and checks page tokens with a key that all replicas of a service share."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def write(self, reader: str, request: Message, last: Sequence[Any]) -> str:
        """The token by which `reader` gets the page after the row whose sort keys are `last` (texts, numbers, ISO instants)."""
        body = msgspec.json.encode(list(last))
        return base64.urlsafe_b64encode(self._tag(reader, request, body) + body).decode().rstrip("=")

    def read(self, reader: str, request: Any) -> list[Any] | None:
        """The sort keys a request's `page_token` carries; `None` on the first page. Raises `FIELD_INVALID` for a token of another question or reader."""
        token: str = request.page_token
        if not token:
            return None
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except ValueError as error:
            raise invalid("page_token", "MALFORMED", "翻页参数无效,请重新查询") from error
        tag, body = raw[:_TAG], raw[_TAG:]
        if not hmac.compare_digest(tag, self._tag(reader, request, body)):
            raise invalid("page_token", "OTHER_QUESTION", "查询条件已改变,请重新查询")
        keys: list[Any] = msgspec.json.decode(body)
        return keys

    def _tag(self, reader: str, request: Message, body: bytes) -> bytes:
        question = type(request)()
        question.CopyFrom(request)
        for name in ("page_token", "page_size"):
            question.ClearField(name)
        digest = hmac.new(self._key, type(request).DESCRIPTOR.full_name.encode(), hashlib.sha256)
        for part in (reader.encode(), question.SerializeToString(deterministic=True), body):
            digest.update(len(part).to_bytes(8))
            digest.update(part)
        return digest.digest()[:_TAG]
