"""Moves: functions that put elements elsewhere and compute nothing: reshape, transpose, concatenate, split.

In: functions of numpy.  Out: their rows.  Few are rows of their own (reshape, transpose, broadcast_to, concatenate);
the others are composed of these.
"""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from tracegrad.arrays.build import array, as_array, lift, static
from tracegrad.arrays.elementwise import plain_array
from tracegrad.arrays.fit import shape_of
from tracegrad.arrays.table import HANDLERS, MANY, composed, gate, row, unsupported
from tracegrad.row import bind


def each(enter: Any, *functions: Any) -> None:
    """Enter several functions in one way."""
    for function in functions:
        enter(function)


# ---- shape ------------------------------------------------------------------------------------------


def _shaped_back(g: Any, out: Any, x: Any, shape: Any, order: Any) -> Any:
    if type(g) is np.ndarray and order == "C":
        return g.reshape(x.shape)
    return np.reshape(g, shape_of(x), order=order)


def _transposed_back(g: Any, out: Any, x: Any, axes: Any) -> Any:
    order = None if axes is None else _inverse(axes, x.ndim)
    return g.transpose(order) if type(g) is np.ndarray else np.transpose(g, order)


@row(
    np.reshape,
    _shaped_back,
    maps=("reshape",),
    complex=True,
)
def RESHAPE(a: Any, shape: Any, order: Any = "C") -> Any:
    return np.reshape(a, shape, order=order)


@row(
    np.transpose,
    _transposed_back,
    symbol="ᵀ",
    maps=("transpose",),
    complex=True,
)
def TRANSPOSE(a: Any, axes: Any = None) -> Any:
    return np.transpose(a, axes)


def _inverse(axes: Any, ndim: int) -> Any:
    order = [axis % ndim for axis in axes]
    return tuple(map(order.index, range(ndim)))


@row(np.broadcast_to, lambda g, out, x, shape: g, maps=("sum of copies",), complex=True)
def BROADCAST_TO(array: Any, shape: Any) -> Any:
    return np.broadcast_to(array, shape)


@composed(np.ravel)
def _ravel(a: Any, order: Any = "C") -> Any:
    if order not in ("C", "F"):
        raise unsupported(f"numpy.ravel in order {order!r}")
    return np.reshape(a, (-1,), order=order)


@composed(np.swapaxes)
def _swapaxes(a: Any, axis1: Any, axis2: Any) -> Any:
    order = list(range(a.ndim))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return np.transpose(a, tuple(order))


@composed(np.moveaxis)
def _moveaxis(a: Any, source: Any, destination: Any) -> Any:
    moved = np.moveaxis(_numbered(a), source, destination).shape
    return np.transpose(a, tuple([length - 1 for length in moved]))


def _numbered(a: Any) -> Any:
    """An array whose lengths tell its axes apart."""
    return np.broadcast_to(np.zeros(()), tuple(range(1, a.ndim + 1)))


@composed(np.rollaxis)
def _rollaxis(a: Any, axis: Any, start: Any = 0) -> Any:
    rolled = np.rollaxis(_numbered(a), axis, start).shape
    return np.transpose(a, tuple([length - 1 for length in rolled]))


def _as_shaped(function: Any) -> None:
    """A function that only inserts or drops axes of length 1: a reshape, to the shape that it gives."""

    def serve(a: Any, *args: Any, **options: Any) -> Any:
        a = lift(a)
        return np.reshape(a, function(_blank(a), *map(static, args), **options).shape)

    HANDLERS[function] = serve


def _blank(a: Any) -> Any:
    """An array of this shape that takes no room."""
    return plain_array(a)


each(_as_shaped, np.squeeze, np.expand_dims)


def _at_least(function: Any) -> None:
    def serve(*arrays: Any) -> Any:
        lifted = [lift(one) for one in arrays]
        found = [np.reshape(one, function(_blank(one)).shape) for one in lifted]
        return found[0] if len(found) == 1 else MANY(found)

    HANDLERS[function] = serve


each(_at_least, np.atleast_1d, np.atleast_2d, np.atleast_3d)


@composed(np.broadcast_arrays)
def _broadcast_arrays(*args: Any, subok: Any = False) -> Any:
    arrays = [lift(one) for one in args]
    shape = np.broadcast_shapes(*(getattr(one, "shape", ()) for one in arrays))
    return MANY(np.broadcast_to(one, shape) for one in arrays)


@composed(np.meshgrid)
def _meshgrid(*xi: Any, copy: Any = True, sparse: Any = False, indexing: Any = "xy") -> Any:
    places = list(range(len(xi)))
    if indexing == "xy" and len(xi) > 1:
        places[:2] = [1, 0]
    thin = [
        np.reshape(x, [-1 if axis == place else 1 for axis in range(len(xi))])
        for x, place in zip(map(lift, xi), places, strict=True)
    ]
    wide = thin if sparse else np.broadcast_arrays(*thin)
    return MANY(map(np.copy, wide)) if copy else MANY(wide)


# ---- joining and splitting --------------------------------------------------------------------------


def _parts(g: Any, out: Any, *args: Any) -> list[Any]:
    *arrays, axis = args
    flat = axis is None
    if flat:
        axis, lengths = 0, [one.size for one in arrays]
    else:
        lengths = [one.shape[axis] for one in arrays]
    ends = accumulate(lengths, initial=0)
    before = (slice(None),) * (axis % g.ndim)
    parts = [g[(*before, slice(start, end))] for start, end in pairwise(ends)]
    if flat:
        return [np.reshape(part, one.shape) for part, one in zip(parts, arrays, strict=True)]
    return parts


@gate("numpy.concatenate", _parts, "axis", symbol="concat", label="slice")
def CONCATENATE(*args: Any) -> Any:
    return np.concatenate(args[:-1], axis=args[-1])


@composed(np.concatenate)
def _concatenate(arrays: Any, axis: Any = 0) -> Any:
    return bind(CONCATENATE, *map(as_array, arrays), axis)


@composed(np.append)
def _append(arr: Any, values: Any, axis: Any = None) -> Any:
    if axis is None:
        return np.concatenate([np.ravel(as_array(arr)), np.ravel(as_array(values))])
    return np.concatenate([arr, values], axis=axis)


@composed(np.stack)
def _stack(arrays: Any, axis: Any = 0) -> Any:
    items = [lift(one) for one in arrays]
    if all(getattr(one, "ndim", 0) == 0 for one in items):
        return array(items)
    if len({one.shape for one in items}) > 1:
        np.stack([_blank(one) for one in items])  # raises numpy's own error
    shape, ndim = items[0].shape, items[0].ndim
    if not -ndim <= axis + 1 <= ndim + 1:
        np.expand_dims(_blank(items[0]), axis)  # raises numpy's own error
    place = axis % (ndim + 1)
    longer = (*shape[:place], 1, *shape[place:])
    return np.concatenate([np.reshape(one, longer) for one in items], axis=axis)


@composed(np.vstack)
def _vstack(tup: Any) -> Any:
    return np.concatenate([np.atleast_2d(lift(one)) for one in tup], axis=0)


if hasattr(np, "unstack"):

    @composed(np.unstack)
    def _unstack(x: Any, /, *, axis: Any = 0) -> Any:
        return tuple(np.moveaxis(lift(x), axis, 0))


@composed(np.apply_over_axes)
def _apply_over_axes(func: Any, a: Any, axes: Any) -> Any:
    found = lift(a)
    for axis in np.atleast_1d(axes).tolist():
        reduced = func(found, axis)
        found = reduced if reduced.ndim == found.ndim else np.expand_dims(reduced, axis)
    return found


@composed(np.hstack)
def _hstack(tup: Any) -> Any:
    items = [np.atleast_1d(lift(one)) for one in tup]
    return np.concatenate(items, axis=0 if items[0].ndim == 1 else 1)


@composed(np.dstack)
def _dstack(tup: Any) -> Any:
    return np.concatenate([np.atleast_3d(lift(one)) for one in tup], axis=2)


@composed(np.column_stack)
def _column_stack(tup: Any) -> Any:
    columns = [lift(one) for one in tup]
    return np.concatenate(
        [one if getattr(one, "ndim", 0) > 1 else np.reshape(one, (-1, 1)) for one in columns], axis=1
    )


def _splits(function: Any) -> None:
    """The parts, each a slice: where they begin is found on the indices themselves."""

    def serve(ary: Any, *args: Any, **options: Any) -> Any:
        numbers = np.arange(ary.size).reshape(ary.shape)
        parts = function(numbers, *map(static, args), **options)
        return [ary[_window(numbers, part)] for part in parts]

    HANDLERS[function] = serve


def _window(numbers: Any, part: Any) -> Any:
    """The slices that cut ``part`` out of ``numbers``."""
    if part.size == 0:
        differ = [axis for axis in range(part.ndim) if part.shape[axis] != numbers.shape[axis]]
        return tuple(slice(0, 0) if axis in differ else slice(None) for axis in range(part.ndim))
    start = np.unravel_index(part.flat[0], numbers.shape)
    return tuple(slice(int(s), int(s) + length) for s, length in zip(start, part.shape, strict=True))


each(_splits, np.split, np.array_split, np.hsplit, np.vsplit, np.dsplit)
