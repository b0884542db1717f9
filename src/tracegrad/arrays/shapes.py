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
from tracegrad.arrays.table import HANDLERS, MANY, axis_of, composed, gate, row, unsupported
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
    order = [axis_of(axis, ndim) for axis in axes]
    return tuple(map(order.index, range(ndim)))


@row(np.broadcast_to, lambda g, out, x, shape: g, maps=("sum of copies",), complex=True)
def BROADCAST_TO(array: Any, shape: Any) -> Any:
    return np.broadcast_to(array, shape)


@composed(np.ravel)
def _ravel(a: Any, order: Any = "C") -> Any:
    a = lift(a)
    if order == "K" and a.ndim > 1:
        steps = [-abs(stride) for stride in a.strides]
        if a.size and not all(steps):
            raise unsupported("numpy.ravel of an array whose elements share memory, in the order of that,")
        a, order = np.transpose(a, sorted(range(a.ndim), key=steps.__getitem__)), "C"
    return laid_out(np.reshape(a, (-1,), order="C" if order == "K" else in_memory(a, order)))


def laid_out(found: Any, like: Any = None) -> Any:
    """A result with its rows one after the other in memory; its columns where it is made like an array of columns."""
    order: Any = "C" if like is None else in_memory(like, "A")
    return found if found.flags[f"{order}_CONTIGUOUS"] else np.copy(found, order)


def in_memory(a: Any, order: Any) -> Any:
    """The order of elements that ``"A"`` means: columns first where the array lies so in memory."""
    if order != "A":
        return order
    return "F" if getattr(getattr(a, "flags", None), "fnc", False) else "C"


@composed(np.reshape)
def _reshape(a: Any, shape: Any, order: Any = "C", copy: Any = None) -> Any:
    a = lift(a)
    found = bind(RESHAPE, a, static(shape), in_memory(a, order))
    return np.copy(found) if copy else found


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
    return MANY(np.copy(one, "C") for one in wide) if copy else MANY(wide)


# ---- joining and splitting --------------------------------------------------------------------------


def _parts(g: Any, out: Any, *args: Any) -> list[Any]:
    *arrays, axis = args
    flat = axis is None
    if flat:
        axis, lengths = 0, [one.size for one in arrays]
    else:
        lengths = [one.shape[axis] for one in arrays]
    ends = accumulate(lengths, initial=0)
    before = (slice(None),) * axis_of(axis, g.ndim)
    parts = [g[(*before, slice(start, end))] for start, end in pairwise(ends)]
    if flat:
        return [np.reshape(part, one.shape) for part, one in zip(parts, arrays, strict=True)]
    return parts


@gate("numpy.concatenate", _parts, "axis", symbol="concat", label="slice")
def CONCATENATE(*args: Any) -> Any:
    return np.concatenate(args[:-1], axis=args[-1])


@composed(np.concatenate)
def _concatenate(
    arrays: Any, axis: Any = 0, out: Any = None, dtype: Any = None, casting: Any = "same_kind"
) -> Any:
    items = map(as_array, arrays)
    return bind(CONCATENATE, *(items if dtype is None else cast(items, dtype, casting)), axis)


def cast(items: Any, dtype: Any, casting: Any) -> list[Any]:
    """Arrays in the precision that a call asks for."""
    items = [as_array(one) for one in items]
    for one in items:
        if not np.can_cast(one.dtype, dtype, casting):
            raise TypeError(
                f"Cannot cast array data from {one.dtype!r} to {np.dtype(dtype)!r} according to the rule {casting!r}"
            )
    return [one.astype(dtype) for one in items]


@composed(np.append)
def _append(arr: Any, values: Any, axis: Any = None) -> Any:
    if axis is None:
        return np.concatenate([np.ravel(as_array(arr)), np.ravel(as_array(values))])
    return np.concatenate([arr, values], axis=axis)


@composed(np.stack)
def _stack(arrays: Any, axis: Any = 0, out: Any = None, dtype: Any = None, casting: Any = "same_kind") -> Any:
    items = [lift(one) for one in arrays] if dtype is None else cast(arrays, dtype, casting)
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


@composed(*(getattr(np, name) for name in ("vstack", "row_stack") if name in vars(np)))
def _vstack(tup: Any, dtype: Any = None, casting: Any = "same_kind") -> Any:
    return np.concatenate([np.atleast_2d(lift(one)) for one in tup], axis=0, dtype=dtype, casting=casting)


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
def _hstack(tup: Any, dtype: Any = None, casting: Any = "same_kind") -> Any:
    items = [np.atleast_1d(lift(one)) for one in tup]
    return np.concatenate(items, axis=0 if items[0].ndim == 1 else 1, dtype=dtype, casting=casting)


@composed(np.dstack)
def _dstack(tup: Any) -> Any:
    return np.concatenate([np.atleast_3d(lift(one)) for one in tup], axis=2)


@composed(np.column_stack)
def _column_stack(tup: Any) -> Any:
    columns = [lift(one) for one in tup]
    return np.concatenate(
        [one if getattr(one, "ndim", 0) > 1 else np.reshape(one, (-1, 1)) for one in columns], axis=1
    )


def _splits(function: Any, axis_for: Any) -> None:
    """The parts, each a slice: where they begin is found on the indices along the axis."""
    divide = np.array_split if function is np.array_split else np.split

    def serve(ary: Any, indices_or_sections: Any, axis: Any = 0) -> Any:
        ary = lift(ary)
        place = axis_of(axis if axis_for is None else axis_for(ary.ndim), ary.ndim)
        parts = divide(np.arange(ary.shape[place]), static(indices_or_sections))
        before = (slice(None),) * place
        return [
            ary[(*before, slice(int(part[0]), int(part[-1]) + 1) if len(part) else slice(0, 0))]
            for part in parts
        ]

    HANDLERS[function] = serve


for _function, _axis in (
    (np.split, None), (np.array_split, None), (np.hsplit, lambda ndim: min(ndim - 1, 1)), (np.vsplit, lambda ndim: 0),
    (np.dsplit, lambda ndim: 2),
):  # fmt: skip
    _splits(_function, _axis)
