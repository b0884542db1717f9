"""Methods of ufuncs: ``np.add.at``, ``np.add.reduceat``, ``np.logaddexp.reduce``, ``np.maximum.accumulate``.

In: a method called with a traced array.  Out: :data:`METHODS`, what serves it.  ``at`` and ``reduceat`` of sums have
rows; any ufunc with two operands reduces by being applied to one slice after the other, as numpy does it.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from tracegrad.arrays.build import lift, static
from tracegrad.arrays.fit import shape_of
from tracegrad.arrays.shapes import laid_out
from tracegrad.arrays.steps import guard
from tracegrad.arrays.table import axis_of, unsupported
from tracegrad.row import Primitive, bind
from tracegrad.tracer import isinstance_tracer


def _added(sign: int) -> Primitive:
    """``np.add.at`` or ``np.subtract.at`` as a function: the array with values added at places, once for each."""
    ufunc = np.add if sign > 0 else np.subtract

    def forward(a: Any, values: Any, index: Any) -> Any:
        changed = a.copy()
        ufunc.at(changed, index, values)
        return changed

    return Primitive(
        name=f"numpy.{ufunc.__name__}.at", forward=forward,
        vjps=(lambda g, out, a, values, index: g, lambda g, out, a, values, index: sign * g[index]),
        params=("index",), symbol=f"{'+' if sign > 0 else '−'}= at", maps=("identity", "at the places"), variadic=True,
        complex=True, python="", c="", numpy="",
    )  # fmt: skip


ADD_AT, SUBTRACT_AT = _added(1), _added(-1)
_AT = {np.add: ADD_AT, np.subtract: SUBTRACT_AT}


def _at(ufunc: Any, a: Any, indices: Any, b: Any = None, /) -> None:
    if ufunc not in _AT or b is None:
        raise unsupported(f"numpy.{ufunc.__name__}.at")
    if not isinstance_tracer(a):
        raise unsupported(f"numpy.{ufunc.__name__}.at of traced values into a plain array")
    b = lift(b)
    if not np.can_cast(getattr(b, "dtype", b.__class__), a.dtype, "same_kind"):
        raise TypeError(f"Cannot cast ufunc {ufunc.__name__!r} output to {a.dtype!r}")
    a[...] = bind(_AT[ufunc], a, b, static(indices))


def _summed(a: Any, indices: Any, axis: int) -> Any:
    return np.add.reduceat(a, indices, axis)


def _summed_back(g: Any, out: Any, a: Any, indices: Any, axis: int) -> Any:
    shares = np.add.reduceat(np.eye(a.shape[axis], dtype=g.dtype), indices, 0)
    return np.moveaxis(np.tensordot(g, shares, ((axis,), (0,))), -1, axis)


REDUCEAT = Primitive(
    name="numpy.add.reduceat", forward=_summed, vjps=(_summed_back,), params=("indices", "axis"), symbol="Σ at",
    maps=("spread",), variadic=True, complex=True, python="", c="", numpy="",
)  # fmt: skip


def _reduceat(ufunc: Any, a: Any, indices: Any, axis: int = 0, **options: Any) -> Any:
    if ufunc is not np.add or options:
        raise unsupported(f"numpy.{ufunc.__name__}.reduceat called this way")
    return bind(REDUCEAT, a, static(indices), axis_of(axis, a.ndim))


def _slices(ufunc: Any, method: str, a: Any, axis: Any, options: dict[str, Any]) -> Any:
    a = lift(a)
    neutral = {"keepdims": False, "where": True, "dtype": None, "out": None}
    given = [name for name, option in options.items() if option is not neutral.get(name)]
    if given or ufunc.nin != 2 or ufunc.nout != 1:
        raise unsupported(f"numpy.{ufunc.__name__}.{method} with {', '.join(given) or 'this ufunc'}")
    if isinstance(axis, tuple) or (axis is None and a.ndim > 1):
        raise unsupported(f"numpy.{ufunc.__name__}.{method} along several axes")
    slices = list(np.moveaxis(a, axis or 0, 0))
    if not slices:
        raise unsupported(f"numpy.{ufunc.__name__}.{method} of nothing")
    return slices


def _reduce(ufunc: Any, a: Any, axis: Any = 0, **options: Any) -> Any:
    first, *others = _slices(ufunc, "reduce", a, axis, options)
    if ufunc.identity == 0:  # what there is no second one for is computed with it
        first = ufunc(0, first)
    return functools.reduce(ufunc, others, first)


def _accumulate(ufunc: Any, a: Any, axis: int = 0, **options: Any) -> Any:
    if ufunc in (np.maximum, np.minimum) and not options:
        return np.take_along_axis(a, guard(_record_holders, a, axis, ufunc is np.maximum), axis)
    slices = _slices(ufunc, "accumulate", a, axis, options)
    totals = [slices[0]]
    for one in slices[1:]:
        totals.append(ufunc(totals[-1], one))
    return laid_out(np.stack(totals, axis=axis), a)


def _record_holders(a: Any, axis: int, largest: bool) -> Any:
    """Where the largest (or smallest) element up to each place is; nan is larger and smaller than all."""
    records = (np.maximum if largest else np.minimum).accumulate(a, axis)
    holds = (a == records) | (np.isnan(a) & np.isnan(records))
    shape = [-1 if one == axis_of(axis, a.ndim) else 1 for one in range(a.ndim)]
    places = np.reshape(np.arange(a.shape[axis]), shape)
    return np.maximum.accumulate(np.where(holds, np.broadcast_to(places, shape_of(a)), 0), axis)


METHODS = {"at": _at, "reduceat": _reduceat, "reduce": _reduce, "accumulate": _accumulate}
