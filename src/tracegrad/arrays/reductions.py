"""Reductions and scans: sum, mean, prod, max, min, std, var, cumsum, cumprod, norm, sort.

In: functions of numpy that take ``axis``.  Out: their rows.  Read :func:`spread` first: what a reduction has taken
away is put back by it, and the derivative of a sum is nothing else.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from tracegrad.arrays.build import holds_tracer, lift, static
from tracegrad.arrays.complexes import is_complex, toward
from tracegrad.arrays.elementwise import plain_array
from tracegrad.arrays.fit import astype
from tracegrad.arrays.table import HANDLERS, axis_of, composed, row, title, unsupported
from tracegrad.row import Primitive, bind, records

SPREAD = ("spread",)

#: elements, up to which writing them all takes less time than making a view that repeats a few
_SMALL = 1024

_asarray, _empty, _sum = (
    np.asarray,
    np.empty,
    np.add.reduce,
)  # these, not what stands in for them while a trace is open


def kept(shape: tuple[int, ...], axis: Any) -> tuple[int, ...]:
    """The shape of a reduction's result with the reduced axes kept at length 1."""
    if axis is None:
        return (1,) * len(shape)
    axes = [axis_of(one, len(shape)) for one in (axis if isinstance(axis, tuple) else (axis,))]
    return tuple(1 if one in axes else length for one, length in enumerate(shape))


def spread(reduced: Any, x: Any, axis: Any) -> Any:
    """A reduction's result (or its adjoint) over the shape of the operand."""
    shape: tuple[int, ...] = x.shape
    if records(reduced):
        found = np.broadcast_to(np.reshape(reduced, kept(shape, axis)), shape)
        written_out = getattr(found, "written_out", None)  # source: an array where this is one, as below
        return written_out() if written_out is not None and x.size <= _SMALL else found
    reduced = _asarray(reduced).reshape(kept(shape, axis))
    if x.size > _SMALL:
        return np.broadcast_to(reduced, shape)
    found = _empty(shape, reduced.dtype)
    found[...] = reduced
    return found


def _count(x: Any, axis: Any) -> int:
    left = kept(x.shape, axis)
    return math.prod(length for length, one in zip(x.shape, left, strict=True) if one == 1)


@row(
    np.sum,
    lambda g, out, x, axis, dtype, keepdims: spread(g, x, axis),
    symbol="Σ",
    maps=SPREAD,
    complex=True,
)
def SUM(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: Any = False) -> Any:
    return np.sum(a, axis=axis, dtype=dtype, keepdims=keepdims)


@row(
    np.mean,
    lambda g, out, x, axis, dtype, keepdims: spread(g / _count(x, axis), x, axis),
    symbol="mean",
    maps=("spread ÷ n",),
    complex=True,
)
def MEAN(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: Any = False) -> Any:
    return np.mean(a, axis=axis, dtype=dtype, keepdims=keepdims)


def extreme(g: Any, out: Any, x: Any, axis: Any, keepdims: Any) -> Any:
    left = kept(x.shape, axis)
    winners = plain_array(x) == plain_array(out).reshape(left)
    shares = winners / _sum(winners, axis=axis, keepdims=True)
    kind = out.dtype if out.dtype.kind == "f" else float
    return np.reshape(g, left) * (shares if shares.dtype == kind else astype(shares, kind))


@row(np.max, extreme, symbol="max", maps=("to the largest",))
def MAX(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    return np.max(a, axis=axis, keepdims=keepdims)


@row(np.min, extreme, symbol="min", maps=("to the smallest",))
def MIN(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    return np.min(a, axis=axis, keepdims=keepdims)


def _squares(g: Any, x: Any, axis: Any, ddof: Any, where: Any, around: Any) -> Any:
    """What returns from a mean square: 2 (x - mean) ÷ n where it was taken, conjugated for complex numbers."""
    places = True if where is None else where
    middle = np.mean(x, axis=axis, keepdims=True, where=places) if around is None else around
    count = (
        _count(x, axis)
        if where is None
        else np.sum(np.broadcast_to(where, x.shape), axis=axis, keepdims=True)
    )
    centred = x - middle
    inner = np.conjugate(centred) if is_complex(centred) else centred
    if where is None:
        return spread(g * float(np.divide(2.0, count - ddof)), x, axis) * inner
    shares = np.asarray(np.divide(2.0, count - ddof), np.real(plain_array(x)).dtype)
    return np.where(where, spread(g, x, axis) * inner * shares, 0.0)


def _slope_of_root(g: Any, out: Any) -> Any:
    flat = out == 0  # of equal values: 0, as for the norm at the origin
    if type(flat) is np.bool_ and not records(out):
        return g * (0.0 if flat else 0.5 / out)
    if getattr(flat, "is_number", False):  # source: of the same form
        return g * flat.either(0.0, 0.5 / out)
    return g * np.where(flat, 0.0, 0.5) / np.where(flat, 1.0, out)


def _options(options: Any) -> dict[str, Any]:
    return {name: one for name, one in options.items() if one is not None}


def _spreads(function: Any, upstream: Any, maps: tuple[str, ...], mean_maps: tuple[str, ...]) -> Primitive:
    """``var`` or ``std``: around the mean of the elements, or one that is given."""

    @row(
        function,
        lambda g, out, x, axis, ddof, keepdims, where: _squares(upstream(g, out), x, axis, ddof, where, None),
        maps=maps,
        complex=True,
    )
    def OWN(a: Any, axis: Any = None, *, ddof: Any = 0, keepdims: Any = False, where: Any = None) -> Any:
        return function(a, axis=axis, ddof=ddof, keepdims=keepdims, **_options({"where": where}))

    def given(g: Any, out: Any, x: Any, mean: Any, axis: Any, ddof: Any, keepdims: Any, where: Any) -> Any:
        return _squares(upstream(g, out), x, axis, ddof, where, mean)

    GIVEN = Primitive(
        name=title(function),
        forward=lambda a, mean, axis, ddof, keepdims, where: function(
            a, axis=axis, ddof=ddof, keepdims=keepdims, mean=mean, **_options({"where": where})
        ),
        vjps=(given, lambda *args: -given(*args)), params=("axis", "ddof", "keepdims", "where"),
        symbol=function.__name__, maps=mean_maps, variadic=True, complex=True, python="", c="", numpy="",
    )  # fmt: skip

    @composed(function)
    def serve(
        a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False,
        where: Any = None, mean: Any = None, correction: Any = np._NoValue,
    ) -> Any:  # fmt: skip
        a = lift(a)
        if dtype is not None and np.dtype(dtype) != a.dtype:
            raise unsupported(f"{title(function)} with another dtype")
        ddof = ddof if correction is np._NoValue else correction
        where = None if where is None or where is True else np.asarray(static(where))
        if mean is None:
            return bind(OWN, a, static(axis), ddof, keepdims, where)
        return bind(GIVEN, a, lift(mean), static(axis), ddof, keepdims, where)

    return OWN


VAR = _spreads(np.var, lambda g, out: g, ("2(x − mean) ÷ n",), ("2(x − mean) ÷ n", "−2Σ(x − mean) ÷ n"))
STD = _spreads(
    np.std, _slope_of_root, ("(x − mean) ÷ (n std)",), ("(x − mean) ÷ (n std)", "−Σ(x − mean) ÷ (n std)")
)


def lanes(x: Any, axis: Any) -> tuple[Any, Any]:
    """The operand with what is reduced in one last axis, and the way back."""
    if axis is None:
        return np.reshape(x, (-1,)), lambda y: np.reshape(y, x.shape)
    axes = [axis_of(one, x.ndim) for one in (axis if isinstance(axis, tuple) else (axis,))]
    order = [one for one in range(x.ndim) if one not in axes] + axes
    moved = np.transpose(x, order)
    length = int(np.prod([x.shape[one] for one in axes]))
    columns = np.reshape(moved, (*(x.shape[one] for one in order[: x.ndim - len(axes)]), length))
    return columns, lambda y: np.transpose(np.reshape(y, moved.shape), np.argsort(order))


def _products_before(x: Any) -> Any:
    """Along the last axis, the product of all elements before each."""
    if type(x) is np.ndarray and x.dtype.kind == "f" and x.size:
        found = _empty(x.shape, x.dtype)
        found[..., 0] = 1.0
        np.multiply.accumulate(x[..., :-1], axis=-1, out=found[..., 1:])
        return found
    return np.concatenate([np.ones_like(x[..., :1]), np.cumprod(x[..., :-1], axis=-1)], axis=-1)


def _product(g: Any, out: Any, x: Any, axis: Any, keepdims: Any) -> Any:
    """Each element gets the product of the others, exact also where one is zero."""
    if x.size == 0:
        return x * 0.0
    columns, back = lanes(x, axis)
    others = _products_before(columns) * np.flip(_products_before(np.flip(columns, -1)), -1)
    return spread(g, x, axis) * back(others)


@row(np.prod, _product, symbol="Π", maps=("the other factors",), complex=True)
def PROD(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    return np.prod(a, axis=axis, keepdims=keepdims)


def _masked(function: Any, like: Primitive, back: Any, neutral: Any = None) -> None:
    """A reduction of the elements ``where`` a mask says, from an ``initial`` value on: a row of its own.

    Its derivative is that of the reduction with ``neutral`` in the place of what is left out.
    """

    def forward(a: Any, axis: Any, options: Any) -> Any:
        return function(a, axis=axis, **dict(options))

    def returned(g: Any, out: Any, x: Any, axis: Any, options: Any) -> Any:
        given = dict(options)
        places = np.broadcast_to(given.get("where", True), x.shape)
        filled = x if neutral is None else np.where(places, x, np.asarray(neutral, x.dtype))
        return places * back(g, out, filled, axis, places, given.get("initial"))

    entry = Primitive(
        name=title(function), forward=forward, vjps=(returned,), params=("axis", "options"),
        symbol=like.symbol, maps=like.maps, variadic=True, complex=like.complex, python="", c="", numpy="",
    )  # fmt: skip
    unmasked = HANDLERS[function]

    @functools.wraps(unmasked)
    def serve(
        a: Any, axis: Any = None, *args: Any, where: Any = True, initial: Any = np._NoValue, **options: Any
    ) -> Any:
        if where is True and initial is np._NoValue:
            return unmasked(a, axis, *args, **options)
        if args or holds_tracer(initial):
            raise unsupported(f"{title(function)} called this way")
        given = {"where": None if where is True else np.asarray(static(where)), "initial": initial, **options}
        chosen = tuple(
            (name, one) for name, one in given.items() if one is not None and one is not np._NoValue
        )
        return bind(entry, lift(a), static(axis), chosen)

    HANDLERS[function] = serve


def _masked_extreme(g: Any, out: Any, x: Any, axis: Any, places: Any, initial: Any) -> Any:
    winners = (plain_array(x) == spread(plain_array(out), plain_array(x), axis)) & places
    shares = winners / np.maximum(np.sum(winners, axis=axis, keepdims=True), 1)
    return spread(g, x, axis) * shares


def _masked_mean(g: Any, out: Any, x: Any, axis: Any, places: Any, initial: Any) -> Any:
    return spread(g, x, axis) / np.sum(places, axis=axis, keepdims=True)


def _masked_product(g: Any, out: Any, x: Any, axis: Any, places: Any, initial: Any) -> Any:
    return _product(g if initial is None else g * initial, out, x, axis, False)


_masked(np.sum, SUM, lambda g, out, x, axis, places, initial: spread(g, x, axis))
_masked(np.mean, MEAN, _masked_mean)
_masked(np.prod, PROD, _masked_product, 1.0)
_masked(np.max, MAX, _masked_extreme)
_masked(np.min, MIN, _masked_extreme)
HANDLERS[np.amax], HANDLERS[np.amin] = HANDLERS[np.max], HANDLERS[np.min]


@composed(np.ptp)
def _ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


# ---- scans ------------------------------------------------------------------------------------------


def _cumulated(g: Any, out: Any, x: Any, axis: Any) -> Any:
    along = 0 if axis is None else axis
    back = np.flip(np.cumsum(np.flip(g, along), axis=along), along)
    return np.reshape(back, x.shape) if axis is None else back


def _in_kind(function: Any) -> None:
    """Let a function with a row take ``dtype``: the operand is converted first, as numpy does it."""
    unconverted = HANDLERS[function]

    @functools.wraps(unconverted)
    def serve(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, **options: Any) -> Any:
        a = lift(a)
        if dtype is not None and np.dtype(dtype) != a.dtype:
            a = a.astype(dtype)
        return unconverted(a, axis, **options)

    HANDLERS[function] = serve


_in_kind(np.prod)


@row(np.cumsum, _cumulated, maps=("sums from behind",), complex=True)
def CUMSUM(a: Any, axis: Any = None) -> Any:
    return np.cumsum(a, axis=axis)


def _cumulated_product(g: Any, out: Any, x: Any, axis: Any) -> Any:
    """Horner's scheme from behind, exact also where an element is zero."""
    columns, back = lanes(x, axis)
    if columns.shape[-1] == 0:
        return x * 0.0
    upstream = np.moveaxis(g, -1 if axis is None else axis, -1)
    tail = upstream[..., -1]
    tails = [tail]
    for k in range(columns.shape[-1] - 2, -1, -1):
        tail = upstream[..., k] + columns[..., k + 1] * tail
        tails.append(tail)
    return back(_products_before(columns) * np.stack(tails[::-1], axis=-1))


@row(np.cumprod, _cumulated_product, maps=("products from behind",), complex=True)
def CUMPROD(a: Any, axis: Any = None) -> Any:
    return np.cumprod(a, axis=axis)


_in_kind(np.cumsum)
_in_kind(np.cumprod)

# ---- order ------------------------------------------------------------------------------------------


def _order(x: Any, axis: Any) -> Any:
    return np.argsort(plain_array(x), axis=axis, kind="stable")


def restored(g: Any, out: Any, x: Any, axis: Any) -> Any:
    """The upstream gradient of what was brought into another order, back where each element came from."""
    along = 0 if axis is None else axis
    ranked = np.take_along_axis(g, _order(out, along), along)
    place = np.argsort(_order(x, axis), axis=along, kind="stable")
    return np.reshape(np.take_along_axis(ranked, place, along), x.shape)


@row(np.sort, restored, maps=("back to their places",))
def SORT(a: Any, axis: Any = -1) -> Any:
    return np.sort(a, axis=axis)


@composed(np.sort)
def _sort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    return bind(SORT, lift(a), axis)


# ---- norm -------------------------------------------------------------------------------------------


def _normed(g: Any, out: Any, x: Any, ord: Any, axis: Any, keepdims: Any) -> Any:
    plain = type(x) is np.ndarray and type(out) is np.float64 and not records(g)
    if plain and ord is None and x.dtype == out.dtype:
        return g * (x / out if out else np.zeros_like(x))
    g, size = spread(g, x, axis), spread(out, x, axis)
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
