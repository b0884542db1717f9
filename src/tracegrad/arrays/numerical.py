"""Numerical methods: differences, integrals, interpolation, convolution, grids of numbers.

In: functions of numpy.  Out: their rows and compositions.  Few are rows of their own: interp, correlate, linspace,
geomspace, arange, unwrap.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tracegrad.arrays.build import array, as_array, holds_tracer, lift, static
from tracegrad.arrays.elementwise import plain_array
from tracegrad.arrays.fit import adjoint_dtype
from tracegrad.arrays.indexing import in_range, setitem
from tracegrad.arrays.shapes import laid_out
from tracegrad.arrays.steps import guard
from tracegrad.arrays.table import HANDLERS, MANY, axis_of, bare, composed, row
from tracegrad.row import Primitive, bind, records

# ---- differences and integrals ----------------------------------------------------------------------


def _cut(a: Any, axis: int, start: int | None, stop: int | None) -> Any:
    return a[(*[slice(None)] * axis_of(axis, a.ndim), slice(start, stop))]


@composed(np.diff)
def _diff(a: Any, n: Any = 1, axis: Any = -1, prepend: Any = np._NoValue, append: Any = np._NoValue) -> Any:
    a = lift(a)
    ends = [None if end is np._NoValue else _end(a, end, axis) for end in (prepend, append)]
    if any(end is not None for end in ends):
        a = np.concatenate([one for one in (ends[0], a, ends[1]) if one is not None], axis=axis)
    for _ in range(n):
        a = _cut(a, axis, 1, None) - _cut(a, axis, None, -1)
    return a


def _end(a: Any, end: Any, axis: int) -> Any:
    """What is put before or behind: an array, or one number for all lanes."""
    end = lift(end)
    if getattr(end, "ndim", 0):
        return end
    shape = [1 if one == axis_of(axis, a.ndim) else length for one, length in enumerate(a.shape)]
    return np.broadcast_to(end, shape)


@composed(np.ediff1d)
def _ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    found = np.diff(np.ravel(lift(ary)))
    given = [
        np.ravel(lift(part)).astype(found.dtype) for part in (to_begin, found, to_end) if part is not None
    ]
    return given[0] if len(given) == 1 else np.concatenate(given)


@composed(*(getattr(np, name) for name in ("trapezoid", "trapz") if name in vars(np)))
def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: Any = -1) -> Any:
    y = lift(y)
    width = dx
    if x is not None:
        x = lift(x) if holds_tracer(x) else np.asarray(x)
        width = np.diff(x, axis=-1 if x.ndim == 1 else axis)
        if x.ndim == 1:
            width = np.reshape(width, [-1 if one == axis_of(axis, y.ndim) else 1 for one in range(y.ndim)])
    return np.sum(width * (_cut(y, axis, 1, None) + _cut(y, axis, None, -1)) / 2.0, axis=axis)


def _reals(numbers: Any) -> Any:
    """Plain numbers of which differences are taken: of whole ones they might not be what they are."""
    array = np.asarray(numbers)
    return array.astype(float) if array.dtype.kind in "iub" else array


@composed(np.gradient)
def _gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: Any = 1) -> Any:
    f = lift(f)
    axes = range(f.ndim) if axis is None else [axis_of(one, f.ndim) for one in np.atleast_1d(axis).tolist()]
    spacings = [1.0] * len(axes) if not varargs else list(varargs) * (len(axes) if len(varargs) == 1 else 1)
    if len(spacings) != len(axes):
        raise TypeError("invalid number of arguments")
    found = [
        _slope(f, _spacing(spacing), one, edge_order) for spacing, one in zip(spacings, axes, strict=True)
    ]
    return found[0] if len(found) == 1 else MANY(found)


def _spacing(spacing: Any) -> Any:
    """The distance of neighbours: one number where all are equal."""
    given = spacing
    spacing = lift(spacing) if holds_tracer(spacing) else np.asanyarray(spacing)
    if getattr(spacing, "ndim", 0) == 0:
        return given
    widths = np.diff(_reals(spacing) if spacing.dtype.kind in "iu" else spacing)
    return widths[0] if bool((widths == widths[0]).all()) else widths


def _slope(f: Any, h: Any, axis: int, edge_order: int) -> Any:
    """Second-order differences inside, one-sided ones at the ends."""
    if f.shape[axis] < edge_order + 1:
        raise ValueError(
            "Shape of array too small to calculate a numerical gradient, at least (edge_order + 1) elements are "
            "required."
        )
    like, f = f, np.moveaxis(f, axis, 0)
    even = getattr(h, "ndim", 0) == 0
    shape = (-1, *[1] * (f.ndim - 1))
    if even:
        inside = (f[2:] - f[:-2]) / (2.0 * h)
    else:
        left, right = np.reshape(h[:-1], shape), np.reshape(h[1:], shape)
        inside = -right / (left * (left + right)) * f[:-2] + (right - left) / (left * right) * f[1:-1]
        inside = inside + left / (right * (left + right)) * f[2:]
    first, last = (h, h) if even else (h[0], h[-1])
    if edge_order == 1:
        ends = (f[1] - f[0]) / first, (f[-1] - f[-2]) / last
    elif even:
        ends = (-1.5 / h * f[0] + 2.0 / h * f[1] + -0.5 / h * f[2],
                0.5 / h * f[-3] + -2.0 / h * f[-2] + 1.5 / h * f[-1])  # fmt: skip
    else:
        ends = (
            _uneven_end(f[0], f[1], f[2], h[0], h[1], -1),
            _uneven_end(f[-1], f[-2], f[-3], h[-1], h[-2], 1),
        )
    found = np.concatenate(
        [np.reshape(ends[0], (1, *f.shape[1:])), inside, np.reshape(ends[1], (1, *f.shape[1:]))]
    )
    found = found.astype(f.dtype) if f.dtype.kind == "f" else found
    return laid_out(np.moveaxis(found, 0, axis), like)


def _uneven_end(f0: Any, f1: Any, f2: Any, near: Any, far: Any, sign: int) -> Any:
    """The slope at an end by its value and two neighbours, in the order in which numpy adds."""
    a = (2.0 * near + far) / (near * (near + far))
    b = (near + far) / (near * far)
    c = near / (far * (near + far))
    return (-a) * f0 + b * f1 + (-c) * f2 if sign < 0 else c * f2 + (-b) * f1 + a * f0


@row(np.unwrap, lambda g, out, p, discont, axis, period: g, maps=("identity",))
def UNWRAP(p: Any, discont: Any = None, axis: Any = -1, *, period: Any = 2 * np.pi) -> Any:
    return np.unwrap(p, discont, axis, period=period)


def _cumulative(function: Any, scan: Any, start: float) -> None:
    @composed(function)
    def serve(
        x: Any, *, axis: Any = None, dtype: Any = None, out: Any = None, include_initial: Any = False
    ) -> Any:
        x = np.atleast_1d(lift(x))
        if axis is None and x.ndim > 1:
            raise ValueError("For arrays which have more than one dimension ``axis`` argument is required.")
        found = scan(x, axis=-1 if axis is None else axis)
        if not include_initial:
            return found
        first = np.full_like(plain_array(_cut(found, axis or 0, 0, 1)), start)
        return np.concatenate([first, found], axis=axis or 0)


for _name, _scan, _start in (("cumulative_sum", np.cumsum, 0.0), ("cumulative_prod", np.cumprod, 1.0)):
    if hasattr(np, _name):
        _cumulative(getattr(np, _name), _scan, _start)

# ---- interpolation ----------------------------------------------------------------------------------


@composed(np.interp)
def _interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    x, xp, fp = (lift(one) if holds_tracer(one) else _reals(one) for one in (x, xp, fp))
    if holds_tracer((left, right)) and period is None:
        return _interp_between(x, xp, fp, left, right)
    if period is not None:
        period, left, right = abs(period), None, None
        x, xp = x % period, xp % period
        order = np.argsort(xp)
        xp, fp = xp[order], fp[order]
        xp = np.concatenate([xp[-1:] - period, xp, xp[0:1] + period])
        fp = np.concatenate([fp[-1:], fp, fp[0:1]])
    return bind(INTERP, x, xp, fp, static(left), static(right))


def _interp_between(x: Any, xp: Any, fp: Any, left: Any, right: Any) -> Any:
    """With traced values for what lies outside."""
    found = np.interp(x, xp, fp)
    for outside, value in ((guard(np.less, x, xp[0]), left), (guard(np.greater, x, xp[-1]), right)):
        found = found if value is None else np.where(outside, value, found)[()]
    return found


def _piece(x: Any, xp: Any) -> Any:
    """For each x the number of the piece it falls in, and whether it is inside at all."""
    place = np.clip(np.searchsorted(plain_array(xp), plain_array(x), side="right") - 1, 0, len(xp) - 2)
    inside = (plain_array(x) >= plain_array(xp)[0]) & (plain_array(x) <= plain_array(xp)[-1])
    return place, inside


def _interp_x(g: Any, out: Any, x: Any, xp: Any, fp: Any, left: Any, right: Any) -> Any:
    place, inside = _piece(x, xp)
    return g * inside * ((fp[place + 1] - fp[place]) / (xp[place + 1] - xp[place]))


def _hats(weighted: Any, share: Any, place: Any, length: int) -> Any:
    """What returns to the nodes: each x gives to the two around it, by a matrix that is made dense."""
    columns, place = np.arange(length), place[..., None]
    weighted, share = (np.expand_dims(as_array(one), -1) for one in (weighted, share))
    hats = (1 - share) * (columns == place) + share * (columns == place + 1)
    return np.sum(np.reshape(weighted * hats, (-1, length)), axis=0)


def _interp_fp(g: Any, out: Any, x: Any, xp: Any, fp: Any, left: Any, right: Any) -> Any:
    place, inside = _piece(x, xp)
    before = plain_array(x) < plain_array(xp)[0]
    share = (x - xp[place]) / (xp[place + 1] - xp[place])
    share = np.where(inside, share, np.where(before, 0.0, 1.0))
    used = inside | np.where(before, left is None, right is None)
    return _hats(g * used, share, place, len(xp))


def _interp_xp(g: Any, out: Any, x: Any, xp: Any, fp: Any, left: Any, right: Any) -> Any:
    place, inside = _piece(x, xp)
    width = xp[place + 1] - xp[place]
    slope = (fp[place + 1] - fp[place]) / width
    return _hats(-g * inside * slope, (x - xp[place]) / width, place, len(xp))


@row(np.interp, _interp_x, _interp_xp, _interp_fp, symbol="interp")
def INTERP(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> Any:
    return np.interp(x, xp, fp, left, right)


HANDLERS[np.interp] = _interp

# ---- convolution ------------------------------------------------------------------------------------


def _whole(g: Any, n: int, m: int, mode: str) -> Any:
    """The upstream gradient of a correlation of n with m values, in the places it has in the full one."""
    before = {
        "full": 0, "valid": min(n, m) - 1, "same": m - 1 - m // 2 if n >= m else n // 2,
    }[mode]  # fmt: skip
    return np.pad(g, (before, n + m - 1 - before - g.shape[0]))


def _correlate_left(g: Any, out: Any, a: Any, v: Any, mode: Any) -> Any:
    return np.convolve(_whole(g, len(a), len(v), mode), v, "valid")


def _correlate_right(g: Any, out: Any, a: Any, v: Any, mode: Any) -> Any:
    return np.correlate(_whole(g, len(a), len(v), mode), a, "valid")[::-1]


@row(np.correlate, _correlate_left, _correlate_right, symbol="⋆", maps=("G ∗ v", "G ⋆ a"))
def CORRELATE(a: Any, v: Any, mode: Any = "valid") -> Any:
    return np.correlate(a, v, mode)


@composed(np.convolve)
def _convolve(a: Any, v: Any, mode: Any = "full") -> Any:
    a, v = (np.atleast_1d(lift(one)) for one in (a, v))
    if len(v) > len(a):
        a, v = v, a
    if mode not in ("full", "same", "valid"):
        mode = {0: "valid", 1: "same", 2: "full"}.get(mode, mode)
    return np.correlate(a, v[::-1], mode)


# ---- grids ------------------------------------------------------------------------------------------


def _part(num: Any, endpoint: Any, axis: Any, ndim: int) -> Any:
    """How far along each number of a grid is, from 0 to 1, in the shape of the grid."""
    along = np.linspace(0.0, 1.0, num, endpoint=endpoint)
    return np.reshape(along, [-1 if one == axis_of(axis, ndim) else 1 for one in range(ndim)])


@row(
    np.linspace,
    lambda g, out, start, stop, num, endpoint, axis: np.sum(
        g * (1.0 - _part(num, endpoint, axis, g.ndim)), axis=axis
    ),
    lambda g, out, start, stop, num, endpoint, axis: np.sum(
        g * _part(num, endpoint, axis, g.ndim), axis=axis
    ),
    maps=("Σ (1 − t) G", "Σ t G"),
)
def LINSPACE(start: Any, stop: Any, num: Any = 50, endpoint: Any = True, axis: Any = 0) -> Any:
    return np.linspace(start, stop, num, endpoint=endpoint, axis=axis)


@composed(np.linspace)
def _linspace(
    start: Any, stop: Any, num: Any = 50, endpoint: Any = True, retstep: Any = False, dtype: Any = None, axis: Any = 0
) -> Any:  # fmt: skip
    start, stop, num = lift(start), lift(stop), static(num)
    grid = _as(bind(LINSPACE, start, stop, num, endpoint, axis), dtype)
    return (grid, (stop - start) / (num - 1 if endpoint else num)) if retstep else grid


def _as(grid: Any, dtype: Any) -> Any:
    return grid if dtype is None else grid.astype(dtype)


def _steps(g: Any) -> Any:
    return np.arange(g.shape[0], dtype=adjoint_dtype(g.dtype))


#: with its ends and its step by position
_grid: Any = np.arange

ARANGE = Primitive(
    name="numpy.arange", forward=lambda start, stop, step, dtype=None: _grid(start, stop, step, dtype),
    vjps=(
        lambda g, out, start, stop, step, dtype: np.sum(g),
        lambda g, out, start, stop, step, dtype: np.zeros(()),
        lambda g, out, start, stop, step, dtype: np.dot(g, _steps(g)),
    ),
    params=("dtype",), symbol="arange", maps=("Σ G", "0", "Σ k G"), variadic=True, python="", c="", numpy="",
)  # fmt: skip


@composed(np.arange)
def _arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None, **options: Any) -> Any:
    """Its end decides on nothing but how many numbers there are, which is a guard."""
    if stop is None:
        start, stop = 0, start
    length = guard(_length, start, stop, step)
    if not holds_tracer((start, step)):
        return _grid(start, bare(stop), step, dtype)[:length]
    return bind(ARANGE, start, stop, step, dtype)


def _length(start: Any, stop: Any, step: Any) -> Any:
    if any(map(records, (start, stop, step))):  # there is nothing to count yet: numpy's own formula
        return np.maximum(np.ceil((stop - start) / step), 0)
    return len(np.arange(start, stop, step))


@composed(np.logspace)
def _logspace(
    start: Any, stop: Any, num: Any = 50, endpoint: Any = True, base: Any = 10.0, dtype: Any = None, axis: Any = 0
) -> Any:  # fmt: skip
    grid = np.linspace(start, stop, num, endpoint, axis=axis)
    return _as(np.power(base if not getattr(base, "ndim", 0) else np.expand_dims(base, axis), grid), dtype)


@row(
    np.geomspace,
    lambda g, out, start, stop, num, endpoint, axis: np.sum(
        g * out * (1.0 - _part(num, endpoint, axis, g.ndim)), axis=axis
    ) / start,
    lambda g, out, start, stop, num, endpoint, axis: np.sum(
        g * out * _part(num, endpoint, axis, g.ndim), axis=axis
    ) / stop,
    maps=("Σ (1 − t) y G ÷ start", "Σ t y G ÷ stop"),
)  # fmt: skip
def GEOMSPACE(start: Any, stop: Any, num: Any = 50, endpoint: Any = True, axis: Any = 0) -> Any:
    return np.geomspace(start, stop, num, endpoint=endpoint, axis=axis)


# ---- choices ----------------------------------------------------------------------------------------


@composed(np.select)
def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    if len(condlist) != len(choicelist):
        raise ValueError("list of cases must be same length as list of conditions")
    found = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        found = np.where(condition, choice, found)
    return laid_out(lift(found))


@composed(np.choose)
def _choose(a: Any, choices: Any, out: Any = None, mode: Any = "raise") -> Any:
    number = in_range(np.asarray(static(a)), len(choices), mode)
    found = choices[0]
    for k in range(1, len(choices)):
        found = np.where(number == k, choices[k], found)
    return laid_out(lift(found))


@composed(np.piecewise)
def _piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **options: Any) -> Any:
    x = as_array(x)
    condlist = static(condlist)
    if not isinstance(condlist, (list, tuple)) and np.ndim(condlist) <= x.ndim and np.ndim(condlist[0]) == 0:
        condlist = [condlist]
    conditions = [np.asarray(one, bool) for one in condlist]
    if len(conditions) == len(funclist) - 1:
        conditions.append(~np.logical_or.reduce(conditions))
    found: Any = np.zeros_like(plain_array(x))
    for condition, function in zip(conditions, funclist, strict=True):
        part = x[condition]
        value = function(part, *args, **options) if callable(function) else function
        found = setitem(found, value, condition)
    return found


@composed(np.apply_along_axis)
def _apply_along_axis(func1d: Any, axis: Any, arr: Any, *args: Any, **options: Any) -> Any:
    moved = np.moveaxis(lift(arr), axis, -1)
    outer = moved.shape[:-1]
    flat = np.reshape(moved, (-1, moved.shape[-1]))
    found = np.stack([lift(func1d(flat[k], *args, **options)) for k in range(flat.shape[0])])
    inner = found.shape[1:]
    shaped = np.reshape(found, (*outer, *inner))
    place = axis_of(axis, len(outer) + 1)
    ends = range(len(outer), len(outer) + len(inner))
    return np.moveaxis(shaped, tuple(ends), tuple(range(place, place + len(inner))))


@composed(np.block)
def _block(arrays: Any) -> Any:
    depth = _depth(arrays)
    ndim = max(depth, _most_axes(arrays))
    return np.copy(_joined(arrays, ndim, ndim - depth)) if depth else array(arrays)


def _depth(arrays: Any) -> int:
    return 1 + _depth(arrays[0]) if isinstance(arrays, list) else 0


def _most_axes(arrays: Any) -> int:
    return max(map(_most_axes, arrays)) if isinstance(arrays, list) else int(getattr(arrays, "ndim", 0))


def _joined(arrays: Any, ndim: int, axis: int) -> Any:
    """Nested lists joined, the innermost along the last axis; arrays get axes in front."""
    if not isinstance(arrays, list):
        one = lift(arrays)
        shape = getattr(one, "shape", ())
        return np.reshape(one, (1,) * (ndim - len(shape)) + tuple(shape))
    return np.concatenate([_joined(one, ndim, axis + 1) for one in arrays], axis=axis)
