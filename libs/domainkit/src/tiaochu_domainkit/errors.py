"""Errors the domain raises: a closed set of kinds, each occurrence with a frozen reason."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Kind(Enum):
    """What the caller can do about it. kit maps each kind to one gRPC code and one HTTP status."""

    INVALID_INPUT = "invalid_input"
    NOT_FOUND = "not_found"
    ALREADY_EXISTS = "already_exists"
    PRECONDITION_FAILED = "precondition_failed"
    CONFLICT = "conflict"
    PERMISSION_DENIED = "permission_denied"
    UNAUTHENTICATED = "unauthenticated"
    RESOURCE_EXHAUSTED = "resource_exhausted"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True)
class FieldViolation:
    """One refused field: `path` as in the request (`applicants[0].id_number`), `reason` frozen, `zh` for people."""

    path: str
    reason: str
    zh: str


@dataclass(eq=False)
class DomainError(Exception):
    """A refusal.

    `reason` is UPPER_SNAKE and frozen (a test lists them all). `message` is English for developers and `zh` Chinese for
    people. `metadata` holds every variable part of the two texts. No part may hold personal data.
    """

    kind: Kind
    reason: str
    message: str
    zh: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    violations: tuple[FieldViolation, ...] = ()

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"


class InvalidTransition(DomainError):
    """The command is not allowed in the present state; `metadata` names the state and the commands allowed in it."""

    def __init__(self, command: str, current: str, allowed: tuple[str, ...], zh: str | None = None) -> None:
        super().__init__(
            Kind.PRECONDITION_FAILED,
            "STATE_FORBIDS",
            f"{command} is not allowed in state {current}",
            zh or f"当前状态({current})不能执行该操作",
            {"command": command, "current": current, "allowed": ",".join(allowed)},
        )


def refused(reason: str, message: str, zh: str, **metadata: str) -> DomainError:
    """A precondition of the domain that is not met: the state is right, another fact forbids the command."""
    return DomainError(Kind.PRECONDITION_FAILED, reason, message, zh, metadata)


def invalid(path: str, reason: str, zh: str) -> DomainError:
    """One field whose value cannot be accepted."""
    return DomainError(Kind.INVALID_INPUT, "FIELD_INVALID", f"{path}: {reason}", zh, {"field": path}, (FieldViolation(path, reason, zh),))


_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{64}")
"""A UUID or a SHA-256 in the one spelling we use."""


def not_found(what: str, ident: str) -> DomainError:
    """Unknown, or not visible to the caller: the two answers are equal on purpose.

    `ident` is told where it is one of our ids. Anything else may be what a person typed into the wrong place, such as a name.
    """
    told = ident if _ID.fullmatch(ident) else ""
    return DomainError(Kind.NOT_FOUND, "NOT_FOUND", f"{what} {told} not found", "没有找到,或您无权查看", {"what": what, "id": told})


def denied(reason: str, message: str, zh: str, **metadata: str) -> DomainError:
    """The caller may not do this."""
    return DomainError(Kind.PERMISSION_DENIED, reason, message, zh, metadata)
