"""Leaves, the operators of Python's numbers, and the functions of :mod:`math` that equal one of them.

Read ``add`` and ``mul`` first.
"""

from __future__ import annotations

import math
import operator
from typing import Any

from tracegrad.row import OFF_STEPS, POSITIVE, REAL, gate_row, math_row, operator_row, row

# ---- leaves -----------------------------------------------------------------------------------------

INPUT = operator_row("input", "{name}", lambda value: value, symbol="{name}")
CONST = operator_row("const", "{value}", lambda value: value, symbol="{value}")
POLE = gate_row(
    "pole",
    lambda *args: args[-1],
    lambda m, out, *args: [math.nan] * (len(args) - 1),
    params=("value",),
    kink="a local gradient taken where it does not exist; its own derivative is nan",
    python="{value}",
    c="{value}",
    numpy="{value}",
)


# ---- operators --------------------------------------------------------------------------------------


def _power_x(m: Any, out: Any, x: Any, y: Any) -> Any:
    flat = (x == 0) & (y == 0)
    return y * m.where(flat, 1.0, x) ** (y - 1)


def _power_y(m: Any, out: Any, x: Any, y: Any) -> Any:
    return out * m.log(m.where((x == 0) & (y >= 0), 1.0, x))


def _literal_power(m: Any, out: Any, x: Any, n: Any) -> Any:
    return n * x ** (n - 1) if n != 0 else 0.0


def _sign(m: Any, out: Any, x: Any) -> Any:
    return m.sign(x)


POWER_KINK = "at x = 0: d/dx is 0 for y = 0 and y > 1, inf for 0 < y < 1; d/dy is 0; for x < 0 d/dy is nan"

ADD = operator_row("add", "{0} + {1}", operator.add, 1.0, 1.0, symbol="+", domain=(REAL, REAL), complex=True)
SUB = operator_row("sub", "{0} - {1}", operator.sub, 1.0, -1.0, symbol="−", domain=(REAL, REAL), complex=True)
MUL = operator_row(
    "mul",
    "{0} * {1}",
    operator.mul,
    lambda m, out, x, y: y,
    lambda m, out, x, y: x,
    symbol="×",
    domain=(REAL, REAL),
    complex=True,
)
DIV = operator_row(
    "div",
    "{0} / {1}",
    operator.truediv,
    lambda m, out, x, y: 1.0 / y,
    lambda m, out, x, y: -(out / y),
    symbol="÷",
    domain=(REAL, POSITIVE),
    complex=True,
    c="(double){0} / {1}",
)
FLOORDIV = operator_row(
    "floordiv",
    "{0} // {1}",
    operator.floordiv,
    0.0,
    0.0,
    symbol="//",
    domain=OFF_STEPS,
    kink="0 everywhere, also at the steps",
    c="tg_floordiv({args})",
)
MOD = operator_row(
    "mod",
    "{0} % {1}",
    operator.mod,
    1.0,
    lambda m, out, x, y: -(x // y),
    symbol="%",
    domain=OFF_STEPS,
    kink="(1, -floor(x/y)) also at the jumps",
    c="tg_mod({args})",
)
POWER = operator_row(
    "power",
    "{0} ** {1}",
    operator.pow,
    _power_x,
    _power_y,
    symbol="^",
    domain=(POSITIVE, (-3.0, 3.0)),
    complex=True,
    kink=POWER_KINK,
    c="pow({args})",
)
LITERAL_POWER = operator_row(
    "literal_power",
    "{0} ** {n}",
    operator.pow,
    _literal_power,
    symbol="^{n}",
    domain=(POSITIVE,),
    complex=True,
    params=("n",),
    kink="0 for n = 0; at x = 0 inf for 0 < n < 1",
    c="pow({0}, {n})",
)
math_row("pow", _power_x, _power_y, domain=(POSITIVE, (-3.0, 3.0)), kink=POWER_KINK, numpy="np.power({args})")
NEG = operator_row("neg", "-{0}", operator.neg, -1.0, symbol="−", domain=(REAL,), complex=True)
POS = operator_row("pos", "+{0}", operator.pos, 1.0, symbol="+", domain=(REAL,), complex=True)
ABS = operator_row(
    "abs",
    "abs({0})",
    abs,
    _sign,
    symbol="|x|",
    domain=(POSITIVE,),
    kink="0 at 0",
    c="fabs({args})",
    numpy="np.abs({args})",
)
math_row("fabs", _sign, domain=(POSITIVE,), kink="0 at 0", symbol="|x|")
ROUND = operator_row(
    "round_digits",
    "round({args}, {digits})",
    round,
    0.0,
    symbol="round",
    domain=((3.11, 3.14),),
    params=("digits",),
    kink="0 everywhere, also at the steps",
    c="tg_round({args}, {digits})",
    numpy="np.vectorize(round, otypes=[float])({args}, {digits})",
)
FLOAT = row(
    "float",
    float,
    1.0,
    domain=(REAL,),
    python="float({args})",
    c="(double){0}",
    numpy="np.float64({args})",
)
