"""The statements of generated code, before they are text.

In: names and expressions.  Out: what :mod:`tracegrad.staged` makes a program of, and exporters write down.  Read
:class:`Assign` first.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from tracegrad.expressions import fill, name, parse, source


@dataclass(frozen=True, slots=True, kw_only=True)
class Assign:
    """``target = expression`` or ``target += expression``.

    ``node`` is the one whose value or gradient the target is, ``through`` the one that is computed, or that the
    gradient returns through; ``value`` is what the expression gave when it was recorded.  What is added to ``in_place``
    may be changed there; an array may be another name's too.
    """

    target: str
    sign: str
    expression: ast.expr
    node: int
    through: int
    value: Any
    back: bool = False
    in_place: bool = True

    @property
    def computes(self) -> bool:
        """Whether the target is a value of the user's function, and not of the way back."""
        return not self.back

    @property
    def text(self) -> str:
        return f"{self.target} {self.sign} {source(self.expression)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A fact that the trace took for granted: ``expression`` gave ``outcome``; ``where`` is said where it does not."""

    expression: ast.expr
    outcome: str
    where: str
    through: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """``a, b = c, d``: all at once."""

    targets: tuple[str, ...]
    sources: tuple[ast.expr, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """``stack = []``."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """``stack.append((a, b))``."""

    stack: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """``for a, b in iterable:`` so many ``turns``; the statements are in the words of turn ``at``, counted from 0.

    ``number`` is the same for a loop and its way back.
    """

    targets: tuple[str, ...]
    iterable: ast.expr
    body: tuple[Statement, ...]
    turns: int
    at: int
    number: int


Statement: TypeAlias = Assign | Check | Move | Stack | Push | Loop


def each(statements: Iterable[Statement]) -> Iterator[Statement]:
    """All statements, those in loops after the loop itself."""
    for one in statements:
        yield one
        if isinstance(one, Loop):
            yield from each(one.body)


def defined(one: Statement) -> set[str]:
    """The names that a statement by itself gives a value."""
    match one:
        case Assign(target=target):
            return {target} if target.isidentifier() else set()
        case Move(targets=targets) | Loop(targets=targets):
            return set(targets)
        case Stack(name=own):
            return {own}
    return set()


def copies(one: Statement) -> dict[str, str]:
    """The names that get the value of another one, which they are copies of then."""
    match one:
        case Assign(target=target, sign="=", expression=ast.Name(id=original)) if target.isidentifier():
            return {target: original}
        case Move(targets=targets, sources=sources):
            pairs = zip(targets, sources, strict=True)
            return {target: source.id for target, source in pairs if isinstance(source, ast.Name)}
    return {}


def used(one: Statement) -> set[str]:
    """The names that a statement by itself needs."""
    match one:
        case Assign(target=target, sign=sign, expression=expression):
            changed = set() if sign == "=" and target.isidentifier() else mentioned(parse(target))
            return mentioned(expression) | changed
        case Check(expression=expression):
            return mentioned(expression)
        case Move(sources=sources):
            return set().union(*map(mentioned, sources))
        case Push(stack=stack, values=values):
            return {stack, *values}
        case Loop(iterable=iterable):
            return mentioned(iterable)
    return set()


def needed(statements: Iterable[Statement]) -> set[str]:
    """The names that statements need, and that are not those of a loop among them."""
    found: set[str] = set()
    for one in statements:
        found |= used(one)
        if isinstance(one, Loop):
            found |= needed(one.body) - set(one.targets)
    return found


def mentioned(tree: ast.expr) -> set[str]:
    """The names in an expression."""
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def renamed(statements: Iterable[Statement], names: Mapping[str, str]) -> Iterator[Statement]:
    """The statements with other names; a copy of a name to itself is none, nor is a loop of such."""
    trees = {old: name(new) for old, new in names.items()}
    for one in statements:
        match one:
            case Assign(target=target, expression=expression):
                other = replace(
                    one, target=source(fill(parse(target), trees)), expression=fill(expression, trees)
                )
                if copies(other) != {other.target: other.target}:
                    yield other
            case Check(expression=expression):
                yield replace(one, expression=fill(expression, trees))
            case Move():
                yield from _moved(one, names, trees)
            case Push(values=values):
                yield replace(one, values=tuple(names.get(value, value) for value in values))
            case Loop(targets=targets, iterable=iterable):
                body = tuple(renamed(one.body, names))
                if body:
                    others = tuple(names.get(target, target) for target in targets)
                    yield replace(one, targets=others, iterable=fill(iterable, trees), body=body)
            case _:
                yield one


def _moved(one: Move, names: Mapping[str, str], trees: Mapping[str, ast.expr]) -> Iterator[Move]:
    pairs = [
        (names.get(target, target), fill(expression, trees))
        for target, expression in zip(one.targets, one.sources, strict=True)
    ]
    pairs = [(to, of) for to, of in pairs if not (isinstance(of, ast.Name) and of.id == to)]
    if pairs:
        yield Move(targets=tuple(to for to, _ in pairs), sources=tuple(of for _, of in pairs))
