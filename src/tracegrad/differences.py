"""Derivatives by differences: what a gradient is checked against.

In: a function of one number.  Out: an estimate of its derivative at 0, and of the estimate's error.  Read
:func:`derivative_at_zero`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

#: the largest step, and how much smaller each next one is
FIRST_STEP, SHRINK, STEPS = 0.04, 1.6, 14


class Difference(NamedTuple):
    """A derivative from differences: the best estimate, how far it may be off, the step it came from."""

    value: float
    error: float
    step: float


def derivative_at_zero(f: Callable[[float], float], scale: float = 1.0) -> Difference:
    """The derivative of ``f`` at 0 from central differences at several steps, extrapolated to step 0.

    Steps start at 0.04 times ``scale``.  Where ``f`` raises or is not finite the smaller steps decide.

    Source: C. Ridders, Accurate computation of F'(x) and F'(x)F''(x), Advances in Engineering Software 4, 1982
    (Richardson's extrapolation that stops where rounding takes over).

    >>> found = derivative_at_zero(math.exp)
    >>> abs(found.value - 1.0) < 1e-11
    True
    """
    best = Difference(math.nan, math.inf, 0.0)
    above: list[float] = []
    for k in range(STEPS):
        step = scale * FIRST_STEP / SHRINK**k
        central, rounding = _central(f, step)
        row = [central]
        for order, coarser in enumerate(above, 1):
            factor = SHRINK ** (2 * order)
            finer = row[-1]
            row.append((factor * finer - coarser) / (factor - 1))
            error = max(abs(row[-1] - finer), abs(row[-1] - coarser), rounding)
            if error < best.error:
                best = Difference(row[-1], error, step)
        above = row if math.isfinite(central) else []
    return best


def _central(f: Callable[[float], float], step: float) -> tuple[float, float]:
    """The central difference, and what the rounding of its two values may do to it."""
    try:
        right, left = f(step), f(-step)
    except (ArithmeticError, ValueError):
        return math.nan, math.inf
    return (right - left) / (2 * step), math.ulp(max(abs(right), abs(left))) / step
