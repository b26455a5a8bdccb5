"""Finds every reason an error can carry, in the source: what callers may rely on, and so what must not change by accident.

Run as a program it writes `docs/errors.md`.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[4]
PAGE = ROOT / "docs" / "errors.md"
FACTORIES = {"refused": ("PRECONDITION_FAILED", 0, 2), "denied": ("PERMISSION_DENIED", 0, 2), "invalid": ("FIELD_INVALID", 1, 2)}
"""Function → (kind, position of the reason, position of the Chinese text)."""
_HEAD = """# Error reasons

Every refusal carries one gRPC code and an `ErrorInfo` with a frozen `reason`; over HTTP the same `reason` stands in
`application/problem+json`. Programs decide by `reason`, never by text.
`FIELD_INVALID` is the reason of every refused field; the field's own reason stands in its violation
(`BadRequest.field_violations[].reason`, HTTP `errors[].reason`).

| kind | gRPC | HTTP | what the caller does |
|---|---|---|---|
| INVALID_INPUT | INVALID_ARGUMENT | 400 | mends the input |
| NOT_FOUND | NOT_FOUND | 404 | the id is unknown or not visible to the caller |
| ALREADY_EXISTS | ALREADY_EXISTS | 409 | reads what exists |
| PRECONDITION_FAILED | FAILED_PRECONDITION | 409 | does something else first; `STATE_FORBIDS` names the state and what it allows |
| CONFLICT | ABORTED | 409 | reads the new version and decides again |
| PERMISSION_DENIED, UNAUTHENTICATED | same | 403, 401 | asks for the right, or signs in |
| RESOURCE_EXHAUSTED, UNAVAILABLE | same | 429, 503 | sends the same request again, later, with the same `request_id` |

Made by `python -m tiaochu_testkit.reasons`; a test compares it with the source.

| reason | kind | where | text |
|---|---|---|---|
"""


@dataclass(frozen=True, order=True)
class Reason:
    """One reason as one place raises it."""

    name: str
    kind: str
    where: str
    zh: str


def found() -> Iterator[Reason]:
    """Every reason in the source of libraries and services."""
    for file in sorted([*ROOT.glob("libs/*/src/**/*.py"), *ROOT.glob("services/*/src/**/*.py")]):
        if "/protos/" in str(file) or "testkit" in str(file):
            continue
        where = file.relative_to(ROOT).parts[1]
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call):
                yield from _of_call(node, where)


def _of_call(call: ast.Call, where: str) -> Iterator[Reason]:
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    if name in FACTORIES:
        kind, reason_at, text_at = FACTORIES[name]
    elif name == "DomainError":
        kind, reason_at, text_at = _kind(call), 1, 3
    else:
        return
    reason = _text(call.args[reason_at]) if len(call.args) > reason_at else ""
    if reason.isupper() and reason.replace("_", "").isalnum() and reason != "FIELD_INVALID":
        yield Reason(reason, kind, where, _text(call.args[text_at]) if len(call.args) > text_at else "")


def _kind(call: ast.Call) -> str:
    return call.args[0].attr if call.args and isinstance(call.args[0], ast.Attribute) else ""


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(v.value) if isinstance(v, ast.Constant) else "…" for v in node.values)
    return ""


def page() -> str:
    """The page: one row a reason and kind, the places and texts gathered."""
    rows: dict[tuple[str, str], tuple[set[str], list[str]]] = defaultdict(lambda: (set(), []))
    for reason in sorted(set(found())):
        places, texts = rows[reason.name, reason.kind]
        places.add(reason.where)
        if reason.zh and reason.zh not in texts:
            texts.append(reason.zh)
    lines = [
        f"| `{name}` | {kind} | {', '.join(sorted(places))} | {' / '.join(texts)} |"
        for (name, kind), (places, texts) in sorted(rows.items())
    ]
    return _HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
