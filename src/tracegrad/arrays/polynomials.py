"""Polynomials by their coefficients, the highest first: values, sums, products, roots, fits.

In: functions of numpy.  Out: their compositions, and the row of ``roots``.

Source for the derivative of a root r of p by the coefficient of x^k, which is -r^k / p'(r): J. H. Wilkinson, Rounding
Errors in Algebraic Processes, 1963.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tracegrad.arrays.build import lift
from tracegrad.arrays.table import composed, row, unsupported

# ---- polynomials ------------------------------------------------------------------------------------


@composed(np.polyval)
def _polyval(p: Any, x: Any) -> Any:
    x = lift(x)
    total = np.zeros_like(x)
    for coefficient in lift(p):
        total = total * x + coefficient
    return total


@composed(np.polymul)
def _polymul(a1: Any, a2: Any) -> Any:
    return np.convolve(_without_zeros_before(a1), _without_zeros_before(a2))


def _without_zeros_before(a: Any) -> Any:
    a, count = np.atleast_1d(lift(a)), 0
    while count < len(a) - 1 and a[count] == 0:
        count += 1
    return a[count:]


def _poly_sum(function: Any, combine: Any) -> None:
    @composed(function)
    def serve(a1: Any, a2: Any) -> Any:
        a1, a2 = np.atleast_1d(lift(a1)), np.atleast_1d(lift(a2))
        size = max(len(a1), len(a2))
        return combine(*(_longer(a, size) for a in (a1, a2)))


def _longer(a: Any, size: int) -> Any:
    return a if len(a) == size else np.concatenate([np.zeros(size - len(a), a.dtype), a])


_poly_sum(np.polyadd, np.add)
_poly_sum(np.polysub, np.subtract)


@composed(np.polyder)
def _polyder(p: Any, m: Any = 1) -> Any:
    p = lift(p)
    for _ in range(m):
        p = p[:-1] * np.arange(len(p) - 1, 0, -1)
    return p


@composed(np.polyint)
def _polyint(p: Any, m: Any = 1, k: Any = None) -> Any:
    p = lift(p)
    constants = [0.0] * m if k is None else list(np.atleast_1d(lift(k)))
    for constant in constants * (m if len(constants) == 1 else 1):
        p = np.concatenate([p / np.arange(len(p), 0, -1), np.reshape(np.asarray(lift(constant)), (1,))])
    return p


@composed(np.vander)
def _vander(x: Any, N: Any = None, increasing: Any = False) -> Any:
    x = lift(x)
    if x.ndim != 1:
        raise ValueError("x must be a one-dimensional array or sequence.")
    x, n = x.astype(np.promote_types(x.dtype, int)), len(x) if N is None else N
    powers = [np.ones((len(x), min(n, 1)), x.dtype)]
    if n > 1:
        powers.append(np.cumprod(np.broadcast_to(x[:, None], (len(x), n - 1)), axis=1))
    found = np.concatenate(powers, axis=1)
    return found if increasing else np.copy(found[:, ::-1], "C")


@composed(np.poly)
def _poly(seq_of_zeros: Any) -> Any:
    zeros = np.atleast_1d(lift(seq_of_zeros))
    if zeros.ndim == 2 and zeros.shape[0] == zeros.shape[1] > 0:
        zeros = np.linalg.eigvals(zeros)
    if zeros.ndim != 1:
        raise ValueError("input must be 1d or non-empty square 2d array.")
    if zeros.dtype.kind == "c":
        raise unsupported("numpy.poly of complex numbers")
    found = np.ones((1,), zeros.dtype)
    for zero in zeros:
        found = np.convolve(found, np.stack([1.0, -zero]).astype(zeros.dtype), mode="full")
    return found


@composed(np.polydiv)
def _polydiv(u: Any, v: Any) -> Any:
    u, v = np.atleast_1d(lift(u)) + 0.0, np.atleast_1d(lift(v)) + 0.0
    kind = (u[:1] + v[:1]).dtype
    degree, last = len(u) - len(v), len(v)
    scale = 1.0 / v[0]
    rest, quotient = u.astype(kind), []
    for k in range(degree + 1):
        share = scale * rest[k]
        quotient.append(share)
        rest = np.concatenate([rest[:k], rest[k : k + last] - share * v, rest[k + last :]])
    found = np.stack(quotient).astype(kind) if quotient else np.zeros((1,), kind)
    return found, rest[_leading(rest) :]


def _leading(rest: Any) -> int:
    """How many leading coefficients are as good as zero, where others follow."""
    count = 0
    while count < rest.shape[-1] - 1 and np.allclose(rest[count], 0, rtol=1e-14):
        count += 1
    return count


def _roots_back(g: Any, out: Any, p: Any) -> Any:
    """What returns to each coefficient: the powers of the roots, with the slopes of the polynomial at them."""
    if len(out) == 0:
        return p * 0.0
    slopes = np.polyval(np.polyder(p), out)
    return -np.dot(g / slopes, np.vander(out, len(p)))


@row(np.roots, _roots_back, maps=("−r^k ÷ p′(r)",), complex=True)
def ROOTS(p: Any) -> Any:
    return np.roots(p)


@composed(np.polyfit)
def _polyfit(
    x: Any, y: Any, deg: Any, rcond: Any = None, full: Any = False, w: Any = None, cov: Any = False
) -> Any:
    if full or cov or np.ndim(deg):
        raise unsupported("numpy.polyfit with full, cov or several degrees")
    x, y = lift(x) + 0.0, lift(y) + 0.0
    columns = np.vander(x, int(deg) + 1)
    if w is not None:
        w = lift(w) + 0.0
        columns, y = columns * w[:, None], y * (w if y.ndim == 1 else w[:, None])
    scale = np.sqrt((columns * columns).sum(axis=0))
    rcond = len(x) * np.finfo(x.dtype).eps if rcond is None else rcond
    found = np.linalg.lstsq(columns / scale, y, rcond)[0]
    return (found.T / scale).T
