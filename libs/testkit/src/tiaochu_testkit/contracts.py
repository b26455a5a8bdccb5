"""Lists every RPC and every event from the generated contracts. Run as a program it writes `docs/contracts.md`."""

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor, ServiceDescriptor

import tiaochu
from tiaochu.options.v1 import options_pb2

PAGE = Path(__file__).parents[4] / "docs" / "contracts.md"
ORDER = ("intake", "routing", "mediation", "docking", "reporting", "log")
_HEAD = """# RPCs and events

Made from the protos by `python -m tiaochu_testkit.contracts`; a test compares. The comments on every RPC, field and value stand in `protos/`;
what follows what is told in [case-life.md](case-life.md). A mutation takes a `request_id`; *fresh* names the logs that are read to their heads before it begins.
"""


def page() -> str:
    """The page."""
    ordered = sorted(files(), key=lambda f: f.name)
    parts = [_HEAD]
    for owner in ORDER:
        mine = [f for f in ordered if f.package.split(".")[1] == owner]
        parts.append(f"\n## {owner}\n")
        for file in mine:
            parts += [_service(s) for s in file.services_by_name.values()]
        events = [e for f in mine if ".events." in f.package for e in _events(f)]
        if events:
            parts.append("\nEvents `tiaochu." + owner + ".events.v1`:\n\n" + "\n".join(f"- `{e.name}` {_fields(e)}" for e in events) + "\n")
    return "".join(parts)


def files() -> Iterator[FileDescriptor]:
    """The proto files of our services."""
    for module in pkgutil.walk_packages(tiaochu.__path__, "tiaochu."):
        if module.name.endswith("_pb2"):
            descriptor: FileDescriptor = importlib.import_module(module.name).DESCRIPTOR
            if descriptor.package.split(".")[1] in ORDER:
                yield descriptor


def _service(service: ServiceDescriptor) -> str:
    lines = [f"\n`{service.full_name}`\n", "\n| RPC | roles | scope | |\n|---|---|---|---|\n"]
    for method in service.methods:
        options = method.GetOptions()
        access = options.Extensions[options_pb2.access]
        marks = ["mutation"] if options.Extensions[options_pb2.mutation] else []
        fresh = list(options.Extensions[options_pb2.fresh])
        marks += [f"fresh: {', '.join(fresh)}"] if fresh else []
        marks += ["names people"] if access.reads_personal_data else []
        scope = options_pb2.Scope.Name(access.scope).removeprefix("SCOPE_").lower()
        lines.append(f"| `{method.name}` | {', '.join(access.roles).replace('*', chr(92) + '*')} | {scope} | {'; '.join(marks)} |\n")
    return "".join(lines)


def _events(file: FileDescriptor) -> Iterator[Descriptor]:
    messages = list(file.message_types_by_name.values())
    parts = {f.message_type.full_name for m in messages for f in m.fields if f.message_type is not None}
    yield from (m for m in messages if m.full_name not in parts)


def _fields(message: Descriptor) -> str:
    return ", ".join(_field(f) for f in message.fields)


def _field(field: FieldDescriptor) -> str:
    name = field.name + ("[]" if field.is_repeated else "")
    inner = field.message_type
    return name if inner is None or inner.full_name.startswith("google.") else f"{name} ({_fields(inner)})"


if __name__ == "__main__":
    PAGE.write_text(page())
