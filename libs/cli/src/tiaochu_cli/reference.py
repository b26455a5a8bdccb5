"""The reference of all commands, options and JSON answers, written from the commands themselves: `python -m tiaochu_cli.reference`."""

import sys
from collections.abc import Iterator, Mapping
from inspect import cleandoc
from typing import Any

import typer
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from typer.core import TyperArgument, TyperOption

from tiaochu_cli.command import ANSWERS, COMMON_OPTIONS
from tiaochu_cli.main import app

_DEPTH = 3
"""Messages in messages are told so deep; the protos tell the rest."""
_HEADER = """# Commands, options and JSON answers

Written by `python -m tiaochu_cli.reference`; a test keeps it so. What is common to all commands stands in [README.md](README.md).
What a field means stands in its message under `protos/`. Types in quotes; `int64` is a string of digits, an instant is
`2026-04-14T01:30:00Z`. A key whose value is a message or an instant is left out while it is not set; all other keys are always there.
"""


def reference() -> str:
    """The whole page, in Markdown."""
    parts = [_HEADER]
    for path, command, answer in commands():
        usage = " ".join(("tiaochu", *path, *(_argument(p) for p in command.params if isinstance(p, TyperArgument))))
        parts.append(f"## {' '.join(path)}\n\n`{usage}`\n\n{_help(command)}\n")
        options = [p for p in command.params if isinstance(p, TyperOption) and p.opts[0] not in (*COMMON_OPTIONS, "--help")]
        if options:
            parts.append("\n".join(("| option | |", "|---|---|", *(_option(p) for p in options))) + "\n")
        parts.append("```\n" + "\n".join(_told(answer)) + "\n```\n")
    return "\n".join(parts)


def commands() -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Every command: its path, the command as typer built it, and its JSON answer."""
    yield from _below(app, typer.main.get_command(app), ())


def _below(tree: typer.Typer, group: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    for info in tree.registered_commands:
        yield (*path, str(info.name)), group.commands[info.name], getattr(info.callback, ANSWERS)
    for sub in tree.registered_groups:
        if sub.typer_instance is not None:
            yield from _below(sub.typer_instance, group.commands[sub.name], (*path, str(sub.name)))


def _argument(parameter: TyperArgument) -> str:
    name = str(parameter.metavar or parameter.name).strip("[]{}").upper()
    return name if parameter.required else f"[{name}]"


def _option(parameter: TyperOption) -> str:
    names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    value = "" if parameter.is_flag else f" {parameter.metavar or str(parameter.name).upper()}"
    facts = [str(parameter.help or "")]
    if parameter.required:
        facts.append("Required.")
    elif parameter.default not in (None, "", False, ()) and not callable(parameter.default):
        facts.append(f"Default `{parameter.default}`.")
    return f"| {names}{value} | {' '.join(facts)} |".replace("\n", " ")


def _help(command: Any) -> str:
    return cleandoc(command.help or "")


def _told(answer: Any, indent: str = "") -> Iterator[str]:
    """An answer as lines of indented keys."""
    if isinstance(answer, Mapping):
        for key, value in answer.items():
            yield from _key(str(key), value, indent)
    else:
        yield f"{indent}# {answer.DESCRIPTOR.full_name}"
        yield from _fields(answer.DESCRIPTOR, indent, 1)


def _key(key: str, value: Any, indent: str) -> Iterator[str]:
    several = isinstance(value, list)
    inner = value[0] if several else value
    if isinstance(inner, str):
        yield f"{indent}{key}: {'[' if several else ''}{inner}{']' if several else ''}"
        return
    yield f"{indent}{key}:{' […]' if several else ''}"
    yield from _told(inner, indent + "  ")


def _fields(message: Descriptor, indent: str, depth: int) -> Iterator[str]:
    for field in message.fields:
        inner = field.message_type
        if inner is not None and inner.GetOptions().map_entry:
            yield f"{indent}{field.name}: {{string: {_type(inner.fields_by_name['value'])}}}"
        elif inner is None or inner.full_name.startswith("google.protobuf."):
            yield f"{indent}{field.name}: {'[' if field.is_repeated else ''}{_type(field)}{']' if field.is_repeated else ''}"
        else:
            yield f"{indent}{field.name}:{' […]' if field.is_repeated else ''} # {inner.full_name}"
            if depth < _DEPTH:
                yield from _fields(inner, indent + "  ", depth + 1)


def _type(field: FieldDescriptor) -> str:
    if field.message_type is not None:
        return "instant" if field.message_type.name == "Timestamp" else field.message_type.name
    if field.enum_type is not None:
        return " | ".join(value.name for value in field.enum_type.values)
    kinds = {
        FieldDescriptor.TYPE_STRING: "string",
        FieldDescriptor.TYPE_BYTES: "base64",
        FieldDescriptor.TYPE_BOOL: "boolean",
        FieldDescriptor.TYPE_INT32: "number",
        FieldDescriptor.TYPE_INT64: "int64",
    }
    return kinds.get(field.type, "number")


if __name__ == "__main__":
    sys.stdout.write(reference())
