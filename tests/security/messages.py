"""Messages made from the descriptors and their rules: valid ones, ones with one value at an edge, and bytes that are no message.

What the rules cannot say (that an id names something, which codes a list has) comes from `known`: field name → values worth trying.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from buf.validate import validate_pb2
from tiaochu_kit.ids import new_id

Known = Mapping[str, Sequence[Any]]
"""Field name → values that mean something in the stack. `*_organ_id` is looked for as `organ_id` where it has no values of its own."""

Field = Any
Kind = Any
"""Descriptors of a field and of a message: their stubs say `None` of what is always there."""

_DEPTH = 4
_LIMITS = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}
_RULES = {
    FieldDescriptor.TYPE_INT32: "int32",
    FieldDescriptor.TYPE_INT64: "int64",
    FieldDescriptor.TYPE_UINT32: "uint32",
    FieldDescriptor.TYPE_UINT64: "uint64",
    FieldDescriptor.TYPE_DOUBLE: "double",
}
_TEXTS = ("因宅基地边界发生争执", "张三", "请求赔偿损失三千元", "2026-03-01", "x", "㛃𠅤", "100.50")
NASTY = (
    "",
    "\x00",
    "a\x00b",
    "\ufeff\u202e\u200b",
    "%00",
    "' OR 1=1 --",
    "{}[]()",
    "../../etc/passwd",
    "\\",
    "𠮷" * 40,
    "0" * 400,
    "-1",
    "9" * 40,
    "NaN",
    "1e999",
    "0001-01-01",
    "9999-12-31",
    "2025-02-29",
    "2026-13",
    "９９９",
    "*",
    "000000",
    "00000000-0000-0000-0000-000000000000",
    "\ud7ff\ue000\uffff",
)
_SECONDS = (-62135596800, 253402300799, 0, -1, 2**31, 253402300800, -(2**63), 2**63 - 1)
_NANOS = (0, 999_999_999, -1, 2**31 - 1)


class Forge:
    """Makes requests. The same forge for one stack: it knows what is in it."""

    def __init__(self, known: Known) -> None:
        self._known = known

    def valid(self, descriptor: Kind) -> SearchStrategy[Message]:
        """Messages that keep every rule their fields declare."""
        return self._message(descriptor, 0)

    def edged(self, descriptor: Kind) -> SearchStrategy[Message]:
        """Valid messages with one to three values replaced by what lies at, just beyond or far beyond an edge."""

        @st.composite
        def make(draw: st.DrawFn) -> Message:
            message = draw(self._message(descriptor, 0))
            for _ in range(draw(st.integers(1, 3))):
                owner = draw(st.sampled_from(list(_owners(message))))
                fields: list[Field] = list(owner.DESCRIPTOR.fields)
                if fields:
                    field = draw(st.sampled_from(fields))
                    _put(owner, field, draw(_edge(field)))
            return message

        return make()

    def broken(self, descriptor: Kind) -> SearchStrategy[bytes]:
        """Bytes that are no message of this kind, or hardly one: cut, flipped, noise, nested without end, fields of a wrong type."""

        @st.composite
        def spoilt(draw: st.DrawFn) -> bytes:
            raw = bytearray(draw(self._message(descriptor, 0)).SerializeToString())
            for _ in range(draw(st.integers(1, 4))):
                at = draw(st.integers(0, len(raw)))
                match draw(st.sampled_from(("cut", "flip", "insert"))):
                    case "cut":
                        del raw[at : at + draw(st.integers(1, 8))]
                    case "flip" if at < len(raw):
                        raw[at] ^= draw(st.integers(1, 255))
                    case _:
                        raw[at:at] = draw(st.binary(min_size=1, max_size=8))
            return bytes(raw)

        numbers = [f.number for f in descriptor.fields] or [1]
        no_text = st.sampled_from(numbers).map(lambda n: _tag(n, 2) + b"\x02\xff\xfe")
        nested = st.sampled_from(numbers).map(lambda n: _tag(n, 3) * 200)
        return st.one_of(spoilt(), st.binary(min_size=1, max_size=200), no_text, nested)

    def _message(self, descriptor: Kind, depth: int) -> SearchStrategy[Message]:
        made = message_factory.GetMessageClass(descriptor)
        if descriptor.full_name == "google.protobuf.Timestamp":
            known = self._known.get("@", (1_760_000_000,))
            return st.sampled_from(known).flatmap(lambda s: st.integers(s - 86_400 * 20, s)).map(lambda s: made(seconds=s))
        if descriptor.full_name == "google.protobuf.Duration":
            return st.integers(0, 86_400).map(lambda s: made(seconds=s))

        @st.composite
        def build(draw: st.DrawFn) -> Message:
            message = made()
            chosen = {oneof.name: draw(st.sampled_from(list(oneof.fields))) for oneof in descriptor.oneofs if not _synthetic(oneof)}
            for field in descriptor.fields:
                oneof = field.containing_oneof
                if oneof is not None and not _synthetic(oneof) and chosen[oneof.name] is not field:
                    continue
                value = self._value(draw, field, depth, forced=oneof is not None and not _synthetic(oneof))
                if value is not None:
                    _put(message, field, value)
            return message

        return build()

    def _value(self, draw: st.DrawFn, field: Field, depth: int, *, forced: bool) -> Any:
        rules = field.GetOptions().Extensions[validate_pb2.field]
        needed = rules.required or forced
        if field.is_repeated:
            return self._several(draw, field, rules, depth)
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            if not needed and (depth >= _DEPTH or draw(st.booleans())):
                return None
            return draw(self._message(field.message_type, depth + 1))
        return draw(self._scalar(field, rules, needed=needed))

    def _several(self, draw: st.DrawFn, field: Field, rules: Any, depth: int) -> Any:
        if _is_map(field):
            return None
        least, most = int(rules.repeated.min_items), int(rules.repeated.max_items or 3)
        count = draw(st.integers(least, max(least, min(most, least + 2))))
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            if depth >= _DEPTH and not least:
                return None
            return [draw(self._message(field.message_type, depth + 1)) for _ in range(count)]
        items = self._scalar(field, rules.repeated.items, needed=True)
        return draw(st.lists(items, min_size=count, max_size=count, unique=bool(rules.repeated.unique)))

    def _scalar(self, field: Field, rules: Any, *, needed: bool) -> SearchStrategy[Any]:
        match field.cpp_type:
            case FieldDescriptor.CPPTYPE_STRING if field.type == FieldDescriptor.TYPE_BYTES:
                return st.binary(min_size=int(rules.bytes.min_len), max_size=min(64, int(rules.bytes.max_len or 64)))
            case FieldDescriptor.CPPTYPE_STRING:
                return self._text(field, rules, needed=needed)
            case FieldDescriptor.CPPTYPE_BOOL:
                return st.booleans()
            case FieldDescriptor.CPPTYPE_ENUM:
                values = [v.number for v in field.enum_type.values]
                return st.sampled_from([v for v in values if v] or values)
            case FieldDescriptor.CPPTYPE_DOUBLE | FieldDescriptor.CPPTYPE_FLOAT:
                return st.floats(0, 1000)
        low, high = _bounds(field, rules)
        known = [v for v in self._known.get(field.name, ()) if low <= v <= high]
        near = st.integers(max(low, 0), min(high, max(low, 0) + 100))
        return st.one_of(st.sampled_from(known), near) if known else near

    def _text(self, field: Field, rules: Any, *, needed: bool) -> SearchStrategy[str]:
        rule = rules.string
        if choices := list(getattr(rule, "in")):
            return st.sampled_from(choices)
        if field.name == "request_id":
            return st.builds(new_id)
        known = [v for v in self._of_name(field.name) if _keeps(rule, v)]
        fallback = self._by_rule(rule)
        if rule.uuid or (field.name.endswith(("_id", "_ids")) and not rule.HasField("pattern")):
            fallback = st.builds(new_id)
            if not rule.uuid and not needed and not rule.min_len:
                known.append("")
        return st.one_of(st.sampled_from(known), st.sampled_from(known), fallback) if known else fallback

    def _by_rule(self, rule: Any) -> SearchStrategy[str]:
        least, most = int(rule.len or rule.min_len), int(rule.len or rule.max_len or 2000)
        if rule.HasField("pattern"):
            return st.from_regex(re.compile(rule.pattern, re.ASCII), fullmatch=True).map(lambda t: t.removesuffix("\n"))
        fitting = [t for t in _TEXTS if least <= len(t) <= most]
        length = st.integers(least, min(most, least + 30))
        made = length.flatmap(lambda n: st.text("纠纷调解abc01 ", min_size=n, max_size=n))
        return st.one_of(st.sampled_from(fitting), made) if fitting else made

    def _of_name(self, name: str) -> list[Any]:
        singular = name.removesuffix("s") if name.endswith("_ids") else name
        for candidate in (name, singular, *(suffix for suffix in ("organ_id", "case_id", "party_id") if singular.endswith("_" + suffix))):
            if candidate in self._known:
                return list(self._known[candidate])
        return []


def _edge(field: Field) -> SearchStrategy[Any]:
    if field.is_repeated:
        if _is_map(field):
            return st.none()
        most = int(field.GetOptions().Extensions[validate_pb2.field].repeated.max_items or 50)
        return st.tuples(_edge_of(field), st.sampled_from((0, 1, 2, most, most + 1))).map(lambda pair: [pair[0]] * pair[1])
    return _edge_of(field)


def _edge_of(field: Field) -> SearchStrategy[Any]:
    rules = field.GetOptions().Extensions[validate_pb2.field]
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_MESSAGE:
            return _edge_message(field.message_type)
        case FieldDescriptor.CPPTYPE_STRING if field.type == FieldDescriptor.TYPE_BYTES:
            return st.sampled_from((b"", b"\x00", b"\xff" * 33, bytes(5000)))
        case FieldDescriptor.CPPTYPE_STRING:
            rule = (rules.repeated.items if field.is_repeated else rules).string
            most = int(rule.len or rule.max_len or 3000)
            return st.one_of(st.sampled_from(NASTY), st.sampled_from(("长" * most, "长" * (most + 1), "𠮷" * most)), st.text(max_size=40))
        case FieldDescriptor.CPPTYPE_BOOL:
            return st.booleans()
        case FieldDescriptor.CPPTYPE_ENUM:
            return st.sampled_from((0, 1, 999, 2**31 - 1, -1))
        case FieldDescriptor.CPPTYPE_DOUBLE | FieldDescriptor.CPPTYPE_FLOAT:
            return st.sampled_from((0.0, -1.0, math.inf, -math.inf, math.nan, 1e300))
    low, high = _LIMITS[field.cpp_type]
    least, most = _bounds(field, rules)
    return st.sampled_from(sorted({v for v in (low, high, 0, 1, -1, least, least - 1, most, most + 1, 2**31) if low <= v <= high}))


def _edge_message(descriptor: Kind) -> SearchStrategy[Message]:
    made = message_factory.GetMessageClass(descriptor)
    if descriptor.full_name.startswith("google.protobuf."):
        return st.builds(lambda s, n: made(seconds=s, nanos=n), st.sampled_from(_SECONDS), st.sampled_from(_NANOS))
    return st.just(made())


def _owners(message: Message) -> Iterable[Message]:
    """The message and every message in it."""
    yield message
    fields: Any = message.ListFields()
    for field, value in fields:
        if field.type == FieldDescriptor.TYPE_MESSAGE and not _is_map(field) and not field.message_type.full_name.startswith("google."):
            for part in value if field.is_repeated else (value,):
                yield from _owners(part)


def _put(message: Message, field: Field, value: Any) -> None:
    if value is None:
        return
    message.ClearField(field.name)
    if field.is_repeated:
        getattr(message, field.name).extend(value)
    elif field.type == FieldDescriptor.TYPE_MESSAGE:
        part = getattr(message, field.name)
        part.CopyFrom(value)
        part.SetInParent()
    else:
        setattr(message, field.name, value)


def _bounds(field: Field, rules: Any) -> tuple[int, int]:
    low, high = _LIMITS[field.cpp_type]
    rule = getattr(rules, _RULES.get(field.type, "int32"))
    low = rule.gte if rule.HasField("gte") else rule.gt + 1 if rule.HasField("gt") else low
    high = rule.lte if rule.HasField("lte") else rule.lt - 1 if rule.HasField("lt") else high
    return int(low), int(high)


def _keeps(rule: Any, value: Any) -> bool:
    if not isinstance(value, str):
        return False
    if rule.HasField("pattern") and re.search(rule.pattern, value, re.ASCII) is None:
        return False
    return int(rule.len or rule.min_len) <= len(value) <= int(rule.len or rule.max_len or 10**6)


def _synthetic(oneof: Any) -> bool:
    """Whether a oneof only stands for `optional`."""
    return len(oneof.fields) == 1 and oneof.name == f"_{oneof.fields[0].name}"


def _is_map(field: Field) -> bool:
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def _tag(number: int, kind: int) -> bytes:
    key, out = number << 3 | kind, bytearray()
    while key > 0x7F:
        out.append(key & 0x7F | 0x80)
        key >>= 7
    return bytes([*out, key])
