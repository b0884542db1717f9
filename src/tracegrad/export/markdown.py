"""Markdown: each step of the computation and of the way back as an equation, with its numbers filled in.

In: an :class:`~tracegrad.document.Annotated` of level ``op``.  Out: Markdown with ``$...$`` mathematics, as GitHub and
notebooks show it.  Read :func:`dump` first; the steps are those of :mod:`tracegrad.staged`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from tracegrad.document import Annotated
from tracegrad.export.latex import formula, number, symbol
from tracegrad.export.numerals import short
from tracegrad.expressions import source
from tracegrad.staged import UNROLL, Program, program
from tracegrad.statements import Assign, Statement

SUFFIXES = (".md",)


def dump(annotated: Annotated, *, float_format: str = ".4g", limit: int = 500) -> str:
    """The listing; a function of more than ``limit`` operations is refused: nobody would read it.

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
    found = program(annotated, limit=limit)
    listing = _Listing(found, float_format)
    return "\n".join(
        [
            f"# {_title(annotated, float_format)}",
            "",
            ", ".join(
                f"${symbol(found.values[i])} = {listing.recorded(i)}$" for _, i in found.outline.inputs
            ),
            "",
            "## Forward",
            "",
            *listing.stages(found.forward),
            "## Backward",
            "",
            *listing.stages(found.backward),
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
        for one in found.backward:
            if isinstance(one, Assign):
                shared = isinstance(one.value, list)
                self.numbers[one.target] = one.value if shared else nodes[one.node].adjoint
        if found.seed is not None:
            seeds = [output.seed for output, _ in found.outline.outputs]
            self.numbers[found.seed] = seeds[0] if len(seeds) == 1 else seeds
        self._so_far: dict[str, Any] = {}

    def recorded(self, index: int) -> str:
        """The value of a node."""
        return number(self.found.outline.nodes[index].value, self.float_format)

    def stages(self, statements: Iterable[Statement]) -> Iterator[str]:
        """The statements under those of the user that they belong to."""
        for at, group in groupby(statements, key=lambda one: self.found.outline.stage(one.through)):
            if at is not None:
                yield from (f"**{at[0]}** {_code(at[1].label)}", "")
            yield from (f"- {self._statement(one)}" for one in group)
            yield ""

    def _statement(self, one: Statement) -> str:
        if not isinstance(one, Assign):
            return f"taken for granted: {_code(source(one.expression))} is {_code(one.outcome)}"
        shown = [formula(one.expression, float_format=self.float_format)]
        shown.append(formula(one.expression, self.numbers, self.float_format))
        shown.append(number(one.value, self.float_format))
        sides = " = ".join(dict.fromkeys(shown))
        if one.sign == "=":
            self._so_far[one.target] = one.value
            return f"${symbol(one.target)} = {sides}$"
        self._so_far[one.target] += one.value
        total = number(self._so_far[one.target], self.float_format)
        return rf"${symbol(one.target)} \mathrel{{+}}= {sides}$, in sum ${total}$"
