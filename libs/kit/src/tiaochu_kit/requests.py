"""What a caller sent becomes a request: decoded, its rules checked, its instants real. What is wrong is told by field."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import protovalidate
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message

from tiaochu_domainkit.errors import DomainError, FieldViolation, Kind
from tiaochu_kit.refusals import violation_of

_INSTANT = "google.protobuf.Timestamp"
_FIRST = int((datetime.min.replace(tzinfo=UTC) + timedelta(days=1)).timestamp())
_LAST = int((datetime.max.replace(tzinfo=UTC) - timedelta(days=1)).timestamp())
"""A day less than the calendar has, so that an instant has a date in every zone."""


class Requests:
    """Reads the requests of one RPC."""

    def __init__(self, descriptor: Descriptor, validator: protovalidate.Validator) -> None:
        self._class = message_factory.GetMessageClass(descriptor)
        self._validator = validator

    def read(self, raw: bytes) -> Message:
        """One request. Reasons: REQUEST_UNREADABLE, FIELD_INVALID."""
        try:
            message = self._class.FromString(raw)
        except DecodeError as error:
            raise DomainError(
                Kind.INVALID_INPUT,
                "REQUEST_UNREADABLE",
                "the request is no message of its type; text must be UTF-8",
                "请求内容无法读取,文字须为UTF-8编码",
            ) from error
        found = tuple(violation_of(v) for v in self._validator.collect_violations(message)) or tuple(_unreal(message, ""))
        if found:
            raise DomainError(
                Kind.INVALID_INPUT, "FIELD_INVALID", "fields are not valid", "填写内容有误,请检查", {"field": found[0].path}, found
            )
        return message

    async def stream(self, raws: AsyncIterator[bytes]) -> AsyncIterator[Any]:
        """The requests of a stream, each as `read`."""
        async for raw in raws:
            yield self.read(raw)


def _unreal(message: Message, path: str) -> Iterator[FieldViolation]:
    """Instants that no calendar has: protobuf lets them through, and everything behind it breaks on them."""
    if not _holds_instants(message.DESCRIPTOR):
        return
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        for index, part in enumerate(value if field.is_repeated else (value,)):
            here = f"{path}{field.name}" + (f"[{index}]" if field.is_repeated else "")
            if field.message_type.full_name != _INSTANT:
                yield from _unreal(part, f"{here}.")
            elif not (_FIRST <= part.seconds <= _LAST and 0 <= part.nanos < 1_000_000_000):
                yield FieldViolation(here, "INSTANT_UNREAL", "时间不存在")


@cache
def _holds_instants(descriptor: Descriptor) -> bool:
    """Whether an instant stands in a message of this kind, or in one within it."""
    seen, waiting = {descriptor.full_name}, [descriptor]
    while waiting:
        fields: list[FieldDescriptor] = list(waiting.pop().fields)
        for inner in (field.message_type for field in fields):
            if inner is None or inner.full_name in seen:
                continue
            if inner.full_name == _INSTANT:
                return True
            seen.add(inner.full_name)
            waiting.append(inner)
    return False
