"""Gates of any number of operands: one rule gives all their local gradients."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

# names, not attributes of math: these are replaced while a trace is open
from math import fsum, prod
from typing import Any

from tracegrad.row import POSITIVE, REAL, gate_row


def _first_of(choose: Callable[..., Any]) -> Callable[..., Any]:
    """``max`` or ``min`` of operands, the winner found by Python's own comparisons."""

    def forward(*args: Any) -> Any:
        return args[choose(range(len(args)), key=args.__getitem__)]

    return forward


def _winner(m: Any, out: Any, *args: Any) -> list[float]:
    """1 for the first operand that is the result, 0 for the others."""
    # a nan equals nothing, but Python returns one only from the first place
    first = next((i for i, arg in enumerate(args) if arg is out or arg == out), 0)
    return [float(i == first) for i in range(len(args))]


def _ones(m: Any, out: Any, *args: Any) -> list[float]:
    return [1.0] * len(args)


def _others(m: Any, out: Any, *args: Any) -> list[Any]:
    """The product of all the other operands, exact also where one of them is zero."""
    before, after = [1.0], [1.0]
    for arg in args[:-1]:
        before.append(before[-1] * arg)
    for arg in args[:0:-1]:
        after.append(after[-1] * arg)
    return [a * b for a, b in zip(before, reversed(after), strict=True)]


def _partners(m: Any, out: Any, *args: Any) -> list[Any]:
    half = len(args) // 2
    return [*args[half:], *args[:half]]


def _directions(m: Any, out: Any, *args: Any) -> list[Any]:
    origin = out == 0
    return [m.where(origin, 0.0, arg / m.where(origin, 1.0, out)) for arg in args]


def _apart(m: Any, out: Any, *args: Any) -> list[Any]:
    half = len(args) // 2
    if out == 0:
        return [0.0] * len(args)
    differences = [p - q for p, q in zip(args[:half], args[half:], strict=True)]
    return [*(d / out for d in differences), *(-d / out for d in differences)]


def _two_vectors(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` of two vectors as one of all their elements."""
    return lambda *args: function(args[: len(args) // 2], args[len(args) // 2 :])


TIE = "a tie: all to the one that Python returns, the first"
SUMS = {
    "c": "tg_sum({count}, (double[]){{{args}}})",
    "numpy": "tracegrad.special.accurate_sum({args})",
}
#: the builtin sum carries rounding errors along since Python 3.12
BUILTIN_SUMS = SUMS if sys.version_info >= (3, 12) else {"c": "({args: + })", "numpy": "({args: + })"}

MAX = gate_row(
    "max",
    _first_of(max),
    _winner,
    domain=((0.0, 1.0), (2.0, 3.0)),
    kink=TIE,
    python="max({args:2})",
    c="{args:tg_max}",
    numpy="{args:tracegrad.special.larger}",
)
MIN = gate_row(
    "min",
    _first_of(min),
    _winner,
    domain=((0.0, 1.0), (2.0, 3.0)),
    kink=TIE,
    python="min({args:2})",
    c="{args:tg_min}",
    numpy="{args:tracegrad.special.smaller}",
)
for _name in ("fmax", "fmin"):
    if hasattr(math, _name):
        gate_row(
            _name,
            getattr(math, _name),
            _winner,
            domain=((0.0, 1.0), (2.0, 3.0)),
            kink="a tie: all to the first",
        )
SUM = gate_row(
    "sum",
    lambda *args: sum(args),
    _ones,
    domain=(REAL, REAL, REAL),
    symbol="Σ",
    python="sum([{args}])",
    **BUILTIN_SUMS,
)
SUM_FROM = gate_row(
    "sum_from",
    lambda *args: sum(args[1:], args[0]),
    _ones,
    domain=(REAL, REAL, REAL),
    symbol="Σ",
    python="sum([{rest}], {0})",
    **BUILTIN_SUMS,
)
gate_row(
    "fsum",
    lambda *args: fsum(args),
    _ones,
    domain=(REAL, REAL, REAL),
    symbol="Σ",
    python="math.fsum([{args}])",
    **SUMS,
)
gate_row(
    "prod",
    lambda *args: prod(args),
    _others,
    domain=(REAL, REAL, REAL),
    symbol="Π",
    kink="exact with zeros: each operand gets the product of the others",
    python="math.prod([{args}])",
    c="({args: * })",
    numpy="({args: * })",
)
gate_row(
    "hypot",
    math.hypot,
    _directions,
    domain=(REAL, POSITIVE, REAL),
    kink="0 at the origin",
    c="fabs({args:hypot})",
    numpy="np.abs({args:np.hypot})",
)
gate_row(
    "dist",
    _two_vectors(math.dist),
    _apart,
    domain=(REAL, REAL, (30.0, 40.0), REAL),
    kink="0 where the points coincide",
    python="math.dist([{left}], [{right}])",
    c="fabs({differences:hypot})",
    numpy="np.abs({differences:np.hypot})",
)
if hasattr(math, "sumprod"):
    gate_row(
        "sumprod",
        _two_vectors(math.sumprod),
        _partners,
        domain=(REAL, REAL, REAL, REAL),
        symbol="Σ×",
        python="math.sumprod([{left}], [{right}])",
        c="tg_sum({half}, (double[]){{{products}}})",
        numpy="tracegrad.special.accurate_sum({products})",
    )
