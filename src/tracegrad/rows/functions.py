"""The smooth functions of :mod:`math`, and those that their derivatives need.

Formulas of the special functions are those of the NIST Digital Library of Mathematical Functions (5.2 gamma,
7.2 error function).
"""

from __future__ import annotations

import math
from typing import Any

from tracegrad import special
from tracegrad.row import POSITIVE, REAL, UNIT, math_row, row

# ---- smooth functions of math -----------------------------------------------------------------------

LN2 = math.log(2.0)
LOG2_E = math.log2(math.e)
LOG10_E = math.log10(math.e)
ERF_SLOPE = 2.0 / math.sqrt(math.pi)


def _over_square(x: Any, r: Any) -> Any:
    """x / r², in an order that neither overflows nor underflows early."""
    return x / r / r


math_row("exp", lambda m, out, x: out, domain=(REAL,), complex=True)
math_row("exp2", lambda m, out, x: out * LN2, domain=(REAL,), complex=True)
math_row("expm1", lambda m, out, x: m.exp(x), domain=(REAL,), complex=True)
math_row("log", lambda m, out, x: 1.0 / x, domain=(POSITIVE,), kink="inf at 0", complex=True)
math_row("log2", lambda m, out, x: LOG2_E / x, domain=(POSITIVE,), kink="inf at 0", complex=True)
math_row("log10", lambda m, out, x: LOG10_E / x, domain=(POSITIVE,), kink="inf at 0", complex=True)
math_row("log1p", lambda m, out, x: 1.0 / (1.0 + x), domain=((-0.9, 20.0),), kink="inf at -1", complex=True)
row(
    "log_base",
    math.log,
    lambda m, out, x, b: 1.0 / x / m.log(b),
    lambda m, out, x, b: -(out / b / m.log(b)),
    symbol="log_b",
    domain=(POSITIVE, (1.5, 20.0)),
    kink="inf at 0",
    python="math.log({args})",
    c="(log({0}) / log({1}))",
    numpy="(np.log({0}) / np.log({1}))",
)
math_row("sqrt", lambda m, out, x: 0.5 / out, domain=(POSITIVE,), kink="inf at 0", symbol="√", complex=True)
math_row("cbrt", lambda m, out, x: 1.0 / (3.0 * out * out), domain=(POSITIVE,), kink="inf at 0", symbol="∛")
math_row("sin", lambda m, out, x: m.cos(x), domain=(REAL,), complex=True)
math_row("cos", lambda m, out, x: -m.sin(x), domain=(REAL,), complex=True)
math_row("tan", lambda m, out, x: 1.0 + out * out, domain=((-1.4, 1.4),), complex=True)
math_row(
    "asin",
    lambda m, out, x: 1.0 / m.sqrt((1.0 - x) * (1.0 + x)),
    domain=(UNIT,),
    kink="inf at ±1",
    numpy="np.arcsin({args})",
    complex=True,
)
math_row(
    "acos",
    lambda m, out, x: -1.0 / m.sqrt((1.0 - x) * (1.0 + x)),
    domain=(UNIT,),
    kink="-inf at ±1",
    numpy="np.arccos({args})",
    complex=True,
)
math_row(
    "atan", lambda m, out, x: 1.0 / (1.0 + x * x), domain=(REAL,), numpy="np.arctan({args})", complex=True
)
math_row(
    "atan2",
    lambda m, out, y, x: _over_square(x, m.hypot(x, y)),
    lambda m, out, y, x: -_over_square(y, m.hypot(x, y)),
    domain=(REAL, POSITIVE),
    kink="nan at the origin",
    numpy="np.arctan2({args})",
)
math_row("sinh", lambda m, out, x: m.cosh(x), domain=(REAL,), complex=True)
math_row("cosh", lambda m, out, x: m.sinh(x), domain=(REAL,), complex=True)
# 1 - tanh² would lose the digits of the tails
math_row("tanh", lambda m, out, x: m.sech2(x), domain=(REAL,), complex=True)
row(
    "sech2",
    special.sech2,
    lambda m, out, x: -2.0 * m.tanh(x) * out,
    symbol="sech²",
    domain=(REAL,),
    python="tracegrad.special.sech2({args})",
    c="pow(1.0 / cosh({args}), 2)",
    numpy="(1.0 / np.cosh({args})) ** 2",
    complex=True,
)
math_row("asinh", lambda m, out, x: 1.0 / m.hypot(x, 1.0), domain=(REAL,), numpy="np.arcsinh({args})")
math_row(
    "acosh",
    lambda m, out, x: 1.0 / (m.sqrt(x - 1.0) * m.sqrt(x + 1.0)),
    domain=((1.01, 20.0),),
    kink="inf at 1",
    numpy="np.arccosh({args})",
    complex=True,
)
math_row(
    "atanh",
    lambda m, out, x: 1.0 / ((1.0 - x) * (1.0 + x)),
    domain=(UNIT,),
    kink="inf at ±1",
    numpy="np.arctanh({args})",
    complex=True,
)
math_row(
    "fma",
    lambda m, out, x, y, z: y,
    lambda m, out, x, y, z: x,
    1.0,
    domain=(REAL, REAL, REAL),
    numpy="({0} * {1} + {2})",
)
math_row("degrees", math.degrees(1.0), domain=(REAL,), symbol="deg", c=f"({{0}} * {math.degrees(1.0)!r})")
math_row("radians", math.radians(1.0), domain=(REAL,), symbol="rad", c=f"({{0}} * {math.radians(1.0)!r})")


# ---- error function and gamma -----------------------------------------------------------------------

math_row(
    "erf",
    lambda m, out, x: ERF_SLOPE * m.exp(-(x * x)),
    domain=((-5.0, 5.0),),
    numpy="scipy.special.erf({args})",
)
math_row(
    "erfc",
    lambda m, out, x: -ERF_SLOPE * m.exp(-(x * x)),
    domain=((-5.0, 5.0),),
    numpy="scipy.special.erfc({args})",
)
math_row(
    "gamma",
    lambda m, out, x: out * m.digamma(x),
    symbol="Γ",
    domain=(POSITIVE,),
    kink="nan at the poles",
    c="tgamma({args})",
    numpy="scipy.special.gamma({args})",
)
math_row(
    "lgamma",
    lambda m, out, x: m.digamma(x),
    symbol="log Γ",
    domain=(POSITIVE,),
    kink="nan at the poles",
    numpy="scipy.special.gammaln({args})",
)
row(
    "digamma",
    special.digamma,
    lambda m, out, x: m.polygamma(x, 1),
    symbol="ψ",
    domain=(POSITIVE,),
    kink="nan at the poles",
    python="tracegrad.special.digamma({args})",
    c="tg_polygamma(0, {args})",
    numpy="scipy.special.digamma({args})",
)
row(
    "polygamma",
    lambda x, n: special.polygamma(n, x),
    lambda m, out, x, n: m.polygamma(x, n + 1),
    symbol="ψ^({n})",
    domain=(POSITIVE,),
    params=("n",),
    kink="nan at the poles",
    python="tracegrad.special.polygamma({n}, {args})",
    c="tg_polygamma({n}, {args})",
    numpy="scipy.special.polygamma({n}, {args})",
)
