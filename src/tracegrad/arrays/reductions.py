"""Reductions and scans: sum, mean, prod, max, min, std, var, cumsum, cumprod, norm, sort.

In: functions of numpy that take ``axis``.  Out: their rows.  Read :func:`_spread` first: what a reduction has taken
away is put back by it, and the derivative of a sum is nothing else.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tracegrad.arrays.build import lift
from tracegrad.arrays.complexes import is_complex, toward
from tracegrad.arrays.elementwise import plain_array
from tracegrad.arrays.fit import astype
from tracegrad.arrays.table import HANDLERS, composed, row, unsupported
from tracegrad.row import bind

SPREAD = ("spread",)


def _kept(shape: tuple[int, ...], axis: Any) -> tuple[int, ...]:
    """The shape of a reduction's result with the reduced axes kept at length 1."""
    if axis is None:
        return (1,) * len(shape)
    axes = [one % len(shape) for one in (axis if isinstance(axis, tuple) else (axis,))]
    return tuple(1 if one in axes else length for one, length in enumerate(shape))


def _spread(reduced: Any, x: Any, axis: Any) -> Any:
    """A reduction's result (or its adjoint) over the shape of the operand."""
    return np.broadcast_to(np.reshape(reduced, _kept(x.shape, axis)), x.shape)


def _count(x: Any, axis: Any) -> int:
    kept = _kept(x.shape, axis)
    return int(np.prod([length for length, one in zip(x.shape, kept, strict=True) if one == 1], dtype=int))


@row(
    np.sum,
    lambda g, out, x, axis, dtype, keepdims: _spread(g, x, axis),
    symbol="Σ",
    maps=SPREAD,
    complex=True,
)
def SUM(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: Any = False) -> Any:
    return np.sum(a, axis=axis, dtype=dtype, keepdims=keepdims)


@row(
    np.mean,
    lambda g, out, x, axis, dtype, keepdims: _spread(g / _count(x, axis), x, axis),
    symbol="mean",
    maps=("spread ÷ n",),
    complex=True,
)
def MEAN(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: Any = False) -> Any:
    return np.mean(a, axis=axis, dtype=dtype, keepdims=keepdims)


def _extreme(g: Any, out: Any, x: Any, axis: Any, keepdims: Any) -> Any:
    winners = plain_array(x) == _spread(plain_array(out), plain_array(x), axis)
    shares = winners / np.sum(winners, axis=axis, keepdims=True)
    return _spread(g, x, axis) * astype(shares, out.dtype if out.dtype.kind == "f" else float)


@row(np.max, _extreme, symbol="max", maps=("to the largest",))
def MAX(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    return np.max(a, axis=axis, keepdims=keepdims)


@row(np.min, _extreme, symbol="min", maps=("to the smallest",))
def MIN(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    return np.min(a, axis=axis, keepdims=keepdims)


def _variance(g: Any, out: Any, x: Any, axis: Any, ddof: Any, keepdims: Any) -> Any:
    centred = x - np.mean(x, axis=axis, keepdims=True)
    return _spread(g * (2.0 / (_count(x, axis) - ddof)), x, axis) * centred


def _deviation(g: Any, out: Any, x: Any, axis: Any, ddof: Any, keepdims: Any) -> Any:
    centred = x - np.mean(x, axis=axis, keepdims=True)
    flat = out == 0  # of equal values: 0, as for the norm at the origin
    slope = np.where(flat, 0.0, 1.0) / np.where(flat, 1.0, out) / (_count(x, axis) - ddof)
    return _spread(g * slope, x, axis) * centred


@row(np.var, _variance, maps=("2(x − mean) ÷ n",))
def VAR(a: Any, axis: Any = None, *, ddof: Any = 0, keepdims: Any = False) -> Any:
    return np.var(a, axis=axis, ddof=ddof, keepdims=keepdims)


@row(np.std, _deviation, maps=("(x − mean) ÷ (n std)",))
def STD(a: Any, axis: Any = None, *, ddof: Any = 0, keepdims: Any = False) -> Any:
    return np.std(a, axis=axis, ddof=ddof, keepdims=keepdims)


def _lanes(x: Any, axis: Any) -> tuple[Any, Any]:
    """The operand with what is reduced in one last axis, and the way back."""
    if axis is None:
        return np.reshape(x, (-1,)), lambda y: np.reshape(y, x.shape)
    axes = [one % x.ndim for one in (axis if isinstance(axis, tuple) else (axis,))]
    order = [one for one in range(x.ndim) if one not in axes] + axes
    moved = np.transpose(x, order)
    lanes = np.reshape(moved, (*(x.shape[one] for one in order[: x.ndim - len(axes)]), -1))
    return lanes, lambda y: np.transpose(np.reshape(y, moved.shape), np.argsort(order))


def _products_before(x: Any) -> Any:
    """Along the last axis, the product of all elements before each."""
    return np.concatenate([np.ones_like(x[..., :1]), np.cumprod(x[..., :-1], axis=-1)], axis=-1)


def _product(g: Any, out: Any, x: Any, axis: Any, keepdims: Any) -> Any:
    """Each element gets the product of the others, exact also where one is zero."""
    if x.size == 0:
        return x * 0.0
    lanes, back = _lanes(x, axis)
    others = _products_before(lanes) * np.flip(_products_before(np.flip(lanes, -1)), -1)
    return _spread(g, x, axis) * back(others)


@row(np.prod, _product, symbol="Π", maps=("the other factors",), complex=True)
def PROD(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    return np.prod(a, axis=axis, keepdims=keepdims)


HANDLERS[np.amax], HANDLERS[np.amin] = HANDLERS[np.max], HANDLERS[np.min]


@composed(np.ptp)
def _ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


# ---- scans ------------------------------------------------------------------------------------------


def _cumulated(g: Any, out: Any, x: Any, axis: Any) -> Any:
    along = 0 if axis is None else axis
    back = np.flip(np.cumsum(np.flip(g, along), axis=along), along)
    return np.reshape(back, x.shape) if axis is None else back


@row(np.cumsum, _cumulated, maps=("sums from behind",), complex=True)
def CUMSUM(a: Any, axis: Any = None) -> Any:
    return np.cumsum(a, axis=axis)


def _cumulated_product(g: Any, out: Any, x: Any, axis: Any) -> Any:
    """Horner's scheme from behind, exact also where an element is zero."""
    lanes, back = _lanes(x, axis)
    if lanes.shape[-1] == 0:
        return x * 0.0
    upstream = np.moveaxis(g, -1 if axis is None else axis, -1)
    tail = upstream[..., -1]
    tails = [tail]
    for k in range(lanes.shape[-1] - 2, -1, -1):
        tail = upstream[..., k] + lanes[..., k + 1] * tail
        tails.append(tail)
    return back(_products_before(lanes) * np.stack(tails[::-1], axis=-1))


@row(np.cumprod, _cumulated_product, maps=("products from behind",), complex=True)
def CUMPROD(a: Any, axis: Any = None) -> Any:
    return np.cumprod(a, axis=axis)


@composed(np.diff)
def _diff(a: Any, n: Any = 1, axis: Any = -1) -> Any:
    for _ in range(n):
        ahead = [slice(None)] * a.ndim
        behind = [slice(None)] * a.ndim
        ahead[axis], behind[axis] = slice(1, None), slice(None, -1)
        a = a[tuple(ahead)] - a[tuple(behind)]
    return a


@composed(*(getattr(np, name) for name in ("trapezoid", "trapz") if name in vars(np)))
def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: Any = -1) -> Any:
    ahead, behind = [slice(None)] * y.ndim, [slice(None)] * y.ndim
    ahead[axis], behind[axis] = slice(1, None), slice(None, -1)
    width = dx if x is None else np.diff(lift(x), axis=-1 if x.ndim == 1 else axis)
    if x is not None and x.ndim == 1:
        width = np.reshape(width, [-1 if one == axis % y.ndim else 1 for one in range(y.ndim)])
    return np.sum(width * (y[tuple(ahead)] + y[tuple(behind)]) / 2.0, axis=axis)


# ---- order ------------------------------------------------------------------------------------------


def _sorted(g: Any, out: Any, x: Any, axis: Any) -> Any:
    along = 0 if axis is None else axis
    order = np.argsort(plain_array(x), axis=axis, kind="stable")
    back = np.take_along_axis(g, np.argsort(order, axis=along, kind="stable"), along)
    return np.reshape(back, x.shape)


@row(np.sort, _sorted, maps=("back to their places",))
def SORT(a: Any, axis: Any = -1) -> Any:
    return np.sort(a, axis=axis)


@composed(np.median)
def _median(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: Any = False, keepdims: Any = False
) -> Any:
    lanes, _ = _lanes(a, axis)
    ordered = np.sort(lanes, axis=-1)
    half, odd = divmod(lanes.shape[-1], 2)
    middle = np.mean(ordered[..., half - (not odd) : half + 1], axis=-1)
    return np.reshape(middle, _kept(a.shape, axis)) if keepdims else middle


@composed(np.average)
def _average(
    a: Any, axis: Any = None, weights: Any = None, returned: Any = False, keepdims: Any = False
) -> Any:
    if returned:
        raise unsupported("numpy.average with returned")
    if weights is None:
        return np.mean(a, axis=axis, keepdims=keepdims)
    if weights.shape != a.shape:
        if axis is None or weights.ndim != 1:
            raise unsupported("numpy.average with weights of another shape")
        weights = np.reshape(weights, [-1 if one == axis % a.ndim else 1 for one in range(a.ndim)])
        weights = np.broadcast_to(weights, a.shape)
    total = np.sum(weights, axis=axis, keepdims=keepdims)
    return np.sum(np.multiply(a, weights), axis=axis, keepdims=keepdims) / total


# ---- norm -------------------------------------------------------------------------------------------


def _normed(g: Any, out: Any, x: Any, ord: Any, axis: Any, keepdims: Any) -> Any:
    g, size = _spread(g, x, axis), _spread(out, x, axis)
    origin = size == 0
    safe = np.where(origin, 1.0, size)
    if ord in (None, 2, "fro"):
        return g * np.where(origin, 0.0, np.conjugate(x) / safe)
    slope = toward(x, np.abs(x)) if is_complex(x) else np.sign(x)
    if ord == 1:
        return g * slope
    if ord in (np.inf, -np.inf):
        winners = plain_array(np.abs(x)) == plain_array(size)
        return g * slope * (winners / np.sum(winners, axis=axis, keepdims=True))
    return g * np.where(origin, 0.0, slope * (np.abs(x) / safe) ** (ord - 1.0))


@row(np.linalg.norm, _normed, symbol="‖x‖", maps=("x ÷ ‖x‖",), complex=True)
def NORM(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
    return np.linalg.norm(x, ord=ord, axis=axis, keepdims=keepdims)


@composed(np.linalg.norm)
def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
    matrix = (isinstance(axis, tuple) and len(axis) == 2) or (
        axis is None and x.ndim == 2 and ord is not None
    )
    if ord == 0 or (matrix and ord not in (None, "fro")):
        raise unsupported(f"numpy.linalg.norm of order {ord!r} here")
    return bind(NORM, lift(x), ord, axis, keepdims)
