"""Long expressions divided: what comes twice, and what makes a line too long, gets a name before.

In: expressions.  Out: :class:`Divided`: names with what they stand for, in order, and the expressions with these names.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tracegrad.expressions import fill, name, source

#: what is shorter is written twice
_SHORT = 16

_PARTS = (ast.Call, ast.BinOp, ast.Subscript, ast.Compare)


class Divided:
    """``width`` is that of the trees and ``room`` that of the parts, if it is another; ``fresh`` gives a name, which is
    about so ``wide``; ``draft`` fills in other names.

    ``parts`` are (name, expression) in the order in which they are needed; ``trees`` the expressions with them.

    >>> tree = ast.parse("(x == np.max(x, 0)) / np.sum(x == np.max(x, 0))", mode="eval").body
    >>> found = Divided([tree], 80, lambda: "part")
    >>> [(own, source(tree)) for own, tree in found.parts], source(found.trees[0])
    ([('part', 'x == np.max(x, 0)')], 'part / np.sum(part)')
    """

    def __init__(
        self,
        trees: Sequence[ast.expr],
        width: int,
        fresh: Callable[[], str],
        draft: Callable[[ast.expr], ast.expr] = lambda tree: tree,
        wide: int = 8,
        room: int = 0,
    ) -> None:
        self.width, self.draft, self.wide = width, draft, wide
        self.room = max(room, width)
        self.parts: list[tuple[str, ast.expr]] = []
        self.trees = [copy.deepcopy(tree) for tree in trees]
        while (twice := self._twice()) is not None:
            self._take_out(twice)
        while (long := self._too_long()) is not None:
            self._take_out(long)
        self._order(fresh)

    def _all(self) -> Iterator[ast.expr]:
        yield from self.trees
        for _, tree in self.parts:
            yield tree

    def _twice(self) -> str | None:
        """The longest text of a part that comes more than once."""
        counts = Counter(ast.unparse(node) for tree in self._all() for node in _inner(tree))
        return max(
            (text for text, n in counts.items() if n > 1 and len(text) > _SHORT), key=_rank, default=None
        )

    def _too_long(self) -> str | None:
        """A part of an expression that does not fit on a line: the longest one that fits itself."""
        limits = [self.width] * len(self.trees) + [self.room] * len(self.parts)
        for tree, limit in zip(self._all(), limits, strict=True):
            if self._length(tree) > limit:
                fitting = [
                    ast.unparse(node) for node in _inner(tree) if node is not tree and self._fits_alone(node)
                ]
                if fitting:
                    return max(fitting, key=_rank)
        return None

    def _fits_alone(self, node: ast.expr) -> bool:
        return self.wide < self._length(node) <= self.room

    def _length(self, tree: ast.expr) -> int:
        return len(source(self.draft(tree)))

    def _take_out(self, text: str) -> None:
        own = f"_part_{len(self.parts)}".ljust(self.wide, "_")
        replaced = _Replaced({text: own})
        self.trees = [replaced.of(one) for one in self.trees]
        self.parts = [(of, replaced.of(one)) for of, one in self.parts]
        self.parts.append((own, ast.parse(text, mode="eval").body))

    def _order(self, fresh: Callable[[], str]) -> None:
        """Parts before those that need them, with their names."""
        rest, names = dict(self.parts), dict[str, ast.expr]()
        self.parts = []
        while rest:
            own = next(own for own, tree in rest.items() if not _names(tree) & rest.keys())
            text = fresh()
            self.parts.append((text, fill(rest.pop(own), names)))
            names[own] = name(text)
        self.trees = [fill(tree, names) for tree in self.trees]


def _rank(text: str) -> tuple[int, str]:
    return len(text), text


def _names(tree: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _inner(tree: ast.expr) -> Iterator[ast.expr]:
    """The parts of an expression that could have a name: what is computed from names, and no functions of modules."""
    for node in ast.walk(tree):
        if isinstance(node, _PARTS) and _names(node) - {"np", "scipy"}:
            yield node


class _Replaced(ast.NodeTransformer):
    def __init__(self, known: Mapping[str, str]) -> None:
        self.known = known

    def of(self, tree: ast.expr) -> ast.expr:
        found: ast.expr = self.visit(tree)
        return found

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, _PARTS):
            own = self.known.get(ast.unparse(node))
            if own is not None:
                return name(own)
        return self.generic_visit(node)
