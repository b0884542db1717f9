"""Elementwise functions on arrays: the namespace in which scalar rules serve arrays, and rows that only arrays have.

In: rules of the primitive table.  Out: :data:`NUMPY`, their ``m`` wherever an array is among the operands; its
functions are numpy's own, which lead back to the table where they meet tracers.  Ufuncs themselves are in
:mod:`tracegrad.ufuncs`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tracegrad.arrays.build import lift, static
from tracegrad.arrays.table import HANDLERS, composed, row, traced, unsupported
from tracegrad.primitives import TABLE, namespace
from tracegrad.row import Primitive, bind, records
from tracegrad.tracer import isinstance_tracer
from tracegrad.ufuncs import LIKE

#: row of the table -> the ufunc of numpy with its meaning
_UFUNCS = {
    row_name: ufunc
    for ufunc, row_name in reversed(LIKE.items())
    if isinstance(getattr(np, ufunc, None), np.ufunc)
}


def _special(name: str) -> Callable[..., Any]:
    """A function that numpy lacks, by scipy where that is loaded, else element by element."""

    def function(*args: Any) -> Any:
        special = sys.modules.get("scipy.special")
        if special is not None and hasattr(special, _SCIPY.get(name, name)):
            return getattr(special, _SCIPY.get(name, name))(*args)
        if traced(args):
            raise unsupported(f"{name} of an array, without scipy.special,")
        return np.vectorize(TABLE[name].forward, otypes=[float])(*args)

    return function


_SCIPY = {"lgamma": "gammaln"}


def _polygamma(x: Any, n: Any) -> Any:
    """The n-th derivative of digamma, by scipy (which has the order first) where that is loaded."""
    special = sys.modules.get("scipy.special")
    if special is not None:
        return special.polygamma(n, x)
    return np.vectorize(TABLE["polygamma"].forward, otypes=[float])(x, n)


SECH2 = replace(TABLE["sech2"], forward=lambda x: (1.0 / np.cosh(x)) ** 2)
POLYGAMMA = replace(TABLE["polygamma"], forward=_polygamma)


def _of_numpy(row: Primitive) -> Callable[..., Any]:
    found: Callable[..., Any] = getattr(np, _UFUNCS[row.name]) if row.name in _UFUNCS else _special(row.name)
    return found


#: the ``m`` of rules on arrays, traced or not
NUMPY = namespace(_of_numpy, np.where)
NUMPY.polygamma = lambda x, n: bind(POLYGAMMA, x, n)
NUMPY.sech2 = lambda x: bind(SECH2, x)
NUMPY.round_digits = lambda x, digits: np.round(x, digits)
NUMPY.ldexp = lambda x, i: x * 2.0**i


# ---- rows -------------------------------------------------------------------------------------------


def _where(condition: Any, *branches: Any) -> Any:
    if not branches:
        return np.nonzero(condition)
    if isinstance_tracer(condition):
        condition = condition != 0
    if not traced(branches) and not any(isinstance(branch, (list, tuple)) for branch in branches):
        return np.where(condition, *branches)
    return bind(WHERE, *map(lift, branches), static(condition))


def _truth(condition: Any) -> Any:
    return (
        condition if type(condition) is np.ndarray and condition.dtype == bool else _asarray(condition, bool)
    )


@row(
    np.where,
    rules=(
        lambda m, out, x, y, condition: 1.0 * _truth(condition),
        lambda m, out, x, y, condition: 1.0 * ~_truth(condition),
    ),
    complex=True,
)
def WHERE(x: Any, y: Any, condition: Any) -> Any:
    return np.where(condition, x, y)


HANDLERS[np.where] = _where


@row(
    np.clip,
    rules=(
        lambda m, out, x, low, high: 1.0 * ((low <= x) & (x <= high)),
        lambda m, out, x, low, high: 1.0 * ((x < low) & (low <= high)),
        lambda m, out, x, low, high: 1.0 * ((x > high) | (low > high)),  # numpy gives this where they cross
    ),
)
def CLIP(x: Any, low: Any, high: Any) -> Any:
    return np.clip(x, low, high)


@composed(np.clip)
def _clip(
    a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, min: Any = None, max: Any = None
) -> Any:
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    if out is not None:
        raise unsupported("numpy.clip with out")
    a = lift(a)
    return bind(
        CLIP, a, *(_bound(a, end, bound) for end, bound in zip(("min", "max"), (low, high), strict=True))
    )


def _bound(a: Any, end: str, bound: Any) -> Any:
    """A bound; where there is none, the end of all numbers of this kind."""
    if bound is not None:
        return lift(bound)
    if a.dtype.kind in "iu":
        return getattr(np.iinfo(a.dtype), end)
    return a.dtype.type(np.inf if end == "max" else -np.inf)


def _sinc_slope(m: Any, out: Any, x: Any) -> Any:
    """d/dx sin(πx)/(πx), by its series where the formula would cancel."""
    y = np.pi * np.where(np.abs(x) < 0.01, 1.0, x)
    near = np.pi * x
    series = -near / 3.0 + near**3 / 30.0 - near**5 / 840.0
    return np.pi * np.where(np.abs(x) < 0.01, series, (np.cos(y) - np.sin(y) / y) / y)


@row(np.sinc, rules=(_sinc_slope,))
def SINC(x: Any) -> Any:
    return np.sinc(x)


@row(np.round, rules=(0.0,))
def ROUND(x: Any, decimals: Any = 0) -> Any:
    return np.round(x, decimals)


@row(np.fix, rules=(0.0,))
def FIX(x: Any) -> Any:
    return np.fix(x)


@row(np.nan_to_num, rules=(lambda m, out, x, nan, posinf, neginf: 1.0 * np.isfinite(x),))
def NAN_TO_NUM(x: Any, *, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


for _alias in ("around", "round_"):
    if hasattr(np, _alias):
        HANDLERS[getattr(np, _alias)] = HANDLERS[np.round]


def plain_array(x: Any) -> Any:
    """The array under a tracer of any level; what stands for an array before there is one stays as it is."""
    while isinstance_tracer(x):
        x = x.value_
    return x if records(x) else _asarray(x)


_asarray = np.asarray  # this, not what stands in for it while a trace is open
