"""Indexing: elements taken from an array, put into it, and the functions of numpy that come to that.

In: functions of numpy.  Out: their rows.  Rows of their own are getitem, setitem, the transpose of getitem (scatter)
and the diagonal; the others are composed of these.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tracegrad.arrays.build import ORDERED, array, lift, static
from tracegrad.arrays.elementwise import plain_array
from tracegrad.arrays.fit import astype, fit, shape_of
from tracegrad.arrays.shapes import each, in_memory, laid_out
from tracegrad.arrays.table import HANDLERS, axis_of, composed, row, unsupported
from tracegrad.errors import UnsupportedError
from tracegrad.row import Primitive, bind, records
from tracegrad.source import describe
from tracegrad.tape import user_frame

_asarray, _zeros = np.asarray, np.zeros  # these, not what stands in for them while a trace is open


def _matrix(
    name: str, forward: Any, *vjps: Any, params: tuple[str, ...], symbol: str, maps: Any
) -> Primitive:
    """A linear row that is no function of numpy: an operation of arrays themselves."""
    return Primitive(
        name=name, forward=forward, vjps=vjps, params=params, symbol=symbol, maps=maps, variadic=True,
        complex=True, python="", c="", numpy="",
    )  # fmt: skip


def scatter(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of a shape, with ``g`` added at an index."""
    return bind(SCATTER, g, index, shape) if records(g) else _scatter(g, index, shape)


def _is_basic(index: Any) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return _BASIC.issuperset(map(type, parts)) or not any(
        isinstance(part, (list, np.ndarray, bool, np.bool_)) for part in parts
    )


_BASIC = frozenset({int, slice, type(None), type(Ellipsis)})


def _scatter(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    found = _zeros(shape, g.dtype if type(g) is np.ndarray else _asarray(g).dtype)
    if _is_basic(index):
        found[index] = g
    else:
        np.add.at(found, index, g)
    return found


def _at(g: Any, index: Any) -> Any:
    """``g[index]``; one number without axes is all that an array without axes has."""
    return g[index] if getattr(g, "ndim", 0) or (type(index) is not type(...) and index != ()) else g


def _getitem(x: Any, index: Any) -> Any:
    return x[index]


GETITEM = _matrix(
    "getitem", _getitem, lambda g, out, x, index: scatter(g, index, x.shape), params=("index",), symbol="[·]",
    maps=("to its place",),
)  # fmt: skip
SCATTER = _matrix(
    "scatter", _scatter, lambda g, out, x, index, shape: _at(g, index), params=("index", "shape"), symbol="scatter",
    maps=("[·]",),
)  # fmt: skip


def getitem(x: Any, index: Any) -> Any:
    """``x[index]`` of a traced array."""
    return bind(GETITEM, x, static(index))


def _setitem(x: Any, value: Any, index: Any) -> Any:
    found = np.array(x, order="K")
    found[index] = value
    return found


def _kept(g: Any, out: Any, x: Any, value: Any, index: Any) -> Any:
    return bind(SETITEM, g, 0.0, index)


def _put(g: Any, out: Any, x: Any, value: Any, index: Any) -> Any:
    """The upstream gradient at the index; of elements written twice only the last writing counts."""
    flow = _at(g, index)
    if not _is_basic(index):
        numbers = np.arange(flow.size).reshape(flow.shape)
        last = np.full(x.shape, -1)
        last[index] = numbers
        flow = flow * (last[index] == numbers)
    return fit_assigned(flow, value)


def fit_assigned(flow: Any, value: Any) -> Any:
    """As :func:`fit`; an assigned value may also have leading axes of length 1 too many."""
    shape = getattr(value, "shape", ())
    given = shape_of(flow)
    if len(shape) > len(given):
        flow = np.reshape(flow, (1,) * (len(shape) - len(given)) + given)
    return fit(flow, value)


SETITEM = _matrix(
    "setitem", _setitem, _kept, _put, params=("index",), symbol="[·] ←", maps=("0 at the place", "[·]")
)


def setitem(x: Any, value: Any, index: Any) -> Any:
    """The array that ``x[index] = value`` makes of an array."""
    return bind(SETITEM, x, value, static(index))


def in_range(places: Any, length: int, mode: str) -> Any:
    """Places beyond the end as ``mode`` has them: ``wrap``, ``clip``, or left for numpy to complain about."""
    if mode == "wrap":
        return places % length
    return np.clip(places, 0, length - 1) if mode == "clip" else places


@composed(np.take)
def _take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: Any = "raise") -> Any:
    if out is not None:
        raise unsupported("numpy.take with out")
    a = lift(a)
    indices = in_range(_asarray(static(indices)), a.size if axis is None else a.shape[axis], mode)
    if axis is None:
        a, axis = np.ravel(a), 0
    found = getitem(a, (*[slice(None)] * axis_of(axis, a.ndim), indices if indices.ndim else int(indices)))
    return np.copy(found, "C") if found.ndim and not (indices.ndim and found.flags.c_contiguous) else found


@composed(np.take_along_axis)
def _take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Any:
    indices = static(indices)
    if axis is None:
        return getitem(np.ravel(arr), indices)
    grids = list(np.ogrid[tuple(slice(length) for length in indices.shape)])
    grids[axis] = indices
    return getitem(arr, tuple(grids))


@composed(np.compress)
def _compress(condition: Any, a: Any, axis: Any = None) -> Any:
    return np.take(a, np.flatnonzero(static(condition)), axis=axis)


@composed(np.extract)
def _extract(condition: Any, arr: Any) -> Any:
    return np.take(np.ravel(arr), np.flatnonzero(static(condition)))


@composed(np.delete)
def _delete(arr: Any, obj: Any, axis: Any = None) -> Any:
    length = arr.size if axis is None else arr.shape[axis]
    return laid_out(
        np.take(arr, np.delete(np.arange(length), static(obj)), axis=axis), None if axis is None else arr
    )


@composed(np.insert)
def _insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    arr, values = lift(arr), lift(values)
    if axis is None:
        arr, axis = np.ravel(arr), 0
    whole(arr.dtype, np.asarray(plain_array(values)))
    numbers = np.arange(arr.size).reshape(arr.shape)
    added = arr.size + np.arange(np.size(plain_array(values))).reshape(shape_of(values))
    moved = np.insert(numbers, static(obj), added, axis=axis)
    together = np.concatenate([np.ravel(arr), np.ravel(values)])
    return laid_out(
        getitem(together if together.dtype == arr.dtype else astype(together, arr.dtype), moved), arr
    )


@composed(np.trim_zeros)
def _trim_zeros(filt: Any, trim: Any = "fb", axis: Any = None) -> Any:
    filt = lift(filt)
    if filt.ndim != 1:
        raise unsupported("numpy.trim_zeros of what is no vector")
    (places,) = np.nonzero(filt)
    start = int(places[0]) if "f" in trim.lower() and len(places) else len(filt) if "f" in trim.lower() else 0
    stop = int(places[-1]) + 1 if "b" in trim.lower() and len(places) else len(filt)
    return filt[start:stop]


@composed(np.repeat)
def _repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    a = lift(a)
    length = (a.size if hasattr(a, "size") else 1) if axis is None else a.shape[axis]
    source = a if axis is not None else np.reshape(a, (-1,))
    return np.take(source, np.repeat(np.arange(length), static(repeats)), axis=0 if axis is None else axis)


def _by_numbers(function: Any) -> None:
    """A function that only moves or copies elements: what it does to their numbers says from where each comes."""

    def serve(a: Any, *args: Any, **options: Any) -> Any:
        a = lift(a)
        numbers = np.arange(np.size(plain_array(a))).reshape(shape_of(a))
        moved = function(
            numbers, *map(static, args), **{name: static(option) for name, option in options.items()}
        )
        found = np.reshape(getitem(np.reshape(a, (-1,)), np.ravel(moved)), moved.shape)
        return laid_out(found)

    HANDLERS[function] = serve


each(_by_numbers, np.tile, np.resize)


@composed(np.roll)
def _roll(a: Any, shift: Any, axis: Any = None) -> Any:
    a = lift(a)
    numbers = np.arange(a.size).reshape(a.shape)
    moved = np.roll(numbers, static(shift), axis)
    found = np.reshape(getitem(np.reshape(a, (-1,)), np.ravel(moved)), moved.shape)
    return laid_out(found, None if axis is None else a)


def _by_slices(function: Any) -> None:
    """A function that reverses axes."""

    def serve(m: Any, *args: Any, **options: Any) -> Any:
        reversed_axes = _flipped(function, m, args, options)
        return m[
            tuple(slice(None, None, -1) if axis in reversed_axes else slice(None) for axis in range(m.ndim))
        ]

    HANDLERS[function] = serve


def _flipped(function: Any, m: Any, args: Any, options: Any) -> list[int]:
    probe = np.arange(2**m.ndim).reshape((2,) * m.ndim)
    first = np.unravel_index(function(probe, *args, **options).flat[0], probe.shape)
    return [axis for axis, place in enumerate(first) if place == 1]


each(_by_slices, np.flip, np.fliplr, np.flipud)


def _pad(array: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> Any:
    array = lift(array)
    if array.size == 0:
        return np.pad(plain_array(array), pad_width, mode, **options)
    if mode == "constant":
        value = options.pop("constant_values", 0)
        numbers = np.pad(np.arange(array.size).reshape(array.shape), pad_width, constant_values=-1, **options)
        inner = np.reshape(getitem(np.reshape(array, (-1,)), np.maximum(numbers, 0).ravel()), numbers.shape)
        return laid_out(np.where(numbers >= 0, inner, np.asarray(value, array.dtype)), array)
    if mode not in ("edge", "reflect", "symmetric", "wrap") or options:
        raise unsupported(f"numpy.pad in mode {mode!r} with these options")
    numbers = np.pad(np.arange(array.size).reshape(array.shape), pad_width, mode=mode)
    return laid_out(np.reshape(getitem(np.reshape(array, (-1,)), numbers.ravel()), numbers.shape), array)


HANDLERS[np.pad] = _pad


def _windows_back(g: Any, out: Any, x: Any, window_shape: Any, axis: Any) -> Any:
    """Each place in the window gives back its share, moved to where the window had it."""
    total: Any = 0.0
    for place in np.ndindex(*window_shape):
        widths = [[0, 0] for _ in x.shape]
        for one, step, length in zip(axis, place, window_shape, strict=True):
            widths[one][0] += step
            widths[one][1] += length - 1 - step
        total = total + np.pad(g[(..., *place)], widths)
    return total


@row(
    np.lib.stride_tricks.sliding_window_view,
    _windows_back,
    symbol="windows",
    maps=("sum of overlaps",),
    complex=True,
)
def WINDOWS(x: Any, window_shape: Any, axis: Any = None) -> Any:
    return np.lib.stride_tricks.sliding_window_view(x, window_shape, axis)


@composed(np.lib.stride_tricks.sliding_window_view)
def _sliding_window_view(
    x: Any, window_shape: Any, axis: Any = None, *, subok: Any = False, writeable: Any = False
) -> Any:
    if writeable:
        raise unsupported("numpy.lib.stride_tricks.sliding_window_view that is writeable")
    x = lift(x)
    shape = tuple(static(window_shape)) if np.ndim(window_shape) else (static(window_shape),)
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, (list, tuple)) else (axis,)
    return bind(WINDOWS, x, shape, tuple(axis_of(one, x.ndim) for one in axes))


def _triangle(m: Any, k: Any) -> Any:
    """Where the lower triangle is."""
    rows, columns = m.shape[-2:] if m.ndim > 1 else (m.shape[0], None)
    return np.tri(rows, columns, k) != 0


@composed(np.rot90)
def _rot90(m: Any, k: Any = 1, axes: Any = (0, 1)) -> Any:
    first, second = axes
    if k % 4 in (0, 2):
        return m[...] if k % 4 == 0 else np.flip(m, axes)
    order = list(range(m.ndim))
    order[first], order[second] = order[second], order[first]
    return np.transpose(np.flip(m, second), order) if k % 4 == 1 else np.flip(np.transpose(m, order), second)


@composed(np.tril)
def _tril(m: Any, k: Any = 0) -> Any:
    return np.where(_triangle(m, k), m, np.zeros(1, m.dtype))


@composed(np.triu)
def _triu(m: Any, k: Any = 0) -> Any:
    return np.where(_triangle(m, k - 1), np.zeros(1, m.dtype), m)


def _undiagonal(g: Any, out: Any, x: Any, offset: Any, axis1: Any, axis2: Any) -> Any:
    if type(g) is np.ndarray:
        found = _zeros(x.shape, g.dtype)
        places = found.diagonal(offset, axis1, axis2)
        places.flags.writeable = True
        places += g  # as in a scatter, which makes 0 of -0
        return found
    numbers = np.diagonal(np.arange(x.size).reshape(x.shape), offset, axis1, axis2)
    return np.reshape(scatter(np.reshape(g, (-1,)), numbers.ravel(), (x.size,)), x.shape)


@row(np.diagonal, _undiagonal, symbol="diagonal", maps=("to the diagonal",), complex=True)
def DIAGONAL(a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Any:
    return np.diagonal(a, offset, axis1, axis2)


@composed(np.diag)
def _diag(v: Any, k: Any = 0) -> Any:
    v = lift(v)
    if v.ndim == 2:
        return np.diagonal(v, k)
    size = len(v) + abs(k)
    rows = np.arange(len(v)) + max(-k, 0)
    return scatter(v, (rows, rows + k), (size, size))


@composed(np.diagflat)
def _diagflat(v: Any, k: Any = 0) -> Any:
    return np.diag(np.ravel(v), k)


@composed(np.trace)
def _trace(a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Any:
    return np.sum(np.diagonal(a, offset, axis1, axis2), axis=-1)


@composed(np.copy)
def _copy(a: Any, order: Any = "K", subok: Any = False) -> Any:
    a = lift(a)
    order = in_memory(a, order)
    return array(a) if order == "K" or not hasattr(a, "flags") else bind(ORDERED, a, order)


@composed(np.full_like)
def _full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: Any = "K", subok: Any = True, shape: Any = None
) -> Any:
    shape = a.shape if shape is None else shape
    columns = order in ("F", "A", "K") and in_memory(a, "F" if order == "F" else "A") == "F"
    filled = np.copy(np.broadcast_to(lift(fill_value), shape), "F" if columns else "C")
    kind = np.dtype(dtype or getattr(a, "dtype", float))
    return filled if filled.dtype == kind else astype(filled, whole(kind, filled))


def whole(kind: Any, value: Any) -> Any:
    """Refuse to make real numbers whole in silence."""
    if kind.kind not in "fiuc" or (kind.kind in "iu" and value.dtype.kind in "fc"):
        raise UnsupportedError(
            f"a traced array of {value.dtype} would be turned into one of {kind} and lose its gradient, "
            f"{describe(user_frame())}.  Use an array of floats, or wrap the value in tg.detach(...)"
        )
    return kind


def _like(function: Any) -> None:
    """An array of the same shape that does not depend on the values."""

    def serve(a: Any, *args: Any, **options: Any) -> Any:
        return function(plain_array(a), *args, **options)

    HANDLERS[function] = serve


if hasattr(np, "astype"):

    @composed(np.astype)
    def _astype(x: Any, dtype: Any, /, *, copy: Any = True, device: Any = None) -> Any:
        return x.astype(dtype)


each(_like, np.zeros_like, np.ones_like, np.empty_like)
