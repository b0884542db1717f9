"""Primitives as source text: how an application of a row is written in Python, numpy or C.

In: a row and the texts of its operands.  Out: an expression.  C texts may call functions of ``special.h``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import reduce
from typing import Any

from tracegrad.errors import UnsupportedError
from tracegrad.row import Primitive
from tracegrad.scalars import scalar_source


def spell(row: Primitive, language: str, operands: Sequence[str], **static: Any) -> str:
    """The application of a row to operand texts, in ``python``, ``numpy`` or ``c``.

    A spelling is a format string.  ``{0}`` is an operand, in parentheses unless it binds tightly, and
    ``{n}`` static data.  ``{args}`` are all operands with commas, ``{args: + }`` joined by a sign,
    ``{args:f}`` folded by a function of two, ``{args:2}`` at least two (the last is repeated).  ``{rest}``
    are the operands after the first.  Where the operands are two vectors, ``{left}`` and ``{right}`` are
    these, ``{differences}`` and ``{products}`` those of their elements.

    >>> from tracegrad.primitives import TABLE
    >>> spell(TABLE["mul"], "python", ["a + b", "-2.0"])
    '(a + b) * (-2.0)'
    >>> spell(TABLE["literal_power"], "c", ["x"], n=2)
    'pow(x, 2)'
    >>> spell(TABLE["max"], "c", ["x", "y", "0.0"])
    'tg_max(tg_max(x, y), 0.0)'
    """
    template = getattr(row, language)
    if not template:
        raise UnsupportedError(f"{row.name} cannot be written in {language}")
    atoms = [_atom(text) for text in operands]
    half = len(operands) // 2
    pairs = list(zip(atoms[:half], atoms[half:], strict=False))
    text: str = template.format(
        *atoms,
        args=_Texts(operands),
        rest=_Texts(operands[1:]),
        left=_Texts(operands[:half]),
        right=_Texts(operands[half:]),
        differences=_Texts([f"{a} - {b}" for a, b in pairs]),
        products=_Texts([f"{a} * {b}" for a, b in pairs]),
        count=len(operands),
        half=half,
        **{name: literal(value, language) for name, value in static.items()},
    )
    return text


def literal(value: Any, language: str) -> str:
    """A number as source text that reads back equal.

    >>> literal(0.1, "python"), literal(float("inf"), "c"), literal(float("nan"), "numpy")
    ('0.1', 'INFINITY', 'np.nan')
    """
    if language == "python" and (text := scalar_source(value)):
        return text
    if not isinstance(value, float) or math.isfinite(value):
        return str(value)
    if language == "c":
        return "NAN" if value != value else "INFINITY" if value > 0 else "-INFINITY"
    return f"{'-' if value < 0 else ''}{'np' if language == 'numpy' else 'math'}.{abs(value)}"


class _Texts(tuple[str, ...]):
    """Operand texts that know the format specifications of :func:`spell`."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        if not spec:
            return ", ".join(self)
        if spec.isdigit():
            return ", ".join([*self, *self[-1:] * (int(spec) - len(self))])
        if spec.replace(".", "").replace("_", "").isalpha():
            return reduce(lambda a, b: f"{spec}({a}, {b})", self)
        return spec.join(map(_atom, self))


def _atom(text: str) -> str:
    """``text`` in parentheses, unless it binds tightly already."""
    return text if _TIGHT.fullmatch(text) else f"({text})"


#: a dotted name, an unsigned number, or one pair of parentheses
_TIGHT = re.compile(r"[\w.]+|\d[\d.]*e[+-]?\d+|\([^()]*\)")
