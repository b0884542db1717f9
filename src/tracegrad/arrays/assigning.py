"""Functions that write into an array: ``out=``, ``copyto``, ``fill_diagonal``, ``put``, ``putmask``, ``place``.

In: calls with an array to write into.  Out: the assignment ``a[...] = value``, which a traced array records and a plain
one, which would lose the gradient, refuses.  Read :func:`written`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tracegrad.arrays.build import lift, static
from tracegrad.arrays.fit import shape_of
from tracegrad.arrays.table import HANDLERS, bare, composed, title, unsupported
from tracegrad.errors import TracegradError
from tracegrad.stand_ins import ORIGINAL_OF
from tracegrad.tracer import isinstance_tracer


def written(result: Any, out: Any, name: str, where: Any = ...) -> Any:
    """The array ``out`` with a result in it (at ``where``); it must be traced, or made while the trace is open."""
    if not isinstance_tracer(out):
        raise unsupported(f"{name} with out, an array from outside of the traced function,")
    kind = getattr(result, "dtype", None)
    if kind is not None and not np.can_cast(kind, out.dtype, "same_kind"):
        raise TypeError(
            f"Cannot cast output of {name} from {kind!r} to {out.dtype!r} with casting rule 'same_kind'"
        )
    out[where] = result
    return out


def served(function: Any, args: Any, options: Any) -> Any:
    """Call what serves a function of numpy; a result that is asked for in an array is put there."""
    serve = HANDLERS.get(ORIGINAL_OF.get(function, function))
    if serve is None:
        raise unsupported(title(function))
    out = options.get("out")
    if out is None:
        return _called(function, serve, args, options)
    result = _called(function, serve, args, {name: one for name, one in options.items() if name != "out"})
    out = out[0] if isinstance(out, tuple) else out
    if shape_of(result) != shape_of(out):
        raise ValueError(
            f"output array of {function.__name__} has wrong shape {shape_of(out)}, not {shape_of(result)}"
        )
    return written(result, out, function.__name__)


def _called(function: Any, serve: Any, args: Any, options: Any) -> Any:
    """The result, or numpy's own error where the call is one that numpy complains about."""
    try:
        return serve(*args, **options)
    except TracegradError:
        raise
    except Exception as error:
        complaint = error
    ORIGINAL_OF.get(function, function)(
        *map(bare, args), **{name: bare(one) for name, one in options.items()}
    )
    raise unsupported(f"{title(function)} called this way ({complaint})") from complaint


def at_places(ufunc: Any, inputs: Any, where: Any, out: Any) -> Any:
    """A ufunc at some places only: elsewhere nothing is computed, so that no nan comes from there."""
    if out is None:
        raise unsupported(
            f"numpy.{ufunc.__name__} with where and without out, which leaves elements undefined,"
        )
    places = np.broadcast_to(np.asarray(static(where)), out.shape)
    chosen = [np.broadcast_to(lift(one), out.shape)[places] for one in inputs]
    return written(ufunc(*chosen), out, ufunc.__name__, places)


def _target(a: Any, name: str) -> Any:
    if not isinstance_tracer(a):
        raise unsupported(f"numpy.{name} of traced values into a plain array")
    return a


@composed(np.copyto)
def _copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    dst = _target(dst, "copyto")
    if where is True:
        dst[...] = src
        return
    places = np.broadcast_to(np.asarray(static(where)), dst.shape)
    dst[places] = np.broadcast_to(lift(src), dst.shape)[places]


@composed(np.fill_diagonal)
def _fill_diagonal(a: Any, val: Any, wrap: Any = False) -> None:
    a = _target(a, "fill_diagonal")
    if wrap or getattr(lift(val), "ndim", 0) > 1 or a.ndim < 2 or (a.ndim > 2 and len(set(a.shape)) > 1):
        raise unsupported("numpy.fill_diagonal called this way")
    places = np.arange(min(a.shape))
    val = lift(val)
    a[(places,) * a.ndim] = np.resize(val, len(places)) if getattr(val, "ndim", 0) else val


def _flat(a: Any, places: Any, v: Any) -> None:
    """``a.flat[places] = v``, with v as often as needed."""
    places = np.ravel(places)
    v = np.resize(lift(v), len(places)) if len(places) else np.zeros(0)
    a[np.unravel_index(places, a.shape)] = v


@composed(np.put)
def _put(a: Any, ind: Any, v: Any, mode: Any = "raise") -> None:
    if mode != "raise":
        raise unsupported("numpy.put with mode")
    a = _target(a, "put")
    ind = np.asarray(static(ind))
    _flat(a, np.where(ind < 0, ind + a.size, ind), v)


@composed(np.putmask)
def _putmask(a: Any, mask: Any, values: Any) -> None:
    a = _target(a, "putmask")
    mask = np.asarray(static(mask), bool)
    a[mask] = np.reshape(np.resize(lift(values), a.size), a.shape)[mask]


@composed(np.place)
def _place(arr: Any, mask: Any, vals: Any) -> None:
    _flat(_target(arr, "place"), np.flatnonzero(np.asarray(static(mask), bool)), vals)


@composed(np.put_along_axis)
def _put_along_axis(arr: Any, indices: Any, values: Any, axis: Any = -1) -> None:
    if axis is None:
        raise unsupported("numpy.put_along_axis without an axis")
    indices = np.asarray(static(indices))
    grids = list(np.ogrid[tuple(slice(length) for length in indices.shape)])
    grids[axis] = indices
    _target(arr, "put_along_axis")[tuple(grids)] = values
