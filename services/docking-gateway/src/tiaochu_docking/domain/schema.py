"""The small language in which a docking's file states its messages, the check against it, and its JSON Schema.

A message is a list of fields, each `name type`; `?` after the name makes it optional, `[]` after the type a list:

    procedure? c:procedure, claims claim[], amount? m

Types: s text · l long text · c:SET code · d date · t instant · m money · n integer · b boolean · f file reference · u UUID · x number by which an
outside system knows a thing · STRUCT. Receivers ignore fields they do not know; all faults are told at once.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from tiaochu_domainkit.errors import FieldViolation

_LIST_LIMIT = 500
_NUMBER = re.compile(r"(0|[1-9][0-9]{0,11})(\.[0-9]{1,2})?", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_FORBIDDEN_CHARACTERS = re.compile("[\ud800-\udfff\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")


@dataclass(frozen=True)
class Scalar:
    """A type without parts: its check answers the fault in Chinese, or nothing."""

    letter: str
    check: Callable[[Any], str]
    json: Mapping[str, Any]


@dataclass(frozen=True)
class Codes:
    """A code of a closed set: code → Chinese name."""

    name: str
    values: Mapping[str, str]


@dataclass(frozen=True)
class Field:
    """A field of a struct."""

    name: str
    type: "Scalar | Codes | Struct"
    optional: bool
    many: bool


@dataclass(frozen=True)
class Struct:
    """A message or a part of one."""

    name: str
    fields: tuple[Field, ...] = field(default=())

    def faults(self, value: Any, at: str) -> Iterator[FieldViolation]:
        """Everything wrong with `value`, each with its JSON pointer below `at`."""
        if not isinstance(value, dict):
            yield FieldViolation(at, "FIELD_INVALID", "应为对象")
            return
        for f in self.fields:
            where = f"{at}/{f.name}"
            given = value.get(f.name)
            if given is None or (given == [] and f.many):
                if not f.optional:
                    yield FieldViolation(where, "FIELD_INVALID", "必填")
            elif not f.many:
                yield from _faults(f.type, given, where)
            elif not isinstance(given, list) or len(given) > _LIST_LIMIT:
                yield FieldViolation(where, "FIELD_INVALID", f"应为列表,至多{_LIST_LIMIT}项")
            else:
                for i, item in enumerate(given):
                    yield from _faults(f.type, item, f"{where}/{i}")

    def files(self, value: Mapping[str, Any]) -> Iterator[str]:
        """Every file that a sound message of this struct refers to."""
        for f in self.fields:
            given = value.get(f.name)
            for item in given if f.many and given else [given] if given else ():
                if isinstance(f.type, Struct):
                    yield from f.type.files(item)
                elif isinstance(f.type, Scalar) and f.type.letter == "f":
                    yield item

    def requiring(self, names: Iterable[str]) -> "Struct":
        """The same with these fields no longer optional. Raises `ValueError` for a field it does not have."""
        wanted = set(names)
        if missing := wanted - {f.name for f in self.fields}:
            raise ValueError(f"{self.name} has no {sorted(missing)}")
        return Struct(self.name, tuple(replace(f, optional=f.optional and f.name not in wanted) for f in self.fields))

    def json_schema(self) -> dict[str, Any]:
        """The same as JSON Schema 2020-12."""
        properties = {
            f.name: {"type": "array", "items": _json(f.type), "maxItems": _LIST_LIMIT} if f.many else _json(f.type) for f in self.fields
        }
        return {"type": "object", "properties": properties, "required": [f.name for f in self.fields if not f.optional]}


def _faults(type_: "Scalar | Codes | Struct", value: Any, where: str) -> Iterator[FieldViolation]:
    if isinstance(type_, Struct):
        yield from type_.faults(value, where)
    elif isinstance(type_, Codes):
        if not isinstance(value, str) or value not in type_.values:
            yield FieldViolation(where, "CODE_UNKNOWN", "代码应为:" + ",".join(type_.values))
    elif wrong := type_.check(value):
        yield FieldViolation(where, "FIELD_INVALID", wrong)


def _json(type_: "Scalar | Codes | Struct") -> dict[str, Any]:
    if isinstance(type_, Struct):
        return type_.json_schema()
    if isinstance(type_, Codes):
        return {"type": "string", "enum": list(type_.values), "description": "; ".join(f"{k} {v}" for k, v in type_.values.items())}
    return dict(type_.json)


def _text(limit: int) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if not isinstance(value, str) or not value.strip():
            return "应为非空文字"
        if len(value) > limit:
            return f"超过{limit}字"
        return "含有不允许的控制字符或不完整的字符" if _FORBIDDEN_CHARACTERS.search(value) else ""

    return check


def _matching(pattern: re.Pattern[str], wrong: str) -> Callable[[Any], str]:
    return lambda value: "" if isinstance(value, str) and pattern.fullmatch(value) else wrong


def _date(value: Any) -> str:
    try:
        day = date.fromisoformat(value) if isinstance(value, str) and _DATE.fullmatch(value) else None
    except ValueError:
        day = None
    return "" if day is not None and day.year >= 1900 else "应为YYYY-MM-DD格式的真实日期"


def _instant(value: Any) -> str:
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        try:
            datetime.fromisoformat(value)
        except ValueError:
            return "时间不存在"
        return ""
    return "应为带时区的RFC 3339时间"


def _integer(value: Any) -> str:
    return "" if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 10**9 else "应为非负整数"


def _boolean(value: Any) -> str:
    return "" if isinstance(value, bool) else "应为true或false"


SCALARS: Mapping[str, Scalar] = {
    s.letter: s
    for s in (
        Scalar("s", _text(500), {"type": "string", "minLength": 1, "maxLength": 500}),
        Scalar("l", _text(20_000), {"type": "string", "minLength": 1, "maxLength": 20_000}),
        Scalar("x", _text(100), {"type": "string", "minLength": 1, "maxLength": 100}),
        Scalar("d", _date, {"type": "string", "format": "date"}),
        Scalar("t", _instant, {"type": "string", "format": "date-time"}),
        Scalar("m", _matching(_NUMBER, "应为金额(元),至多两位小数、十二位整数"), {"type": "string", "pattern": f"^{_NUMBER.pattern}$"}),
        Scalar("n", _integer, {"type": "integer", "minimum": 0, "maximum": 10**9}),
        Scalar("b", _boolean, {"type": "boolean"}),
        Scalar("f", _matching(_UUID, "应为已上传文件的编号"), {"type": "string", "format": "uuid"}),
        Scalar("u", _matching(_UUID, "应为小写UUID"), {"type": "string", "format": "uuid"}),
    )
}


def read_structs(
    types: Mapping[str, str], codes: Mapping[str, Mapping[str, str]], known: Mapping[str, Struct] | None = None
) -> dict[str, Struct]:
    """The structs of a file, in the file's order: a struct may use those before it. Raises `ValueError` for a type it cannot read."""
    structs: dict[str, Struct] = dict(known or {})
    for name, fields in types.items():
        structs[name] = Struct(name, tuple(_field(name, *f.split(), codes=codes, structs=structs) for f in fields.split(",")))
    return structs


def _field(owner: str, key: str, notation: str, *, codes: Mapping[str, Mapping[str, str]], structs: Mapping[str, Struct]) -> Field:
    optional = key.endswith("?")
    many = notation.endswith("[]")
    base = notation.removesuffix("[]")
    if base.startswith("c:"):
        set_name = base[2:]
        if set_name not in codes:
            raise ValueError(f"{owner}.{key}: no code set {set_name!r}")
        return Field(key.removesuffix("?"), Codes(set_name, codes[set_name]), optional, many)
    found = SCALARS.get(base) or structs.get(base)
    if found is None:
        raise ValueError(f"{owner}.{key}: no type {base!r}")
    return Field(key.removesuffix("?"), found, optional, many)
