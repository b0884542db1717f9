"""The statements of a file by where they stand, each taken apart once.

In: a syntax tree.  Out: :class:`Blocks`, which gives the statement around a span of text, and :class:`Block`, what
there is to know of one.  Read :meth:`Blocks.around` first.
"""

from __future__ import annotations

import ast
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property

#: (line, column, end line, end column) with columns in bytes of UTF-8, as Python counts them
Span = tuple[int, int, int, int]

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Block:
    """A statement, with the one around it; ``header`` is its span without the statements that it governs."""

    def __init__(self, node: ast.stmt, outer: Block | None) -> None:
        self.node = node
        self.outer = outer
        self.span = span_of(node)

    @cached_property
    def header(self) -> Span:
        return _header(self.node)

    @cached_property
    def _expressions(self) -> list[ast.AST]:
        """What it consists of, but for the statements in it."""
        found: list[ast.AST] = []
        todo: list[ast.AST] = [self.node]
        while todo:
            node = todo.pop()
            found.append(node)
            todo.extend(child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.stmt))
        return found

    @cached_property
    def targets(self) -> dict[Span, str]:
        """What each expression in it is assigned to, where one is."""
        found: dict[Span, str] = {}
        for node in self._expressions:
            if isinstance(node, ast.Assign):
                for target in reversed(node.targets):
                    _pair(target, node.value, found)
            elif isinstance(node, ast.AugAssign):
                found[span_of(node)] = ast.unparse(node.target)
            elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
                _pair(node.target, node.value, found)
        return found

    @cached_property
    def _inner(self) -> list[ast.AST]:
        """The lambdas and comprehensions in it."""
        return [node for node in self._expressions if isinstance(node, (ast.Lambda, *_COMPREHENSIONS))]

    def at(self, span: Span) -> tuple[Span, bool]:
        """The header, or the body of a lambda in it that is around a span; whether a comprehension lies between."""
        bodies = [
            span_of(node.body)
            for node in self._inner
            if isinstance(node, ast.Lambda) and contains(span_of(node.body), span)
        ]
        around = max(bodies, default=self.span, key=lambda one: (one[:2], (-one[2], -one[3])))
        loops = [span_of(node) for node in self._inner if isinstance(node, _COMPREHENSIONS)]
        looped = any(contains(around, one) and contains(one, span) for one in loops)
        return around if bodies else self.header, looped


class Blocks:
    """The statements of a syntax tree."""

    def __init__(self, tree: ast.AST) -> None:
        self._blocks: list[Block] = []
        todo: list[tuple[ast.AST, Block | None]] = [(tree, None)]
        while todo:
            node, outer = todo.pop()
            inner = [(child, outer) for child in _statements(node)]
            if isinstance(node, ast.stmt):
                block = Block(node, outer)
                self._blocks.append(block)
                inner = [(child, block) for child, _ in inner]
            todo.extend(inner)
        self._blocks.sort(key=lambda block: block.span[:2])
        self._starts = [block.span[:2] for block in self._blocks]

    def around(self, span: Span) -> Block | None:
        """The smallest statement around a span."""
        index = bisect_right(self._starts, span[:2]) - 1
        block = self._blocks[index] if index >= 0 else None
        while block is not None and not contains(block.span, span):
            block = block.outer
        return block


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    """The statements right inside of a node, those in handlers and cases with them."""
    for name in ("body", "orelse", "handlers", "finalbody", "cases"):
        value = getattr(node, name, None)
        for child in value if isinstance(value, list) else ():
            if isinstance(child, ast.stmt):
                yield child
            else:
                yield from _statements(child)


def _pair(target: ast.expr, value: ast.expr, found: dict[Span, str]) -> None:
    if isinstance(target, (ast.Tuple, ast.List)):
        if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts):
            for one, its in zip(target.elts, value.elts, strict=True):
                _pair(one, its, found)
    elif isinstance(value, ast.IfExp):
        _pair(target, value.body, found)
        _pair(target, value.orelse, found)
    elif not isinstance(target, ast.Starred):
        found[span_of(value)] = target.id if isinstance(target, ast.Name) else ast.unparse(target)


def contains(outer: Span, inner: Span) -> bool:
    """Whether a span lies in another."""
    return outer[:2] <= inner[:2] and inner[2:] <= outer[2:]


def span_of(node: ast.AST) -> Span:
    """Where a node of a syntax tree stands."""
    return node.lineno, node.col_offset, node.end_lineno, node.end_col_offset  # type: ignore[attr-defined]


def _header(node: ast.stmt) -> Span:
    line, column, end_line, end_column = span_of(node)
    if isinstance(node, (ast.For, ast.AsyncFor)):
        end_line, end_column = span_of(node.iter)[2:]
    elif isinstance(node, (ast.While, ast.If)):
        end_line, end_column = span_of(node.test)[2:]
    elif isinstance(node, ast.Match):
        end_line, end_column = span_of(node.subject)[2:]
    elif isinstance(node, (ast.With, ast.AsyncWith)):
        end_line, end_column = span_of(node.items[-1].context_expr)[2:]
    return line, column, end_line, end_column
