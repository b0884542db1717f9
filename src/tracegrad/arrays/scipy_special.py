"""Functions of ``scipy.special`` that are no ufuncs: logsumexp, softmax, log_softmax, polygamma, multigammaln.

In: scipy, once the user's code has loaded it.  Out: their rows, and :func:`patches`, for scipy asks no tracer.  Ufuncs
are in :mod:`tracegrad.ufuncs`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from tracegrad.arrays.build import as_array, holds_tracer, lift
from tracegrad.arrays.elementwise import POLYGAMMA, plain_array
from tracegrad.arrays.reductions import spread
from tracegrad.arrays.stand_ins import patches_of
from tracegrad.arrays.steps import guard
from tracegrad.arrays.table import composed, row, unsupported
from tracegrad.row import Primitive, bind


@row(
    special.logsumexp,
    lambda g, out, a, axis, keepdims: spread(g, a, axis) * np.exp(a - spread(out, a, axis)),
    maps=("softmax",),
)
def LOGSUMEXP(a: Any, axis: Any = None, keepdims: Any = False) -> Any:
    return special.logsumexp(a, axis=axis, keepdims=keepdims)


@composed(special.logsumexp)
def _logsumexp(
    a: Any, axis: Any = None, b: Any = None, keepdims: Any = False, return_sign: Any = False
) -> Any:
    if holds_tracer(axis):
        raise unsupported("scipy.special.logsumexp along a traced axis")
    if b is None and not return_sign:
        return bind(LOGSUMEXP, lift(a), axis, keepdims)
    a = lift(a)
    b = np.ones((), a.dtype) if b is None else lift(b)
    found = bind(WEIGHTED, a, b, axis, keepdims, return_sign)
    return (found, guard(_sign, a, b, axis, keepdims)) if return_sign else found


def _sign(a: Any, b: Any, axis: Any, keepdims: Any) -> Any:
    return special.logsumexp(a, axis=axis, b=b, keepdims=keepdims, return_sign=True)[1]


def _weighted(a: Any, b: Any, axis: Any, keepdims: Any, signed: Any) -> Any:
    found = special.logsumexp(a, axis=axis, b=b, keepdims=keepdims, return_sign=signed)
    return found[0] if signed else found


def _share(a: Any, b: Any, out: Any, g: Any, axis: Any, keepdims: Any) -> Any:
    """G times the exponentials over their sum; that may be negative, and its logarithm that of its size."""
    sign = _sign(plain_array(a), plain_array(b), axis, keepdims)
    wide = np.broadcast_to(a, np.broadcast_shapes(a.shape, b.shape))
    return spread(g * sign, wide, axis) * np.exp(wide - spread(out, wide, axis))


WEIGHTED = Primitive(
    name="scipy.special.logsumexp", forward=_weighted,
    vjps=(
        lambda g, out, a, b, axis, keepdims, signed: b * _share(a, b, out, g, axis, keepdims),
        lambda g, out, a, b, axis, keepdims, signed: _share(a, b, out, g, axis, keepdims),
    ),
    params=("axis", "keepdims", "signed"), symbol="logsumexp", maps=("b softmax", "softmax"), variadic=True, python="",
    c="", numpy="",
)  # fmt: skip


@composed(special.polygamma)
def _polygamma(n: Any, x: Any) -> Any:
    if holds_tracer(n) or np.ndim(n):
        raise unsupported("scipy.special.polygamma of a traced order, or of several")
    return bind(POLYGAMMA, as_array(x), int(n))


@composed(special.multigammaln)
def _multigammaln(a: Any, d: Any) -> Any:
    a = as_array(a)
    if np.ndim(d) or np.floor(d) != d or np.any(plain_array(a) <= 0.5 * (d - 1)):
        special.multigammaln(plain_array(a), d)  # raises scipy's own error
    terms = special.loggamma(np.stack([a - (j - 1.0) / 2 for j in range(1, d + 1)]))
    return (d * (d - 1) * 0.25) * np.log(np.pi) + np.sum(terms, axis=0)


def _softmax_back(g: Any, out: Any, x: Any, axis: Any) -> Any:
    return out * (g - np.sum(g * out, axis=axis, keepdims=True))


@row(special.softmax, _softmax_back, maps=("y (G − Σ y G)",))
def SOFTMAX(x: Any, axis: Any = None) -> Any:
    return special.softmax(x, axis=axis)


def _log_softmax_back(g: Any, out: Any, x: Any, axis: Any) -> Any:
    return g - np.exp(out) * np.sum(g, axis=axis, keepdims=True)


@row(special.log_softmax, _log_softmax_back, maps=("G − softmax Σ G",))
def LOG_SOFTMAX(x: Any, axis: Any = None) -> Any:
    return special.log_softmax(x, axis=axis)


def patches() -> Any:
    return patches_of(special, ("logsumexp", "softmax", "log_softmax", "polygamma", "multigammaln"))
