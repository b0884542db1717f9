"""Markdown: each step of the computation and of the way back as an equation, with its numbers filled in.

In: an :class:`~tracegrad.document.Annotated` of level ``op``.  Out: Markdown with ``$...$`` mathematics, as GitHub and
notebooks show it.  Read :func:`dump` first; the steps are those of :mod:`tracegrad.staged`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from tracegrad.document import Annotated
from tracegrad.errors import InputError
from tracegrad.export.latex import formula, number, symbol
from tracegrad.export.numerals import short
from tracegrad.expressions import parse, source
from tracegrad.staged import UNROLL, Program, program
from tracegrad.statements import Assign, Check, Loop, Move, Statement, each, mentioned
from tracegrad.structures import Array

SUFFIXES = (".md",)

#: so many inputs are listed, and constants of so many letters
_MANY, _WIDE = 24, 200


def dump(
    annotated: Annotated,
    *,
    level: str = "stage",
    float_format: str = ".4g",
    limit: int = 500,
    unroll: int = UNROLL,
) -> str:
    """The listing; loops of more than ``unroll`` turns are one turn of them, said to be that.

    At level ``stage`` the steps within a statement stand in one equation where that can be read, at level ``op`` each
    has its own.

    A function of more than ``limit`` operations that do not repeat is refused: nobody would read it.

    >>> import tracegrad as tg
    >>> def f(x, y):
    ...     p = x * y
    ...     return p + x
    >>> print(dump(tg.trace(f, 3.0, -4.0).document))
    # f(x, y) = -9
    <BLANKLINE>
    $x = 3$, $y = -4$
    <BLANKLINE>
    ## Forward
    <BLANKLINE>
    **1** `p = x * y`
    <BLANKLINE>
    - $p = x \\cdot y = 3 \\cdot (-4) = -12$
    <BLANKLINE>
    **2** `return p + x`
    <BLANKLINE>
    - $\\mathit{value} = p + x = -12 + 3 = -9$
    <BLANKLINE>
    ## Backward
    <BLANKLINE>
    **2** `return p + x`
    <BLANKLINE>
    - $\\mathit{dp} = 1$
    - $\\mathit{dx} = 1$
    <BLANKLINE>
    **1** `p = x * y`
    <BLANKLINE>
    - $\\mathit{dx} \\mathrel{+}= y \\cdot \\mathit{dp} = (-4) \\cdot 1 = -4$, in sum $-3$
    - $\\mathit{dy} = x \\cdot \\mathit{dp} = 3 \\cdot 1 = 3$
    <BLANKLINE>
    """
    if level not in ("stage", "op"):
        raise InputError(f"a listing is written at level 'stage' or 'op', not {level!r}")
    found = program(annotated, limit=limit, unroll=unroll, join=False, gather=False, closed=level == "stage")
    listing = _Listing(found, float_format)
    return "\n".join(
        [
            f"# {_title(annotated, float_format)}",
            "",
            ", ".join(listing.inputs()),
            "",
            "## Forward",
            "",
            *listing.stages(found.forward),
            "## Backward",
            "",
            *listing.stages(found.backward, back=True),
        ]
    )


def _title(annotated: Annotated, float_format: str) -> str:
    inputs = ", ".join(row.name for row in annotated.inputs[:8]) + (
        ", …" if len(annotated.inputs) > 8 else ""
    )
    values = ", ".join(short(output.value, float_format) for output in annotated.outputs[:8])
    return _escaped(f"{annotated.function.name}({inputs}) = {values}")


def _escaped(text: str) -> str:
    """A text of the user as Markdown shows it, letter for letter."""
    line = "".join(letter if letter.isprintable() else "�" for letter in " ".join(text.split()))
    return re.sub(r"([\\`*_\[\]<>#$|])", r"\\\1", line)


def _code(text: str) -> str:
    """A text of the user as code; a longer fence holds a shorter one."""
    line = "".join(letter if letter.isprintable() else "�" for letter in " ".join(text.split()))
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{space}{line}{space}{fence}"


class _Listing:
    def __init__(self, found: Program, float_format: str) -> None:
        self.found = found
        self.float_format = float_format
        nodes = found.outline.nodes
        self.numbers: dict[str, Any] = {name: nodes[index].value for index, name in found.values.items()}
        self.numbers |= found.recorded
        for one in each(found.backward):
            if isinstance(one, Assign) and isinstance(one.value, list):
                self.numbers[one.target] = one.value  # all local gradients of a gate
        if found.seed is not None:
            seeds = [output.seed for output, _ in found.outline.outputs]
            self.numbers[found.seed] = seeds[0] if len(seeds) == 1 else seeds
        #: what loops count by, or go through
        self.counted = {own for one in each(found.forward) if isinstance(one, Loop) for own in one.targets}
        self._so_far: dict[str, Any] = {}

    def inputs(self) -> Iterator[str]:
        """The inputs with their values, the first of many."""
        inputs = [index for _, index in self.found.outline.inputs if index in self.found.values]
        for index in inputs[:_MANY]:
            value = number(self.found.outline.nodes[index].value, self.float_format)
            yield f"${symbol(self.found.values[index])} = {value}$"
        if len(inputs) > _MANY:
            yield f"and {len(inputs) - _MANY} more"
        for own, values in self.found.tables.items():
            if isinstance(values, ast.expr) and len(source(values)) <= _WIDE:
                yield f"${symbol(own)} = {formula(values, float_format=self.float_format)}$"

    def stages(self, statements: Iterable[Statement], back: bool = False) -> Iterator[str]:
        """The statements under those of the user that they belong to."""
        for at, group in groupby(self._with_stages(statements), key=itemgetter(0)):
            if isinstance(at, tuple):
                yield from (f"**{at[0]}** {_code(at[1].label)}", "")
            for _, one in group:
                yield from self._loop(one, back) if isinstance(one, Loop) else self._lines(one)
            yield ""

    def _with_stages(self, statements: Iterable[Statement]) -> Iterator[tuple[Any, Statement]]:
        """What is listed, with its stage; a loop has its number for one, and a move that of what precedes it."""
        at: Any = None
        for one in statements:
            if isinstance(one, Loop):
                yield one.number, one
                at = None
            elif isinstance(one, (Assign, Check)):
                at = self.found.outline.stage(one.through)
                yield at, one
            elif isinstance(one, Move):
                yield at, one

    def _loop(self, one: Loop, back: bool) -> Iterator[str]:
        """A turn of a loop, indented as a quotation."""
        order = ", from the last turn to the first" if back else ""
        known = [target for target in one.targets if target in self.counted]
        where = [
            f"${symbol(target)} = {number(self.numbers[target], self.float_format)}$" for target in known
        ]
        yield f"**{one.turns} times**{order}; the numbers are those of {', '.join([f'turn {one.at + 1}', *where])}:"
        yield ""
        self._so_far.clear()
        *lines, _ = self.stages(one.body, back)
        yield from (f"> {line}".rstrip() for line in lines)
        self._so_far.clear()

    def _lines(self, one: Statement) -> Iterator[str]:
        if isinstance(one, Move):
            for target, tree in zip(one.targets, one.sources, strict=True):
                self._so_far.pop(target, None)
                yield f"- ${symbol(target)} = {formula(tree, float_format=self.float_format)}$"
        elif isinstance(one, Assign):
            yield f"- {self._assign(one)}"
        elif isinstance(one, Check):
            yield f"- taken for granted: {_code(source(one.expression))} is {_code(one.outcome)}"

    def _assign(self, one: Assign) -> str:
        shown = [formula(one.expression, float_format=self.float_format)]
        if one.value is not None:  # what a loop ended with is not that of the turn that is shown
            if not any(isinstance(self.numbers.get(own), Array) for own in mentioned(one.expression)):
                shown.append(formula(one.expression, self.numbers, self.float_format))
            shown.append(number(one.value, self.float_format))
        sides = " = ".join(dict.fromkeys(shown))
        target = formula(parse(one.target))
        if one.sign == "=":
            self._so_far[one.target] = one.value
            large = isinstance(one.value, Array) and one.value.norm is not None
            norm = f", of norm ${number(one.value.norm, self.float_format)}$" if large else ""
            return f"${target} = {sides}${norm}"
        line = rf"${target} \mathrel{{+}}= {sides}$"
        if one.value is None or self._so_far.get(one.target) is None or isinstance(one.value, Array):
            return line
        self._so_far[one.target] += one.value
        return f"{line}, in sum ${number(self._so_far[one.target], self.float_format)}$"
