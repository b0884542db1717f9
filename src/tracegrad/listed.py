"""Whole lists: where each element of a list stands in its order, the list itself; what each one gets, at once.

In: expressions and statements in which the elements of lists are named one by one.  Out: the same with ``sum(values)``
for ``sum([values[0], values[1], ...])``, and ``dvalues = [each + dy for each in dvalues]`` for as many ``+=``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tracegrad.expressions import name, parse, source
from tracegrad.statements import Assign, Move, Statement


def with_lists(elements: Sequence[ast.expr], lengths: Mapping[str, int]) -> list[ast.expr]:
    """Elements with ``*values`` in the place of all elements of a list.

    >>> [source(one) for one in with_lists([parse("x"), parse("v[0]"), parse("v[1]")], {"v": 2})]
    ['x', '*v']
    """
    texts = [_text(one) for one in elements]
    found: list[ast.expr] = []
    at = 0
    while at < len(elements):
        own = texts[at].partition("[")[0]
        length = lengths.get(own, 0) if texts[at] == f"{own}[0]" else 0
        if length and texts[at : at + length] == [f"{own}[{i}]" for i in range(length)]:
            found.append(ast.Starred(name(own), ast.Load()))
            at += length
        else:
            found.append(elements[at])
            at += 1
    return found


def _text(tree: ast.expr) -> str:
    """An element of a list as source; anything else is none."""
    is_element = isinstance(tree, ast.Subscript) and isinstance(tree.value, ast.Name)
    return source(tree) if is_element else ""


class WholeLists(ast.NodeTransformer):
    """Puts lists in the place of all their elements."""

    def __init__(self, lengths: Mapping[str, int]) -> None:
        self.lengths = lengths

    def visit_List(self, node: ast.List) -> ast.AST:
        self.generic_visit(node)
        elements = with_lists(node.elts, self.lengths)
        if len(elements) == 1 and isinstance(elements[0], ast.Starred):
            return elements[0].value
        return ast.List(elements, ast.Load())


def at_once(statements: Iterable[Statement], lengths: Mapping[str, int], each: str) -> Iterator[Statement]:
    """Statements with one for all the elements of a list, where they are given the same one after the other."""
    run: list[Assign] = []
    for one in statements:
        if run and not (isinstance(one, Assign) and _goes_on(run, one)):
            yield from _together(run, lengths, each)
            run = []
        if isinstance(one, Assign) and one.sign == "+=" and isinstance(parse(one.target), ast.Subscript):
            run.append(one)
        else:
            yield one
    yield from _together(run, lengths, each)


def _goes_on(run: Sequence[Assign], one: Assign) -> bool:
    same = source(run[0].expression) == source(one.expression)
    return one.sign == "+=" and same and one.target.partition("[")[0] == run[0].target.partition("[")[0]


def _together(run: Sequence[Assign], lengths: Mapping[str, int], each: str) -> Iterator[Statement]:
    own = run[0].target.partition("[")[0] if run else ""
    length = lengths.get(own, 0)
    if (
        length > 1
        and {one.target for one in run} == {f"{own}[{i}]" for i in range(length)}
        and len(run) == length
    ):
        more = ast.BinOp(name(each), ast.Add(), run[0].expression)
        generator = ast.comprehension(ast.Name(each, ast.Store()), name(own), [], 0)
        yield Move(targets=(own,), sources=(ast.ListComp(more, [generator]),))
    else:
        yield from run
