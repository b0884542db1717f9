"""Broadcasting undone: a flow in the shape and precision of the value that it returns to.

In: a flow, and the value it belongs to.  Out: :func:`fit`, which the reverse sweep calls once on each flow between
arrays, so that a rule is only its formula.
"""

from __future__ import annotations

import contextlib
import sys
from typing import Any

from tracegrad.copies import copied
from tracegrad.errors import InputError
from tracegrad.row import Primitive, bind
from tracegrad.tracer import KINDS, isinstance_tracer
from tracegrad.tree import leaves, map_leaves


def shape_of(value: Any) -> tuple[int, ...]:
    """The shape of an array, traced or not; numbers have none."""
    shape: tuple[int, ...] = getattr(value, "shape", ())
    return shape


def quiet() -> Any:
    """Poles end in inf and nan without a warning, where arrays may be at work."""
    return sys.modules["numpy"].errstate(all="ignore") if KINDS else contextlib.nullcontext()


def fit(flow: Any, like: Any) -> Any:
    """The flow, summed over the axes along which ``like`` was broadcast, in its precision; a real one's is real."""
    np: Any = sys.modules["numpy"]
    shape = shape_of(like)
    if shape_of(flow) != shape:
        flow = _unbroadcast(np, flow, shape)
    dtype = getattr(like, "dtype", None)
    if type(flow) is np.float64 and (dtype is None or dtype is flow.dtype):
        return float(flow) if dtype is None else flow
    if dtype_kind(flow) == "c" != dtype_kind(like):
        flow = np.real(flow)
    if dtype is None:
        return float(flow) if issubclass(type(flow), (np.generic, np.ndarray)) else flow
    wanted = adjoint_dtype(dtype)
    if getattr(flow, "dtype", wanted) != wanted:
        flow = astype(flow, wanted)
    return flow[()] if type(flow) is np.ndarray and issubclass(type(like), np.generic) else flow


def dtype_kind(value: Any) -> str:
    """What numbers a value holds, by numpy's letter: ``c`` for complex ones; ``f`` for a plain real one."""
    return "c" if type(value) is complex else str(getattr(getattr(value, "dtype", None), "kind", "f"))


def adjoint_dtype(dtype: Any) -> Any:
    """The precision of an adjoint: that of the value; whole numbers and truth values are reals."""
    return dtype if dtype.kind in "fc" else sys.modules["numpy"].dtype(float)


def spread(tangent: Any, like: Any) -> Any:
    """The tangent of an elementwise result: over the axes along which operands were broadcast, in its precision."""
    np: Any = sys.modules["numpy"]
    shape = shape_of(like)
    return fit(tangent if shape_of(tangent) == shape else np.broadcast_to(tangent, shape), like)


def _unbroadcast(np: Any, flow: Any, shape: tuple[int, ...]) -> Any:
    given = shape_of(flow)
    extra = len(given) - len(shape)
    axes = tuple(
        axis for axis, length in enumerate(given) if axis < extra or (length != 1 == shape[axis - extra])
    )
    if axes and type(flow) is np.ndarray:
        flow = np.add.reduce(flow, axis=axes, keepdims=not extra)
    elif axes:
        flow = np.sum(flow, axis=axes)
    if shape_of(flow) == shape:
        return flow
    return np.reshape(flow, shape) if flow.size == _size(shape) else np.broadcast_to(flow, shape)


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size


def zero_like(value: Any) -> Any:
    """The gradient by a value that nothing depends on."""
    if type(value) not in KINDS:
        return 0.0
    np: Any = sys.modules["numpy"]
    return np.zeros(value.shape, adjoint_dtype(value.dtype))


def one_like(value: Any) -> Any:
    """The adjoint of a result that is one number: 1, as an array without axes where the result is one."""
    if type(value) not in KINDS:
        return 1.0
    np: Any = sys.modules["numpy"]
    return np.ones((), adjoint_dtype(value.dtype))


def unit_seeds(value: Any) -> list[Any]:
    """For each element of an array the seed that is 1 there and 0 elsewhere."""
    np: Any = sys.modules["numpy"]
    size = _size(value.shape)
    return [row.reshape(value.shape) for row in np.eye(size, dtype=adjoint_dtype(value.dtype))]


def stacked(rows: list[Any], shape: tuple[int, ...]) -> Any:
    """Gradients by the elements of an array of this shape, as one structure whose leaves have its axes in front."""
    np: Any = sys.modules["numpy"]
    columns = zip(*([leaf for _, leaf in leaves(row)] for row in rows), strict=True)
    return map_leaves(rows[0], lambda leaf: np.reshape(np.stack(next(columns)), (*shape, *shape_of(leaf))))


def as_seed(seed: Any, value: Any, title: str) -> Any:
    """A seed as the adjoint of a value: of its shape; a number serves an array that is one number."""
    if type(value) not in KINDS and shape_of(seed) == ():
        return seed
    if isinstance(seed, float) and seed == 0:
        return zero_like(value)
    if shape_of(seed) != shape_of(value):
        raise InputError(
            f"the seed has shape {shape_of(seed)}, the result of {title} has shape {shape_of(value)}"
        )
    np: Any = sys.modules["numpy"]
    return seed if isinstance_tracer(seed) or not shape_of(value) else np.array(seed)


def array_like(seed: Any, value: Any) -> Any:
    """Nested lists of numbers as an array, where they are the seed of one."""
    return sys.modules["numpy"].array(seed, float) if shape_of(value) else seed


def own(value: Any) -> Any:
    """A copy of an array that the user may change, or has already the right to; anything else as it is."""
    return value.copy(order="K") if type(value) in KINDS and not isinstance_tracer(value) else value


def twin(value: Any) -> Any:
    """A copy of an input that lies in memory as the original does, and may be written to if that may be.

    Which way numpy computes, and so the last bit, depends on strides: of every second element, of reversed ones, of
    rows that are one row.
    """
    np: Any = sys.modules.get("numpy")
    if not KINDS or type(value) is not np.ndarray:
        return own(value)
    made = copied(value)
    if made.strides != value.strides:
        reach = [(length - 1) * stride for length, stride in zip(value.shape, value.strides, strict=True)]
        before = -sum(min(one, 0) for one in reach)
        memory = np.empty(before + sum(max(one, 0) for one in reach) + value.itemsize, np.uint8)
        made = np.ndarray(value.shape, value.dtype, memory, before, value.strides)
        made[...] = value
        memory.flags.writeable = value.flags.writeable
    made.flags.writeable = value.flags.writeable
    return made


def astype(x: Any, dtype: Any) -> Any:
    """An array in another precision."""
    return bind(ASTYPE, x, dtype)


def _convert(x: Any, dtype: Any) -> Any:
    np: Any = sys.modules["numpy"]
    return x.astype(dtype) if isinstance(x, (np.ndarray, np.generic)) else np.dtype(dtype).type(x)


ASTYPE = Primitive(
    name="numpy.astype", forward=_convert, vjps=(lambda g, out, x, dtype: g,), params=("dtype",),
    maps=("convert",), symbol="astype", variadic=True, complex=True, python="", c="", numpy="",
)  # fmt: skip
