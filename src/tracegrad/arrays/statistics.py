"""Statistics: averages, quantiles, covariances, and the functions that pass over nan.

In: functions of numpy.  Out: their rows and compositions.  Read :func:`_shares` first: whatever the method, a quantile
is a sum of the sorted values with fixed weights.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tracegrad.arrays.build import holds_tracer, lift, static
from tracegrad.arrays.complexes import is_complex
from tracegrad.arrays.elementwise import plain_array
from tracegrad.arrays.fit import astype, shape_of
from tracegrad.arrays.indexing import setitem
from tracegrad.arrays.reductions import extreme, kept, lanes, restored, spread
from tracegrad.arrays.shapes import laid_out
from tracegrad.arrays.table import axis_of, composed, row, unsupported
from tracegrad.row import bind, records

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
        share = a.size / np.size(plain_array(mean))
        return (mean, np.full(shape_of(mean), share)) if returned else mean
    weights = lift(weights) if holds_tracer(weights) else np.asanyarray(weights)
    if weights.shape != a.shape:
        if axis is None or weights.ndim != 1:
            raise unsupported("numpy.average with weights of another shape")
        weights = np.reshape(weights, [-1 if one == axis_of(axis, a.ndim) else 1 for one in range(a.ndim)])
        weights = np.broadcast_to(weights, a.shape)
    kind = np.result_type(a.dtype, weights.dtype)
    if a.dtype.kind in "iub":
        a, kind = a.astype(np.result_type(kind, float)), np.result_type(kind, float)
    total = np.sum(weights, axis=axis, dtype=kind, keepdims=keepdims)
    if np.any(plain_array(total) == 0):
        raise ZeroDivisionError("Weights sum to zero, can't be normalized")
    mean = np.sum(np.multiply(a, weights), axis=axis, keepdims=keepdims) / total
    return (mean, total) if returned else mean


# ---- quantiles --------------------------------------------------------------------------------------


def _shares(function: Any, q: Any, n: int, method: str) -> Any:
    """The weights of n sorted values in quantiles: those of steps from 0 to 1 are sums of weights."""
    steps = np.tri(n, n + 1)  # column k has ones from place k on
    above = function(steps, q, axis=0, method=method)
    return above[..., :-1] - above[..., 1:]


#: how far a method's place among n sorted values moves with q, less n; that of the others moves in jumps
_MOVES = {
    "linear": -1.0, "interpolated_inverted_cdf": 0.0, "hazen": 0.0, "weibull": 1.0, "median_unbiased": 1.0 / 3.0,
    "normal_unbiased": 0.25,
}  # fmt: skip


def _place_back(function: Any) -> Callable[..., Any]:
    """What returns along q: the distance of the two values around a place, and how fast that moves."""
    per = 100.0 if function is np.percentile else 1.0

    def back(g: Any, out: Any, x: Any, q: Any, axis: Any, method: Any, keepdims: Any) -> Any:
        columns, _ = lanes(x, axis)
        n = columns.shape[-1]
        shape = shape_of(q)
        if method not in _MOVES:
            return np.zeros(shape)
        places = np.ravel(_shares(function, plain_array(q), n, method) @ np.arange(n))
        low = np.clip(np.floor(places).astype(int), 0, n - 2) if n > 1 else np.zeros(places.shape, int)
        inside = (places > 0) & (places < n - 1)
        ordered = np.moveaxis(np.sort(columns, axis=-1), -1, 0)
        widths = ordered[low + (n > 1)] - ordered[low]
        upstream = np.reshape(g, (len(places), *columns.shape[:-1]))
        found = np.sum(np.reshape(upstream * widths, (len(places), -1)), axis=1)
        return np.reshape(found * inside * ((n + _MOVES[method]) / per), shape)

    return back


def _quantile_back(function: Any) -> Callable[..., Any]:
    def back(g: Any, out: Any, x: Any, q: Any, axis: Any, method: Any, keepdims: Any) -> Any:
        columns, home = lanes(x, axis)
        weights = np.reshape(_shares(function, q, columns.shape[-1], method), (-1, columns.shape[-1]))
        upstream = np.reshape(g, (weights.shape[0], *columns.shape[:-1]))
        ordered = np.tensordot(upstream, weights.astype(out.dtype), ((0,), (0,)))
        place = np.argsort(np.argsort(plain_array(columns), axis=-1, kind="stable"), axis=-1, kind="stable")
        return home(np.take_along_axis(ordered, place, -1))

    return back


def _quantiles(function: Any, of_nan: Any) -> None:
    """Enter a kind of quantile, and its kin that passes over nan, lane by lane as numpy does."""

    @row(
        function,
        _quantile_back(function),
        _place_back(function),
        maps=("to the values between", "distance of the values between"),
    )
    def QUANTILE(a: Any, q: Any, axis: Any = None, method: Any = "linear", *, keepdims: Any = False) -> Any:
        return function(a, q, axis=axis, method=method, keepdims=keepdims)

    @composed(function)
    def serve(a: Any, q: Any, axis: Any = None, *, method: Any = "linear", keepdims: Any = False) -> Any:
        return bind(QUANTILE, lift(a), lift(q), static(axis), method, keepdims)

    @composed(of_nan)
    def serve_nan(a: Any, q: Any, axis: Any = None, *, method: Any = "linear", keepdims: Any = False) -> Any:
        a = lift(a)
        return _lane_by_lane(lambda lane: function(lane, q, method=method), a, axis, keepdims, np.shape(q))


def _lane_by_lane(function: Any, a: Any, axis: Any, keepdims: Any, front: tuple[int, ...] = ()) -> Any:
    """A statistic of what is no nan in each lane."""
    columns, _ = lanes(a, axis)
    outer = columns.shape[:-1]
    flat = np.reshape(columns, (-1, columns.shape[-1]))
    present = ~np.isnan(flat)
    if not present.any(axis=-1).all():
        raise unsupported("a statistic of nothing but nan")
    found = np.stack([function(flat[k][present[k]]) for k in range(flat.shape[0])])
    found = np.reshape(found, (*(kept(a.shape, axis) if keepdims else outer), *front))
    if front:
        last = range(found.ndim - len(front), found.ndim)
        return np.moveaxis(found, tuple(last), tuple(range(len(front))))
    return laid_out(found, a)[()] if found.ndim else found[()]


_quantiles(np.quantile, np.nanquantile)
_quantiles(np.percentile, np.nanpercentile)


@composed(np.nanmedian)
def _nanmedian(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: Any = False, keepdims: Any = False
) -> Any:
    return _lane_by_lane(np.median, lift(a), axis, keepdims)


# ---- passing over nan -------------------------------------------------------------------------------


def _filled(a: Any, value: float) -> Any:
    """With a value in the place of each nan, and in memory as a copy of the array is."""
    missing = np.isnan(a)  # of a traced one a guard: elsewhere another array may have its nan
    return setitem(a, value, missing) if a.ndim and (records(missing) or missing.any()) else np.copy(a)


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
    count = np.sum(~np.isnan(a), axis=axis, keepdims=keepdims)
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
def _cov(
    m: Any, y: Any = None, rowvar: Any = True, bias: Any = False, ddof: Any = None, fweights: Any = None,
    aweights: Any = None, dtype: Any = None,
) -> Any:  # fmt: skip
    x = _variables(lift(m), rowvar)
    if y is not None:
        x = np.concatenate([x, _variables(lift(y), rowvar)], axis=0)
    x = x.astype(np.result_type(x.dtype, np.float64) if dtype is None else dtype)
    ddof = (0 if bias else 1) if ddof is None else ddof
    w = _weights(fweights, aweights, x.shape[1])
    if w is None:
        count = max(x.shape[1] - ddof, 0.0)
        x = x - np.mean(x, axis=1)[:, None]
        return np.squeeze(np.dot(x, _conjugated(x).T) * np.true_divide(1, count))
    mean, total = np.average(x, axis=1, weights=w, returned=True)
    total = total[0]
    used = ddof if aweights is None else ddof * np.sum(w * lift(aweights)) / total
    x = x - mean[:, None]
    return np.squeeze(np.dot(x, _conjugated(x * w).T) * np.true_divide(1, total - used if ddof else total))


def _weights(fweights: Any, aweights: Any, count: int) -> Any:
    """The product of the weights of samples, ``None`` where there are none."""
    given = [lift(one).astype(float) if holds_tracer(one) else np.asarray(one, float)
             for one in (fweights, aweights) if one is not None]  # fmt: skip
    if any(one.shape != (count,) or bool(np.any(one < 0)) for one in given):
        raise ValueError("weights are one for each sample, and not negative")
    if fweights is not None and not bool(np.all(given[0] == np.around(given[0]))):
        raise TypeError("fweights must be integer")
    return None if not given else given[0] if len(given) == 1 else given[0] * given[1]


def _conjugated(x: Any) -> Any:
    return np.conjugate(x) if is_complex(x) else x


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
