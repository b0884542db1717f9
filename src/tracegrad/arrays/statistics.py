"""Statistics: averages, quantiles, covariances, and the functions that pass over nan.

In: functions of numpy.  Out: their rows and compositions.  Read :func:`_shares` first: whatever the method, a quantile
is a sum of the sorted values with fixed weights.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tracegrad.arrays.build import holds_tracer, lift, static
from tracegrad.arrays.elementwise import plain_array
from tracegrad.arrays.fit import astype, shape_of
from tracegrad.arrays.reductions import extreme, kept, lanes, restored, spread
from tracegrad.arrays.steps import guard
from tracegrad.arrays.table import composed, row, unsupported
from tracegrad.row import bind

# ---- averages ---------------------------------------------------------------------------------------


@composed(np.median)
def _median(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: Any = False, keepdims: Any = False
) -> Any:
    a = lift(a)
    columns, _ = lanes(a, axis)
    ordered = np.sort(columns, axis=-1)
    half, odd = divmod(columns.shape[-1], 2)
    middle = np.mean(ordered[..., half - (not odd) : half + 1], axis=-1)
    return np.reshape(middle, kept(a.shape, axis)) if keepdims else middle


@composed(np.average)
def _average(
    a: Any, axis: Any = None, weights: Any = None, returned: Any = False, *, keepdims: Any = False
) -> Any:
    a = lift(a)
    if weights is None:
        mean = np.mean(a, axis=axis, keepdims=keepdims)
        return (
            (mean, np.full(shape_of(mean), a.size / max(np.size(plain_array(mean)), 1))) if returned else mean
        )
    weights = lift(weights) if holds_tracer(weights) else np.asanyarray(weights)
    if weights.shape != a.shape:
        if axis is None or weights.ndim != 1:
            raise unsupported("numpy.average with weights of another shape")
        weights = np.reshape(weights, [-1 if one == axis % a.ndim else 1 for one in range(a.ndim)])
        weights = np.broadcast_to(weights, a.shape)
    total = np.sum(weights, axis=axis, keepdims=keepdims)
    mean = np.sum(np.multiply(a, weights), axis=axis, keepdims=keepdims) / total
    return (mean, total) if returned else mean


# ---- quantiles --------------------------------------------------------------------------------------


def _shares(function: Any, q: Any, n: int, method: str) -> Any:
    """The weights of n sorted values in quantiles: those of steps from 0 to 1 are sums of weights."""
    steps = np.tri(n, n + 1)  # column k has ones from place k on
    above = function(steps, q, axis=0, method=method)
    return above[..., :-1] - above[..., 1:]


def _quantile_back(function: Any) -> Callable[..., Any]:
    def back(g: Any, out: Any, x: Any, q: Any, axis: Any, method: Any, keepdims: Any) -> Any:
        columns, home = lanes(x, axis)
        weights = np.reshape(_shares(function, q, columns.shape[-1], method), (-1, columns.shape[-1]))
        upstream = np.reshape(g, (len(weights), *columns.shape[:-1]))
        ordered = np.tensordot(upstream, weights.astype(out.dtype), ((0,), (0,)))
        place = np.argsort(np.argsort(plain_array(columns), axis=-1, kind="stable"), axis=-1, kind="stable")
        return home(np.take_along_axis(ordered, place, -1))

    return back


def _quantiles(function: Any, of_nan: Any) -> None:
    """Enter a kind of quantile, and its kin that passes over nan, lane by lane as numpy does."""

    @row(function, _quantile_back(function), maps=("to the values between",))
    def QUANTILE(a: Any, q: Any, axis: Any = None, method: Any = "linear", *, keepdims: Any = False) -> Any:
        return function(a, q, axis=axis, method=method, keepdims=keepdims)

    @composed(function)
    def serve(a: Any, q: Any, axis: Any = None, *, method: Any = "linear", keepdims: Any = False) -> Any:
        if holds_tracer(q):
            raise unsupported(f"numpy.{function.__name__} at a traced place")
        return bind(QUANTILE, lift(a), static(q), axis, method, keepdims)

    @composed(of_nan)
    def serve_nan(a: Any, q: Any, axis: Any = None, *, method: Any = "linear", keepdims: Any = False) -> Any:
        a = lift(a)
        return _lane_by_lane(lambda lane: function(lane, q, method=method), a, axis, keepdims, np.shape(q))


def _lane_by_lane(function: Any, a: Any, axis: Any, keepdims: Any, front: tuple[int, ...] = ()) -> Any:
    """A statistic of what is no nan in each lane."""
    columns, _ = lanes(a, axis)
    outer = columns.shape[:-1]
    flat = np.reshape(columns, (-1, columns.shape[-1]))
    present = ~np.isnan(plain_array(flat))
    if not present.any(axis=-1).all():
        raise unsupported("a statistic of nothing but nan")
    found = np.stack([function(flat[k][present[k]]) for k in range(flat.shape[0])], axis=-1)
    return np.reshape(found, (*front, *(kept(a.shape, axis) if keepdims else outer)))[()]


_quantiles(np.quantile, np.nanquantile)
_quantiles(np.percentile, np.nanpercentile)


@composed(np.nanmedian)
def _nanmedian(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: Any = False, keepdims: Any = False
) -> Any:
    return _lane_by_lane(np.median, lift(a), axis, keepdims)


# ---- passing over nan -------------------------------------------------------------------------------


def _filled(a: Any, value: float) -> Any:
    """With a value in the place of each nan."""
    return np.where(np.isnan(plain_array(a)), np.asarray(value, a.dtype), a)


def _without_nan(function: Any, plain: Any, value: float) -> None:
    """The function of what is no nan: that of the array with a neutral value in the place of nan."""

    @composed(function)
    def serve(a: Any, axis: Any = None, dtype: Any = None, **options: Any) -> Any:
        a = lift(a)
        given = options if dtype is None else options | {"dtype": dtype}
        return plain(_filled(a, value) if a.dtype.kind == "f" else a, axis=axis, **given)


_without_nan(np.nansum, np.sum, 0.0)
_without_nan(np.nanprod, np.prod, 1.0)
_without_nan(np.nancumsum, np.cumsum, 0.0)
_without_nan(np.nancumprod, np.cumprod, 1.0)


@row(np.nanmax, extreme, symbol="max", maps=("to the largest",))
def NANMAX(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    return np.nanmax(a, axis=axis, keepdims=keepdims)


@row(np.nanmin, extreme, symbol="min", maps=("to the smallest",))
def NANMIN(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    return np.nanmin(a, axis=axis, keepdims=keepdims)


def _present(x: Any, axis: Any) -> Any:
    return np.sum(~np.isnan(plain_array(x)), axis=axis, keepdims=True)


@composed(np.nanmean)
def _nanmean(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    a = lift(a)
    if a.dtype.kind != "f":
        return np.mean(a, axis=axis, keepdims=keepdims)
    count = np.sum(~np.isnan(plain_array(a)), axis=axis, keepdims=keepdims)
    return np.divide(np.sum(_filled(a, 0.0), axis=axis, keepdims=keepdims), astype(count, a.dtype))


def _centred(x: Any, axis: Any) -> Any:
    return _filled(x - np.nanmean(x, axis=axis, keepdims=True), 0.0)


def _nan_variance(g: Any, out: Any, x: Any, axis: Any, ddof: Any, keepdims: Any) -> Any:
    return spread(g, x, axis) * (2.0 / (_present(x, axis) - ddof)) * _centred(x, axis)


def _nan_deviation(g: Any, out: Any, x: Any, axis: Any, ddof: Any, keepdims: Any) -> Any:
    flat = out == 0
    slope = np.where(flat, 0.0, 1.0) / np.where(flat, 1.0, out)
    return spread(g * slope, x, axis) / (_present(x, axis) - ddof) * _centred(x, axis)


@row(np.nanvar, _nan_variance, maps=("2(x − mean) ÷ n",))
def NANVAR(a: Any, axis: Any = None, *, ddof: Any = 0, keepdims: Any = False) -> Any:
    return np.nanvar(a, axis=axis, ddof=ddof, keepdims=keepdims)


@row(np.nanstd, _nan_deviation, maps=("(x − mean) ÷ (n std)",))
def NANSTD(a: Any, axis: Any = None, *, ddof: Any = 0, keepdims: Any = False) -> Any:
    return np.nanstd(a, axis=axis, ddof=ddof, keepdims=keepdims)


# ---- covariances ------------------------------------------------------------------------------------


@composed(np.cov)
def _cov(m: Any, y: Any = None, rowvar: Any = True, bias: Any = False, ddof: Any = None) -> Any:
    x = _variables(lift(m), rowvar)
    if y is not None:
        x = np.concatenate([x, _variables(lift(y), rowvar)], axis=0)
    x = x.astype(np.result_type(x.dtype, np.float64))
    x = x - np.mean(x, axis=1)[:, None]
    count = x.shape[1] - ((0 if bias else 1) if ddof is None else ddof)
    return np.squeeze(np.dot(x, x.T) * np.true_divide(1, count))


def _variables(x: Any, rowvar: bool) -> Any:
    """One row for each variable."""
    wide = np.atleast_2d(x)
    return wide if rowvar or wide.shape[0] == 1 else wide.T


@composed(np.corrcoef)
def _corrcoef(x: Any, y: Any = None, rowvar: Any = True) -> Any:
    c = np.cov(x, y, rowvar)
    if c.ndim == 0:
        return c / c
    size = np.sqrt(np.diagonal(c))
    return np.clip(c / size[:, None] / size[None, :], -1, 1)


# ---- order ------------------------------------------------------------------------------------------


@row(
    np.partition,
    lambda g, out, x, kth, axis: restored(g, out, x, axis),
    maps=("back to their places",),
)
def PARTITION(a: Any, kth: Any, axis: Any = -1) -> Any:
    return np.partition(a, kth, axis)


@composed(np.unique)
def _unique(
    ar: Any,
    return_index: Any = False,
    return_inverse: Any = False,
    return_counts: Any = False,
    **options: Any,
) -> Any:
    if options.get("axis") is not None:
        raise unsupported("numpy.unique along an axis")
    ar = np.ravel(lift(ar))
    parts = [np.take(ar, guard(_unique_index, ar))]
    wanted = (
        (_unique_index, return_index),
        (_unique_inverse, return_inverse),
        (_unique_counts, return_counts),
    )
    parts += [guard(function, ar) for function, given in wanted if given]
    return parts[0] if len(parts) == 1 else tuple(parts)


if hasattr(np, "unique_values"):

    @composed(np.unique_values)
    def _unique_values(x: Any, /, *, sorted: Any = True) -> Any:
        if sorted is not True:
            raise unsupported("numpy.unique_values in no order")
        return np.unique(x)


@composed(np.union1d)
def _union1d(ar1: Any, ar2: Any) -> Any:
    return np.unique(np.concatenate([np.ravel(lift(ar1)), np.ravel(lift(ar2))]))


def _unique_index(x: Any) -> Any:
    return np.unique(x, return_index=True)[1]


def _unique_inverse(x: Any) -> Any:
    return np.unique(x, return_inverse=True)[1]


def _unique_counts(x: Any) -> Any:
    return np.unique(x, return_counts=True)[1]
