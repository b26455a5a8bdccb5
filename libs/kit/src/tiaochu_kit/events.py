"""Events between domain dataclasses and protobuf messages, by equal names and equal fields."""

import pkgutil
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from importlib import import_module
from typing import Any

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import Message

from tiaochu_kit.compat import FIRST, needs


class UnknownEvent(KeyError):
    """No contract of this release has an event of this type."""


class EventCodec:
    """Encodes the domain events of one service; decodes everybody's.

    `package` is the proto package of the service's own events (`tiaochu.intake.events.v1`).
    """

    def __init__(self, package: str) -> None:
        self._package = package
        self.newer: Mapping[str, int] = {}
        self._classes: dict[str, type[Message]] = {}

    def needs(self, event: Any) -> int:
        """The release that everyone must have to read this event. `newer` names types (`ThingRenamed`) and fields (`AmountAdded.note`)."""
        name = type(event).__name__
        own = {key.removeprefix(f"{name}."): release for key, release in self.newer.items() if key.startswith(f"{name}.")}
        return max(self.newer.get(name, FIRST), needs(event, own)) if self.newer else FIRST

    def type_of(self, event: Any) -> str:
        """Full name of the message type of a domain event."""
        return f"{self._package}.{type(event).__name__}"

    def encode(self, event: Any) -> bytes:
        """The event's message, encoded. Raises `KeyError` for an event without a message."""
        return to_message(event, self._class(self.type_of(event))).SerializeToString(deterministic=True)

    def decode(self, type_name: str, payload: bytes) -> Message:
        """The message. Raises `UnknownEvent` for an unknown type, `DecodeError` for bytes that are not one."""
        if not self.has(type_name):
            raise UnknownEvent(type_name)
        return self._class(type_name).FromString(payload)

    def has(self, type_name: str) -> bool:
        """Whether the contracts that were loaded have this type."""
        try:
            return self._class(type_name) is not None
        except KeyError:
            return False

    def _class(self, type_name: str) -> type[Message]:
        found = self._classes.get(type_name)
        if found is None:
            descriptor = descriptor_pool.Default().FindMessageTypeByName(type_name)
            found = self._classes[type_name] = message_factory.GetMessageClass(descriptor)
        return found


def load_contracts(producer: str) -> None:
    """Load the messages of a producer's events, those included that nobody here reacts to. One whose messages are no package loads them itself."""
    name = f"tiaochu.{producer}.events.v1"
    try:
        package = import_module(name)
    except ModuleNotFoundError:
        return
    for module in pkgutil.iter_modules(package.__path__, f"{name}."):
        import_module(module.name)


def to_message(value: Any, cls: type[Message]) -> Message:
    """A message of `cls` with the dataclass's fields; names must be equal, `None` leaves a field unset."""
    message = cls()
    for field in fields(value):
        content = getattr(value, field.name)
        if content is not None:
            _set(message, field.name, content)
    return message


def _set(message: Message, name: str, content: Any) -> None:
    if isinstance(content, datetime):
        getattr(message, name).FromDatetime(content)
    elif is_dataclass(content):
        target = getattr(message, name)
        target.CopyFrom(to_message(content, type(target)))
    elif isinstance(content, (list, tuple, frozenset)):
        repeated = getattr(message, name)
        for item in content:
            if is_dataclass(item):
                new = repeated.add()
                new.CopyFrom(to_message(item, type(new)))
            else:
                repeated.append(_plain(item))
    else:
        setattr(message, name, _plain(content))


def _plain(content: Any) -> Any:
    if isinstance(content, Enum):
        return content.value
    if isinstance(content, date):
        return content.isoformat()
    return content
