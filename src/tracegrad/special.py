"""Functions that derivatives and spellings need and :mod:`math` lacks.

``polygamma(n, x)`` is the (n+1)-th derivative of log Γ(x); ``digamma`` is the case n = 0.  Method: Abramowitz
and Stegun, *Handbook of Mathematical Functions*, 6.3 and 6.4: reflection (6.3.7, 6.4.7) brings x to the right
half-plane, recurrence (6.3.5, 6.4.6) to x >= 15 + n, where the asymptotic series (6.3.18, 6.4.11) holds to
the last digits.  The same functions in C are in ``special.h``.
"""

from __future__ import annotations

from functools import cache

# names, not attributes of math: these are replaced while a trace is open
from math import ceil, copysign, cosh, factorial, floor, fsum, inf, log, nan, pi, prod, remainder, sin
from typing import Any

from tracegrad.errors import UnsupportedError

#: Bernoulli numbers B2, B4, ... B28
BERNOULLI = (
    1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330,
    854513 / 138, -236364091 / 2730, 8553103 / 6, -23749461029 / 870,
)  # fmt: skip

#: the positive root of digamma in two parts (their sum has 33 digits)
ROOT, ROOT_REST = 1.4616321449683622, 9.549995429965697e-17


def sign(x: float) -> float:
    """-1.0, 0.0 or 1.0; nan for nan.

    >>> sign(-3), sign(0.0), sign(7)
    (-1.0, 0.0, 1.0)
    """
    if x > 0:
        return 1.0
    if x < 0:
        return -1.0
    return 0.0 if x == 0 else nan


def larger(a: Any, b: Any) -> Any:
    """``max(a, b)`` element by element of numpy arrays, also for nan and equal numbers as Python has it.

    >>> float(larger(1.0, nan)), float(larger(nan, 1.0))
    (1.0, nan)
    """
    import numpy as np

    return np.where(np.greater(b, a), b, a)


def smaller(a: Any, b: Any) -> Any:
    """``min(a, b)`` in the same manner."""
    import numpy as np

    return np.where(np.less(b, a), b, a)


def accurate_sum(*terms: Any) -> Any:
    """The sum, element by element of numpy arrays, with the rounding errors of all additions carried along.

    >>> float(accurate_sum(1e16, 1.0, -1e16))
    1.0
    """
    import numpy as np

    total = error = np.zeros(())
    for term in terms:
        following = total + term
        part = following - total
        error = error + ((total - (following - part)) + (term - part))
        total = following
    return total + np.where(np.isfinite(error), error, 0.0)


def sech2(x: float) -> float:
    """1 / cosh², the derivative of tanh; 0 where cosh is beyond the floats.

    >>> sech2(0.0), sech2(1000.0)
    (1.0, 0.0)
    """
    try:
        return (1.0 / cosh(x)) ** 2
    except OverflowError:
        return 0.0


def digamma(x: float) -> float:
    """ψ(x) = Γ'(x)/Γ(x); nan at the poles 0, -1, -2, ... and at -inf.

    >>> round(digamma(1.0), 12)      # minus Euler's constant
    -0.577215664902
    """
    return polygamma(0, x)


def polygamma(n: int, x: float) -> float:
    """The n-th derivative of digamma at real x (n >= 0); nan at the poles.

    >>> round(polygamma(1, 1.0) - pi**2 / 6, 12)
    0.0
    """
    x = float(x)
    if x != x or x == -inf or (x <= 0 and x == floor(x)):
        return nan
    if x < 0:
        mirrored = polygamma(n, 1 - x)
        return (-mirrored if n % 2 else mirrored) - _cotangent_derivative(n, x)
    if n == 0:
        return _digamma_near_root(x) if abs(x - ROOT) < 0.25 else _digamma(x)
    return _polygamma(n, x)


def _digamma_near_root(x: float) -> float:
    """ψ near its zero, free of cancellation: its Taylor series there."""
    step = (x - ROOT) - ROOT_REST
    total = 0.0
    for coefficient in reversed(_root_series()):
        total = (total + coefficient) * step
    return total


@cache
def _root_series() -> tuple[float, ...]:
    return tuple(_polygamma(n, ROOT) / factorial(n) for n in range(1, 26))


def _digamma(x: float) -> float:
    """ψ for x > 0: shift upwards, then the asymptotic series."""
    shift = max(0, ceil(15 - x)) if x < 15 else 0
    y = x + shift
    square = 1 / y / y
    return fsum(
        [-1 / (x + k) for k in range(shift)]
        + [log(y), -0.5 / y]
        + [-b / (2 * k) * square**k for k, b in enumerate(BERNOULLI, 1)]
    )


def _polygamma(n: int, x: float) -> float:
    """ψ⁽ⁿ⁾ for x > 0 and n >= 1: shift upwards, then the asymptotic series."""
    shift = max(0, ceil(15 + n - x)) if x < 15 + n else 0
    y = x + shift
    scale = factorial(n)
    terms = [scale * _inverse_power(x + k, n + 1) for k in range(shift)]
    terms += [scale / n * _inverse_power(y, n), scale / 2 * _inverse_power(y, n + 1)]
    terms += [
        b * (factorial(2 * k + n - 1) / factorial(2 * k)) * _inverse_power(y, 2 * k + n)
        for k, b in enumerate(BERNOULLI, 1)
    ]
    total = fsum(terms)
    return total if n % 2 else -total


def _inverse_power(x: float, n: int) -> float:
    """x ** -n, by products because they overflow to inf where ``**`` raises."""
    return prod([1 / x] * n)


def _cotangent_derivative(n: int, x: float) -> float:
    """The n-th derivative of π cot(πx): a polynomial in c = cot(πx), because c' = -π (1 + c²)."""
    polynomial = [0.0, 1.0]
    for _ in range(n):
        derived = [k * p for k, p in enumerate(polynomial)][1:]
        polynomial = [0.0] * (len(derived) + 2)
        for k, p in enumerate(derived):
            polynomial[k] -= p
            polynomial[k + 2] -= p
    rest = remainder(x, 1.0)
    cotangent = copysign(sin(pi * (0.5 - abs(rest))) / sin(pi * abs(rest)), rest)
    total = polynomial.pop()
    for p in reversed(polynomial):
        total = total * cotangent + p
    return pi ** (n + 1) * total


def raised(name: str, *args: Any) -> str:
    """The class of the exception that a primitive raises on some numbers; no text where it raises none.

    >>> raised("log", -1.0), raised("div", 1.0, 0), raised("log", 1.0)
    ('ValueError', 'ZeroDivisionError', '')
    """
    from tracegrad.row import TABLE  # special functions are there before the rows, and most are in them

    if name not in TABLE:
        raise UnsupportedError(f"{name} is not among the operations that can be replayed")
    forward = TABLE[name].forward
    try:
        forward(*args)
    except Exception as error:
        return type(error).__name__
    return ""
