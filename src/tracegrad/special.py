"""Functions that derivatives need and :mod:`math` lacks: ``sign`` and ``polygamma``.

``polygamma(n, x)`` is the (n+1)-th derivative of log Γ(x); ``digamma`` is the case n = 0.  Method: Abramowitz and
Stegun, *Handbook of Mathematical Functions*, 6.3 and 6.4: reflection (6.3.7, 6.4.7) brings x to the right half-plane,
recurrence (6.3.5, 6.4.6) to x >= 15 + n, where the asymptotic series (6.3.18, 6.4.11) holds to the last digits.
"""

from __future__ import annotations

import math

#: Bernoulli numbers B2, B4, ... B28
BERNOULLI = (
    1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330,
    854513 / 138, -236364091 / 2730, 8553103 / 6, -23749461029 / 870,
)  # fmt: skip

#: the positive root of digamma in two parts (their sum has 33 digits), and the series of digamma around it
ROOT, ROOT_REST = 1.4616321449683622, 9.549995429965697e-17


def sign(x: float) -> float:
    """-1.0, 0.0 or 1.0; nan for nan.

    >>> sign(-3), sign(0.0), sign(7)
    (-1.0, 0.0, 1.0)
    """
    return float((x > 0) - (x < 0)) if x == x else math.nan


def digamma(x: float) -> float:
    """ψ(x) = Γ'(x)/Γ(x); nan at the poles 0, -1, -2, ... and at -inf.

    >>> round(digamma(1.0), 12)      # minus Euler's constant
    -0.577215664902
    """
    return polygamma(0, x)


def polygamma(n: int, x: float) -> float:
    """The n-th derivative of digamma at real x (n >= 0); nan at the poles.

    >>> round(polygamma(1, 1.0) - math.pi**2 / 6, 12)
    0.0
    """
    if x != x or x == -math.inf or (x <= 0 and x == math.floor(x)):
        return math.nan
    if x == math.inf:
        return math.inf if n == 0 else 0.0
    if x < 0:
        return (-1) ** n * polygamma(n, 1 - x) - _cotangent_derivative(n, x)
    if n == 0 and abs(x - ROOT) < 0.05:
        return _digamma_near_root(x)
    return _recurrence_and_series(n, x)


def _digamma_near_root(x: float) -> float:
    """ψ near its zero, free of cancellation: ψ(x) = Σ (x-x0) / ((k+x0)(k+x)) as a Taylor series at x0."""
    step = (x - ROOT) - ROOT_REST
    total, power, factorial = 0.0, 1.0, 1.0
    for n in range(1, 14):
        power *= step
        factorial *= n
        total += _recurrence_and_series(n, ROOT) * power / factorial
    return total


def _recurrence_and_series(n: int, x: float) -> float:
    """ψ⁽ⁿ⁾ for x > 0: shift upwards, then the asymptotic series."""
    terms = []
    while x < 15 + n:
        terms.append(-1.0 / x if n == 0 else -((-1) ** n) * math.factorial(n) * x ** -(n + 1))
        x += 1
    if n == 0:
        terms += [math.log(x), -0.5 / x]
        terms += [-b / (2 * k * x ** (2 * k)) for k, b in enumerate(BERNOULLI, 1)]
        return math.fsum(terms)
    odd = -((-1) ** n)
    terms += [odd * math.factorial(n - 1) * x**-n, odd * math.factorial(n) * x ** -(n + 1) / 2]
    terms += [
        odd * b * math.factorial(2 * k + n - 1) / math.factorial(2 * k) * x ** -(2 * k + n)
        for k, b in enumerate(BERNOULLI, 1)
    ]
    return math.fsum(terms)


def _cotangent_derivative(n: int, x: float) -> float:
    """The n-th derivative of π cot(πx): a polynomial in c = cot(πx), because c' = -π (1 + c²)."""
    polynomial = [0.0, 1.0]
    for _ in range(n):
        derived = [k * p for k, p in enumerate(polynomial)][1:]
        polynomial = [0.0] * (len(derived) + 2)
        for k, p in enumerate(derived):
            polynomial[k] -= p
            polynomial[k + 2] -= p
    angle = math.pi * math.remainder(x, 1.0)
    cotangent = math.cos(angle) / math.sin(angle)
    return math.pi ** (n + 1) * math.fsum(p * cotangent**k for k, p in enumerate(polynomial))
