"""Proof that an aggregate's table of transitions says what its methods do, read from the source of the methods."""

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from tiaochu_domainkit.aggregate import Aggregate

_MUTATORS = frozenset(
    {"add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove", "reverse", "setdefault", "sort", "update"}
)


@dataclass(frozen=True)
class _Method:
    """What the source of one method says."""

    name: str
    required: str | None
    """The command its first statement requires."""
    mutates: bool
    calls: frozenset[str]
    statuses: frozenset[str]
    """The states it assigns to `status`, as far as they can be read."""
    open_status: bool
    """It assigns a status that only a run can tell."""


def assert_transitions_match(aggregate: type[Aggregate]) -> None:
    """Fail unless `aggregate.TRANSITIONS` equals its methods.

    Every command of the table is a method of that name whose first statement is `self.require("<name>")`; every public
    method that changes the object or records an event is a command of the table; every state that a command assigns
    stands in its `leads_to`, and every state of `leads_to` is assigned or is one the command may stay in.
    """
    methods = {name: _read(name, function) for name, function in _functions(aggregate)}
    faults = [
        *_commands_without_method(aggregate, methods),
        *_methods_without_command(aggregate, methods),
        *_wrong_states(aggregate, methods),
    ]
    assert not faults, f"{aggregate.__name__}.TRANSITIONS differs from its methods:\n  " + "\n  ".join(faults)


def _commands_without_method(aggregate: type[Aggregate], methods: Mapping[str, _Method]) -> Iterator[str]:
    for command in aggregate.TRANSITIONS:
        if command not in methods:
            yield f"{command}: in the table, but no method"
        elif methods[command].required is None:
            yield f'{command}: its first statement is not self.require("{command}")'
        elif methods[command].required != command:
            yield f"{command}: requires {methods[command].required!r} instead of itself"


def _methods_without_command(aggregate: type[Aggregate], methods: Mapping[str, _Method]) -> Iterator[str]:
    for method in methods.values():
        if method.name.startswith("_") or method.name in aggregate.TRANSITIONS:
            continue
        if method.required is not None or any(part.mutates for part in _with_callees(method, methods)):
            yield f"{method.name}: changes the object, but is not in the table"


def _wrong_states(aggregate: type[Aggregate], methods: Mapping[str, _Method]) -> Iterator[str]:
    for command, transition in aggregate.TRANSITIONS.items():
        if command not in methods:
            continue
        parts = _with_callees(methods[command], methods)
        assigned = frozenset[str]().union(*(part.statuses for part in parts))
        for state in sorted(assigned - set(transition.leads_to)):
            yield f"{command}: leads to {state!r}, the table says {transition.leads_to}"
        if not any(part.open_status for part in parts):
            for state in sorted(set(transition.leads_to) - assigned - set(transition.allowed_in)):
                yield f"{command}: the table says it leads to {state!r}, but no statement does that"


def _functions(aggregate: type[Aggregate]) -> Iterator[tuple[str, FunctionType]]:
    """The instance methods of the class and its bases below `Aggregate`, the nearest definition of each name."""
    seen: set[str] = set()
    for base in aggregate.__mro__:
        if base is Aggregate or base is object:
            continue
        for name, value in vars(base).items():
            if name not in seen and isinstance(value, FunctionType) and not name.startswith("__"):
                seen.add(name)
                yield name, value


def _with_callees(method: _Method, methods: Mapping[str, _Method]) -> list[_Method]:
    """The method and every own method it reaches."""
    found: dict[str, _Method] = {}
    waiting = [method]
    while waiting:
        one = waiting.pop()
        if one.name not in found:
            found[one.name] = one
            waiting.extend(methods[name] for name in one.calls if name in methods)
    return list(found.values())


def _read(name: str, function: FunctionType) -> _Method:
    tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(tree, ast.FunctionDef | ast.AsyncFunctionDef), name
    self_name = tree.args.args[0].arg if tree.args.args else ""
    body = tree.body[1:] if ast.get_docstring(tree) is not None else tree.body
    statuses: set[str] = set()
    open_status = mutates = False
    calls: set[str] = set()
    for node in ast.walk(tree):
        for target, value in _assignments(node):
            if _root(target) == self_name and not isinstance(target, ast.Name):
                mutates = True
                if isinstance(target, ast.Attribute) and target.attr == "status" and isinstance(target.value, ast.Name):
                    known, is_open = _states(value, function.__globals__)
                    statuses |= known
                    open_status |= is_open
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if isinstance(owner, ast.Name) and owner.id == self_name:
                calls.add(node.func.attr)
                mutates |= node.func.attr == "record"
            elif _root(owner) == self_name and node.func.attr in _MUTATORS:
                mutates = True
    return _Method(name, _required(body, self_name), mutates, frozenset(calls), frozenset(statuses), open_status)


def _required(body: list[ast.stmt], self_name: str) -> str | None:
    match body:
        case [
            ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr="require"), args=[ast.Constant(value=str(command))])),
            *_,
        ]:
            return command if owner == self_name else None
    return None


def _assignments(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr | None]]:
    """Every target a statement writes to, with the value when it is a plain assignment."""
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                if isinstance(target, ast.Tuple | ast.List):
                    yield from ((part, None) for part in target.elts)
                else:
                    yield target, value
        case ast.AnnAssign(target=target, value=value) | ast.AugAssign(target=target, value=value):
            yield target, value
        case ast.Delete(targets=targets):
            yield from ((target, None) for target in targets)


def _root(expression: ast.expr) -> str | None:
    """The variable at the left end of `a.b[c].d`."""
    while isinstance(expression, ast.Attribute | ast.Subscript):
        expression = expression.value
    return expression.id if isinstance(expression, ast.Name) else None


def _states(value: ast.expr | None, module: dict[str, Any]) -> tuple[set[str], bool]:
    """The states an expression can be, and whether it can be others too."""
    match value:
        case ast.Constant(value=str(state)):
            return {state}, False
        case ast.IfExp(body=yes, orelse=no):
            first, second = _states(yes, module), _states(no, module)
            return first[0] | second[0], first[1] or second[1]
        case ast.Name() | ast.Attribute():
            found = _lookup(value, module)
            if isinstance(found, str):
                return {str(getattr(found, "value", found))}, False
    return set(), True


def _lookup(expression: ast.expr, module: dict[str, Any]) -> object:
    match expression:
        case ast.Name(id=name):
            return module.get(name)
        case ast.Attribute(value=owner, attr=attr):
            return getattr(_lookup(owner, module), attr, None)
    return None
