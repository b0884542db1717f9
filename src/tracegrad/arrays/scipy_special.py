"""Functions of ``scipy.special`` that are no ufuncs: logsumexp, softmax, log_softmax.

In: scipy, once the user's code has loaded it.  Out: their rows, and :func:`patches`, for scipy asks no tracer.  Ufuncs
are in :mod:`tracegrad.ufuncs`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from tracegrad.arrays.build import holds_tracer, lift
from tracegrad.arrays.reductions import spread
from tracegrad.arrays.stand_ins import patches_of
from tracegrad.arrays.table import composed, row, unsupported
from tracegrad.row import bind


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
    if b is not None or return_sign or holds_tracer(axis):
        raise unsupported("scipy.special.logsumexp with weights or signs")
    return bind(LOGSUMEXP, lift(a), axis, keepdims)


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
    return patches_of(special, ("logsumexp", "softmax", "log_softmax"))
